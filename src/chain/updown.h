/*
 * From hits and misses of probes to up and down, with hysteresis: single losses
 * change nothing, and what has failed must be well for a while before it is
 * used again. Pure; the caller has the clock.
 */
#ifndef CHAIN_UPDOWN_H
#define CHAIN_UPDOWN_H

#include <stdint.h>

struct updown {
	unsigned	 down;		/* misses in a row until it is down */
	unsigned	 up;		/* hits in a row until it is up */
	uint64_t	 hold;		/* ms of only hits, after a failure */
	/* what follows is updown's own; zeros: new, and down */
	int		 is_up;
	int		 failed;	/* it was up, or lost: hold applies */
	unsigned	 misses, hits;	/* in a row */
	uint64_t	 since;		/* ms: the first of the hits */
};

/* All three return whether it is up now. now is in ms, of any start. */
int	updown_hit(struct updown *, uint64_t now);
int	updown_miss(struct updown *);
int	updown_lost(struct updown *);	/* for certain: at once */

#endif
