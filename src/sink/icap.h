/*
 * The ICAP client (RFC 3507): services, the servers that give them, and
 * transactions. What happens to HTTP messages around it is http/exchange's;
 * what the bytes look like is codec/icap's.
 *
 * A service is one entry of `icap:`; it is made once for the process and
 * holds what all workers learn of its servers (OPTIONS, health, load). A seat
 * is a worker's part of it: connections and the queue. Every failure of the
 * table in icap(5), F1 to F35, is decided in icap_txn by two facts: has a
 * byte been committed to the receiver (answer() was called), and is the
 * virgin message intact (its spool was not dropped from).
 */
#ifndef SINK_ICAP_H
#define SINK_ICAP_H

#include <stdint.h>

#include "codec/icap.h"
#include "conf/conf.h"
#include "sink/spool.h"
#include "util/addr.h"
#include "util/text.h"

struct event_base;
struct names;

struct icap_service;
struct icap_seat;
struct icap_txn;

/* 0, or ERR_* with a sentence in why (a CA file that cannot be read). Starts
 * no connection. */
int	icap_service_new(const struct conf_icap *, struct icap_service **,
	    struct text *why);
void	icap_service_free(struct icap_service *);
const struct conf_icap *icap_service_conf(const struct icap_service *);

struct icap_seat *icap_attach(struct icap_service *, struct event_base *,
	    struct names *);
void	icap_detach(struct icap_seat *);	/* no transaction is left */

/* Whether the service does this method at all (`reqmod:`, `respmod:`). */
int	icap_does(const struct icap_service *, enum icap_method);

/* One message to be looked at. All of it lives as long as the transaction. */
struct icap_job {
	enum icap_method method;
	const struct text *req_head;	/* encapsulated: absolute-form */
	const struct text *res_head;	/* RESPMOD; else NULL */
	struct slice	 path;		/* of the URL, for Transfer-* */
	/*
	 * The body, NULL for none. It may still be growing: call
	 * icap_more() when it has grown, ended or was cut. length: what the
	 * head says it will be, or -1.
	 */
	struct spool	*body;
	int64_t		 length;
	struct addr	 client, server;
	const char	*user;		/* or NULL */
	const char	*fields;	/* more ICAP fields; or NULL */
};

enum icap_outcome {
	ICAP_VIRGIN,		/* 204, or fail-open: the message as it is */
	ICAP_ADAPTED,		/* a message of the same kind in its place */
	ICAP_SATISFIED,		/* REQMOD answered by an HTTP response */
	ICAP_FAILED		/* fail-closed: an answer of our own */
};

struct icap_answer {
	enum icap_outcome outcome;
	int		 bypassed;	/* VIRGIN, but unscanned: why says so */
	const struct http1_head *http;	/* ADAPTED, SATISFIED; for this call */
	int		 body;		/* ... and a body follows */
	int		 status;	/* FAILED: 502, 503 or 504 */
	const char	*why;		/* a class for the log; or NULL */
	const char	*finding;	/* X-Infection-Found and its like */
};

/* All run in the seat's thread, never before icap_start() returned. */
struct icap_user {
	/* The server wants what is behind the preview: spool it. At most once;
	 * before it, or answer(), the body need not be spooled further than
	 * icap_wants(). */
	void	(*more)(void *arg);
	void	(*answer)(void *arg, const struct icap_answer *);
	/* Adapted body. Returns how much was taken; when less than len, call
	 * icap_resume() once there is room. */
	size_t	(*body)(void *arg, const uint8_t *, size_t len);
	/* The adapted body is complete. original >= 0: the virgin body from
	 * that offset on belongs behind it (206). The transaction is over. */
	void	(*end)(void *arg, int64_t original);
	/* After answer(): what was begun cannot be completed, and must be
	 * seen to be cut off. The transaction is over. */
	void	(*broken)(void *arg, const char *why);
};

struct icap_txn *icap_start(struct icap_seat *, const struct icap_job *,
	    const struct icap_user *, void *arg);
/* How much of the body must lie in the spool before anything can be decided
 * (the preview); UINT64_MAX: all of it is sent. */
uint64_t icap_wants(const struct icap_txn *);
void	icap_more(struct icap_txn *);
void	icap_resume(struct icap_txn *);
/* The receiver is gone, or the transaction is over: frees it. After VIRGIN,
 * FAILED, end() and broken() it must be called too. NULL is nothing. */
void	icap_cancel(struct icap_txn *);

#endif
