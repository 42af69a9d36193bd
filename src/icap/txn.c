/*
 * A transaction's way to an attempt, and its end: it waits for its preview,
 * for a server and for a connection, then has an attempt; when it is over it
 * is counted and logged.
 */
#include "icap/txn.h"

#include <event2/event.h>
#include <stdio.h>

#include "util/clock.h"
#include "util/err.h"

#define FLUSH_MS	1000	/* a slow body's preview goes short then */

void
icap_client_record(struct icap_client *cl, struct icap_record *r, void *user)
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
	struct icap_record r = t->seen;

	r.method = t->input.method;
	r.result = result;
	r.fault = fault;
	r.queue = t->queued;
	r.total = (double)(clock_us() - t->started) / 1e3;
	r.attempts = t->attempts;
	if (a != NULL && a->finding.len > 0)
		r.finding = a->finding.s;
	if (fault != ICAP_F_NONE)
		r.why = t->why;
	icap_client_record(t->client, &r, t->input.log_as != NULL ?
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

uint64_t
icap_txn_due(const struct icap_txn *t)
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

void
icap_txn_arm(struct icap_txn *t)
{
	icap_timer(&t->timer, &t->armed, icap_txn_due(t));
}

void
icap_txn_fail(struct icap_txn *t, enum icap_fault fault, const char *why)
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
icap_txn_drop(struct icap_txn *t, int reuse)
{
	struct icap_attempt *a = t->attempt;
	struct icap_pool *pool = &t->client->pool;
	struct icap_conn *c;

	if (a == NULL)
		return;
	t->attempt = NULL;
	t->seen.server = NULL;
	c = icap_attempt_end(a);
	icap_end(c->server, &t->waiter.want);
	if (reuse)
		icap_pool_put(pool, c);
	else
		icap_pool_close(pool, c, c->open);
}

void
icap_txn_over(struct icap_txn *t, enum icap_result result,
    enum icap_fault fault, int reuse)
{
	if (t->state == TXN_QUEUE)
		icap_pool_leave(&t->client->pool, &t->waiter);
	t->state = TXN_OVER;
	txn_record(t, result, fault);
	icap_txn_drop(t, reuse);
}

/* Try there, on that connection. */
static void
txn_begin(struct icap_txn *t, struct icap_conn *c, struct icap_offer *offer)
{
	struct icap_attempt_want w = {
		.input = &t->input,
		.conn = c,
		.offer = offer,
		.seen = &t->seen,
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
	t->attempt = icap_attempt_new(&w, t->client->attempt, t);
}

int
icap_txn_choose(struct icap_txn *t, struct icap_server **v,
    struct icap_offer **offer)
{
	return icap_choose(t->service, &t->waiter.want, t->client->pool.nidle,
	    v, offer);
}

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
		icap_txn_fail(t, ICAP_F_QUEUE, "the queue is full");
	else {
		t->waiter.want.beyond = 1;
		icap_txn_try(t);
	}
}

void
icap_txn_try(struct icap_txn *t)
{
	struct icap_conn *c = NULL;
	struct icap_offer *offer;
	struct icap_server *v;
	int rv = icap_txn_choose(t, &v, &offer);

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
		icap_txn_fail(t, rv == ERR_DENIED ? ICAP_F_TLS : ICAP_F_DOWN,
		    "all servers are down");
}

void
icap_txn_look(struct icap_waiter *w)
{
	struct icap_txn *t = (struct icap_txn *)w;

	if (t->fault == ICAP_F_NONE && !t->ignored)
		icap_txn_try(t);
	icap_txn_arm(t);
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

void
icap_txn_prepare(struct icap_txn *t)
{
	if (t->fault != ICAP_F_NONE || t->ignored)
		return;
	if (t->input.body != NULL && spool_ended(t->input.body) == -1)
		icap_txn_fail(t, ICAP_F_CUT, "the body was cut off");
	else if (txn_ready(t))
		icap_txn_try(t);
	else if (t->flush_at == 0)
		t->flush_at = clock_ms() + FLUSH_MS;
	icap_txn_arm(t);
}

