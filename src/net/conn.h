/*
 * A connection: a socket, its event, the transport over it, and an owner whose
 * callback runs when something may have happened. The connection is part of the
 * owner's memory, which must outlive the callback.
 *
 * Events are edge-triggered, and not every byte has one. The connections that
 * must be looked at again without an event are on a list, one for each loop
 * (struct revisits), which conn.c keeps.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <event2/event_struct.h>

#include "net/transport.h"
#include "util/revisit.h"

struct conn;
struct event_base;

#define CONN_SMALL	16384	/* a read of less is small */

struct revisit_round {
	struct revisit	 list;
	struct event	 timer;
	struct timeval	 every;
	void		(*look)(struct conn *);
};

/* One for each event loop. */
struct revisits {
	struct event_base *base;
	struct revisit_round batch, sweep;	/* see conn.c */
};

struct conn {
	struct sock	 sock;
	struct event	 ev;
	const struct transport_ops *ops;	/* plain until another is set */
	void		*tp;
	void		(*event)(void *owner, struct conn *);
	void		*owner;
	struct revisits	*revisits;
	struct visit	 visit;		/* of the batch or the sweep */
	uint64_t	 since;		/* ms; the first read of the run */
	unsigned	 run;		/* small reads in a row, while the other
					   end was silent */
	unsigned	 batched:1;	/* the visit is the batch's */
	unsigned	 heard:1;	/* batched: read since the last visit */
};

void	revisits_init(struct revisits *, struct event_base *);

/* No socket yet. */
void	conn_clear(struct conn *, struct revisits *,
	    void (*event)(void *owner, struct conn *), void *owner);
/* Take ownership of fd and watch it, with the plain transport. */
void	conn_open(struct conn *, int fd);
/* Stop watching and close: with FIN, or with RST. */
void	conn_close(struct conn *, int reset);
/* Move the socket and its readiness to a clear connection. For the plain
 * transport only. */
void	conn_move(struct conn *to, struct conn *from);
/* Replace the transport; the old one is freed. */
void	conn_transport(struct conn *, const struct transport_ops *, void *);

/*
 * Call it after reading the socket outside the owner's callback: it may have to
 * be looked at again. Inside the callback, conn.c takes care of that.
 */
void	conn_note(struct conn *);
/* n clear bytes were read. first: the other end spoke last. */
void	conn_heard(struct conn *, size_t n, int first);

#endif
