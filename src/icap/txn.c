/*
 * A transaction: it waits for its preview, for a server and for a connection,
 * then has an attempt. An attempt that fails is followed by another, elsewhere,
 * or by the end of the transaction, as the table of failures has it (fault.c).
 * When it is over, it is counted and logged.
 *
 * The user is told nothing while it is calling us: the timer does that.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "icap/attempt.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define FLUSH_MS	1000	/* a slow body's preview goes short then */
#define RACES_MAX	2
#define RETRY_AFTER_MAX	5	/* seconds that are waited for */

enum txn_state {
	TXN_BODY,		/* its preview is not in the spool yet */
	TXN_QUEUE,		/* waiting for a connection */
	TXN_TRY,		/* there is an attempt */
	TXN_OVER
};

struct icap_txn {
	struct icap_waiter waiter;
	TAILQ_ENTRY(icap_txn) link;
	struct icap_client *client;
	struct icap_service *service;	/* the client's */
	struct icap_input input;
	const struct icap_user *user;
	void		*arg;
	enum txn_state	 state;
	struct event	 timer;
	uint64_t	 armed;		/* ms: when the timer runs, or 0 */
	enum icap_fault	 fault;		/* without an attempt; told by it */
	int		 ignored;	/* ... or that */
	const char	*why;
	uint64_t	 expected;	/* of the body; see icap_wants() */
	int		 whole;		/* no preview, if the body is here */
	uint64_t	 flush_at;	/* ms; 0: its preview did not wait */
	int		 flush;		/* do not wait for more of it */
	int		 parked;	/* until the body is whole */
	uint64_t	 queue_until;	/* ms; 0: was never queued */
	struct icap_attempt *attempt;	/* if TXN_TRY */
	uint64_t	 blamed;	/* servers told of a failure, a mask */
	unsigned	 races, retries;
	int		 waited;	/* for a Retry-After */
	uint64_t	 started;	/* us */
	struct icap_record seen;	/* so far; of the last attempt */
};

static void	txn_try(struct icap_txn *);

/* Count it and log it. */
static void
txn_record(struct icap_txn *t, enum icap_result result, enum icap_fault fault)
{
	struct icap_client *cl = t->client;
	struct icap_record *r = &t->seen;

	r->result = result;
	r->fault = fault;
	r->total = (double)(clock_us() - t->started) / 1e3;
	if (t->attempt != NULL && t->attempt->finding.len > 0)
		r->finding = t->attempt->finding.s;
	if (fault != ICAP_F_NONE)
		r->why = t->why;
	icap_count(t->service, r);
	if (cl->log != NULL)
		cl->log(cl->log_arg, t->arg, r);
}

static int
txn_answered(const struct icap_txn *t)
{
	return t->attempt != NULL && t->attempt->answered;
}

/*
 * When a message without end is enough, in ms: one of unknown length that grows
 * and is not answered yet; or 0. A slow one is a stream (`inspect: streams`),
 * and so is each response after stream-after.
 */
static uint64_t
txn_endless(const struct icap_txn *t)
{
	const struct icap_input *in = &t->input;
	uint64_t after = in->method == ICAP_RESPMOD ?
	    t->service->conf->stream_after : 0;

	if (in->length >= 0 || txn_answered(t) || in->monitor ||
	    in->body == NULL || spool_ended(in->body) != 0)
		return 0;
	if (in->slow_after != 0 && spool_size(in->body) < in->slow_below &&
	    (after == 0 || in->slow_after < after))
		after = in->slow_after;
	return after != 0 ? t->started / 1000 + after : 0;
}

/* When the timer has something to do, in ms; 0: never. */
static uint64_t
txn_due(const struct icap_txn *t)
{
	switch (t->state) {
	case TXN_BODY:
		return t->parked ? txn_endless(t) : t->flush ? 0 :
		    t->flush_at;
	case TXN_QUEUE:
		return t->queue_until;
	case TXN_TRY:
		return txn_endless(t);
	case TXN_OVER:
		break;
	}
	return 0;
}

static void
txn_arm(struct icap_txn *t)
{
	icap_timer(&t->timer, &t->armed, txn_due(t));
}

/* The attempt is over; reuse: its connection can be used again. */
static void
txn_drop(struct icap_txn *t, int reuse)
{
	struct icap_attempt *a = t->attempt;
	struct icap_conn *c;

	if (a == NULL)
		return;
	t->attempt = NULL;
	t->seen.server = NULL;
	t->expected = a->expected;
	c = icap_attempt_end(a);
	icap_end(c->server, &t->waiter.want);
	if (reuse)
		icap_pool_put(c);
	else
		icap_pool_close(c, c->open);
}

static void
txn_leave(struct icap_txn *t)
{
	if (t->state == TXN_QUEUE)
		icap_pool_leave(t->client, &t->waiter);
}

/* It is over: counted and logged; what the user is told comes after it. */
static void
txn_over(struct icap_txn *t, enum icap_result result, enum icap_fault fault,
    int reuse)
{
	txn_leave(t);
	t->state = TXN_OVER;
	txn_record(t, result, fault);
	txn_drop(t, reuse);
}

static void
txn_end(void *arg, enum icap_result result, int64_t original)
{
	struct icap_txn *t = arg;
	struct icap_attempt *a = t->attempt;
	struct icap_answer virgin = { .outcome = ICAP_VIRGIN,
	    .echo = a->echo.s };

	icap_success(a->conn->server);
	txn_over(t, result, ICAP_F_NONE, icap_attempt_clean(a));
	if (result == ICAP_R_204 || result == ICAP_R_204P)
		t->user->answer(t->arg, &virgin);
	else
		t->user->end(t->arg, original);
}

/* Counted, logged, and told to the server's health. */
static void
txn_blame(struct icap_txn *t, enum icap_fault fault)
{
	static struct log_gate gate;
	struct icap_server *v = t->attempt != NULL ?
	    t->attempt->conn->server : NULL;
	uint64_t bit = v != NULL ? 1ULL << v->index : 0;
	int held;

	t->service->stats.faults[fault]++;
	if (fault == ICAP_F_RACE || fault == ICAP_F_STARVED)
		return;
	if ((t->blamed & bit) != bit) {
		t->blamed |= bit;
		icap_failure(v, fault, t->waiter.want.owner, t->why);
	}
	if (!log_gate(&gate, &held))
		return;
	log_warn("icap %s: %s: %s (%d more)", t->service->conf->name,
	    v != NULL ? v->conf->url : icap_fault_name(fault), t->why, held);
	if (t->attempt != NULL)
		icap_attempt_evidence(t->attempt, fault);
}

/* Whether there is a server to try it again; that one is left out. */
static int
txn_elsewhere(struct icap_txn *t, enum icap_fault fault)
{
	enum icap_retry how = icap_rule(fault)->retry;
	struct icap_attempt *a = t->attempt;
	uint64_t bit = 1ULL << a->conn->server->index;
	struct icap_server *v;
	int rv;

	if (how == ICAP_AGAIN || how == ICAP_LATER)
		return 1;
	if (how != ICAP_OTHERS)
		t->retries++;
	t->waiter.want.tried |= bit;
	rv = icap_choose(t->service, &t->waiter.want, t->client->idle, &v,
	    NULL);
	if (rv == 0 || rv == ERR_AGAIN)
		return 1;
	if (fault != ICAP_F_OVERLOAD || t->waited || a->retry_after < 0 ||
	    a->retry_after > RETRY_AFTER_MAX)
		return 0;
	t->waited = 1;
	t->waiter.want.tried &= ~bit;
	icap_overload(a->conn->server, a->retry_after);
	return 1;
}

static void
txn_retry(struct icap_txn *t, enum icap_fault fault)
{
	txn_drop(t, 0);
	t->state = TXN_BODY;
	if (fault == ICAP_F_STARVED) {
		t->parked = 1;
		t->waiter.want.beyond = 0;
		t->waiter.want.tried = 0;
		t->queue_until = 0;
	} else
		txn_try(t);
	txn_arm(t);
}

/* It can be neither finished nor begun again: it passes or is refused. */
static void
txn_give_up(struct icap_txn *t, enum icap_fault fault, int pass)
{
	static struct log_gate gate;
	struct icap_attempt *a = t->attempt;
	struct icap_answer told = {
		.outcome = pass ? ICAP_VIRGIN : ICAP_FAILED,
		.bypassed = pass,
		.status = icap_rule(fault)->status,
		.why = icap_fault_name(fault),
		.echo = a != NULL ? a->echo.s : NULL,
	};
	int held;

	if (pass && log_gate(&gate, &held))
		log_warn("icap %s: a message passed unscanned (%d more)",
		    t->service->conf->name, held);
	txn_over(t, pass ? ICAP_R_BYPASS : fault == ICAP_F_SHORT ?
	    ICAP_R_BLOCK : ICAP_R_ERR, fault, 0);
	t->user->answer(t->arg, &told);
}

/*
 * Whether its answer stands, and can only be cut off: because something of it
 * has gone on, or because it is a verdict. A body of the wrong length (F15) may
 * be one too. And the size of the message does not undo an answer to it.
 */
static int
txn_stands(const struct icap_txn *t, enum icap_fault fault)
{
	return txn_answered(t) && (fault == ICAP_F_SHORT ||
	    fault == ICAP_F_LONG || fault == ICAP_F_OVERSIZE ||
	    icap_attempt_verdict(t->attempt) ||
	    icap_committed(t->user, t->arg));
}

static void
txn_fault(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_txn *t = arg;
	int intact = t->input.body == NULL || spool_first(t->input.body) == 0;
	struct icap_failing f;
	enum icap_then then;

	t->why = why;
	if (intact && t->attempt != NULL && t->races < RACES_MAX &&
	    icap_attempt_raced(t->attempt, fault)) {
		t->races++;
		t->attempt->conn->server->epoch++;
		fault = ICAP_F_RACE;
	}
	txn_blame(t, fault);
	f = (struct icap_failing){ fault, txn_stands(t, fault), intact,
	    t->attempt != NULL, t->retries };
	then = icap_decide(&f, t->service->conf, &t->input);
	if (then == ICAP_THEN_RETRY && !txn_elsewhere(t, fault)) {
		f.again = 0;
		then = icap_decide(&f, t->service->conf, &t->input);
	}
	switch (then) {
	case ICAP_THEN_CUT:
		txn_over(t, fault == ICAP_F_SHORT ? ICAP_R_BLOCK :
		    ICAP_R_ABORT, fault, 0);
		t->user->broken(t->arg, icap_fault_name(fault));
		break;
	case ICAP_THEN_RETRY:
		txn_retry(t, fault);
		break;
	case ICAP_THEN_PASS:
	case ICAP_THEN_REFUSE:
		txn_give_up(t, fault, then == ICAP_THEN_PASS);
		break;
	}
}

static const struct icap_attempt_user txn_attempt = {
	.end = txn_end,
	.fault = txn_fault
};

static void
txn_begin(struct icap_txn *t, struct icap_conn *c, struct icap_offer offer)
{
	struct icap_attempt a = {
		.user = &txn_attempt,
		.arg = t,
		.to = t->user,
		.to_arg = t->arg,
		.input = &t->input,
		.conn = c,
		.offer = offer,
		.seen = &t->seen,
		.expected = t->expected,
		.whole = t->whole,
	};

	txn_leave(t);
	t->state = TXN_TRY;
	icap_begin(c->server, &t->waiter.want);
	if (t->seen.attempts++ == 0)
		t->seen.queue = (double)(clock_us() - t->started) / 1e3;
	t->attempt = icap_attempt_new(&a);
}

/* No server has a connection for it now. */
static void
txn_wait(struct icap_txn *t)
{
	if (t->state == TXN_QUEUE)
		return;
	if (icap_pool_wait(t->client, &t->waiter) == 0) {
		t->state = TXN_QUEUE;
		if (t->queue_until == 0)
			t->queue_until = clock_ms() +
			    t->service->conf->queue_timeout;
	} else if (t->waiter.want.beyond)
		icap_fail(t, ICAP_F_QUEUE, "the queue is full");
	else {
		t->waiter.want.beyond = 1;
		txn_try(t);
	}
}

/* Choose a server and a connection, and begin an attempt; or wait for one. */
static void
txn_try(struct icap_txn *t)
{
	struct icap_conn *c = NULL;
	struct icap_offer offer;
	struct icap_server *v;
	int rv = icap_choose(t->service, &t->waiter.want, t->client->idle,
	    &v, &offer);

	if (rv == 0 && offer.transfer == ICAP_IGNORE) {
		t->ignored = 1;
		event_active(&t->timer, EV_TIMEOUT, 0);
		return;
	}
	if (rv == 0 && (c = icap_pool_get(t->client, v, 0)) != NULL)
		txn_begin(t, c, offer);
	else if (rv == 0 || rv == ERR_AGAIN)
		txn_wait(t);
	else
		icap_fail(t, rv == ERR_DENIED ? ICAP_F_TLS : ICAP_F_DOWN,
		    "all servers are down");
}

static void
txn_look(struct icap_waiter *w)
{
	struct icap_txn *t = (struct icap_txn *)w;

	if (t->fault == ICAP_F_NONE && !t->ignored)
		txn_try(t);
	txn_arm(t);
}

static int
txn_ready(const struct icap_txn *t)
{
	const struct spool *body = t->input.body;

	if (body == NULL || spool_ended(body) != 0)
		return 1;
	if (t->parked || t->flush)
		return t->flush && !t->parked;
	return t->expected == UINT64_MAX ? spool_size(body) > 0 :
	    spool_size(body) >= t->expected;
}

/* If its preview is here, try. */
static void
txn_prepare(struct icap_txn *t)
{
	if (t->fault != ICAP_F_NONE || t->ignored)
		return;
	if (t->input.body != NULL && spool_ended(t->input.body) == -1)
		icap_fail(t, ICAP_F_CUT, "the body was cut off");
	else if (txn_ready(t))
		txn_try(t);
	else if (t->flush_at == 0)
		t->flush_at = clock_ms() + FLUSH_MS;
	txn_arm(t);
}

static void
txn_expired(struct icap_txn *t)
{
	if (t->state == TXN_TRY || t->parked) {
		icap_fail(t, ICAP_F_ENDLESS, "no end in sight");
	} else if (t->state == TXN_BODY) {
		t->flush = 1;
		txn_prepare(t);
	} else {
		if (!t->waiter.want.beyond) {
			t->waiter.want.beyond = 1;
			txn_try(t);
		}
		if (t->state == TXN_QUEUE)
			icap_fail(t, ICAP_F_QUEUE, "no connection became free");
		txn_arm(t);
	}
}

static void
txn_timer(evutil_socket_t fd, short what, void *arg)
{
	struct icap_txn *t = arg;
	struct icap_answer virgin = { .outcome = ICAP_VIRGIN,
	    .why = "ignored" };
	enum icap_fault fault = t->fault;
	uint64_t due = txn_due(t);

	t->armed = 0;
	t->fault = ICAP_F_NONE;
	if (t->state == TXN_OVER)
		return;
	if (fault != ICAP_F_NONE)
		txn_fault(t, fault, t->why);
	else if (t->ignored) {
		txn_over(t, ICAP_R_IGNORED, ICAP_F_NONE, 0);
		t->user->answer(t->arg, &virgin);
	} else if (due != 0 && clock_ms() >= due)
		txn_expired(t);
	else
		txn_arm(t);
}

void
icap_input_free(struct icap_input *in)
{
	text_free(&in->req_head);
	text_free(&in->res_head);
	text_free(&in->path);
	text_free(&in->fields);
}

struct icap_txn *
icap_start(struct icap_client *cl, const struct icap_input *input,
    const struct icap_user *user, void *arg)
{
	struct icap_txn *t = xcalloc(1, sizeof(*t));

	t->client = cl;
	t->service = cl->service;
	t->input = *input;
	t->user = user;
	t->arg = arg;
	t->seen.method = input->method;
	t->seen.queue = t->seen.connect = t->seen.first_byte = -1;
	t->started = clock_us();
	t->waiter.look = txn_look;
	t->waiter.want.method = input->method;
	t->waiter.want.path = slice_of(input->path.s, input->path.len);
	t->waiter.want.client = &t->input.client;
	t->waiter.want.owner = addr_owner(&t->input.client);
	TAILQ_INSERT_TAIL(&cl->txns, t, link);
	event_assign(&t->timer, cl->base, -1, 0, txn_timer, t);
	t->expected = icap_preview_wants(t->service, &t->input, &t->whole);
	txn_prepare(t);
	return t;
}

uint64_t
icap_wants(const struct icap_txn *t)
{
	return t->attempt != NULL ? t->attempt->wants : t->expected;
}

void
icap_more(struct icap_txn *t, int room)
{
	if (t->attempt != NULL)
		icap_attempt_more(t->attempt, room);
	else if (t->state == TXN_BODY)
		txn_prepare(t);
}

void
icap_fail(struct icap_txn *t, enum icap_fault fault, const char *why)
{
	if (t->state == TXN_OVER || t->fault != ICAP_F_NONE)
		return;
	if (t->attempt != NULL) {
		icap_attempt_fail(t->attempt, fault, why);
		return;
	}
	t->fault = fault;
	t->why = why;
	event_active(&t->timer, EV_TIMEOUT, 0);
}

void
icap_cancel(struct icap_txn *t)
{
	if (t == NULL)
		return;
	if (t->state != TXN_OVER)
		txn_over(t, ICAP_R_GONE, ICAP_F_NONE, 0);
	event_del(&t->timer);
	TAILQ_REMOVE(&t->client->txns, t, link);
	free(t);
}

void
icap_txns_end(struct icap_client *cl)
{
	struct icap_txn *t;

	while ((t = TAILQ_FIRST(&cl->txns)) != NULL)
		t->user->broken(t->arg, "the worker ends");
}
