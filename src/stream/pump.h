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
	struct wire	*wire;		/* n of them, the client's first */
	unsigned	 n;
	uint64_t	 read, written;	/* bytes, at all ends of all wires */
};

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
