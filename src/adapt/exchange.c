/*
 * The tap that reads HTTP/1 out of a session: pairs requests with responses,
 * one exchange at a time, and sends each message on its way (adapt.c).
 */
#include "adapt/exchange.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/names.h"
#include "proxy/session.h"
#include "proxy/sink.h"
#include "adapt/side.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

/* So much of a response that nobody wants is read to keep its connection. */
#define DRAIN_MAX	(4 * 1024 * 1024)

/* A worker's part. */
struct exchange_seat {
	struct exchange_env	*env;
	struct event_base	*base;
	struct names		*names;
	struct icap_client	**seats;	/* one for each service */
};

static void
exchange_logged(void *arg, void *user, const struct icap_record *r)
{
	struct exchange_seat *seat = arg;
	const struct record *copied = watch_record(user);
	struct side *s = user;

	if (seat->env->icap_ended == NULL)
		return;
	if (copied != NULL)
		seat->env->icap_ended(seat->env->arg, copied, NULL, r);
	else
		seat->env->icap_ended(seat->env->arg, s->x->rec,
		    &s->x->http, r);
}

static void *
exchange_attach(void *sink, struct event_base *base)
{
	struct exchange_seat *seat = xcalloc(1, sizeof(*seat));
	size_t i;

	seat->env = sink;
	seat->base = base;
	seat->seats = xcalloc(seat->env->nservices + 1,
	    sizeof(struct icap_client *));
	if (seat->env->nservices > 0)
		seat->names = names_new(base);
	for (i = 0; i < seat->env->nservices; i++)
		seat->seats[i] = icap_attach(seat->env->services[i], base,
		    seat->names, exchange_logged, seat);
	return seat;
}

static void
exchange_detach(void *arg)
{
	struct exchange_seat *seat = arg;
	size_t i;

	for (i = 0; i < seat->env->nservices; i++)
		icap_detach(seat->seats[i]);
	if (seat->names != NULL)
		names_free(seat->names);
	free(seat->seats);
	free(seat);
}

static void *
exchange_begin(void *arg, struct tap *tap, const struct record *rec)
{
	struct exchange_seat *seat = arg;
	struct exchange *x = xcalloc(1, sizeof(*x));
	const struct conf_rule *rule = rec->verdict->rule;
	struct flow *flow = tap_session(tap)->wire.flow;
	size_t i;
	int d;

	x->tap = tap;
	x->rec = rec;
	x->env = seat->env;
	evtimer_assign(&x->slow, seat->base, exchange_slow, x);
	x->seats = seat->seats;
	x->row = rule->icaps;
	x->nrow = rule->nicaps;
	x->echo = xcalloc(x->nrow + 1, sizeof(*x->echo));
	for (i = 0; i < x->nrow; i++)
		x->nmonitors += icap_service_conf(
		    x->env->services[x->row[i]])->monitor;
	x->judged = x->nrow > x->nmonitors ||
	    policy_by_request(tap_session(tap)->policy);
	for (d = 0; d < 2; d++) {
		x->side[d].x = x;
		x->side[d].dir = (enum flow_dir)d;
		message_init(&x->side[d].m, &flow[d], tap);
		/* What nobody looks at may be what it likes. */
		if (exchange_inline(x))
			x->side[d].m.limit = (size_t)session_conf(
			    tap_session(tap))->limits.head;
		deliver_init(&x->side[d].out, &flow[d], tap);
	}
	return x;
}

/* The exchange is over, or HTTP is: the log gets what is known of it. */
static void
exchange_tell(struct exchange *x)
{
	if (!http_record_used(&x->http) || x->env->ended == NULL)
		return;
	if (x->http.by != NULL && x->http.length[DIR_DOWN] == 0)
		x->http.length[DIR_DOWN] = x->side[DIR_DOWN].out.body;
	x->env->ended(x->env->arg, x->rec, &x->http);
}

static void
exchange_close(void *state, struct tap_counts *m)
{
	struct exchange *x = state;
	size_t i;
	int d;

	evtimer_del(&x->slow);
	x->http.end = clock_wall();
	if (x->http.why == NULL)
		x->http.why = "the session ended";
	exchange_tell(x);
	for (d = 0; d < 2; d++) {
		side_reset(&x->side[d]);
		deliver_free(&x->side[d].out);
	}
	for (i = 0; i < x->nrow; i++)
		text_free(&x->echo[i]);
	free(x->echo);
	http_record_free(&x->http);
	text_free(&x->method);
	text_free(&x->sent);
	free(x);
}

void
exchange_broken(struct exchange *x, const char *why)
{
	if (x->finished)
		return;
	x->finished = x->broken = 1;
	x->http.why = why;
	tap_abort(x->tap, why);
}

/* The present exchange is over: tell the log, be ready for the next. */
static void
exchange_next(struct exchange *x)
{
	struct side *up = &x->side[DIR_UP], *down = &x->side[DIR_DOWN];

	x->http.end = clock_wall();
	exchange_tell(x);
	http_record_next(&x->http);
	side_reset(up);
	side_reset(down);
	if (x->closing) {
		x->finished = 1;
		if (!down->m.eof)	/* else it ends as the server did */
			flow_finish(down->out.flow);
		flow_finish(up->out.flow);
	}
	tap_release(x->tap);
}

static int
side_done(struct side *s)
{
	const struct message *m = &s->m;

	if (deliver_waits(&s->out))
		return 0;
	if (s->state == SIDE_PASS)
		return m->ended && m->held == m->passed;
	if (s->state == SIDE_GONE)
		return (m->ended || m->cut) && m->held == 0 && s->txn == NULL;
	if (s->state == SIDE_TEXT && m->http == NULL)
		return s->out.ended;
	if (s->state == SIDE_SPOOL || s->state == SIDE_ADAPTED ||
	    s->state == SIDE_TEXT)
		return s->out.ended && (m->ended || m->cut) && m->held == 0;
	return s->state == SIDE_DONE;
}

/*
 * The client has its whole answer, and it is not the server's own, which
 * goes on: to its end, if that is near, else there is no use for the rest,
 * and the connections go.
 */
static int
side_endless(const struct side *s)
{
	const struct message *m = &s->m;

	if (s->state != SIDE_ADAPTED && s->state != SIDE_TEXT)
		return 0;
	return m->http != NULL && s->out.ended && !m->ended && !m->cut &&
	    !deliver_waits(&s->out) && s->txn == NULL &&
	    (m->body.kind == HTTP1_CLOSE || m->body.kind == HTTP1_TUNNEL ||
	    (m->body.kind == HTTP1_LENGTH && m->body.left > DRAIN_MAX) ||
	    (m->body.kind == HTTP1_CHUNKED && m->body.payload > DRAIN_MAX));
}

void
exchange_check(struct exchange *x)
{
	struct side *up = &x->side[DIR_UP], *down = &x->side[DIR_DOWN];

	if (x->raw || x->finished)
		return;
	if (side_endless(down)) {
		x->closing = 1;
		down->state = up->state = SIDE_DONE;
	} else if (side_done(down) && down->state != SIDE_DONE) {
		if (down->m.http != NULL && down->m.http->status < 200 &&
		    down->m.http->status != 101) {
			side_reset(down);	/* interim: another follows */
			return;
		}
		down->state = SIDE_DONE;
	}
	/* Answered for good: what is left of the request goes nowhere. */
	if (x->closing && down->state == SIDE_DONE && up->state == SIDE_GONE)
		up->state = SIDE_DONE;
	if (side_done(up))
		up->state = SIDE_DONE;
	if (up->state == SIDE_DONE && down->state == SIDE_DONE)
		exchange_next(x);
}

/* The request's head is here. 1: it goes on, as far as we are concerned. */
static int
exchange_request(struct exchange *x)
{
	int large = x->judged && judge_one_host(&x->side[DIR_UP]) != 0;
	const struct http_head *h = x->side[DIR_UP].m.http;
	struct timespec now;
	size_t i;

	now = clock_wall();
	http_record_request(&x->http, h, &now);
	for (i = 0; i < x->nrow; i++)
		text_clear(&x->echo[i]);
	text_clear(&x->method);
	text_add(&x->method, h->method.p, h->method.len);
	text_clear(&x->sent);
	text_add(&x->sent, h->method.p, h->method.len);
	x->old_client = h->version == 10;
	x->closing = exchange_inline(x) && !http1_keeps_alive(h);
	return !x->judged || judge_request(x, large);
}

static void
exchange_response(struct exchange *x)
{
	struct side *down = &x->side[DIR_DOWN];
	struct timespec now;

	if (down->m.http->status < 200 && down->m.http->status != 101)
		return;
	now = clock_wall();
	http_record_response(&x->http, down->m.http, &now);
	if (down->m.body.kind == HTTP1_TUNNEL) {	/* HTTP ends here */
		exchange_raw(x, down->m.http->status == 101 ? UNREAD_UPGRADE :
		    UNREAD_CONNECT);
		exchange_tell(x);
		http_record_next(&x->http);
	}
}

/* The session's first bytes, and they are of another protocol. */
static int
exchange_other(const struct side *s, const uint8_t *p, size_t len)
{
	if (s->dir != DIR_UP || s->x->http.number > 0 || s->m.head.len > 0)
		return 0;
	return http1_starts_request((const char *)p, len) == 0;
}

/* What is no HTTP/1 message: is it to be refused, or none of ours? */
static void
exchange_strange(struct side *s, const uint8_t *p, size_t len, int rv,
    const char *why)
{
	struct exchange *x = s->x;

	if (!exchange_inline(x) || exchange_other(s, p, len))
		exchange_raw(x, UNREAD_OTHER);
	else if (s->dir == DIR_UP && judge_begins_http2(x, p, len))
		return;
	else if (s->dir == DIR_UP)
		side_refuse(x, rv == ERR_LIMIT ? 431 : 400, why);
	else
		side_refuse(x, 502, why);
}

/*
 * Has the request gone on, so that there can be an answer to it? What the
 * server says before that waits: the request may yet be refused, or answered
 * by a service.
 */
static int
exchange_asked(const struct exchange *x)
{
	const struct side *up = &x->side[DIR_UP];

	return up->out.began || up->state == SIDE_DONE ||
	    (up->state == SIDE_PASS && up->m.passed > 0);
}

/*
 * Bytes of the server's that are no answer to the present request. Those that
 * come behind an answer of our own to it would be taken for the next one's.
 * 1: they stay, or are dropped.
 */
static int
exchange_early(struct exchange *x)
{
	struct side *down = &x->side[DIR_DOWN];

	if (down->m.http != NULL || !http_record_used(&x->http))
		return 0;
	if (down->state == SIDE_TEXT && down->out.began) {
		x->closing = 1;
		message_discard(&down->m);
		return 1;
	}
	return (down->state == SIDE_HEAD || down->state == SIDE_TEXT) &&
	    !exchange_asked(x);
}

/* At a message's beginning. 1: its head is here. */
static int
exchange_head(struct side *s, const uint8_t *p, size_t len)
{
	struct exchange *x = s->x;
	const char *why;
	int rv;

	if (s->dir == DIR_DOWN && !http_record_used(&x->http)) {
		exchange_unasked(x);
		return 0;
	}
	rv = message_head(&s->m, p, len, slice_of(x->sent.s, x->sent.len),
	    &why);
	if (rv == ERR_SHORT) {
		if (exchange_other(s, p, len))
			exchange_raw(x, UNREAD_OTHER);
		else if (s->dir == DIR_UP && s->m.head.len == 0 &&
		    !s->m.eof && http1_starts_request((const char *)p,
		    len) == ERR_SHORT)
			exchange_wait(x);
		else if (s->m.eof)
			message_discard(&s->m);
		return 0;
	}
	if (rv != 0) {
		exchange_strange(s, p, len, rv, why);
		return 0;
	}
	if (s->dir == DIR_UP)
		return exchange_request(x) && !exchange_connects(x);
	if (exchange_may_switch(x))
		exchange_response(x);
	else {
		side_refuse(x, 502, "the server switched protocols unasked");
		return 0;
	}
	return 1;
}

/* A message's framing broke. One that passes is partly gone: nobody knows
 * where the next begins. */
static void
exchange_bad(struct side *s)
{
	struct exchange *x = s->x;

	if (s->state == SIDE_PASS && !exchange_inline(x))
		exchange_raw(x, UNREAD_OTHER);
	else if (s->state == SIDE_PASS)
		exchange_broken(x, s->m.bad);
	else if (s->state != SIDE_GONE)
		side_refuse(x, s->dir == DIR_UP ? 400 : 502, s->m.bad);
}

/* TLS has agreed on a protocol. */
static void
exchange_facts(void *state)
{
	judge_agreed_http2(state);
}

static size_t
exchange_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct exchange *x = state;
	struct side *s = &x->side[dir];
	size_t let;

	if (s->state == SIDE_PASS && !deliver_flush(&s->out))
		return 0;	/* a long head goes first */
	if (x->raw && x->ahead && exchange_ahead(x, dir, p, len))
		exchange_broken(x, dir == DIR_UP ?
		    "a request behind what was none" :
		    "an answer that nobody asked for");
	if (x->raw && !x->finished)
		exchange_passed(x, dir, len);
	if (x->raw)
		return x->finished ? 0 : len;
	if (x->finished)
		message_discard(&s->m);
	if (x->finished || s->state == SIDE_DONE ||
	    (dir == DIR_DOWN && exchange_early(x)))
		return 0;
	if (s->state == SIDE_HEAD && s->m.http == NULL) {
		if (!exchange_head(s, p, len))
			return x->raw ? exchange_data(x, dir, p, len) : 0;
		side_begin(s);
		/* The bytes may have been edited, or moved: seen next turn. */
		if (x->nrow > 0 || x->judged) {
			tap_release(x->tap);
			return 0;
		}
	}
	let = message_data(&s->m, p, len);
	if (dir == DIR_DOWN && x->http.by != NULL)
		x->http.origin.length = s->m.body.payload;
	else
		x->http.length[dir] = s->m.body.payload;
	if (s->m.bad != NULL)
		exchange_bad(s);
	if (let == 0)
		side_more(s);
	return let;
}

static void
exchange_room(void *state, enum flow_dir dir)
{
	struct exchange *x = state;

	if (!x->raw)
		side_more(&x->side[dir]);
	else
		deliver_flush(&x->side[dir].out);
}

static int
exchange_busy(void *state, enum flow_dir dir)
{
	struct exchange *x = state;

	if (x->broken)		/* no orderly end before the reset */
		return 1;
	if (x->raw)
		return deliver_waits(&x->side[dir].out);
	if (x->finished)
		return 0;
	return side_busy(&x->side[dir]) ||
	    (dir == DIR_DOWN && exchange_early(x));
}

static void
exchange_eof(void *state, enum flow_dir dir)
{
	struct exchange *x = state;

	if (x->raw || x->finished)
		return;
	if (dir == DIR_DOWN && exchange_early(x))
		x->side[dir].m.eof = 1;
	else
		side_ended(&x->side[dir]);
}

static const struct tap_ops exchange_tap = {
	.facts = exchange_facts,
	.data = exchange_data,
	.room = exchange_room,
	.busy = exchange_busy,
	.eof = exchange_eof,
	.close = exchange_close,
};

const struct sink_ops sink_exchange = {
	.tap = &exchange_tap,
	.attach = exchange_attach,
	.begin = exchange_begin,
	.detach = exchange_detach,
};
