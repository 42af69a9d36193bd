/*
 * A connection to an ICAP server: dialled, over TLS for icaps://, read into a
 * buffer that it has only while it is used, and told about by edge-triggered
 * events. It does not count itself: see pool.h for whose it is.
 */
#ifndef ICAP_CONN_H
#define ICAP_CONN_H

#include <event2/event_struct.h>
#include <sys/uio.h>

#include "icap/server.h"
#include "net/transport.h"
#include "tls/tlsio.h"

/* What the connections of a worker to a service share. */
struct icap_env {
	struct icap_service *service;
	struct event_base *base;
	struct names	*names;
	struct tlsio_scratch *scratch;	/* NULL: no icaps:// */
	char		*spare;		/* a read buffer, for the next */
	/* Each for the one call: */
	struct icap_head head;
	struct http1_head http;
	struct text	 fields;
};

struct icap_conn_user {
	/* Connected, or not: then close it. Not within icap_conn_open(). */
	void	(*opened)(void *arg, enum icap_fault, const char *why);
	/* The socket is ready for something. */
	void	(*event)(void *arg);
};

struct icap_conn {
	TAILQ_ENTRY(icap_conn) link;	/* the pool's, while idle */
	struct icap_env	*env;
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

/* The caller has a permit, and says next whose it is. */
struct icap_conn *icap_conn_open(struct icap_env *, struct icap_server *);
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

/* Let the timer run at due (ms; 0: it need not), if it does not run before it
 * (armed). */
void	icap_timer(struct event *, uint64_t *armed, uint64_t due);

#endif
