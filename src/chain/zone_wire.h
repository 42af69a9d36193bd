/*
 * What the daemon and the zone helper say to each other, over a socketpair of
 * sequenced packets: one question, one answer, and descriptors with either. The
 * helper has the privileges, so it believes nothing that zone_ask_check() has
 * not seen.
 */
#ifndef CHAIN_ZONE_WIRE_H
#define CHAIN_ZONE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "chain/zone_plan.h"
#include "util/parcel.h"

#define ZONE_MAX	(2 * CONF_DEVICES)	/* zones at once: a reload's */
#define ZONE_FDS	PARCEL_FDS	/* of one answer */

enum zone_verb {
	ZONE_OPEN = 1,		/* plan: make the zones, move the ports */
	ZONE_LISTEN,		/* side, family, port, n: listeners */
	ZONE_SOCKETS,		/* side, family, n: sockets */
	ZONE_LINKS,		/* each side's netlink socket, of links */
	ZONE_REPAIR,		/* fetch a port that came back, configure all */
	ZONE_CLOSE
};

struct zone_ask {
	uint32_t	 verb;
	uint32_t	 id;		/* of the zone; the daemon counts */
	uint32_t	 side;		/* enum zone_side */
	uint32_t	 family;
	uint32_t	 port;
	uint32_t	 n;		/* 1 to ZONE_FDS */
	struct zone_plan plan;
};

struct zone_answer {
	int32_t		 rv;		/* 0 or ERR_* */
	int32_t		 err;		/* errno, with ERR_SYS */
	uint32_t	 nfds;
	char		 why[1000];	/* a sentence, if rv is not 0 */
};

/* Returns 0, or ERR_FORMAT: no question that the daemon would ask. */
int	zone_ask_check(const struct zone_ask *, size_t len);

#endif
