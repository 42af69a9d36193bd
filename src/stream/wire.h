/*
 * A wire joins two nodes by two flows, one for each direction. Its taps are
 * shown every byte that crosses it. The wire owns the buffers of its flows and
 * the row of taps, but not the connections at its ends or the taps' state.
 */
#ifndef STREAM_WIRE_H
#define STREAM_WIRE_H

#include "net/conn.h"
#include "stream/flow.h"

struct wire {
	/* flow[dir] goes from end[dir] to end[!dir], so end[DIR_UP] is on the
	 * client's side. */
	struct conn	*end[2];
	struct flow	 flow[2];	/* by enum flow_dir */
	struct taps	 taps;
	struct conn	*speaker;	/* the end that was read last */
};

/* host has the callbacks for the taps; owner is their argument. */
void		 wire_init(struct wire *, struct conn *client,
		    struct conn *server, struct pool *,
		    const struct tap_host *, void *owner);

/* Add a tap, which sees the bytes from now on; the caller sets its state. The
 * wire owns it until wire_untap(), which frees them all. */
struct tap	*wire_tap(struct wire *, const struct tap_ops *,
		    enum tap_place);
void		 wire_untap(struct wire *);
/*
 * Move a tap to the server's side of the others (TAP_SERVER), or behind them
 * (TAP_BEHIND); while bytes are shown to it, too. 1; or 0: it stays where it
 * is, as others have seen more bytes of the server's, or fewer, than this one
 * has let go.
 */
int		 wire_tap_server(struct tap *);
int		 wire_tap_behind(struct tap *);

/* Move the bytes of a flow, and its end so far, to a wire whose flow in that
 * direction is new. Taps are not moved. */
void		 wire_hand_over(struct wire *to, struct wire *from,
		    enum flow_dir);

void		 wire_drop(struct wire *);	/* drops the bytes in it */

#endif
