/*
 * A transaction, and the client that has it: what client.c and txn.c share.
 */
#ifndef ICAP_TXN_H
#define ICAP_TXN_H

#include "icap/attempt.h"
#include "icap/options.h"

enum txn_state {
	TXN_BODY,		/* its preview is not in the spool yet */
	TXN_QUEUE,		/* waiting for a connection */
	TXN_TRY,		/* there is an attempt */
	TXN_OVER
};

TAILQ_HEAD(icap_txns, icap_txn);

struct icap_client {
	struct icap_pool pool;
	struct icap_asks asks;
	struct event	 tick;
	const struct icap_attempt_user *attempt;	/* of transactions */
	icap_log	 log;
	void		*log_arg;
	struct icap_txns txns;
};

struct icap_txn {
	struct icap_waiter waiter;
	TAILQ_ENTRY(icap_txn) link;
	struct icap_client *client;
	struct icap_service *service;
	struct icap_input input;
	const struct icap_user *user;
	void		*arg;
	enum txn_state	 state;
	struct event	 timer;
	uint64_t	 armed;		/* ms: when the timer runs, or 0 */
	enum icap_fault	 fault;		/* without an attempt; told by it */
	int		 ignored;	/* ... or that */
	const char	*why;
	uint64_t	 expected;	/* what icap_wants() has said */
	int		 whole;		/* no preview, if the body is here */
	int		 more_told;
	uint64_t	 flush_at;	/* ms; 0: its preview had not to wait */
	int		 flush;		/* do not wait for more of it */
	int		 parked;	/* until the body is whole */
	uint64_t	 queue_until;	/* ms; 0: was never queued */
	struct icap_attempt *attempt;	/* if TXN_TRY */
	int		 answered;	/* by the last attempt */
	uint64_t	 blamed;	/* servers told of a failure, a mask */
	unsigned	 attempts, races, retries;
	int		 waited;	/* for a Retry-After */
	uint64_t	 started;	/* us */
	double		 queued;	/* ms */
	struct icap_record seen;	/* of the last attempt */
};

/* Counted and logged; user: whom the log is told. */
void	icap_client_record(struct icap_client *, struct icap_record *,
	    void *user);

/* Its preview may be here: then try. */
void	icap_txn_prepare(struct icap_txn *);
/* Choose a server and a connection, and begin an attempt; or wait for one. */
void	icap_txn_try(struct icap_txn *);
void	icap_txn_look(struct icap_waiter *);
int	icap_txn_choose(struct icap_txn *, struct icap_server **,
	    struct icap_offer **);
/* The timer runs when due (ms; 0: never). */
uint64_t icap_txn_due(const struct icap_txn *);
void	icap_txn_arm(struct icap_txn *);
/* It fails without its server having a part in it: told later. */
void	icap_txn_fail(struct icap_txn *, enum icap_fault, const char *why);
/* The attempt is over; reuse: its connection can be used again. */
void	icap_txn_drop(struct icap_txn *, int reuse);
/* It is over: counted and logged; what the user is told comes after it. */
void	icap_txn_over(struct icap_txn *, enum icap_result, enum icap_fault,
	    int reuse);

#endif
