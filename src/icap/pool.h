/*
 * A worker's connections to a service, and the queue of those who wait for
 * one. The limit of connections is all workers' together: who lets one go
 * wakes those who wait for it.
 */
#ifndef ICAP_POOL_H
#define ICAP_POOL_H

#include "icap/conn.h"

TAILQ_HEAD(icap_conns, icap_conn);

/* Embedded in what waits. */
struct icap_waiter {
	TAILQ_ENTRY(icap_waiter) link;
	struct icap_want want;
	/* Something became free: look; who finds nothing stays in the queue. */
	void		(*look)(struct icap_waiter *);
};
TAILQ_HEAD(icap_waiters, icap_waiter);

struct icap_pool {
	struct icap_env	 env;
	struct icap_waker waker;
	struct icap_conns *idle;	/* by server, the youngest first */
	unsigned	*nidle;		/* ... how many */
	struct icap_waiters queue;
	unsigned	 waiting;
	struct event	 run;		/* look at the queue */
};

void	icap_pool_init(struct icap_pool *, struct icap_service *,
	    struct event_base *, struct names *);
/* All connections were given back, and nobody waits. */
void	icap_pool_done(struct icap_pool *);
void	icap_pool_tick(struct icap_pool *);	/* each second */

/* An idle connection (it is open) or a new one, for whom icap_conn_own() says;
 * NULL: the server's limit. any: beyond that when need be. */
struct icap_conn *icap_pool_get(struct icap_pool *, struct icap_server *,
	    int any);
/* It can be used again; or not, and is closed. */
void	icap_pool_put(struct icap_pool *, struct icap_conn *);
void	icap_pool_close(struct icap_pool *, struct icap_conn *, int reset);

/* 0, or ERR_LIMIT: the queue is full, or the client's share of it. */
int	icap_pool_wait(struct icap_pool *, struct icap_waiter *);
void	icap_pool_leave(struct icap_pool *, struct icap_waiter *);

#endif
