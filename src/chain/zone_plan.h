/*
 * What a device's zones are configured with, as text for ip(8) and nft(8), and
 * the addresses in them. Pure: it follows from the device and from the machine.
 *
 * DEVICE_L2. The two ports are each other's next hop, by permanent neighbour
 * entries, so that nothing depends on what a bridge does with ARP and neighbour
 * discovery. Each side has a MAC address of its own that stays the same over
 * restarts: a bridge that learned it keeps knowing on which side it is.
 *
 * DEVICE_L3. The next hop is the device. Our port has the lowest address of the
 * device's prefix that is not the device's own; the device needs a route to the
 * clients by ours inside, and to the servers by ours outside.
 */
#ifndef CHAIN_ZONE_PLAN_H
#define CHAIN_ZONE_PLAN_H

#include <net/if.h>
#include <stdint.h>

#include "chain/zone.h"
#include "conf/conf.h"
#include "util/addr.h"
#include "util/text.h"

#define ZONE_NAME	64	/* of a device, with its NUL */
#define ZONE_FAMILIES	2
#define ZONE_PORT	17236	/* of the listeners: what came through */
#define ZONE_PROBE_PORT	17235	/* of health: "CS" */

/* What the helper needs to know of a device. All zeros where nothing is said,
 * so that two of them compare as bytes. */
struct zone_plan {
	char		name[ZONE_NAME];
	uint32_t	kind;			/* enum conf_device_kind */
	uint32_t	offload;
	uint32_t	ipv6;			/* there is IPv6 here */
	struct {
		char		port[IFNAMSIZ];
		uint8_t		mac[6];		/* ours */
		/* DEVICE_L3: the device's; family 0: none */
		struct prefix	device[ZONE_FAMILIES];
	} side[ZONE_SIDES];
	struct prefix	probe[ZONE_SIDES];	/* from inside to outside */
	struct prefix	block[ZONE_SIDES];	/* the same, for must-block */
};

/* 0 is IPv4, 1 is IPv6: the places in arrays of ZONE_FAMILIES. */
static inline int
zone_family(int family)
{
	return family == AF_INET6;
}

/* machine is any text that tells this machine from others (machine-id(5)). */
void	zone_plan(struct zone_plan *, const struct conf_device *,
	    const char *machine);

/*
 * Whether it is a plan that zone_plan() could have made: the helper takes it
 * from a process with fewer privileges. Returns 0 or ERR_FORMAT.
 */
int	zone_plan_check(const struct zone_plan *);

/* Whether sessions of that family can go through the device. */
int	zone_plan_has(const struct zone_plan *, int family);

/* The family that probes use. */
int	zone_plan_family(const struct zone_plan *);

/* Our own address in the device's prefix. */
void	zone_plan_ours(const struct prefix *device, struct prefix *ours);

/*
 * Lines for `ip -4 -batch -`, or `ip -6 -batch -`: the port's address and next
 * hop, which it loses when it goes; empty if there is nothing to do. And the
 * rules, which stay as long as the namespace, and are wanted for both families.
 */
void	zone_plan_ip(const struct zone_plan *, enum zone_side, int family,
	    struct text *);
void	zone_plan_rules(const struct zone_plan *, enum zone_side,
	    struct text *);

/* A table for `nft -f -`, in place of the one that may be there. */
void	zone_plan_nft(const struct zone_plan *, enum zone_side,
	    struct text *);

#endif
