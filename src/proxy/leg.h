/*
 * A leg joins two connections by two flows. What a connection waits for is
 * computed from the flows: read while there is room and no end, write while
 * something is clear. That is all of backpressure.
 */
#ifndef PROXY_LEG_H
#define PROXY_LEG_H

#include <event2/event_struct.h>

#include "net/transport.h"
#include "proxy/flow.h"
#include "util/revisit.h"

struct session;

#define CONN_SMALL	16384	/* a read of less is small */

/* A connected socket with its transport. */
struct conn {
	struct sock		 sock;
	struct event		 ev;
	const struct transport_ops *ops;	/* plain until TLS is over it */
	void			*tp;
	struct session		*session;
	struct visit		 sweep;		/* see sweep.c */
	struct visit		 batch;		/* see batch.c */
	unsigned		 run;		/* small reads in a row, while
						   the other end was silent */
	uint64_t		 since;		/* ms: when that began; or 0 */
	unsigned		 heard:1;	/* read since the last look */
};

struct leg {
	struct conn		*client, *server;	/* the session's */
	struct flow		 flow[2];	/* by enum flow_dir */
	struct taps		 taps;
	uint64_t		*bytes;		/* [2]: payload passed on */
	uint64_t		 got;		/* bytes read, both ways */
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

void		conn_clear(struct conn *, struct session *);
/* Takes fd over and watches it; plain transport. */
void		conn_open(struct conn *, int fd);
/* Stop watching and close: with FIN, or with RST. */
void		conn_close(struct conn *, int reset);
/* Stop watching and hand the descriptor out; plain transport only. */
int		conn_release(struct conn *);
/* Replace the transport. */
void		conn_transport(struct conn *, const struct transport_ops *,
		    void *);

void		leg_init(struct leg *, struct conn *client,
		    struct conn *server, struct pool *, uint64_t bytes[2]);
/* Move what can be moved, within bounds. */
enum leg_state	leg_pump(struct leg *, struct leg_why *);
void		leg_drop(struct leg *);

#endif
