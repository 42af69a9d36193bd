/*
 * Names to addresses: /etc/hosts first (net/hosts.h), then by c-ares the
 * servers of /etc/resolv.conf, A and AAAA asked together and told apart, so
 * that one family need not wait for the other. Answers are kept for their
 * TTL within bounds; those who ask for the same name meanwhile share one
 * query. Belongs to one thread, as its base does.
 */
#ifndef NET_NAMES_H
#define NET_NAMES_H

#include <stddef.h>

#include "util/addr.h"

#define NAMES_EACH	8	/* addresses kept of each family */

struct event_base;
struct names;
struct names_ask;

struct names_found {
	struct addr	v6[NAMES_EACH];	/* ports are 0 */
	struct addr	v4[NAMES_EACH];
	size_t		n6;
	size_t		n4;
	int		done6;		/* no more will come */
	int		done4;
	int		err;		/* 0, or why a family failed: ... */
};				/* ... ERR_NOTFOUND, ERR_TIMEOUT, ERR_SYS */

/*
 * Runs once or twice: when there is something of one family, and when both
 * are done, after which the ask is gone. Never before names_ask() returned.
 */
typedef void (*names_tell)(void *arg, const struct names_found *);

struct names	*names_new(struct event_base *);
/* NULL is fine. Whoever still asks is not told; end the asks first. */
void		 names_free(struct names *);

/*
 * Ask for a name (no numeric address), for a client, who has a share of what
 * may be under way; NULL: for ourselves. NULL with *err set: ERR_FORMAT, no
 * host name; ERR_LIMIT, too many under way; ERR_SYS, no resolver.
 */
struct names_ask *names_ask(struct names *, const char *host,
		    const struct addr *client, names_tell, void *arg,
		    int *err);
void		 names_cancel(struct names_ask *);

/* For tests: "192.0.2.1:53,[2001:db8::1]:53" in place of resolv.conf's.
 * 0 or ERR_FORMAT. */
int		 names_set_servers(struct names *, const char *csv);

#endif
