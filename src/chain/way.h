/*
 * A session's way through the devices of its chain: one hop for each slot, all
 * of them begun at once. If a device does not take the session, the slot tries
 * its next one; with none left, the slot is skipped or the session refused.
 *
 * A device that resets a session before it has begun has given its verdict, and
 * no other device is asked. So has one that lets it vanish, if a probe that
 * began later came through; else it may be dead, and has merely failed. To know
 * that in time, a session that waits asks for a probe.
 *
 * A device that the operator takes down loses what is in it at once. Sessions
 * whose ways are not in use yet try the next one.
 */
#ifndef CHAIN_WAY_H
#define CHAIN_WAY_H

#include <sys/queue.h>

#include "chain/hop.h"
#include "proxy/chain.h"

/* What a way does not do itself. */
struct way_world {
	int	 (*socket)(struct zone *, enum zone_side, int family);
	/* A session could not connect through that device, or it could. */
	void	 (*failed)(struct zone *);
	void	 (*connected)(struct zone *);
	/* A session waits: whether the device is well is to be found out. */
	void	 (*doubt)(struct zone *);
};

/* Of one worker, by whom it is made and which it outlives. */
struct ways {
	struct hop_seat	*seat;
	const struct way_world *world;
	LIST_HEAD(, chain_way) first;
};

/* Any of their devices may have been taken down by the operator. */
void		 ways_look(struct ways *);

/* These are what struct chain_ops says of them. */
struct chain_way *way_begin(struct ways *, const struct chain_want *);
enum chain_state way_state(const struct chain_way *, const char **why);
unsigned	 way_hops(const struct chain_way *);
int		 way_take(struct chain_way *, unsigned hop, int far);
const char	*way_event(struct chain_way *, unsigned hop, enum chain_event,
		    const uint64_t bytes[2]);
const struct record_hop *way_record(struct chain_way *, size_t *n);
void		 way_doubt(struct chain_way *, unsigned hop);
void		 way_end(struct chain_way *);

#endif
