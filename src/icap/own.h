/*
 * What the files of the ICAP client share, and nobody else needs.
 *
 *	service.c	services, counters
 *	health.c	their servers: health, limits, which one is taken
 *	tls.c	icaps://
 *	ask.c	OPTIONS: what a server says of itself, and probes
 *	conn.c	connections to servers, plain and TLS
 *	seat.c	a worker's part: pools and the queue
 *	txn.c	a transaction's life
 *	preview.c	how much of the body is shown at first
 *	fail.c	what its failures lead to
 *	starve.c	one that has nothing to send
 *	share.c	what one client may have
 *	copy.c	one that nobody waits for
 *	write.c	its request
 *	read.c	its response
 */
#ifndef ICAP_OWN_H
#define ICAP_OWN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "codec/icap_options.h"
#include "net/mailbox.h"
#include "net/transport.h"
#include "icap/icap.h"
#include "tls/tlsio.h"

#define ICAP_CONNECTIONS 64	/* to a server, when nobody says */
#define ICAP_PREVIEW_MAX 65536
#define ICAP_SERVERS	64	/* of a service: icap_txn.tried is a mask */
#define ICAP_ISTAG	40
#define ICAP_PARTS	1024	/* clients told apart by icap_share */

/* What OPTIONS said; shared by the transactions that began under it. */
struct icap_known {
	_Atomic int	 refs;
	struct icap_options o;
};

struct icap_server {
	struct icap_service *service;
	const char	*url;		/* the configuration's */
	const char	*host;
	uint16_t	 port;
	int		 tls;
	int		 named;		/* host is a name: SNI */
	char		*authority;	/* for Host */
	unsigned	 index;
	_Atomic int	 state;		/* enum icap_state */
	_Atomic unsigned conns;		/* open or being opened */
	_Atomic unsigned idle;		/* of these */
	_Atomic unsigned busy;		/* transactions */
	_Atomic unsigned limit;		/* of conns */
	_Atomic unsigned epoch;		/* pooled ones of an older: drop */
	_Atomic uint64_t transactions, failures, opened, reused;
	_Atomic uint64_t praised;	/* answers that were fine */
	/* Under the service's lock: */
	struct icap_known *known;	/* NULL: not read yet, or off */
	uint64_t	 failed[3];	/* when; the oldest first */
	uint64_t	 fine[3];	/* how much was fine before each */
	uint64_t	 whose[3];	/* the client of each; 0: none */
	int		 doubted;	/* OPTIONS are asked for that */
	_Atomic unsigned refused;	/* 4xx in a row */
	uint64_t	 refuser;	/* whose the first of them was */
	int		 refusers;	/* ... and others' were among them */
	unsigned	 good;		/* probes in a row */
	unsigned	 silent;	/* OPTIONS in a row without answer */
	int		 was_up;
	int		 insecure;	/* it is down for its TLS (F4) */
	uint64_t	 due;		/* of the next OPTIONS or probe */
	uint64_t	 asked;		/* when it was last sent */
	int		 asking;	/* a seat is at it */
	uint64_t	 shy_until;	/* overload: not before that */
	_Atomic uint64_t patience;	/* ms it keeps an idle connection, it
					   seems; 0: not known */
	unsigned	 soft;		/* overload: limit, 0 none */
	uint64_t	 soft_at;	/* when it was last changed */
	char		 istag[ICAP_ISTAG];
	char		 why[80];
	SSL_SESSION	*session;
};

struct icap_place {		/* of a server in a farm */
	struct icap_server *server;
	unsigned	 weight, tier;
};

struct icap_farm {
	struct icap_place *v;
	size_t		 n;
};

TAILQ_HEAD(icap_conns, icap_conn);
TAILQ_HEAD(icap_txns, icap_txn);
TAILQ_HEAD(icap_seats, icap_seat);
TAILQ_HEAD(icap_copies, icap_copy);

struct icap_ask;

struct icap_part {		/* what a client has */
	unsigned	 busy, waiting;
};

struct icap_service {
	const struct conf_icap *conf;
	struct icap_server *servers;
	size_t		 n;
	struct icap_farm farm[3];	/* by method */
	struct text	 fields;	/* the operator's, rendered */
	SSL_CTX		*ctx;		/* NULL: no icaps:// */
	pthread_mutex_t	 lock;
	struct icap_seats seats;
	unsigned	 turn;		/* breaks ties */
	/* icap_share, under the lock. */
	struct icap_part *parts;	/* ICAP_PARTS of them */
	uint64_t	 seed;
	const struct icap_part *last_part; /* whoever asked last */
	uint64_t	 last_at, other_at; /* when; and somebody else, or 0 */
	_Atomic unsigned waiting;	/* in all queues */
	_Atomic unsigned seen;		/* messages, of a monitor */
	/* Of 256 previews that ended within a body, so many were followed by
	 * 100; and the bodies that might have gone whole. By method. */
	_Atomic unsigned went_on[3], small[3];
	_Atomic uint64_t results[3][ICAP_R_MAX];
	_Atomic uint64_t faults[ICAP_F_MAX];
	_Atomic uint64_t seconds[ICAP_BUCKETS];
	_Atomic uint64_t micros;
};

struct icap_seat {
	TAILQ_ENTRY(icap_seat) link;
	struct icap_service *service;
	struct event_base *base;
	struct names	*names;
	icap_log	 log;
	void		*log_arg;
	struct mailbox	*box;
	struct mail	 mail;
	_Atomic int	 posted;
	struct icap_conns *idle;	/* by server, the youngest first */
	_Atomic unsigned nidle;
	struct icap_txns queue;
	unsigned	 waiting;
	struct event	 run;		/* look at the queue */
	struct event	 tick;		/* each second */
	struct icap_ask	**asks;		/* by server; NULL: none */
	struct icap_copies copies;	/* for a monitor, under way */
	struct tlsio_scratch *scratch;	/* with icaps:// */
	struct icap_head head;		/* both for the one call */
	struct http1_head http;
	struct text	 fields;
	char		*spare;		/* a read buffer, for the next conn */
};

struct icap_conn_user {
	/* Connected, or not; then the connection is gone. */
	void	(*opened)(void *arg, enum icap_fault, const char *why);
	/* The socket is ready for something. */
	void	(*event)(void *arg);
};

struct icap_conn {
	TAILQ_ENTRY(icap_conn) link;	/* while idle */
	struct icap_seat *seat;
	struct icap_server *server;
	const struct icap_conn_user *user; /* NULL: idle */
	void		*arg;
	struct dial	*dial;
	struct sock	 sock;
	const struct transport_ops *ops;
	void		*tp;
	struct tlsio	*tls;
	struct event	 ev;
	struct event	 timer;		/* of the TLS handshake */
	int		 shaking;
	int		 eof;		/* seen */
	unsigned	 epoch;
	unsigned	 uses;		/* transactions before this one */
	uint64_t	 since;		/* idle */
	char		*in;		/* received and not yet used */
	size_t		 in_off, in_len, in_cap;
};

/* A piece of the request: text, then body from the spool, then a tail. */
struct icap_piece {
	struct text	 head;
	size_t		 head_off;
	uint64_t	 at;		/* in the spool */
	size_t		 left;		/* bytes of body to go */
	const char	*tail;
	size_t		 tail_left;
};

enum icap_step {		/* of a transaction */
	ICAP_T_BODY,		/* the preview is not in the spool yet */
	ICAP_T_QUEUE,		/* waiting for a connection */
	ICAP_T_OPEN,		/* ... for it to be there */
	ICAP_T_RUN,		/* writing and reading */
	ICAP_T_OVER
};

enum icap_out {			/* the writer */
	ICAP_OUT_FIRST,		/* the heads, the preview with them */
	ICAP_OUT_WAIT,		/* the preview is out: what does it say? */
	ICAP_OUT_BODY,
	ICAP_OUT_DONE
};

enum icap_in {			/* the reader */
	ICAP_IN_ICAP,		/* an ICAP head */
	ICAP_IN_HTTP,		/* the HTTP head in it */
	ICAP_IN_BODY,
	ICAP_IN_DONE
};

struct icap_txn {
	TAILQ_ENTRY(icap_txn) link;	/* while queued */
	struct icap_seat *seat;
	struct icap_job	 job;
	const struct icap_user *user;	/* NULL: cancelled */
	void		*arg;
	enum icap_step	 step;
	int		 in_call;	/* of the user's, or of ours to it */
	int		 quiet;		/* the user called us: tell later */
	int		 dead;		/* free it when in_call is 0 */
	struct event	 timer;
	uint64_t	 deadline;	/* ms; 0: none */
	uint64_t	 armed;		/* when the timer runs, or 0 */
	int		 kick;		/* go on from the timer */
	enum icap_fault	 fault;		/* to be told by the timer */
	char		 why[128];
	uint64_t	 wants;		/* what icap_wants() says */
	uint64_t	 wanted;	/* ... and said at first */
	uint64_t	 queue_until;	/* ms; 0: was never queued */
	/* the attempt */
	struct icap_server *server;
	struct icap_known *known;
	struct icap_conn *conn;
	uint64_t	 tried;		/* servers, a mask */
	uint64_t	 blamed;	/* servers told of a failure */
	unsigned	 attempts, races, retries;
	int		 waited;	/* for a Retry-After */
	int		 beyond;	/* its tier was busy for too long */
	int		 flush;		/* do not wait for more of a preview */
	int		 whole;		/* none, if the body is here by then */
	int64_t		 preview;	/* announced, or -1 */
	unsigned	 allow;
	int		 more_told;
	/* the writer */
	enum icap_out	 out;
	struct icap_piece piece;
	uint64_t	 sent;		/* of the body */
	int		 ieof;
	int		 went_on;	/* 100 was read */
	int		 last;		/* the piece ends the request */
	int		 starved;	/* waits for the spool */
	uint64_t	 slow_since;	/* ms; 0: was never starved */
	uint64_t	 slow_at;	/* what was sent by then */
	uint64_t	 look;		/* ms: may it keep its connection? */
	int		 parked;	/* ... no: it waits for a whole body */
	int		 write_broken;
	/* the reader */
	enum icap_in	 in;
	size_t		 scanned;
	int		 heard;		/* a byte of an answer */
	int		 status;
	int		 close;
	int64_t		 retry_after;
	enum icap_section hdr, body;
	size_t		 hdr_len;
	struct icap_body chunks;
	struct slice	 pending;	/* payload not yet taken */
	int		 blocked;	/* the user has no room */
	int		 answered;
	int64_t		 length;	/* of the adapted body, or -1 */
	uint64_t	 got;		/* of it */
	int		 same;		/* F15: a prefix of the virgin body */
	int		 bad_status;	/* the adapted message says no */
	struct text	 finding;
	struct text	 echo;		/* conf's echo-headers in the answer */
	char		 istag[ICAP_ISTAG];
	/* the record */
	uint64_t	 t_start, t_try, t_sent, t_last;	/* us */
	double		 queue_ms, connect_ms, first_ms;
	uint64_t	 bytes_out, bytes_in;
	int		 reused;
};


/* service.c; those that take the lock say so. */
struct icap_known *icap_known_ref(struct icap_known *);
void	icap_known_free(struct icap_known *);
/*
 * The server for a transaction. 0; ERR_AGAIN: all that are left are busy or
 * not known yet; ERR_NOTFOUND: none is left; ERR_DENIED: none, and one of them
 * for its TLS, so that nothing may pass unseen. Locks.
 */
int	icap_choose(struct icap_seat *, const struct icap_txn *,
	    struct icap_server **, struct icap_known **);
/* Which client's: not 0. */
uint64_t icap_whose(const struct addr *);
/* OPTIONS of the first server of the farm that has any; or NULL. Locks. */
struct icap_known *icap_expect(struct icap_service *, enum icap_method);
int	icap_slot(struct icap_server *);	/* true: conns was raised */
enum icap_blame {
	ICAP_B_NONE,
	ICAP_B_ONE,		/* three of late: down */
	/* What it was sent may be the reason: it is asked OPTIONS, and is down
	 * if it does not answer them. Three of late of more than one client
	 * and hardly a good answer among them: down. */
	ICAP_B_DOUBT,
	ICAP_B_TEN,		/* ten in a row, of more than one client */
	ICAP_B_DOWN,
	ICAP_B_LESS
};
/* Health, each of them locks. whose: the client's hash. */
void	icap_blamed(struct icap_server *, enum icap_blame,
	    enum icap_fault, uint64_t whose, const char *why);
void	icap_praised(struct icap_server *);
void	icap_overload(struct icap_server *, int64_t retry_after);
void	icap_istag(struct icap_server *, const char *);
void	icap_idled(struct icap_server *, uint64_t ms);	/* then it closed */
int	icap_due(struct icap_server *);		/* true: the caller asks */
void	icap_asked(struct icap_server *, struct icap_known *,
	    enum icap_fault, const char *why);
void	icap_unasked(struct icap_server *);	/* given up, not failed */
void	icap_wake(struct icap_service *, struct icap_seat *but);
int	icap_tls_new(struct icap_service *, struct text *why);
SSL	*icap_tls_ssl(struct icap_server *);
int	icap_tls_untrusted(const SSL *);	/* its certificate failed */

/* conn.c */
struct icap_conn *icap_conn_open(struct icap_seat *, struct icap_server *,
	    const struct icap_conn_user *, void *arg);
void	icap_conn_close(struct icap_conn *, int reset);
/* Read what there is. Bytes; ERR_AGAIN, ERR_EOF, ERR_SYS, ERR_LIMIT. */
ssize_t	icap_conn_fill(struct icap_conn *, size_t max);
void	icap_conn_used(struct icap_conn *, size_t n);	/* n bytes of in */
ssize_t	icap_conn_write(struct icap_conn *, struct iovec *, int n);
void	icap_conn_lean(struct icap_conn *);	/* gives its buffer back */

/* seat.c */
struct icap_conn *icap_pool_get(struct icap_seat *, struct icap_server *,
	    const struct icap_conn_user *, void *arg);
void	icap_pool_put(struct icap_conn *);
void	icap_pool_gone(struct icap_conn *);	/* an idle one has an event */
void	icap_slot_free(struct icap_seat *, struct icap_server *);
int	icap_queue_add(struct icap_txn *);	/* 0 or ERR_LIMIT */
void	icap_queue_remove(struct icap_txn *);

/* ask.c */
void	icap_ask_start(struct icap_seat *, struct icap_server *);
void	icap_ask_stop(struct icap_ask *);

/* txn.c */
void	icap_txn_go(struct icap_txn *);		/* from the queue */
void	icap_txn_attempt(struct icap_txn *);	/* choose, connect */
/* What the attempt had is given back. */
void	icap_txn_reset(struct icap_txn *);
/* fail.c. The first may be used at any time, the second not while the
 * user is calling us. */
void	icap_txn_fail(struct icap_txn *, enum icap_fault, const char *why, ...)
	    __attribute__((format(printf, 3, 4)));
void	icap_txn_failed(struct icap_txn *, enum icap_fault);
/*
 * It is over: lets go of the connection (reuse: to the pool), counts, logs.
 * What the user is told comes after it.
 */
void	icap_txn_over(struct icap_txn *, enum icap_result, enum icap_fault,
	    int reuse);
void	icap_txn_answer(struct icap_txn *, const struct icap_answer *);
/* Tell the user, once, that all of the body is wanted. False: it left. */
int	icap_txn_more(struct icap_txn *);
void	icap_txn_kick(struct icap_txn *);	/* once the caller is done */
/* Whether its writer and reader may go on. */
static inline int
icap_txn_runs(const struct icap_txn *t)
{
	return t->step == ICAP_T_RUN && t->fault == ICAP_F_NONE;
}

/* A copy's bytes are lost: it is given up. From its owner. */
void	icap_txn_lost(struct icap_txn *);

/* preview.c. Bytes of a preview that this server shall get, or -1. */
int64_t	icap_txn_preview(const struct icap_txn *, const struct icap_known *);
/* How much of the body is to be here before anything is sent. */
uint64_t icap_txn_wants(struct icap_txn *);
/* The body is here, and goes whole rather than by a preview. */
int	icap_txn_whole(const struct icap_txn *);
/* Its preview was followed by 100, or was enough. */
void	icap_txn_learn(const struct icap_txn *, int went_on);
/* The server does not want this kind of file (4.10.2, Transfer-Ignore). */
int	icap_txn_ignored(const struct icap_txn *, const struct icap_known *);

/* starve.c */
void	icap_starve_begin(struct icap_txn *);
uint64_t icap_starve_due(const struct icap_txn *);	/* ms, or 0 */
void	icap_starve_look(struct icap_txn *);	/* when that is due */

/* share.c. The first wants the lock, the others take it. */
int	icap_share_may_run(struct icap_service *, const struct icap_txn *);
int	icap_share_may_wait(struct icap_service *, const struct icap_txn *,
	    unsigned max);
void	icap_share_run(struct icap_txn *, int more);	/* 1 or -1 */
void	icap_share_wait(struct icap_txn *, int more);

/* copy.c */
void	*icap_copy_user(struct icap_copy *);
void	icap_copies_stop(struct icap_seat *);

/* write.c */
void	icap_write_start(struct icap_txn *);
void	icap_write_more(struct icap_txn *);
/* The response is whole, the request is not: true if it could be ended. */
int	icap_write_rest(struct icap_txn *);

/* read.c */
void	icap_read_start(struct icap_txn *);
void	icap_read_more(struct icap_txn *);

#endif
