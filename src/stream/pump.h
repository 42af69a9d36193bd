/*
 * A session is a row of nodes joined by wires, and the pump walks it until
 * nothing moves. What a connection waits for is computed from the buffers,
 * never stored: it is read while its flow has room and has not ended, and
 * written while the other flow has bytes that may go. That is all of
 * backpressure.
 *
 *	client ==wire[0]== (hop) ==wire[1]== server
 *
 * To the pump each node is one connection for each wire at its side (see
 * node.h); with no service in between there are two ends and one wire.
 */
#ifndef STREAM_PUMP_H
#define STREAM_PUMP_H

#include "stream/wire.h"

struct row {
	struct wire	*wire;		/* the client's */
	struct wire	*more;		/* the n - 1 others, in their order */
	unsigned	 n;
	uint64_t	 read, written;	/* bytes, at all ends of all wires */
};

static inline struct wire *
row_wire(const struct row *r, unsigned i)
{
	return i == 0 ? r->wire : r->more + i - 1;
}

/* The one behind it, or NULL. */
static inline struct wire *
row_next(const struct row *r, const struct wire *w)
{
	unsigned i = w == r->wire ? 1 : (unsigned)(w - r->more) + 2;

	return i < r->n ? row_wire(r, i) : NULL;
}

#define ROW_EACH(w, r)							\
	for ((w) = (r)->wire; (w) != NULL; (w) = row_next((r), (w)))

enum pump_state {
	PUMP_WAIT,	/* wait for a socket, a tap or a timer */
	PUMP_AGAIN,	/* there is more to do, after others had a turn */
	PUMP_STARVED,	/* no buffer (or pipe) was free: try again soon */
	PUMP_DONE,	/* both directions have ended in order */
	PUMP_FAILED	/* a connection broke: see pump_why */
};

struct pump_why {	/* of PUMP_FAILED */
	struct conn	*broke;
	int		 err;	/* ERR_SYS, see broke->sock.err; or ERR_TLS */
};

/* Move the bytes that can move, within bounds. */
enum pump_state	pump(struct row *, struct pump_why *);

#endif
