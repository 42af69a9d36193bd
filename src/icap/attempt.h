/*
 * One try of a transaction on one connection. Each try has an attempt of its
 * own, so that nothing is left of the one before. It writes the request, reads
 * the answer, and passes it on: a wish for more (100), an adapted head, its
 * body. How it ends, and what that leads to, is its owner's affair.
 *
 *	attempt.c	its life and its clock
 *	write.c		the request, and how much of the body at first
 *	read.c		the response
 */
#ifndef ICAP_ATTEMPT_H
#define ICAP_ATTEMPT_H

#include <stdio.h>

#include "icap/client.h"

#define ICAP_LOOK_EVERY	1000	/* ms, at one that starves */

/*
 * What came, for the owner. Each may end the attempt, and none runs within a
 * call of the owner's.
 */
struct icap_attempt_user {
	/* The answer to OPTIONS; clean: nothing follows it. */
	void	(*options)(void *arg, const struct icap_head *, int clean);
	/* The answer is whole, and good. */
	void	(*end)(void *arg, enum icap_result, int64_t original);
	void	(*fault)(void *arg, enum icap_fault, const char *why);
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

struct icap_attempt {
	/* Set by whoever begins it: */
	const struct icap_attempt_user *user;
	void		*arg;
	const struct icap_user *to;	/* is answered; NULL for OPTIONS */
	void		*to_arg;
	const struct icap_input *input;
	struct icap_conn *conn;		/* NULL: the attempt is over */
	struct icap_offer offer;	/* of the server */
	struct icap_record *seen;	/* what is measured */
	uint64_t	 expected;	/* of the body, of the user; UINT64_MAX:
					   all, and more() need not run */
	unsigned	 whole:1;	/* no preview, if the body is here */
	/* attempt.c: */
	struct icap_client *client;
	int		 busy;		/* calls on the stack */
	struct event	 timer;
	uint64_t	 armed;		/* ms: when the timer runs, or 0 */
	unsigned	 again:1;	/* go on from the timer */
	unsigned	 tell_more:1;	/* ... with more() */
	uint64_t	 wants;		/* of the body before it can say more */
	enum icap_fault	 fault;		/* told by the timer */
	char		 why[128];
	uint64_t	 t_try, t_sent, t_last;	/* us */
	/* the writer */
	enum icap_out	 out;
	struct icap_piece piece;
	int64_t		 preview;	/* announced, or -1 */
	unsigned	 allow;
	uint64_t	 sent;		/* of the body */
	unsigned	 ieof:1;
	unsigned	 went_on:1;	/* 100 was read */
	unsigned	 last:1;	/* the piece ends the request */
	unsigned	 starved:1;	/* waits for the spool */
	uint64_t	 slow_since;	/* ms; 0: was never starved */
	uint64_t	 slow_at;	/* what was sent by then */
	uint64_t	 look;		/* ms: may it keep its connection? */
	unsigned	 write_broken:1;
	/* the reader */
	enum icap_in	 in;
	size_t		 scanned;
	unsigned	 close:1;
	int64_t		 retry_after;
	enum icap_section hdr, body;
	size_t		 hdr_len;
	struct icap_body chunks;
	struct slice	 pending;	/* payload not yet taken */
	unsigned	 blocked:1;	/* the user has no room */
	unsigned	 answered:1;	/* head() was called */
	int64_t		 length;	/* of the adapted body, or -1 */
	uint64_t	 got;		/* of it */
	unsigned	 same:1;	/* F15: a prefix of the virgin body */
	unsigned	 bad_status:1;	/* the adapted message says no */
	struct text	 finding;
	struct text	 echo;		/* conf's echo-headers in the answer */
};

struct icap_attempt *icap_attempt_new(const struct icap_attempt *);
/* As icap_more(). */
void	icap_attempt_more(struct icap_attempt *, int room);
/* It fails for a reason of its owner, who is told so by fault(). */
void	icap_attempt_fail(struct icap_attempt *, enum icap_fault,
	    const char *why);
/*
 * End it in any state. The connection is the caller's again. The attempt is
 * freed, at once or when the call that it is in returns.
 */
struct icap_conn *icap_attempt_end(struct icap_attempt *);
/* The answer says no, and stands even if the rest of it fails. */
int	icap_attempt_verdict(const struct icap_attempt *);
/* A pooled connection had died before a byte of answer: no failure. */
int	icap_attempt_raced(const struct icap_attempt *, enum icap_fault);
/* Log what was read, for whoever has to talk to the server's maker. */
void	icap_attempt_evidence(const struct icap_attempt *, enum icap_fault);
/* Request and answer are whole: the connection may be kept. */
int	icap_attempt_clean(struct icap_attempt *);

/* Whether its writer and reader may go on. */
static inline int
icap_attempt_runs(const struct icap_attempt *a)
{
	return a->conn != NULL && a->conn->open && a->fault == ICAP_F_NONE;
}

/* The first fault counts. Its owner is told from the timer. */
static inline void
icap_attempt_fault(struct icap_attempt *a, enum icap_fault fault,
    const char *why)
{
	if (a->fault != ICAP_F_NONE)
		return;
	a->fault = fault;
	snprintf(a->why, sizeof(a->why), "%s", why);
}

/* More than was expected of the body is wanted. */
static inline void
icap_attempt_wants(struct icap_attempt *a)
{
	if (a->expected == UINT64_MAX)
		return;
	a->expected = UINT64_MAX;
	if (a->to->more != NULL)
		a->to->more(a->to_arg);
}

/* Whether anything of the answer has gone on to the receiver. */
static inline int
icap_committed(const struct icap_user *u, void *arg)
{
	return u->committed == NULL || u->committed(arg);
}

/* write.c */
void	icap_write_start(struct icap_attempt *);
void	icap_write_more(struct icap_attempt *);
/* The response is whole, the request is not: true if it could be ended. */
int	icap_write_rest(struct icap_attempt *);

/* How much of the body must be here before anything is sent; UINT64_MAX: any of
 * it will do, and all of it is sent. whole: better without a preview. */
uint64_t icap_preview_wants(struct icap_service *, const struct icap_input *,
	    int *whole);
/* A preview was followed by 100, or was enough. */
void	icap_preview_learn(struct icap_service *, enum icap_method,
	    int went_on);

/* read.c */
void	icap_read_more(struct icap_attempt *);

#endif
