/*
 * Inside REST: a connection, and the listener that it came to.
 */
#ifndef ADMIN_REST_CONN_H
#define ADMIN_REST_CONN_H

#include <openssl/ssl.h>
#include <sys/queue.h>

#include "admin/rest.h"

struct bufferevent;
struct event;
struct evconnlistener;

TAILQ_HEAD(rest_conns, rest_conn);

/* What a connection does with its requests (rest.c). */
struct rest_ops {
	/* A head is whole: 1 if the body may come; or 0, and it has been
	 * answered. */
	int		(*admit)(struct rest_request *);
	/* It is all there. */
	void		(*run)(struct rest_request *);
	/* It could not be read. */
	void		(*refuse)(struct rest_request *, int status,
			    const char *why);
};

#define REST_STATUSES	24	/* told apart, for a route */
#define REST_ROUTES	64

struct rest {
	struct admin_env *env;
	struct mailbox	*mail;
	const struct rest_ops *ops;
	const struct rest_route *const *tables;	/* NULL is the end */
	struct rest_listener **listeners;
	size_t		 n;
	uint64_t	 refused;	/* connections: from, or too many */
	/* answers by route (the last: of none), and status; 0 is free */
	struct {
		int	 status;
		uint64_t n;
	} counts[REST_ROUTES + 1][REST_STATUSES];
};

struct rest_listener {
	struct rest	*rest;
	struct conf	*conf;		/* a reference */
	const struct conf_sensor *sensor;
	SSL_CTX		*ctx;		/* or NULL: in the clear */
	struct evconnlistener *listener;
	struct event	*pause;		/* descriptors were short */
	struct rest_conns conns;	/* who moved last is the last */
	size_t		 nconns;
};

enum rest_phase {
	REST_IDLE,		/* for a request, or the handshake */
	REST_HEADING,		/* a head is not whole */
	REST_READING,		/* ... its body */
	REST_ASKED,		/* the handler has it */
	REST_WRITING,		/* the answer is being taken */
	REST_CLOSING,		/* ... and then it is over */
	REST_LINGERING		/* the peer may have something on the way */
};

/* Serve what has been accepted; fd is the callee's. */
void	rest_conn_new(struct rest_listener *, int fd, const struct addr *);
/* A request under way stays, without its connection. */
void	rest_conn_free(struct rest_conn *);
/* After the answer under way, if any. */
void	rest_conn_end(struct rest_conn *);
void	rest_conn_end_all(struct rest_listener *);
/* Of those that wait for their peers the one that gives way, or NULL. */
struct rest_conn *rest_conn_next(const struct rest_listener *);
SSL	*rest_conn_ssl(const struct rest_conn *);
struct rest_listener *rest_conn_listener(const struct rest_conn *);

/* Write an answer and free the request; type may be NULL. */
void	rest_conn_answer(struct rest_request *, int status, const char *type,
	    const void *, size_t);

#endif
