/*
 * The way to a server: straight, or through an upstream proxy that is asked to
 * connect to it. Of several proxies the first that works is taken. What comes
 * of it is a connected socket in any case, so nobody else knows of proxies.
 *
 * A proxy gets the server's name, if that is what the client asked for: it is
 * not looked up here. One that cannot be connected, that closes or that does
 * not speak its protocol has failed: the next one is tried, and it comes last
 * for VIA_FAILED_MS. So is the next one if there is no answer in time. What a
 * proxy answers stands, also a refusal.
 */
#ifndef NET_VIA_H
#define NET_VIA_H

#include "codec/upproxy.h"
#include "net/dial.h"

#define VIA_HOPS	8	/* proxies in a row, at most */
#define VIA_FAILED_MS	30000

struct via;

struct via_proxy {
	char		*name;		/* for logs */
	enum upproxy_kind kind;
	char		*host;		/* its own: a name or an address */
	uint16_t	 port;
	char		*auth;		/* "user:password", or NULL */
	_Atomic uint64_t failed;	/* ms, when it did last; or 0 */
};

/* via_start() copies all of it, but for the proxies, which outlive it. */
struct via_want {
	/* To the server, when it is dialled straight: all as in net/dial.h.
	 * allow is also asked of an address that a proxy would get. */
	struct dial_want dial;
	const char	*name;		/* what proxies get; NULL: the addr */
	/* NULL among them: straight. n 0: straight, and nothing else. */
	struct via_proxy *const *hops;
	size_t		 n;
	/* As dial.allow, for the addresses of proxies. */
	int		(*allow_proxy)(void *arg, const struct addr *);
};

/*
 * As dial_done. by is the proxy that it went through, or the last one that was
 * tried, or NULL; to is the address that was connected, that of the proxy if
 * there is one. What a proxy has done wrong, or refused, is ERR_SYS with errno
 * 0, or ERR_TIMEOUT.
 */
typedef void (*via_done)(void *arg, int fd, const struct addr *to,
    const struct via_proxy *by, const char *why);

struct via	*via_start(struct event_base *, struct names *,
		    const struct via_want *, via_done, void *arg);
void		 via_cancel(struct via *);	/* done will not run */

#endif
