/*
 * Names and connections. A worker has one struct names (c-ares on its event
 * base, answers cached for their TTL within bounds). A dial connects to an
 * address, or to a name with both address families raced (RFC 8305: first
 * IPv6, 250 ms later the next, and so on), within one timeout.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "util/addr.h"

struct event_base;
struct names;
struct dial;

struct names	*names_new(struct event_base *);
void		 names_free(struct names *);

struct dial_want {
	const char	*host;		/* name or numeric; NULL: use addr */
	uint16_t	 port;		/* with host */
	struct addr	 addr;		/* when host is NULL */
	const struct addr *from;	/* bind to; or NULL */
	unsigned	 mark;		/* SO_MARK or 0 */
	uint64_t	 timeout;	/* ms, in all */
	/* May veto an address before it is tried (own listener, a loop);
	 * returns 0 to go on; may be NULL. */
	int		(*allow)(void *arg, const struct addr *);
	void		*arg;
};

/*
 * Connected: fd is the receiver's, to is where. Else fd is an ERR_* and why
 * says it for a person ("name not found", "connection refused", "no route to
 * host", "timed out after 10s"). Runs once, never before dial_start returned,
 * and the dial is gone when it returns.
 */
typedef void (*dial_done)(void *arg, int fd, const struct addr *to,
    const char *why);

struct dial	*dial_start(struct event_base *, struct names *,
		    const struct dial_want *, dial_done, void *arg);
void		 dial_cancel(struct dial *);	/* done will not run */

#endif
