/*
 * Dialling connects to an address, or to a name, within one timeout. The
 * addresses of a name race (RFC 8305): IPv6 first, the next one 250 ms later,
 * and so on, at most 8. A worker has one struct names (net/names.h) for its
 * dials.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "net/names.h"
#include "util/addr.h"

#define DIAL_NEXT_MS	250	/* between two tries (RFC 8305, 5) */

struct event_base;
struct dial;

/* dial_start() copies all of it. */
struct dial_want {
	const char	*host;		/* name or numeric; NULL: use addr */
	uint16_t	 port;		/* with host */
	struct addr	 addr;		/* when host is NULL */
	/* A name that addr is one address of. While that does not answer, the
	 * name's addresses of the other family are tried, too; NULL: none. */
	const char	*other;
	const struct addr *from;	/* bind to it, if the families match; */
					/* or NULL */
	const struct addr *client;	/* whose dial it is; NULL: ours */
	uint64_t	 timeout;	/* ms, in all */
	/* Asked before an address is tried; it vetoes our own listeners and
	 * loops. Returns 0 to go on or an ERR_*. May be NULL. */
	int		(*allow)(void *arg, const struct addr *);
	void		*arg;
};

/*
 * On success the receiver owns fd, to is the address, and why is NULL.
 * Otherwise to is NULL, fd is an ERR_*, and why, good for the call, is text:
 *	ERR_SYS (and errno)	"connection refused", "no route to host", ...
 *	ERR_TIMEOUT		"timed out after 10s"
 *	ERR_NOTFOUND		"name not found", "name server did not answer"
 *	ERR_FORMAT		"not a host name"
 *	ERR_LIMIT		out of descriptors, or of memory for them
 *	what allow() returned	"destination not allowed"
 * It runs once, after dial_start has returned; the dial is gone by then.
 */
typedef void (*dial_done)(void *arg, int fd, const struct addr *to,
    const char *why);

/* names may be NULL where host is numeric or NULL. */
struct dial	*dial_start(struct event_base *, struct names *,
		    const struct dial_want *, dial_done, void *arg);
void		 dial_cancel(struct dial *);	/* done will not run */

#endif
