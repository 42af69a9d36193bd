/*
 * The ICAP client (RFC 3507): services, the servers that give them, and
 * transactions. It knows nothing of sessions; what happens to HTTP messages
 * around it is adapt's, and what the bytes look like is codec/icap's.
 *
 * A service is one entry of `icap:`; it is made once for the process and
 * holds what all workers learn of its servers (OPTIONS, health, load). A
 * client is a worker's part of it: connections, the queue, transactions. A
 * transaction is one attempt on one connection after another. Every failure
 * of the table in icap(5), F1 to F35, is decided in fault.c by the fault and
 * two facts: has a byte been committed to the receiver (answer() was called),
 * and is the virgin message intact (its spool was not dropped from). What
 * concerns the server's TLS is never bypassed (F4), not even while it is down
 * for it.
 *
 * Calls go down only: client -> transaction -> attempt -> connection, and
 * transaction -> pool -> server. What goes up is a callback.
 */
#ifndef ICAP_H
#define ICAP_H

#include <stdint.h>

#include "codec/icap.h"
#include "conf/conf.h"
#include "http/spool.h"
#include "util/addr.h"
#include "util/text.h"

#define ICAP_ISTAG	40	/* bytes kept of it */

struct event_base;
struct names;

struct icap_service;
struct icap_client;
struct icap_txn;

/* 0, or ERR_* with a sentence in why (a CA file cannot be read, ...). Connects
 * to nobody yet. */
int	icap_service_new(const struct conf_icap *, struct icap_service **,
	    struct text *why);
void	icap_service_free(struct icap_service *);
const struct conf_icap *icap_service_conf(const struct icap_service *);

/*
 * What became of a transaction, for counters and the log (the failures by
 * enum icap_fault).
 */
enum icap_result {
	ICAP_R_204P,		/* 204 within the preview */
	ICAP_R_204,		/* ... and outside it */
	ICAP_R_206,
	ICAP_R_MOD,		/* a whole message in its place */
	ICAP_R_SAT,		/* a request answered by the server */
	ICAP_R_BLOCK,		/* either, with a finding named; or F15 */
	ICAP_R_IGNORED,		/* not asked, by Transfer-Ignore */
	ICAP_R_ERR,		/* failed, fail closed: a page of ours */
	ICAP_R_BYPASS,		/* failed, fail open: virgin, unscanned */
	ICAP_R_ABORT,		/* failed after answer(): cut off */
	ICAP_R_GONE,		/* cancelled by the user */
	ICAP_R_MAX
};
const char *icap_result_name(enum icap_result);

enum icap_fault {		/* with its row of icap(5) */
	ICAP_F_NONE,
	ICAP_F_DNS,		/* F1 */
	ICAP_F_CONNECT,		/* F2 refused, unreachable */
	ICAP_F_CONNECT_TIME,	/* F3 */
	ICAP_F_TLS,		/* F4 never bypassed */
	ICAP_F_RACE,		/* F5, F19 a pooled connection had died */
	ICAP_F_CLOSED,		/* F6 to F9 */
	ICAP_F_FIRST_BYTE,	/* F10 */
	ICAP_F_STALL,		/* F11 */
	ICAP_F_MALFORMED,	/* F13 */
	ICAP_F_HEAD,		/* F14 the adapted head */
	ICAP_F_SHORT,		/* F15 less than its length: a verdict */
	ICAP_F_LONG,		/* F15 more */
	ICAP_F_REFUSED,		/* F16 3xx, 4xx */
	ICAP_F_AUTH,		/* F17 */
	ICAP_F_NO_SERVICE,	/* F18 */
	ICAP_F_REQUEST_TIME,	/* F19 on a fresh connection */
	ICAP_F_SERVER,		/* F20 */
	ICAP_F_OVERLOAD,	/* F21 */
	ICAP_F_QUEUE,		/* F22 */
	ICAP_F_CUT,		/* F30 the origin's body was cut off */
	ICAP_F_SPOOL,		/* F32 */
	ICAP_F_DOWN,		/* F33 */
	ICAP_F_OVERSIZE,	/* F31 longer than max-body */
	ICAP_F_TYPE,		/* not shown, by bypass-types */
	ICAP_F_ENDLESS,		/* of unknown length, and open too long */
	ICAP_F_CODING,		/* in a content coding it does not know */
	ICAP_F_LOST,		/* a monitor fell behind, and was given up */
	ICAP_F_STARVED,		/* no failure: its body comes slowly; it gave
				   its connection back and begins again */
	ICAP_F_MAX
};
const char *icap_fault_name(enum icap_fault);

/* One transaction, when it is over. Good for the call. */
struct icap_record {
	const char	*service;
	const char	*server;	/* its URL; NULL: none was asked */
	enum icap_method method;
	enum icap_result result;
	enum icap_fault	 fault;
	char		 outcome[32];	/* "204p", "err-connect", ... */
	int		 status;	/* of the ICAP answer, or 0 */
	char		 istag[ICAP_ISTAG];	/* "" if none */
	uint64_t	 bytes_out, bytes_in;	/* on the last connection */
	/* Milliseconds; -1: it did not get that far. */
	double		 queue, connect, first_byte, total;
	unsigned	 attempts;	/* 1 and more, 0: none */
	int		 reused;	/* connection */
	const char	*finding;	/* X-Infection-Found and its like, or
					   NULL */
	const char	*why;		/* what went wrong, or NULL */
};

/* arg: icap_attach()'s; user: icap_start()'s, which is still alive. */
typedef void (*icap_log)(void *arg, void *user, const struct icap_record *);

/* log may be NULL. names: for host names. All of it outlives the client. */
struct icap_client *icap_attach(struct icap_service *, struct event_base *,
	    struct names *, icap_log log, void *arg);
/* All users have ended theirs; transactions of monitors are given up. */
void	icap_detach(struct icap_client *);

/* Counters, any thread. */
#define ICAP_BUCKETS	12	/* of seconds: .0005 .001 .0025 .005 .01 .025
				 * .05 .1 .25 1 5 and all */
struct icap_stats {
	_Atomic uint64_t results[3][ICAP_R_MAX]; /* by enum icap_method */
	_Atomic uint64_t faults[ICAP_F_MAX];	/* each attempt's */
	_Atomic uint64_t seconds[ICAP_BUCKETS];	/* not cumulated */
	_Atomic uint64_t micros;		/* of all together */
	_Atomic unsigned waiting;		/* in all queues now */
};
const struct icap_stats *icap_service_stats(const struct icap_service *);

enum icap_state {
	ICAP_NEW,		/* its OPTIONS are not read yet */
	ICAP_UP,
	ICAP_DOWN		/* probed until two answers are good */
};
struct icap_server_stats {
	const char	*url;		/* the service's */
	enum icap_state	 state;
	unsigned	 connections, idle, busy, limit;
	uint64_t	 transactions, failures, opened, reused;
	int64_t		 preview;	/* OPTIONS; -1: none */
	char		 istag[ICAP_ISTAG];
	char		 why[80];	/* why it is down */
};
/* 0, or ERR_NOTFOUND when there is no server of that number. */
int	icap_server_stats(struct icap_service *, size_t,
	    struct icap_server_stats *);

/* Whether the service does this method at all (`reqmod:`, `respmod:`). */
int	icap_does(const struct icap_service *, enum icap_method);

/* Of a monitor: whether this message is one of its sample. Any thread. */
int	icap_sampled(struct icap_service *);

/* One message to be looked at. All of it lives as long as the transaction, and
 * is its maker's, who frees the texts. */
struct icap_input {
	enum icap_method method;
	struct text	 req_head;	/* encapsulated: absolute-form */
	struct text	 res_head;	/* RESPMOD; else empty */
	struct text	 path;		/* of the URL, for Transfer-* */
	struct text	 fields;	/* more ICAP fields */
	/*
	 * The body, NULL for none. It may still be growing: call
	 * icap_more() when it has grown, ended or was cut. length: what the
	 * head says it will be, or -1.
	 */
	struct spool	*body;
	int64_t		 length;
	int		 whole;		/* offer no 206: all of it is needed */
	struct addr	 client, server;
	int		 endless_open;	/* of the rule's `inspect:` */
	/* ... streams: a body without a length that has fewer bytes than that
	 * after so many ms will have no end; 0: that says nothing. */
	uint64_t	 slow_after, slow_below;
	int		 monitor;	/* nobody else needs the body: what was
					   sent is dropped from it */
};
void	icap_input_free(struct icap_input *);	/* its texts */

enum icap_outcome {
	ICAP_VIRGIN,		/* 204, or fail-open: the message as it is */
	ICAP_ADAPTED,		/* a message of the same kind in its place */
	ICAP_SATISFIED,		/* REQMOD answered by an HTTP response */
	ICAP_FAILED		/* fail-closed: an answer of our own */
};

struct icap_answer {
	enum icap_outcome outcome;
	int		 bypassed;	/* VIRGIN, but unscanned: why says so */
	const struct http_head *http;	/* ADAPTED, SATISFIED; for this call */
	int		 body;		/* ... and a body follows */
	int		 status;	/* FAILED: 502, 503 or 504 */
	const char	*why;		/* a class for the log; or NULL */
	const char	*echo;		/* lines: conf's echo-headers that came;
					 * good for this call; or NULL */
};

/* All run in the client's thread, never before icap_start() returned. */
struct icap_user {
	/* The server wants what is behind the preview: spool it. At most once;
	 * before it, or answer(), the body need not be spooled further than
	 * icap_wants(). NULL: all of it is spooled anyway. */
	void	(*more)(void *arg);
	void	(*answer)(void *arg, const struct icap_answer *);
	/* Adapted body. Returns how much was taken; when less than len, call
	 * icap_more() once there is room. NULL: it is ignored. */
	size_t	(*body)(void *arg, const uint8_t *, size_t len);
	/* The adapted body is complete. original >= 0: the virgin body from
	 * that offset on belongs behind it (206). The transaction is over. */
	void	(*end)(void *arg, int64_t original);
	/*
	 * After answer(), when it fails: has a byte gone on to the receiver?
	 * If not, what was begun is to be forgotten, and a second answer() may
	 * come; else broken() does. NULL: it has.
	 */
	int	(*committed)(void *arg);
	/* What was begun cannot be completed, and must be seen to be cut off.
	 * The transaction is over. */
	void	(*broken)(void *arg, const char *why);
	/* More of the body can be sent than is in the spool; or NULL. */
	void	(*hungry)(void *arg);
};

struct icap_txn *icap_start(struct icap_client *, const struct icap_input *,
	    const struct icap_user *, void *arg);
/* How much of the body must lie in the spool before anything can be decided
 * (the preview); UINT64_MAX: all of it is sent. */
uint64_t icap_wants(const struct icap_txn *);
/* The body has grown, ended or was cut. room: there is some for the answer. */
void	icap_more(struct icap_txn *, int room);
/* It fails for a reason that is not the server's: the body is longer than
 * max-body, or a monitor's copy has lost bytes of it. why: static. */
void	icap_fail(struct icap_txn *, enum icap_fault, const char *why);
/* Count and log a message that is not shown to the service at all. passes: it
 * goes on unscanned; else it is refused. */
void	icap_unseen(struct icap_client *, enum icap_method, void *user,
	    enum icap_fault, int passes, const char *why);
/* Frees it: the receiver is gone, or the transaction is over. It must be called
 * after VIRGIN, FAILED, end() and broken() too. NULL is allowed. */
void	icap_cancel(struct icap_txn *);

#endif
