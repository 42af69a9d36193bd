/*
 * The life of a transaction: it waits for its preview, for a connection, then
 * runs. Nothing is told while the user is calling us: a timer does it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap/own.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define FLUSH_MS	1000	/* a slow body's preview goes short then */

static void	txn_opened(void *, enum icap_fault, const char *);
static void	txn_event(void *);

static const struct icap_conn_user txn_conn = { txn_opened, txn_event };

/* Around everything that may call the user. */
static void
txn_enter(struct icap_txn *t)
{
	t->in_call++;
}

static void
txn_arm(struct icap_txn *t)
{
	uint64_t now, ms;
	struct timeval tv;

	if (t->deadline == 0 || (t->armed != 0 && t->armed <= t->deadline))
		return;
	now = clock_ms();
	ms = t->deadline > now ? t->deadline - now : 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	event_add(&t->timer, &tv);
	t->armed = t->deadline;
}

/*
 * When a response without end is enough (stream-after), in ms: one of unknown
 * length that grows and is not answered yet; or 0.
 */
static uint64_t
txn_endless(const struct icap_txn *t)
{
	const struct conf_icap *c = t->seat->service->conf;

	if (c->stream_after == 0 || t->job.method != ICAP_RESPMOD ||
	    t->job.length >= 0 || t->answered || t->job.copy ||
	    t->job.body == NULL || spool_ended(t->job.body) != 0)
		return 0;
	return t->t_start / 1000 + c->stream_after;
}

/*
 * When it would be the server's fault that nothing happens: not while we wait
 * for the user to take bytes (F12), nor for the body to grow.
 */
static void
txn_watch(struct icap_txn *t)
{
	const struct conf_icap *c = t->seat->service->conf;
	uint64_t ms = c->first_byte_timeout, end = txn_endless(t);

	if (t->step == ICAP_T_BODY && t->parked)
		t->deadline = end;
	if (!icap_txn_runs(t))
		return;
	/* The 100 behind a preview is no answer yet (F10). */
	if (t->in != ICAP_IN_ICAP || t->conn->in_len > 0 ||
	    ((t->out == ICAP_OUT_FIRST || t->out == ICAP_OUT_BODY) &&
	    !t->starved))
		ms = c->idle_timeout;
	t->deadline = t->blocked ? 0 : t->starved ? icap_starve_due(t) :
	    t->t_last / 1000 + ms;
	if (end != 0 && (t->deadline == 0 || end < t->deadline))
		t->deadline = end;
}

static void
txn_leave(struct icap_txn *t)
{
	if (--t->in_call > 0)
		return;
	if (!t->dead) {
		txn_watch(t);
		txn_arm(t);
		return;
	}
	event_del(&t->timer);
	text_free(&t->piece.head);
	text_free(&t->finding);
	text_free(&t->echo);
	free(t);
}

/* In this turn of the loop still, behind what is ready already. */
void
icap_txn_kick(struct icap_txn *t)
{
	t->kick = t->kick != 0 ? t->kick : 1;
	t->armed = 1;
	event_active(&t->timer, EV_TIMEOUT, 0);
}

void
icap_txn_answer(struct icap_txn *t, const struct icap_answer *a)
{
	struct icap_answer told = *a;

	t->answered = 1;
	told.echo = t->echo.len > 0 ? t->echo.s : NULL;
	if (t->user != NULL)
		t->user->answer(t->arg, &told);
}

int
icap_txn_more(struct icap_txn *t)
{
	if (!t->more_told) {
		t->more_told = 1;
		t->user->more(t->arg);
	}
	return t->user != NULL;
}

void
icap_txn_reset(struct icap_txn *t)
{
	if (t->conn != NULL)
		icap_conn_close(t->conn, 1);
	t->conn = NULL;
	if (t->server != NULL) {
		t->server->busy--;
		icap_share_run(t, -1);
	}
	t->server = NULL;
	icap_known_free(t->known);
	t->known = NULL;
}

static void
txn_count(struct icap_txn *t, enum icap_result result, double total)
{
	static const double bounds[ICAP_BUCKETS - 1] = { .5, 1, 2.5, 5, 10,
	    25, 50, 100, 250, 1000, 5000 };
	struct icap_service *s = t->seat->service;
	size_t i = 0;

	while (i < NELEM(bounds) && total > bounds[i])
		i++;
	s->seconds[i]++;
	s->micros += (uint64_t)(total * 1e3);
	s->results[t->job.method][result]++;
}

static void
txn_record(struct icap_txn *t, enum icap_result result, enum icap_fault fault)
{
	double total = (double)(clock_us() - t->t_start) / 1e3;
	struct icap_record r = {
		.service = t->seat->service->conf->name,
		.server = t->server != NULL ? t->server->url : NULL,
		.method = t->job.method,
		.result = result,
		.fault = fault,
		.status = t->status,
		.istag = t->istag,
		.bytes_out = t->bytes_out,
		.bytes_in = t->bytes_in,
		.queue = t->queue_ms,
		.connect = t->connect_ms,
		.first_byte = t->first_ms,
		.total = total,
		.attempts = t->attempts,
		.reused = t->reused,
		.finding = t->finding.len > 0 ? t->finding.s : NULL,
		.why = fault != ICAP_F_NONE ? t->why : NULL,
	};

	txn_count(t, result, total);
	if (t->seat->log == NULL)
		return;
	snprintf(r.outcome, sizeof(r.outcome), "%s%s%s",
	    icap_result_name(result),
	    result == ICAP_R_ERR || result == ICAP_R_BYPASS ? "-" : "",
	    result == ICAP_R_ERR || result == ICAP_R_BYPASS ?
	    icap_fault_name(fault) : "");
	t->seat->log(t->seat->log_arg, t->job.copy ?
	    icap_copy_user(t->arg) : t->arg, &r);
}

void
icap_txn_over(struct icap_txn *t, enum icap_result result,
    enum icap_fault fault, int reuse)
{
	if (t->step == ICAP_T_QUEUE)
		icap_queue_remove(t);
	t->step = ICAP_T_OVER;
	t->deadline = 0;
	txn_record(t, result, fault);
	if (reuse && t->conn != NULL) {
		icap_pool_put(t->conn);
		t->conn = NULL;
	}
	icap_txn_reset(t);
}

static void
txn_run(struct icap_txn *t)
{
	t->step = ICAP_T_RUN;
	t->t_sent = t->t_last = clock_us();
	t->connect_ms = (double)(t->t_sent - t->t_try) / 1e3;
	t->bytes_out = t->bytes_in = 0;
	icap_read_start(t);
	icap_write_start(t);
	icap_write_more(t);
	if (t->wants == UINT64_MAX && t->wanted != UINT64_MAX)
		icap_txn_kick(t);
}

static void
txn_opened(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_txn *t = arg;

	txn_enter(t);
	if (fault != ICAP_F_NONE) {
		t->conn = NULL;
		icap_txn_fail(t, fault, "%s", why);
	} else
		txn_run(t);
	txn_leave(t);
}

static void
txn_event(void *arg)
{
	struct icap_txn *t = arg;

	txn_enter(t);
	icap_write_more(t);
	icap_read_more(t);
	txn_leave(t);
}

static void
txn_wait(struct icap_txn *t)
{
	const struct conf_icap *c = t->seat->service->conf;

	if (t->step == ICAP_T_QUEUE)
		return;
	if (icap_queue_add(t) != 0) {
		if (t->beyond) {
			icap_txn_fail(t, ICAP_F_QUEUE, "the queue is full");
			return;
		}
		t->beyond = 1;
		icap_txn_attempt(t);
		return;
	}
	t->step = ICAP_T_QUEUE;
	if (t->queue_until == 0)
		t->queue_until = clock_ms() + c->queue_timeout;
	t->deadline = t->queue_until;
}

/* Off to that server, which has a connection for us, or a slot. */
static void
txn_begin(struct icap_txn *t, struct icap_server *v, struct icap_known *k,
    struct icap_conn *c)
{
	if (t->step == ICAP_T_QUEUE)
		icap_queue_remove(t);
	t->step = ICAP_T_OPEN;
	t->deadline = 0;
	t->server = v;
	t->known = k;
	t->status = 0;
	t->answered = 0;
	v->busy++;
	icap_share_run(t, 1);
	v->transactions++;
	t->attempts++;
	t->t_try = clock_us();
	if (t->attempts == 1)
		t->queue_ms = (double)(t->t_try - t->t_start) / 1e3;
	t->reused = c != NULL;
	t->conn = c;
	if (c != NULL)
		txn_run(t);
	else
		t->conn = icap_conn_open(t->seat, v, &txn_conn, t);
}

void
icap_txn_attempt(struct icap_txn *t)
{
	struct icap_conn *c = NULL;
	struct icap_server *v;
	struct icap_known *k;
	int rv = icap_choose(t->seat, t, &v, &k);

	if (rv == 0 && icap_txn_ignored(t, k)) {
		icap_known_free(k);
		t->kick = 2;
		icap_txn_kick(t);
		return;
	}
	if (rv == 0 &&
	    (c = icap_pool_get(t->seat, v, &txn_conn, t)) == NULL &&
	    !icap_slot(v))
		rv = ERR_AGAIN;
	if (rv == 0) {
		txn_begin(t, v, k, c);
		return;
	}
	icap_known_free(k);
	if (rv == ERR_AGAIN)
		txn_wait(t);
	else
		icap_txn_fail(t, rv == ERR_DENIED ? ICAP_F_TLS : ICAP_F_DOWN,
		    "all servers are down");
}

void
icap_txn_go(struct icap_txn *t)
{
	txn_enter(t);
	if (t->fault == ICAP_F_NONE)
		icap_txn_attempt(t);
	txn_leave(t);
}

static int
txn_ready(const struct icap_txn *t)
{
	uint64_t size;

	if (t->job.body == NULL || spool_ended(t->job.body) != 0)
		return 1;
	if (t->parked)
		return 0;
	if (t->flush)
		return 1;
	size = spool_size(t->job.body);
	return t->wants == UINT64_MAX ? size > 0 : size >= t->wants;
}

static void
txn_prepare(struct icap_txn *t)
{
	if (t->fault != ICAP_F_NONE || t->kick == 2)
		return;
	if (t->job.body != NULL && spool_ended(t->job.body) == -1)
		icap_txn_fail(t, ICAP_F_CUT, "the body was cut off");
	else if (txn_ready(t))
		icap_txn_attempt(t);
	else if (t->deadline == 0 && !t->parked)
		t->deadline = clock_ms() + FLUSH_MS;
}

static int
txn_is_endless(const struct icap_txn *t)
{
	uint64_t end = txn_endless(t);

	return end != 0 && clock_ms() >= end;
}

static void
txn_expired(struct icap_txn *t)
{
	t->deadline = 0;
	if ((t->step == ICAP_T_RUN || t->parked) && txn_is_endless(t)) {
		icap_txn_fail(t, ICAP_F_ENDLESS, "no end in sight");
		return;
	}
	switch (t->step) {
	case ICAP_T_BODY:
		t->flush = 1;
		txn_prepare(t);
		break;
	case ICAP_T_QUEUE:
		if (!t->beyond) {
			t->beyond = 1;
			icap_txn_attempt(t);
		}
		if (t->step == ICAP_T_QUEUE)
			icap_txn_fail(t, ICAP_F_QUEUE,
			    "no connection became free");
		break;
	case ICAP_T_RUN:
		if (t->starved)
			icap_starve_look(t);
		else if (t->out == ICAP_OUT_FIRST || t->out == ICAP_OUT_BODY)
			icap_txn_fail(t, ICAP_F_STALL, "the server does not "
			    "read");
		else if (t->in == ICAP_IN_ICAP && t->conn->in_len == 0)
			icap_txn_fail(t, ICAP_F_FIRST_BYTE, "no answer");
		else
			icap_txn_fail(t, ICAP_F_STALL, "the answer stalled");
		break;
	case ICAP_T_OPEN:
	case ICAP_T_OVER:
		break;
	}
}

static void
txn_kicked(struct icap_txn *t, int kick)
{
	struct icap_answer a = { .outcome = ICAP_VIRGIN, .why = "ignored" };

	if (kick == 2) {
		icap_txn_over(t, ICAP_R_IGNORED, ICAP_F_NONE, 0);
		icap_txn_answer(t, &a);
		return;
	}
	if (t->wants == UINT64_MAX && t->wanted != UINT64_MAX &&
	    icap_txn_runs(t) && !icap_txn_more(t))
		return;
	icap_write_more(t);
	icap_read_more(t);
}

static void
txn_timer(evutil_socket_t fd, short what, void *arg)
{
	struct icap_txn *t = arg;
	enum icap_fault fault = t->fault;
	int kick = t->kick;

	txn_enter(t);
	t->armed = 0;
	t->kick = 0;
	t->fault = ICAP_F_NONE;
	if (t->step == ICAP_T_OVER)
		;
	else if (fault != ICAP_F_NONE)
		icap_txn_failed(t, fault);
	else if (kick)
		txn_kicked(t, kick);
	else if (t->deadline != 0 && clock_ms() >= t->deadline)
		txn_expired(t);
	txn_leave(t);
}

struct icap_txn *
icap_start(struct icap_seat *seat, const struct icap_job *job,
    const struct icap_user *user, void *arg)
{
	struct icap_txn *t = xcalloc(1, sizeof(*t));

	t->seat = seat;
	t->job = *job;
	t->user = user;
	t->arg = arg;
	t->queue_ms = t->connect_ms = t->first_ms = -1;
	t->t_start = clock_us();
	event_assign(&t->timer, seat->base, -1, 0, txn_timer, t);
	t->wants = t->wanted = icap_txn_wants(t);
	txn_enter(t);
	t->quiet++;
	txn_prepare(t);
	t->quiet--;
	txn_leave(t);
	return t;
}

uint64_t
icap_wants(const struct icap_txn *t)
{
	return t->wants;
}

void
icap_more(struct icap_txn *t)
{
	if (t == NULL || t->step == ICAP_T_OVER)
		return;
	txn_enter(t);
	t->quiet++;
	if (t->step == ICAP_T_BODY)
		txn_prepare(t);
	else if (t->starved) {
		t->starved = 0;
		t->t_last = clock_us();
		icap_write_more(t);
	}
	t->quiet--;
	txn_leave(t);
}

/* From a call of the user's. */
static void
txn_give_up(struct icap_txn *t, enum icap_fault fault, const char *why)
{
	txn_enter(t);
	t->quiet++;
	icap_txn_fail(t, fault, "%s", why);
	t->quiet--;
	txn_leave(t);
}

void
icap_txn_lost(struct icap_txn *t)
{
	txn_give_up(t, ICAP_F_LOST, "the copy fell behind");
}

void
icap_oversize(struct icap_txn *t)
{
	txn_give_up(t, ICAP_F_OVERSIZE, "larger than what is scanned");
}

void
icap_unseen(struct icap_seat *seat, enum icap_method method, void *user,
    enum icap_fault fault, int passes, const char *why)
{
	struct icap_txn *t = xcalloc(1, sizeof(*t));

	t->seat = seat;
	t->job.method = method;
	t->arg = user;
	t->queue_ms = t->connect_ms = t->first_ms = -1;
	t->t_start = clock_us();
	snprintf(t->why, sizeof(t->why), "%s", why);
	seat->service->faults[fault]++;
	txn_record(t, passes ? ICAP_R_BYPASS : ICAP_R_ERR, fault);
	free(t);
}

void
icap_resume(struct icap_txn *t)
{
	if (t != NULL && t->blocked && t->step == ICAP_T_RUN) {
		t->t_last = clock_us();
		icap_txn_kick(t);
	}
}

void
icap_cancel(struct icap_txn *t)
{
	if (t == NULL)
		return;
	txn_enter(t);
	if (t->step != ICAP_T_OVER)
		icap_txn_over(t, ICAP_R_GONE, ICAP_F_NONE, 0);
	t->user = NULL;
	t->dead = 1;
	txn_leave(t);
}
