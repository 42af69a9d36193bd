/*
 * A worker's client of a service: what its transactions' attempts come to, and
 * so what their users are told. An attempt that fails is followed by another,
 * elsewhere, or by the end of the transaction, as the table of failures has it
 * (fault.c).
 *
 * Nothing is told while the user is calling us: the timer does it.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "icap/txn.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define RACES_MAX	2
#define RETRY_AFTER_MAX	5	/* seconds that are waited for */

static void
client_more(void *arg)
{
	struct icap_txn *t = arg;

	if (t->more_told || t->user->more == NULL)
		return;
	t->more_told = 1;
	t->user->more(t->arg);
}

/* a: the attempt it comes from, or NULL. */
static void
client_answer(struct icap_txn *t, const struct icap_attempt *a,
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
client_head(void *arg, struct icap_answer *told)
{
	struct icap_txn *t = arg;

	t->answered = 1;
	client_answer(t, t->attempt, told);
}

static size_t
client_body(void *arg, const uint8_t *p, size_t len)
{
	struct icap_txn *t = arg;

	return t->user->body != NULL ? t->user->body(t->arg, p, len) : len;
}

static void
client_end(void *arg, enum icap_result result, int64_t original)
{
	struct icap_txn *t = arg;
	struct icap_attempt *a = t->attempt;
	struct icap_answer virgin = { .outcome = ICAP_VIRGIN };

	icap_success(a->conn->server);
	icap_txn_over(t, result, ICAP_F_NONE, icap_attempt_clean(a));
	if (result == ICAP_R_204 || result == ICAP_R_204P)
		client_answer(t, a, &virgin);
	else
		t->user->end(t->arg, original);
}

static void
client_hungry(void *arg)
{
	struct icap_txn *t = arg;

	if (t->user->hungry != NULL)
		t->user->hungry(t->arg);
}

static int
client_committed(void *arg)
{
	struct icap_txn *t = arg;

	return t->user->committed == NULL || t->user->committed(t->arg);
}

/* A pooled connection that died before a byte of answer is no failure. */
static enum icap_fault
client_race(struct icap_txn *t, enum icap_fault fault, int intact)
{
	struct icap_attempt *a = t->attempt;

	if (a == NULL || !a->seen->reused || a->answered || !intact ||
	    t->races >= RACES_MAX || (fault != ICAP_F_REQUEST_TIME &&
	    (fault != ICAP_F_CLOSED || a->heard)))
		return fault;
	t->races++;
	a->conn->server->epoch++;
	return ICAP_F_RACE;
}

/* What it looked like, for whoever has to talk to the server's maker. */
static void
client_evidence(const struct icap_txn *t, enum icap_fault fault)
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
client_blame(struct icap_txn *t, enum icap_fault fault)
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
	client_evidence(t, fault);
}

/* Whether there is a server to try it again, and where not to. */
static int
client_elsewhere(struct icap_txn *t, enum icap_fault fault)
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
	rv = icap_txn_choose(t, &v, &offer);
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
client_retry(struct icap_txn *t, enum icap_fault fault)
{
	icap_txn_drop(t, 0);
	t->state = TXN_BODY;
	if (fault == ICAP_F_STARVED) {
		t->parked = 1;
		t->waiter.want.beyond = 0;
		t->waiter.want.tried = 0;
		t->queue_until = 0;
	} else
		icap_txn_try(t);
	icap_txn_arm(t);
}

/* It can be neither finished nor begun again: it passes, or is refused. */
static void
client_give_up(struct icap_txn *t, enum icap_fault fault, int pass)
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
	icap_txn_over(t, pass ? ICAP_R_BYPASS : fault == ICAP_F_SHORT ?
	    ICAP_R_BLOCK : ICAP_R_ERR, fault, 0);
	client_answer(t, a, &told);
}

/*
 * Whether what it answered stands, and can only be cut off: something of it
 * went on, or it was a verdict. A body of the wrong length (F15) may be another
 * way to say no. And an answer is not undone for the size of what it was asked.
 */
static int
client_stands(struct icap_txn *t, enum icap_fault fault)
{
	return t->answered && (fault == ICAP_F_SHORT || fault == ICAP_F_LONG ||
	    fault == ICAP_F_OVERSIZE || (t->attempt != NULL &&
	    icap_attempt_verdict(t->attempt)) || client_committed(t));
}

static void
client_fault(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_txn *t = arg;
	int intact = t->input.body == NULL || spool_first(t->input.body) == 0;
	struct icap_failing f;
	enum icap_then then;

	t->why = why;
	fault = client_race(t, fault, intact);
	client_blame(t, fault);
	f = (struct icap_failing){ fault, client_stands(t, fault), intact,
	    t->attempt != NULL, t->retries };
	then = icap_decide(&f, t->service->conf, &t->input);
	if (then == ICAP_THEN_RETRY && !client_elsewhere(t, fault))
		then = icap_decide_last(&f, t->service->conf, &t->input);
	switch (then) {
	case ICAP_THEN_CUT:
		icap_txn_over(t, fault == ICAP_F_SHORT ? ICAP_R_BLOCK :
		    ICAP_R_ABORT, fault, 0);
		t->user->broken(t->arg, icap_fault_name(fault));
		break;
	case ICAP_THEN_RETRY:
		client_retry(t, fault);
		break;
	case ICAP_THEN_PASS:
	case ICAP_THEN_REFUSE:
		client_give_up(t, fault, then == ICAP_THEN_PASS);
		break;
	}
}

static const struct icap_attempt_user client_attempt = {
	.more = client_more,
	.head = client_head,
	.body = client_body,
	.end = client_end,
	.fault = client_fault,
	.hungry = client_hungry,
	.committed = client_committed
};

static void
client_expired(struct icap_txn *t)
{
	if (t->state == TXN_TRY || t->parked) {
		icap_txn_fail(t, ICAP_F_ENDLESS, "no end in sight");
	} else if (t->state == TXN_BODY) {
		t->flush = 1;
		icap_txn_prepare(t);
	} else {
		if (!t->waiter.want.beyond) {
			t->waiter.want.beyond = 1;
			icap_txn_try(t);
		}
		if (t->state == TXN_QUEUE)
			icap_txn_fail(t, ICAP_F_QUEUE,
			    "no connection became free");
		icap_txn_arm(t);
	}
}

static void
client_timer(evutil_socket_t fd, short what, void *arg)
{
	struct icap_txn *t = arg;
	struct icap_answer virgin = { .outcome = ICAP_VIRGIN,
	    .why = "ignored" };
	enum icap_fault fault = t->fault;
	uint64_t due = icap_txn_due(t);

	t->armed = 0;
	t->fault = ICAP_F_NONE;
	if (t->state == TXN_OVER)
		return;
	if (fault != ICAP_F_NONE)
		client_fault(t, fault, t->why);
	else if (t->ignored) {
		icap_txn_over(t, ICAP_R_IGNORED, ICAP_F_NONE, 0);
		client_answer(t, NULL, &virgin);
	} else if (due != 0 && clock_ms() >= due)
		client_expired(t);
	else
		icap_txn_arm(t);
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
	t->waiter.look = icap_txn_look;
	t->waiter.want.method = input->method;
	t->waiter.want.client = &t->input.client;
	t->waiter.want.key = icap_client_key(&t->input.client);
	TAILQ_INSERT_TAIL(&cl->txns, t, link);
	event_assign(&t->timer, cl->pool.env.base, -1, 0, client_timer, t);
	t->expected = icap_preview_wants(t->service, &t->input, &t->whole);
	icap_txn_prepare(t);
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
		icap_txn_prepare(t);
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
	icap_txn_fail(t, ICAP_F_OVERSIZE, "larger than what is scanned");
}

void
icap_lost(struct icap_txn *t)
{
	icap_txn_fail(t, ICAP_F_LOST, "the copy fell behind");
}

void
icap_unseen(struct icap_client *cl, enum icap_method method, void *user,
    enum icap_fault fault, int passes, const char *why)
{
	struct icap_record r = {
		.method = method,
		.result = passes ? ICAP_R_BYPASS : ICAP_R_ERR,
		.fault = fault,
		.queue = -1,
		.connect = -1,
		.first_byte = -1,
		.why = why,
	};

	cl->pool.env.service->faults[fault]++;
	icap_client_record(cl, &r, user);
}

void
icap_cancel(struct icap_txn *t)
{
	if (t == NULL)
		return;
	if (t->state != TXN_OVER)
		icap_txn_over(t, ICAP_R_GONE, ICAP_F_NONE, 0);
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

	cl->attempt = &client_attempt;
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
