/*
 * What the helper makes sure of.
 */
#include "chain/zone_wire.h"

#include <sys/socket.h>

#include "util/err.h"

int
zone_ask_check(const struct zone_ask *a, size_t len)
{
	if (len != sizeof(*a) || a->verb < ZONE_OPEN || a->verb > ZONE_CLOSE ||
	    a->id >= ZONE_MAX)
		return ERR_FORMAT;
	switch (a->verb) {
	case ZONE_OPEN:
		return zone_plan_check(&a->plan);
	case ZONE_LISTEN:
		if (a->port != ZONE_PORT && a->port != ZONE_PROBE_PORT)
			return ERR_FORMAT;
		/* FALLTHROUGH */
	case ZONE_SOCKETS:
		if (a->n < 1 || a->n > ZONE_FDS || a->side >= ZONE_SIDES ||
		    (a->family != AF_INET && a->family != AF_INET6))
			return ERR_FORMAT;
		break;
	}
	return 0;
}
