/*
 * A wire joins two nodes by two flows, one for each direction, and carries
 * taps, which are shown what crosses it. It owns its flows' buffers and the
 * row of taps; the connections at its ends and the taps' state are others'.
 */
#ifndef STREAM_WIRE_H
#define STREAM_WIRE_H

#include "net/conn.h"
#include "stream/flow.h"

struct wire {
	/* By whose flow they are the source of: end[DIR_UP] is the client's
	 * side. flow[dir] goes from end[dir] to end[!dir]. */
	struct conn	*end[2];
	struct flow	 flow[2];	/* by enum flow_dir */
	struct taps	 taps;
	struct conn	*speaker;	/* the end that was read last */
};

/* host: what is to be done for its taps, with owner as argument. */
void		 wire_init(struct wire *, struct conn *client,
		    struct conn *server, struct pool *,
		    const struct tap_host *, void *owner);

/* One more tap, which sees what comes from now on; the caller sets its state.
 * It is the wire's until wire_untap(), which frees them all. */
struct tap	*wire_tap(struct wire *, const struct tap_ops *,
		    enum tap_place);
void		 wire_untap(struct wire *);

/* Hand over what is in a flow, and how it has ended so far, to a wire whose
 * own flow in that direction is fresh. No tap follows. */
void		 wire_hand_over(struct wire *to, struct wire *from,
		    enum flow_dir);

void		 wire_drop(struct wire *);	/* the bytes that are in it */

#endif
