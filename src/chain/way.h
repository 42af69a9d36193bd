/*
 * A session's way through the devices of its chain: one hop for each slot, all
 * of them begun at once. If a device does not take the session, the slot tries
 * its next one; with none left, the slot is skipped or the session refused.
 *
 * A device that is up and lets a session vanish or resets it before it has
 * begun has given its verdict, and no other device is asked. A device that is
 * not known to be well has merely failed.
 */
#ifndef CHAIN_WAY_H
#define CHAIN_WAY_H

#include "chain/hop.h"
#include "proxy/chain.h"

/* What a way does not do itself. */
struct way_world {
	int	 (*socket)(struct zone *, enum zone_side, int family);
	/* A session could not connect through that device, or it could. */
	void	 (*failed)(struct zone *);
	void	 (*connected)(struct zone *);
};

/* These are what struct chain_ops says of them. */
struct chain_way *way_begin(struct hop_seat *, const struct way_world *,
		    const struct chain_want *);
enum chain_state way_state(const struct chain_way *, const char **why);
unsigned	 way_hops(const struct chain_way *);
int		 way_take(struct chain_way *, unsigned hop, int far);
const char	*way_event(struct chain_way *, unsigned hop, enum chain_event,
		    const uint64_t bytes[2]);
const struct record_hop *way_record(struct chain_way *, size_t *n);
void		 way_end(struct chain_way *);

#endif
