/*
 * The life of an attempt: it waits for its connection, then writes and reads
 * as the socket allows, until the answer is whole or something has failed. The
 * owner is told of a fault from the timer, not by the code that found it.
 */
#include "icap/attempt.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

/*
 * When the server has been silent for too long, in ms. 0: never, because we
 * wait for the user to take bytes (F12). While we wait for the body to grow:
 * when to look whether others want the connection.
 */
static uint64_t
attempt_due(const struct icap_attempt *a)
{
	const struct conf_icap *c = a->client->service->conf;
	uint64_t ms = c->first_byte_timeout;

	if (!icap_attempt_runs(a) || a->blocked)
		return 0;
	if (a->starved)
		return a->look;
	/* The 100 behind a preview is no answer yet (F10). */
	if (a->in != ICAP_IN_ICAP || a->conn->in_len > 0 ||
	    a->out == ICAP_OUT_FIRST || a->out == ICAP_OUT_BODY)
		ms = c->idle_timeout;
	return a->t_last / 1000 + ms;
}

static void
attempt_arm(struct icap_attempt *a)
{
	if (a->again || a->fault != ICAP_F_NONE)
		/* In this turn of the loop, behind what is ready already. */
		event_active(&a->timer, EV_TIMEOUT, 0);
	else
		icap_timer(&a->timer, &a->armed, attempt_due(a));
}

/* Around everything that may call the user. */
static void
attempt_enter(struct icap_attempt *a)
{
	a->busy++;
}

static void
attempt_leave(struct icap_attempt *a)
{
	if (--a->busy > 0)
		return;
	if (a->conn != NULL) {
		attempt_arm(a);
		return;
	}
	event_del(&a->timer);
	text_free(&a->piece.head);
	text_free(&a->finding);
	text_free(&a->echo);
	free(a);
}

static void
attempt_run(struct icap_attempt *a)
{
	a->t_sent = a->t_last = clock_us();
	a->seen->connect = (double)(a->t_sent - a->t_try) / 1e3;
	icap_write_start(a);
	icap_write_more(a);
	/* The owner was told that a preview would do. */
	if (a->wants == UINT64_MAX && a->expected != UINT64_MAX)
		a->again = a->tell_more = 1;
}

static void
attempt_opened(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_attempt *a = arg;

	attempt_enter(a);
	if (fault == ICAP_F_NONE)
		attempt_run(a);
	else
		icap_attempt_fault(a, fault, why);
	attempt_leave(a);
}

static void
attempt_event(void *arg)
{
	struct icap_attempt *a = arg;

	attempt_enter(a);
	icap_write_more(a);
	icap_read_more(a);
	attempt_leave(a);
}

static const struct icap_conn_user attempt_conn = {
	attempt_opened, attempt_event
};

/*
 * The body comes slowly, or not at all, while we hold one of few connections.
 * If others want one, we give it back and begin again later. That is not
 * possible once there is an answer, or bytes of the body were dropped (a
 * monitor).
 */
static void
attempt_starves(struct icap_attempt *a)
{
	const struct icap_service *s = a->client->service;
	const struct icap_server *v = a->conn->server;
	uint64_t now = clock_ms();
	int wanted = s->stats.waiting > 0 || v->busy >= v->limit ||
	    (v->overload_limit != 0 && v->busy >= v->overload_limit);

	a->look = now + ICAP_LOOK_EVERY;
	/* After that long the server may lose patience too. */
	if (!wanted && now - a->slow_since < s->conf->idle_timeout)
		return;
	if (!a->answered && spool_first(a->input->body) == 0)
		icap_attempt_fault(a, ICAP_F_STARVED, "its body comes slowly");
	else if (a->input->monitor && wanted)
		icap_attempt_fault(a, ICAP_F_LOST, "the copy waits for bytes, "
		    "and others for its connection");
}

static void
attempt_expired(struct icap_attempt *a)
{
	if (a->starved)
		attempt_starves(a);
	else if (a->out == ICAP_OUT_FIRST || a->out == ICAP_OUT_BODY)
		icap_attempt_fault(a, ICAP_F_STALL, "the server does not read");
	else if (a->in == ICAP_IN_ICAP && a->conn->in_len == 0)
		icap_attempt_fault(a, ICAP_F_FIRST_BYTE, "no answer");
	else
		icap_attempt_fault(a, ICAP_F_STALL, "the answer stalled");
}

static void
attempt_timer(evutil_socket_t fd, short what, void *arg)
{
	struct icap_attempt *a = arg;
	int again = a->again, more = a->tell_more;
	uint64_t due;

	attempt_enter(a);
	a->armed = 0;
	a->again = a->tell_more = 0;
	if (a->fault != ICAP_F_NONE)
		a->user->fault(a->arg, a->fault, a->why);
	else if (again) {
		if (more)
			icap_attempt_wants(a);
		icap_write_more(a);
		icap_read_more(a);
	} else if ((due = attempt_due(a)) != 0 && clock_ms() >= due)
		attempt_expired(a);
	attempt_leave(a);
}

struct icap_attempt *
icap_attempt_new(const struct icap_attempt *from)
{
	struct icap_attempt *a = xmalloc(sizeof(*a));

	*a = *from;
	a->client = a->conn->client;
	a->wants = a->expected;
	a->seen->server = a->conn->server->conf->url;
	a->seen->reused = a->conn->open;
	a->seen->connect = a->seen->first_byte = -1;
	a->seen->bytes_out = a->seen->bytes_in = 0;
	a->seen->status = 0;
	a->seen->istag[0] = '\0';
	a->length = a->retry_after = -1;
	a->t_try = clock_us();
	event_assign(&a->timer, a->client->base, -1, 0, attempt_timer, a);
	icap_conn_own(a->conn, &attempt_conn, a);
	if (a->conn->open) {
		attempt_enter(a);
		attempt_run(a);
		attempt_leave(a);
	}
	return a;
}

void
icap_attempt_fail(struct icap_attempt *a, enum icap_fault fault,
    const char *why)
{
	attempt_enter(a);
	icap_attempt_fault(a, fault, why);
	attempt_leave(a);
}

void
icap_attempt_more(struct icap_attempt *a, int room)
{
	int resume = room && a->blocked;

	if (!a->starved && !resume)
		return;
	attempt_enter(a);
	a->t_last = clock_us();
	a->again |= resume;
	if (a->starved) {
		a->starved = 0;
		icap_write_more(a);
	}
	attempt_leave(a);
}

struct icap_conn *
icap_attempt_end(struct icap_attempt *a)
{
	struct icap_conn *c = a->conn;

	attempt_enter(a);
	a->conn = NULL;
	attempt_leave(a);
	return c;
}

int
icap_attempt_verdict(const struct icap_attempt *a)
{
	return a->bad_status || (a->input->method == ICAP_REQMOD &&
	    a->hdr == ICAP_RES_HDR);
}

int
icap_attempt_raced(const struct icap_attempt *a, enum icap_fault fault)
{
	return a->seen->reused && !a->answered &&
	    (fault == ICAP_F_REQUEST_TIME ||
	    (fault == ICAP_F_CLOSED && a->seen->first_byte < 0));
}

void
icap_attempt_evidence(const struct icap_attempt *a, enum icap_fault fault)
{
	const struct icap_conn *c = a->conn;
	char text[201];
	size_t i, n;

	if (fault != ICAP_F_MALFORMED && fault != ICAP_F_HEAD)
		return;
	n = c->in_len < sizeof(text) - 1 ? c->in_len : sizeof(text) - 1;
	for (i = 0; i < n; i++) {
		text[i] = c->in[c->in_off + i];
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '.';
	}
	text[n] = '\0';
	log_warn("icap %s: it was, from there on: %s",
	    a->client->service->conf->name, text);
}

int
icap_attempt_clean(struct icap_attempt *a)
{
	struct icap_conn *c = a->conn;

	return a->in == ICAP_IN_DONE && icap_write_rest(a) && !a->close &&
	    c->in_len == 0 && !c->eof;
}
