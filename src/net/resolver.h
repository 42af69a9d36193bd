/*
 * c-ares on an event base: one question, one answer, no cache. For net/names.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stddef.h>

#include "util/addr.h"

struct event_base;
struct resolver;

#define RESOLVER_MAX	16	/* addresses taken of one answer */

struct resolver_answer {
	struct addr	addrs[RESOLVER_MAX];	/* ports are 0 */
	size_t		n;
	int		family;	/* the one asked for; AF_UNSPEC: both */
	int		err;	/* 0; ERR_NOTFOUND, ERR_TIMEOUT, ERR_SYS */
	unsigned	ttl;	/* seconds, the shortest; when err is 0 */
};

typedef void (*resolver_done)(void *arg, const struct resolver_answer *);

struct resolver	*resolver_new(struct event_base *);
/* Queries under way are answered with ERR_SYS before this returns. */
void		 resolver_free(struct resolver *);

/* Read /etc/resolv.conf again if it has changed. Returns 0: c-ares failed. */
int		 resolver_ready(struct resolver *);

/* Ask /etc/hosts for both families; the answer is ERR_NOTFOUND if it lacks the
 * name, which is in lower case. done runs after this has returned. */
void		 resolver_hosts(struct resolver *, const char *name,
		    resolver_done, void *arg);

/*
 * Ask the name servers for AF_INET or AF_INET6. done may run before this
 * returns. A name with a dot is complete; a name without one is looked up in
 * the search domains of resolv.conf.
 */
void		 resolver_ask(struct resolver *, const char *name, int family,
		    resolver_done, void *arg);

/* Use these in place of resolv.conf, for good. Returns 0 or ERR_FORMAT. */
int		 resolver_set_servers(struct resolver *, const char *csv);

#endif
