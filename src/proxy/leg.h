/*
 * A leg joins two connections by two flows. What a connection waits for is
 * computed from the flows: read while there is room and no end, write while
 * something is clear. That is all of backpressure.
 */
#ifndef PROXY_LEG_H
#define PROXY_LEG_H

#include "net/conn.h"
#include "proxy/flow.h"

struct leg {
	struct conn		*client, *server;	/* the session's */
	struct flow		 flow[2];	/* by enum flow_dir */
	struct taps		 taps;
	uint64_t		*bytes;		/* [2]: payload passed on */
	uint64_t		 got;		/* bytes read, both ways */
	struct conn		*speaker;	/* which was read last */
};

enum leg_state {
	LEG_WAIT,	/* until a socket, a tap or a timer says more */
	LEG_AGAIN,	/* there is more to do: others first */
	LEG_STARVED,	/* no buffer was to be had: try again soon */
	LEG_DONE,	/* both directions have ended in order */
	LEG_FAILED	/* one end broke: see leg_why */
};

struct leg_why {	/* of LEG_FAILED */
	enum flow_dir	 dir;	/* DIR_UP: the client's end broke */
	int		 err;	/* ERR_SYS or ERR_TLS */
};

void		leg_init(struct leg *, struct conn *client,
		    struct conn *server, struct pool *, uint64_t bytes[2]);
/* Move what can be moved, within bounds. */
enum leg_state	leg_pump(struct leg *, struct leg_why *);
void		leg_drop(struct leg *);

#endif
