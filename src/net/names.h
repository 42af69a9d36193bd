/*
 * Names to addresses: /etc/hosts first (net/hosts.h), then c-ares asks the
 * servers of /etc/resolv.conf. A and AAAA are asked for at once and told
 * separately, so that neither family waits for the other. Answers are kept for
 * their TTL, within bounds, and all who ask for a name share one query. A
 * struct names belongs to one thread, as its base does.
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
	int		done6;		/* v6 is complete */
	int		done4;
	int		err;		/* 0, or why a family failed: ... */
};				/* ... ERR_NOTFOUND, ERR_TIMEOUT, ERR_SYS */

/*
 * Runs once or twice, after names_ask() has returned: when one family has an
 * answer, and when both are done. Then the ask is gone.
 */
typedef void (*names_tell)(void *arg, const struct names_found *);

struct names	*names_new(struct event_base *);
/* NULL is allowed. End the asks first: their tell does not run. */
void		 names_free(struct names *);

/*
 * Ask for a name, not a numeric address. The ask counts in the client's share
 * of queries; client NULL is ourselves. Returns NULL with *err set on failure:
 * ERR_FORMAT, not a host name; ERR_LIMIT, too many queries; ERR_SYS, no
 * resolver.
 */
struct names_ask *names_ask(struct names *, const char *host,
		    const struct addr *client, names_tell, void *arg,
		    int *err);
void		 names_cancel(struct names_ask *);

/* For tests: use "192.0.2.1:53,[2001:db8::1]:53" in place of resolv.conf.
 * Returns 0 or ERR_FORMAT. */
int		 names_set_servers(struct names *, const char *csv);

#endif
