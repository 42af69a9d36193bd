/*
 * Connections. A dial connects to an address, or to a name with both address
 * families raced (RFC 8305: first IPv6, 250 ms later the next, and so on, 8
 * addresses at most), within one timeout. A worker has one struct names
 * (net/names.h) for its dials.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "net/names.h"
#include "util/addr.h"

struct event_base;
struct dial;

/* All of it is copied. */
struct dial_want {
	const char	*host;		/* name or numeric; NULL: use addr */
	uint16_t	 port;		/* with host */
	struct addr	 addr;		/* when host is NULL */
	const struct addr *from;	/* bind to, where of to's family; ... */
					/* ... or NULL */
	const struct addr *client;	/* for whom; NULL: ourselves */
	unsigned	 mark;		/* SO_MARK or 0 */
	uint64_t	 timeout;	/* ms, in all */
	/* May veto an address before it is tried (own listener, a loop);
	 * returns 0 to go on or an ERR_*; may be NULL. */
	int		(*allow)(void *arg, const struct addr *);
	void		*arg;
};

/*
 * Connected: fd is the receiver's, to is where, why is NULL. Else to is NULL,
 * fd is an ERR_* and why, good for the call, says it for a person:
 *	ERR_SYS (and errno)	"connection refused", "no route to host", ...
 *	ERR_TIMEOUT		"timed out after 10s"
 *	ERR_NOTFOUND		"name not found", "name server did not answer"
 *	ERR_FORMAT		"not a host name"
 *	ERR_LIMIT		out of descriptors, or of memory for them
 *	what allow() said	"destination not allowed"
 * Runs once, never before dial_start returned, and the dial is gone by then.
 */
typedef void (*dial_done)(void *arg, int fd, const struct addr *to,
    const char *why);

/* names may be NULL where host is numeric or NULL. */
struct dial	*dial_start(struct event_base *, struct names *,
		    const struct dial_want *, dial_done, void *arg);
void		 dial_cancel(struct dial *);	/* done will not run */

#endif
