/*
 * Special addresses, which are not ordinary hosts: this host, the link,
 * multicast groups, and the services where clouds give out a machine's
 * credentials. Pure.
 */
#ifndef NET_SPECIAL_H
#define NET_SPECIAL_H

#include "util/addr.h"

enum special {
	SPECIAL_NONE,		/* an ordinary unicast address */
	/* 127.0.0.0/8, ::1; and the unspecified 0.0.0.0/8 and ::, which lead
	 * to this host too */
	SPECIAL_LOOPBACK,
	SPECIAL_LINK_LOCAL,	/* 169.254.0.0/16, fe80::/10 */
	SPECIAL_METADATA,	/* of clouds, unless link-local */
	SPECIAL_MULTICAST,	/* and 240.0.0.0/4, broadcast included */
	SPECIAL_PRIVATE,	/* of special_inside() alone */
	SPECIAL_MAX
};

/*
 * What kind an address is. An IPv6 address that carries an IPv4 address
 * (mapped, compatible, NAT64 of RFC 6052, 6to4 of RFC 3056) has its kind.
 */
enum special	 special_of(const struct addr *);

/* Whether it is special, or of a network that is not of the Internet: private,
 * shared (RFC 6598), for benchmarks, site-local. */
int		 special_inside(const struct addr *);

#endif
