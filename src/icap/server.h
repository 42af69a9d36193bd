/*
 * A service and the servers that give it: what all workers learn of them
 * (OPTIONS, health, load), which one a transaction is sent to, and what a
 * client may have of them. Knows nothing of connections or transactions.
 *
 *	service.c	made from the configuration; counters
 *	health.c	up or down, overloaded, what OPTIONS said
 *	choose.c	the server of a transaction; each client's share
 *	fault.c		what a fault leads to
 *	tls.c		icaps://
 */
#ifndef ICAP_SERVER_H
#define ICAP_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "codec/icap_options.h"
#include "icap/icap.h"
#include "net/mailbox.h"
#include "util/share.h"

#define ICAP_CONNECTIONS 64	/* to a server, when neither side says */
#define ICAP_SERVERS	64	/* of a service: icap_want.tried is a mask */

enum icap_blame {		/* what a fault says of the server */
	ICAP_B_NONE,
	ICAP_B_ONE,		/* three within a short time: down */
	/* The message may be the reason. The server is asked OPTIONS, and is
	 * down if it does not answer, or after three within a short time from
	 * more than one client with hardly a good answer between them. */
	ICAP_B_DOUBT,
	ICAP_B_TEN,		/* ten in a row, from more than one client */
	ICAP_B_DOWN,
	ICAP_B_LESS		/* it gets fewer connections for a while */
};

enum icap_retry {
	ICAP_NEVER,
	ICAP_OTHER,		/* one more attempt, elsewhere */
	ICAP_OTHERS,		/* as many as there are: no bytes went */
	ICAP_HEAD_ONLY,		/* ICAP_OTHER, if there is no body */
	ICAP_AGAIN,		/* on another connection to the same */
	ICAP_LATER		/* when its body is whole */
};

struct icap_rule {
	const char	*name;
	enum icap_retry	 retry;
	enum icap_blame	 blame;
	int		 status;	/* fail closed */
};

enum icap_then {
	ICAP_THEN_CUT,		/* what was answered stands, and is cut off */
	ICAP_THEN_RETRY,	/* unless there is no server for it */
	ICAP_THEN_PASS,		/* the virgin message, unscanned */
	ICAP_THEN_REFUSE
};

struct icap_failing {		/* the facts */
	enum icap_fault	 fault;
	int		 committed;	/* a byte, or a verdict, that stands */
	int		 intact;	/* the virgin message */
	int		 again;		/* an attempt failed; another may do */
	unsigned	 retries;	/* that ICAP_OTHER led to */
};

/* What a server's OPTIONS say of one message. Zeroed, but for a preview of -1,
 * if they are not known. */
struct icap_offer {
	int		 known;
	unsigned	 flags;		/* ICAP_OPT_* */
	int64_t		 preview;	/* bytes; -1: none is wanted */
	enum icap_transfer transfer;
};

struct icap_failed {		/* a recent attempt */
	uint64_t	 at;		/* ms; 0: there was none */
	uint64_t	 successes;	/* of the server, before it */
	uint64_t	 client;	/* its key; 0: no client's doing */
};

struct icap_server {
	struct icap_service *service;
	const struct conf_icap_url *conf;
	char		*authority;	/* for Host */
	unsigned	 index;
	_Atomic int	 state;		/* enum icap_state */
	_Atomic unsigned conns;		/* open or being opened: permits */
	_Atomic unsigned idle;		/* of these */
	_Atomic unsigned busy;		/* attempts */
	_Atomic unsigned limit;		/* of conns */
	_Atomic unsigned epoch;		/* older idle ones are closed */
	_Atomic uint64_t transactions, failures, opened, reused, successes;
	_Atomic uint64_t idle_life;	/* ms that it seems to keep an idle
					   connection; 0: not known */
	/* Under the service's lock: */
	int		 known;		/* options were read */
	struct icap_options options;
	struct icap_failed failed[3];	/* the oldest first */
	int		 doubted;	/* asked OPTIONS because of faults */
	_Atomic unsigned refused;	/* 4xx in a row */
	uint64_t	 refuser;	/* the key of the first one's client */
	int		 refusers;	/* other clients had some too */
	unsigned	 good;		/* probes in a row */
	unsigned	 silent;	/* OPTIONS in a row without answer */
	int		 was_up;
	int		 insecure;	/* it is down for its TLS (F4) */
	uint64_t	 due;		/* of the next OPTIONS or probe */
	uint64_t	 asked;		/* when it was last sent */
	int		 asking;	/* a worker is waiting for the answer */
	uint64_t	 retry_at;	/* ms; overloaded until then */
	unsigned	 overload_limit; /* of busy; 0: none */
	uint64_t	 overload_at;	/* when that was last changed */
	char		 istag[ICAP_ISTAG];
	char		 why[80];
	SSL_SESSION	*session;
};

struct icap_member {		/* a server in a group */
	struct icap_server *server;
	unsigned	 weight, tier;
};

struct icap_group {		/* the servers of one method */
	struct icap_member *v;
	size_t		 n;
};

/* A client that is told, in its own thread, when connections become free. */
struct icap_waker {
	TAILQ_ENTRY(icap_waker) link;
	struct mailbox	*box;		/* or NULL */
	struct mail	 mail;
};
TAILQ_HEAD(icap_wakers, icap_waker);

TAILQ_HEAD(icap_conns, icap_conn);

struct icap_service {
	const struct conf_icap *conf;
	struct icap_server *servers;
	size_t		 n;
	struct icap_group group[3];	/* by method */
	struct text	 fields;	/* the operator's, rendered */
	SSL_CTX		*ctx;		/* NULL: no icaps:// */
	pthread_mutex_t	 lock;
	struct icap_wakers wakers;
	unsigned	 turn;		/* breaks ties */
	/* Under the lock: */
	struct shares	 busy, waiting;	/* attempts, and requests for them */
	uint64_t	 last;		/* who asked last: addr_owner() */
	uint64_t	 last_at, other_at; /* when; when another did, or 0 */
	_Atomic unsigned seen;		/* messages, of a monitor */
	/* By method: how many of 256 previews that did not end the body were
	 * followed by 100; and how many bodies might have gone whole. */
	_Atomic unsigned went_on[3], small[3];
	struct icap_stats stats;
};

/* service.c */
/* A transaction is over: counts it, and fills in service and outcome. */
void	icap_count(struct icap_service *, struct icap_record *);

/* health.c; each takes the lock. owner: addr_owner() of the client. */
void	icap_failure(struct icap_server *, enum icap_fault, uint64_t client,
	    const char *why);
void	icap_success(struct icap_server *);
void	icap_overload(struct icap_server *, int64_t retry_after); /* s */
void	icap_istag(struct icap_server *, const char *);
void	icap_idled(struct icap_server *, uint64_t ms);	/* then it closed */
int	icap_due(struct icap_server *);		/* true: the caller asks */
/*
 * OPTIONS was answered (its contents are taken; NULL with `options: off`) or
 * not (why; fault when that is no matter of patience). An answer brings a
 * server up at once when it never was; else the second one does.
 */
void	icap_asked(struct icap_server *, struct icap_options *,
	    enum icap_fault, const char *why);
void	icap_unasked(struct icap_server *);	/* given up, not failed */

/* choose.c */
struct icap_want {		/* what a transaction looks for */
	enum icap_method method;
	struct slice	 path;		/* for Transfer-* */
	const struct addr *client;
	uint64_t	 owner;		/* addr_owner() of the client */
	uint64_t	 tried;		/* a mask of servers to leave out */
	int		 beyond;	/* its tier was busy for too long */
};

/*
 * The server for a transaction; idle: connections that the caller has, by
 * server. 0; ERR_AGAIN: all that are left are busy or not known yet;
 * ERR_NOTFOUND: none is left; ERR_DENIED: none, and one of them for its TLS,
 * so that nothing may pass unseen. Locks. The offer may be NULL.
 */
int	icap_choose(struct icap_service *, const struct icap_want *,
	    const struct icap_conns *idle, struct icap_server **,
	    struct icap_offer *);
/* The first known offer of the group's servers. Locks. */
struct icap_offer icap_expect(struct icap_service *, enum icap_method,
	    struct slice path);
/* Whether it is in the group of that method. */
int	icap_serves(const struct icap_server *, enum icap_method);
int	icap_permit(struct icap_server *);	/* true: conns was raised */
/* An attempt begins there, or ends. Locks. */
void	icap_begin(struct icap_server *, const struct icap_want *);
void	icap_end(struct icap_server *, const struct icap_want *);
/* One more waits in a queue (0 or ERR_LIMIT), or one fewer. Both lock. */
int	icap_wait(struct icap_service *, const struct icap_want *);
void	icap_unwait(struct icap_service *, const struct icap_want *);
/* Something became free: all workers but that one look at their queues. */
void	icap_wake(struct icap_service *, struct icap_waker *but);

/* fault.c */
const struct icap_rule *icap_rule(enum icap_fault);
enum icap_then icap_decide(const struct icap_failing *,
	    const struct conf_icap *, const struct icap_input *);
/* Of an ICAP status that is no answer. */
enum icap_fault icap_fault_of(int status);

/* tls.c */
int	icap_tls_new(struct icap_service *, struct text *why);
SSL	*icap_tls_ssl(struct icap_server *);

#endif
