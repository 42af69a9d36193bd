/*
 * A worker's client of a service: its connections, the queue of those who wait
 * for one, its transactions, and what it asks of the servers by itself. The
 * limit of connections is all workers' together: whoever lets one go wakes
 * those who wait for it.
 *
 *	conn.c		a connection
 *	pool.c		idle connections, and the queue
 *	txn.c		transactions
 *	client.c	OPTIONS and probes
 */
#ifndef ICAP_CLIENT_H
#define ICAP_CLIENT_H

#include <event2/event_struct.h>
#include <sys/uio.h>

#include "icap/server.h"
#include "net/transport.h"
#include "tls/tlsio.h"

/* Embedded in what waits for a connection. */
struct icap_waiter {
	TAILQ_ENTRY(icap_waiter) link;
	struct icap_want want;
	/* Something became free: look. Who finds nothing stays in the queue. */
	void		(*look)(struct icap_waiter *);
};

TAILQ_HEAD(icap_waiters, icap_waiter);
TAILQ_HEAD(icap_txns, icap_txn);

struct icap_client {
	struct icap_service *service;
	struct event_base *base;
	struct names	*names;
	struct tlsio_scratch *scratch;	/* NULL: no icaps:// */
	char		*spare;		/* a read buffer, for the next */
	/* Each for the one call: */
	struct icap_head head;
	struct http_text http;
	/* pool.c */
	struct icap_waker waker;
	struct icap_conns *idle;	/* by server, the youngest first */
	struct icap_waiters queue;
	unsigned	 waiting;	/* in it */
	struct event	 run;		/* look at the queue */
	/* txn.c */
	struct icap_txns txns;
	icap_log	 log;		/* or NULL */
	void		*log_arg;
	/* client.c */
	struct icap_ask	**asks;		/* by server; NULL: none under way */
	struct event	 tick;
};

struct icap_conn_user {
	/* Connected; or not, then close it. Not within icap_conn_open(). */
	void	(*opened)(void *arg, enum icap_fault, const char *why);
	/* The socket is ready for something. */
	void	(*event)(void *arg);
};

/*
 * A connection to a server: dialled, over TLS for icaps://, read into a buffer
 * that it has only while it is used, and told about by edge-triggered events.
 */
struct icap_conn {
	TAILQ_ENTRY(icap_conn) link;	/* the pool's, while idle */
	struct icap_client *client;
	struct icap_server *server;
	const struct icap_conn_user *user;
	void		*arg;
	struct dial	*dial;
	struct sock	 sock;
	const struct transport_ops *ops;
	void		*tp;
	struct tlsio	*tls;
	struct event	 ev;
	struct event	 timer;		/* of the TLS handshake */
	int		 shaking;
	int		 open;		/* opened() has said so */
	int		 eof;		/* seen */
	unsigned	 epoch;		/* the server's, when it was opened */
	uint64_t	 since;		/* idle */
	char		*in;		/* received and not yet used */
	size_t		 in_off, in_len, in_cap;
};

/* The caller counts it (server.conns), and says next whose it is. */
struct icap_conn *icap_conn_open(struct icap_client *, struct icap_server *);
static inline void
icap_conn_own(struct icap_conn *c, const struct icap_conn_user *user,
    void *arg)
{
	c->user = user;
	c->arg = arg;
}
void	icap_conn_close(struct icap_conn *, int reset);
/* Read what there is. Bytes; ERR_AGAIN, ERR_EOF, ERR_SYS, ERR_LIMIT. */
ssize_t	icap_conn_fill(struct icap_conn *);
void	icap_conn_used(struct icap_conn *, size_t n);	/* n bytes of in */
ssize_t	icap_conn_write(struct icap_conn *, struct iovec *, int n);
void	icap_conn_lean(struct icap_conn *);	/* gives its buffer back */
/* An idle one: there is no end, and no bytes that nobody asked for. */
int	icap_conn_quiet(struct icap_conn *);

/* Let the timer run at due (ms; 0: it need not), unless it runs before that
 * anyway (armed). */
void	icap_timer(struct event *, uint64_t *armed, uint64_t due);

void	icap_pool_init(struct icap_client *);
/* All connections were given back, and nobody waits. */
void	icap_pool_done(struct icap_client *);
void	icap_pool_tick(struct icap_client *);	/* each second */

/* An idle connection (it is open) or a new one, for whom icap_conn_own() says;
 * NULL: the server's limit. any: beyond that when need be. */
struct icap_conn *icap_pool_get(struct icap_client *, struct icap_server *,
	    int any);
/* Give it back; or close it, for it cannot be used again. */
void	icap_pool_put(struct icap_conn *);
void	icap_pool_close(struct icap_conn *, int reset);

/* 0, or ERR_LIMIT: the queue is full, or the sender's share of it. */
int	icap_pool_wait(struct icap_client *, struct icap_waiter *);
void	icap_pool_leave(struct icap_client *, struct icap_waiter *);

/* The client ends, and with it the transactions of its monitors. */
void	icap_txns_end(struct icap_client *);

#endif
