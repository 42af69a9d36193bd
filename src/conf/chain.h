/*
 * The sections `devices` and `chains`: inline devices, and the order in which a
 * session goes through them.
 */
#ifndef CONF_CHAIN_H
#define CONF_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "conf/parts.h"
#include "util/addr.h"

enum conf_device_kind {		/* how a device forwards */
	DEVICE_L2,		/* a bridge: it has no addresses */
	DEVICE_L3		/* a router, with an address on either side */
};

#define CONF_DEVICES		64	/* of all, and of one slot */
#define CONF_CHAIN_SLOTS	8	/* of one chain: hops of a session */

struct device;			/* chain/device.h */
struct slot_state;

struct conf_device {			/* one of `devices:` */
	char		*name;
	struct conf_pos	 pos;
	struct conf_pos	 port_pos[2];	/* of inside and outside */
	enum conf_device_kind kind;
	char		*inside, *outside;	/* our ports' interfaces */
	/* DEVICE_L3: the device's own, with their prefixes' lengths; [0] is
	 * IPv4, [1] IPv6, and a family of 0 says that there is none */
	struct prefix	 inside_address[2], outside_address[2];
	unsigned	 weight;	/* 1 to 100 */
	unsigned	 connections;	/* at once; 0: no limit */
	int		 offload;	/* it takes superframes, unsummed */
	struct {
		uint64_t every;		/* ms between probes */
		unsigned down, up;	/* misses, hits in a row */
		uint64_t hold;		/* ms that it must stay well */
		/* a file that must not come through, or NULL */
		char	*must_block;
	} health;
	/* What runs for it. device_attach() sets it before others see the
	 * snapshot, which has a reference; NULL in a check. */
	struct device	*running;
};

struct conf_slot {
	char		*name;
	struct conf_pos	 pos;
	const struct conf_device **devices; /* of the same conf */
	size_t		 ndevices;	/* 1 or more */
	int		 fail_open;	/* no device: go on without it */
	struct slot_state *running;	/* as with a device */
};

struct conf_chain {			/* one of `chains:` */
	char		*name;
	struct conf_pos	 pos;
	struct conf_slot *slots;	/* in the client's order */
	size_t		 nslots;	/* 1 or more */
	int		 ports_map;	/* devices see 443 as 80 and so on */
	int		 http11;	/* `http2: http/1.1` */
	unsigned	 also;		/* CHAIN_ALSO_* */
	uint64_t	 verdict_timeout;	/* ms */
};
#define CHAIN_ALSO_BYPASSED	1	/* TLS that is not decrypted */
#define CHAIN_ALSO_PLAIN	2	/* what is not TLS */

#endif
