/*
 * A worker's client of a service, and its transactions: each waits for its
 * preview, for a connection, and then tries one server after another, as the
 * table of failures has it, until there is an answer or none can be had.
 *
 * Nothing is told while the user is calling us: the timer does it.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "icap/attempt.h"
#include "icap/options.h"
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

TAILQ_HEAD(icap_txns, icap_txn);

struct icap_client {
	struct icap_pool pool;
	struct icap_asks asks;
	struct event	 tick;
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
	struct icap_measure seen;	/* of the last attempt */
};

/* Counted and logged. */
static void
client_record(struct icap_client *cl, struct icap_record *r, void *user)
{
	int fault = r->result == ICAP_R_ERR || r->result == ICAP_R_BYPASS;

	r->service = cl->pool.env.service->conf->name;
	icap_count(cl->pool.env.service, r->method, r->result, r->total);
	if (cl->log == NULL)
		return;
	snprintf(r->outcome, sizeof(r->outcome), "%s%s%s",
	    icap_result_name(r->result), fault ? "-" : "",
	    fault ? icap_fault_name(r->fault) : "");
	cl->log(cl->log_arg, user, r);
}

static void
txn_record(struct icap_txn *t, enum icap_result result, enum icap_fault fault)
{
	struct icap_attempt *a = t->attempt;
	const struct icap_measure *seen = a != NULL ? &a->seen : &t->seen;
	struct icap_record r = {
		.server = a != NULL ? a->conn->server->url : NULL,
		.method = t->input.method,
		.result = result,
		.fault = fault,
		.status = seen->status,
		.istag = seen->istag,
		.bytes_out = seen->bytes_out,
		.bytes_in = seen->bytes_in,
		.queue = t->queued,
		.connect = seen->connect,
		.first_byte = seen->first_byte,
		.total = (double)(clock_us() - t->started) / 1e3,
		.attempts = t->attempts,
		.reused = seen->reused,
		.finding = a != NULL && a->finding.len > 0 ?
		    a->finding.s : NULL,
		.why = fault != ICAP_F_NONE ? t->why : NULL,
	};

	client_record(t->client, &r, t->input.log_as != NULL ?
	    t->input.log_as : t->arg);
}

/*
 * When a response without end is enough (stream-after), in ms: one of unknown
 * length that grows and is not answered yet; or 0.
 */
static uint64_t
txn_endless(const struct icap_txn *t)
{
	const struct conf_icap *c = t->service->conf;

	if (c->stream_after == 0 || t->input.method != ICAP_RESPMOD ||
	    t->input.length >= 0 || t->answered || t->input.monitor ||
	    t->input.body == NULL || spool_ended(t->input.body) != 0)
		return 0;
	return t->started / 1000 + c->stream_after;
}

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

/* It fails without its server having a part in it. */
static void
txn_fail(struct icap_txn *t, enum icap_fault fault, const char *why)
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

/* The attempt is over; reuse: its connection can be used again. */
static void
txn_end_attempt(struct icap_txn *t, int reuse)
{
	struct icap_attempt *a = t->attempt;
	struct icap_pool *pool = &t->client->pool;
	struct icap_conn *c;

	if (a == NULL)
		return;
	t->attempt = NULL;
	t->seen = a->seen;
	c = icap_attempt_end(a);
	icap_end(c->server, &t->waiter.want);
	if (reuse)
		icap_pool_put(pool, c);
	else
		icap_pool_close(pool, c, c->open);
}

/* It is over: counted and logged; what the user is told comes after it. */
static void
txn_over(struct icap_txn *t, enum icap_result result, enum icap_fault fault,
    int reuse)
{
	if (t->state == TXN_QUEUE)
		icap_pool_leave(&t->client->pool, &t->waiter);
	t->state = TXN_OVER;
	txn_record(t, result, fault);
	txn_end_attempt(t, reuse);
}

static void
txn_more(void *arg)
{
	struct icap_txn *t = arg;

	if (t->more_told)
		return;
	t->more_told = 1;
	t->user->more(t->arg);
}

/* a: the attempt it comes from, or NULL. */
static void
txn_answer(struct icap_txn *t, const struct icap_attempt *a,
    struct icap_answer *told)
{
	if (a != NULL && a->echo.len > 0)
		told->echo = a->echo.s;
	if (a != NULL && a->finding.len > 0 && told->outcome != ICAP_FAILED &&
	    !told->bypassed)
		told->finding = a->finding.s;
	t->user->answer(t->arg, told);
}

static void
txn_head(void *arg, struct icap_answer *told)
{
	struct icap_txn *t = arg;

	t->answered = 1;
	txn_answer(t, t->attempt, told);
}

static size_t
txn_body(void *arg, const uint8_t *p, size_t len)
{
	struct icap_txn *t = arg;

	return t->user->body(t->arg, p, len);
}

static void
txn_end(void *arg, enum icap_result result, int64_t original)
{
	struct icap_txn *t = arg;
	struct icap_attempt *a = t->attempt;
	struct icap_answer virgin = { .outcome = ICAP_VIRGIN };

	icap_success(a->conn->server);
	txn_over(t, result, ICAP_F_NONE, icap_attempt_clean(a));
	if (result == ICAP_R_204 || result == ICAP_R_204P)
		txn_answer(t, a, &virgin);
	else
		t->user->end(t->arg, original);
}

static void
txn_hungry(void *arg)
{
	struct icap_txn *t = arg;

	if (t->user->hungry != NULL)
		t->user->hungry(t->arg);
}

static int
txn_committed(void *arg)
{
	struct icap_txn *t = arg;

	return t->user->committed == NULL || t->user->committed(t->arg);
}

static void	txn_fault(void *, enum icap_fault, const char *);

static const struct icap_attempt_user txn_attempt = {
	.more = txn_more,
	.head = txn_head,
	.body = txn_body,
	.end = txn_end,
	.fault = txn_fault,
	.hungry = txn_hungry,
	.committed = txn_committed
};

/* Try there, on that connection. */
static void
txn_begin(struct icap_txn *t, struct icap_conn *c, struct icap_offer *offer)
{
	struct icap_attempt_want w = {
		.input = &t->input,
		.conn = c,
		.offer = offer,
		.expected = t->expected,
		.whole = t->whole,
	};

	if (t->state == TXN_QUEUE)
		icap_pool_leave(&t->client->pool, &t->waiter);
	t->state = TXN_TRY;
	t->answered = 0;
	icap_begin(c->server, &t->waiter.want);
	if (t->attempts++ == 0)
		t->queued = (double)(clock_us() - t->started) / 1e3;
	t->attempt = icap_attempt_new(&w, &txn_attempt, t);
}

static int
txn_choose(struct icap_txn *t, struct icap_server **v,
    struct icap_offer **offer)
{
	return icap_choose(t->service, &t->waiter.want, t->client->pool.nidle,
	    v, offer);
}

static void	txn_try(struct icap_txn *);

/* No server has a connection for it. */
static void
txn_wait(struct icap_txn *t)
{
	if (t->state == TXN_QUEUE)
		return;
	if (icap_pool_wait(&t->client->pool, &t->waiter) == 0) {
		t->state = TXN_QUEUE;
		if (t->queue_until == 0)
			t->queue_until = clock_ms() +
			    t->service->conf->queue_timeout;
	} else if (t->waiter.want.beyond)
		txn_fail(t, ICAP_F_QUEUE, "the queue is full");
	else {
		t->waiter.want.beyond = 1;
		txn_try(t);
	}
}

/* Choose a server, and a connection to it. */
static void
txn_try(struct icap_txn *t)
{
	struct icap_conn *c = NULL;
	struct icap_offer *offer;
	struct icap_server *v;
	int rv = txn_choose(t, &v, &offer);

	if (rv == 0 && icap_ignored(offer, &t->input)) {
		icap_offer_free(offer);
		t->ignored = 1;
		event_active(&t->timer, EV_TIMEOUT, 0);
		return;
	}
	if (rv == 0 && (c = icap_pool_get(&t->client->pool, v, 0)) != NULL) {
		txn_begin(t, c, offer);
		return;
	}
	icap_offer_free(offer);
	if (rv == 0 || rv == ERR_AGAIN)
		txn_wait(t);
	else
		txn_fail(t, rv == ERR_DENIED ? ICAP_F_TLS : ICAP_F_DOWN,
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

static void
txn_prepare(struct icap_txn *t)
{
	if (t->fault != ICAP_F_NONE || t->ignored)
		return;
	if (t->input.body != NULL && spool_ended(t->input.body) == -1)
		txn_fail(t, ICAP_F_CUT, "the body was cut off");
	else if (txn_ready(t))
		txn_try(t);
	else if (t->flush_at == 0)
		t->flush_at = clock_ms() + FLUSH_MS;
	txn_arm(t);
}

/* A pooled connection that died before a byte of answer is no failure. */
static enum icap_fault
txn_race(struct icap_txn *t, enum icap_fault fault, int intact)
{
	struct icap_attempt *a = t->attempt;

	if (a == NULL || !a->seen.reused || a->answered || !intact ||
	    t->races >= RACES_MAX || (fault != ICAP_F_REQUEST_TIME &&
	    (fault != ICAP_F_CLOSED || a->heard)))
		return fault;
	t->races++;
	a->conn->server->epoch++;
	return ICAP_F_RACE;
}

/* What it looked like, for whoever has to talk to the server's maker. */
static void
txn_evidence(const struct icap_txn *t, enum icap_fault fault)
{
	const struct icap_conn *c;
	char text[201];
	size_t i, n;

	if ((fault != ICAP_F_MALFORMED && fault != ICAP_F_HEAD) ||
	    t->attempt == NULL)
		return;
	c = t->attempt->conn;
	n = c->in_len < sizeof(text) - 1 ? c->in_len : sizeof(text) - 1;
	for (i = 0; i < n; i++) {
		text[i] = c->in[c->in_off + i];
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '.';
	}
	text[n] = '\0';
	log_warn("icap %s: it was, from there on: %s", t->service->conf->name,
	    text);
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

	t->service->faults[fault]++;
	if (fault == ICAP_F_RACE || fault == ICAP_F_STARVED)
		return;
	if ((t->blamed & bit) != bit) {
		t->blamed |= bit;
		icap_failure(v, fault, t->waiter.want.key, t->why);
	}
	if (!log_gate(&gate, &held))
		return;
	log_warn("icap %s: %s: %s (%d more)", t->service->conf->name,
	    v != NULL ? v->url : icap_fault_name(fault), t->why, held);
	txn_evidence(t, fault);
}

/* Whether there is a server to try it again, and where not to. */
static int
txn_elsewhere(struct icap_txn *t, enum icap_fault fault)
{
	enum icap_retry how = icap_rule(fault)->retry;
	struct icap_attempt *a = t->attempt;
	uint64_t bit = 1ULL << a->conn->server->index;
	struct icap_offer *offer;
	struct icap_server *v;
	int rv;

	if (how == ICAP_AGAIN || how == ICAP_LATER)
		return 1;
	if (how != ICAP_OTHERS)
		t->retries++;
	t->waiter.want.tried |= bit;
	rv = txn_choose(t, &v, &offer);
	icap_offer_free(offer);
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
	txn_end_attempt(t, 0);
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

/* It can be neither finished nor begun again: it passes, or is refused. */
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
	};
	int held;

	if (pass && log_gate(&gate, &held))
		log_warn("icap %s: a message passed unscanned (%d more)",
		    t->service->conf->name, held);
	txn_over(t, pass ? ICAP_R_BYPASS : fault == ICAP_F_SHORT ?
	    ICAP_R_BLOCK : ICAP_R_ERR, fault, 0);
	txn_answer(t, a, &told);
}

/*
 * Whether what it answered stands, and can only be cut off: something of it
 * went on, or it was a verdict. A body of the wrong length (F15) may be another
 * way to say no. And an answer is not undone for the size of what it was asked.
 */
static int
txn_stands(struct icap_txn *t, enum icap_fault fault)
{
	return t->answered && (fault == ICAP_F_SHORT || fault == ICAP_F_LONG ||
	    fault == ICAP_F_OVERSIZE || (t->attempt != NULL &&
	    icap_attempt_verdict(t->attempt)) || txn_committed(t));
}

static void
txn_fault(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_txn *t = arg;
	int intact = t->input.body == NULL || spool_first(t->input.body) == 0;
	struct icap_failing f;
	enum icap_then then;

	t->why = why;
	fault = txn_race(t, fault, intact);
	txn_blame(t, fault);
	f = (struct icap_failing){ fault, txn_stands(t, fault), intact,
	    t->attempt != NULL, t->retries };
	then = icap_decide(&f, t->service->conf, &t->input);
	if (then == ICAP_THEN_RETRY && !txn_elsewhere(t, fault))
		then = icap_decide_last(&f, t->service->conf, &t->input);
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

static void
txn_expired(struct icap_txn *t)
{
	if (t->state == TXN_TRY || t->parked) {
		txn_fail(t, ICAP_F_ENDLESS, "no end in sight");
	} else if (t->state == TXN_BODY) {
		t->flush = 1;
		txn_prepare(t);
	} else {
		if (!t->waiter.want.beyond) {
			t->waiter.want.beyond = 1;
			txn_try(t);
		}
		if (t->state == TXN_QUEUE)
			txn_fail(t, ICAP_F_QUEUE,
			    "no connection became free");
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
		txn_answer(t, NULL, &virgin);
	} else if (due != 0 && clock_ms() >= due)
		txn_expired(t);
	else
		txn_arm(t);
}

struct icap_txn *
icap_start(struct icap_client *cl, const struct icap_input *input,
    const struct icap_user *user, void *arg)
{
	struct icap_txn *t = xcalloc(1, sizeof(*t));

	t->client = cl;
	t->service = cl->pool.env.service;
	t->input = *input;
	t->user = user;
	t->arg = arg;
	t->queued = t->seen.connect = t->seen.first_byte = -1;
	t->started = clock_us();
	t->waiter.look = txn_look;
	t->waiter.want.method = input->method;
	t->waiter.want.client = &t->input.client;
	t->waiter.want.key = icap_client_key(&t->input.client);
	TAILQ_INSERT_TAIL(&cl->txns, t, link);
	event_assign(&t->timer, cl->pool.env.base, -1, 0, txn_timer, t);
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
icap_more(struct icap_txn *t)
{
	if (t == NULL)
		return;
	if (t->attempt != NULL)
		icap_attempt_more(t->attempt);
	else if (t->state == TXN_BODY)
		txn_prepare(t);
}

void
icap_resume(struct icap_txn *t)
{
	if (t != NULL && t->attempt != NULL)
		icap_attempt_resume(t->attempt);
}

void
icap_oversize(struct icap_txn *t)
{
	txn_fail(t, ICAP_F_OVERSIZE, "larger than what is scanned");
}

void
icap_lost(struct icap_txn *t)
{
	txn_fail(t, ICAP_F_LOST, "the copy fell behind");
}

void
icap_unseen(struct icap_client *cl, enum icap_method method, void *user,
    enum icap_fault fault, int passes, const char *why)
{
	struct icap_record r = {
		.method = method,
		.result = passes ? ICAP_R_BYPASS : ICAP_R_ERR,
		.fault = fault,
		.istag = "",
		.queue = -1,
		.connect = -1,
		.first_byte = -1,
		.why = why,
	};

	cl->pool.env.service->faults[fault]++;
	client_record(cl, &r, user);
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

static void
client_tick(evutil_socket_t fd, short what, void *arg)
{
	struct icap_client *cl = arg;

	icap_pool_tick(&cl->pool);
	icap_asks_tick(&cl->asks);
}

struct icap_client *
icap_attach(struct icap_service *s, struct event_base *base,
    struct names *names, icap_log log, void *arg)
{
	static const struct timeval second = { 1, 0 };
	struct icap_client *cl = xcalloc(1, sizeof(*cl));

	cl->log = log;
	cl->log_arg = arg;
	TAILQ_INIT(&cl->txns);
	icap_pool_init(&cl->pool, s, base, names);
	icap_asks_init(&cl->asks, &cl->pool);
	event_assign(&cl->tick, base, -1, EV_PERSIST, client_tick, cl);
	event_add(&cl->tick, &second);
	/* At once; as EV_TIMEOUT it would put off the next by a second. */
	event_active(&cl->tick, EV_READ, 0);
	return cl;
}

void
icap_detach(struct icap_client *cl)
{
	struct icap_txn *t;

	if (cl == NULL)
		return;
	while ((t = TAILQ_FIRST(&cl->txns)) != NULL)
		t->user->broken(t->arg, "the worker ends");
	icap_asks_done(&cl->asks);
	icap_pool_done(&cl->pool);
	event_del(&cl->tick);
	free(cl);
}
