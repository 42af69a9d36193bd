/*
 * The tap that reads HTTP/1 in a session. It pairs requests with responses, one
 * exchange at a time, and starts each message on its way (adapt.c).
 */
#include "adapt/engine.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapt/adapt.h"
#include "net/names.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

/* A worker's part. */
struct engine_seat {
	struct engine_env	*env;
	struct event_base	*base;
	struct names		*names;
	struct icap_client	**clients;	/* one for each service */
};

static void
engine_logged(void *arg, void *user, const struct icap_record *r)
{
	const struct engine_env *env = ((struct engine_seat *)arg)->env;
	const struct asker *by = user;

	if (env->icap_ended != NULL)
		env->icap_ended(env->arg, by->rec, by->http, r);
}

static void *
engine_attach(void *sink, struct event_base *base)
{
	struct engine_seat *seat = xcalloc(1, sizeof(*seat));
	size_t i;

	seat->env = sink;
	seat->base = base;
	seat->clients = xcalloc(seat->env->nservices + 1,
	    sizeof(struct icap_client *));
	if (seat->env->nservices > 0)
		seat->names = names_new(base);
	for (i = 0; i < seat->env->nservices; i++)
		seat->clients[i] = icap_attach(seat->env->services[i], base,
		    seat->names, engine_logged, seat);
	return seat;
}

static void
engine_detach(void *arg)
{
	struct engine_seat *seat = arg;
	size_t i;

	for (i = 0; i < seat->env->nservices; i++)
		icap_detach(seat->clients[i]);
	if (seat->names != NULL)
		names_free(seat->names);
	free(seat->clients);
	free(seat);
}

static void
engine_silence(void *arg)
{
	adapt_silence(&((struct engine *)arg)->a);
}

static void
engine_wake(void *arg)
{
	tap_release(((struct engine *)arg)->tap);
}

static void
engine_broken(void *arg, const char *why)
{
	struct engine *e = arg;

	e->finished = 1;
	tap_abort(e->tap, why);
}

static const struct exchange_user engine_user = {
	.silence = engine_silence,
	.wake = engine_wake,
	.broken = engine_broken,
};

static void *
engine_begin(void *arg, struct tap *tap, const struct record *rec,
    const struct engine_host *host)
{
	struct engine_seat *seat = arg;
	struct engine *e = xcalloc(1, sizeof(*e));

	e->tap = tap;
	e->a.x.session = rec->id;
	e->a.x.user = &engine_user;
	e->a.x.arg = e;
	plan_init(&e->plan, seat->env, seat->base, seat->clients, rec, host);
	/* Nobody looks at the messages, so any bytes may pass. */
	h1_init(&e->h1, tap, host->flow[DIR_UP], host->flow[DIR_DOWN],
	    &e->a.x, e->plan.judged ? host->head_max : H1_HEAD,
	    e->plan.judged);
	adapt_init(&e->a, &e->plan);
	evtimer_assign(&e->slow, seat->base, tunnel_slow, e);
	return e;
}

static void
engine_close(void *state, struct tap_counts *counts)
{
	struct engine *e = state;
	struct http_record *r = &e->a.x.record;

	evtimer_del(&e->slow);
	ws_free(e->ws);
	passing_free(e->passing);
	if (r->why == NULL)
		r->why = "the session ended";
	head_over(&e->a);
	grpc_end(&e->a);
	adapt_free(&e->a);
	h1_done(&e->h1);
	text_free(&e->settings);
	free(e);
}

/*
 * It is HTTP/2, by what TLS agreed on or by the client's first bytes (RFC 9113,
 * 3.3). If somebody looks at its messages, e is gone: 1. If not, it passes, and
 * is read for its events.
 */
static int
engine_http2(struct engine *e)
{
	if (!e->plan.judged && e->plan.nmonitors == 0) {
		e->raw = 1;
		e->passing = passing_begin(&e->plan, 0, NULL);
		return 0;
	}
	streams_begin(e->tap, &e->plan);
	engine_close(e, NULL);
	return 1;
}

static void
engine_agreed(void *state)
{
	struct engine *e = state;
	const char *alpn = e->plan.rec->facts->tls_client.alpn;

	/* gRPC has a name of its own for it. */
	if (strcmp(alpn, "h2") == 0 || strcmp(alpn, "grpc-exp") == 0)
		engine_http2(e);
}

static int
engine_is_preface(const struct engine *e, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n";
	const size_t n = sizeof(preface) - 1;

	return dir == DIR_UP && e->a.x.record.number == 0 && !e->raw &&
	    e->a.x.state[DIR_UP] == EXCHANGE_HEAD && len >= n &&
	    memcmp(p, preface, n) == 0;
}

/* The present exchange is over: log it, and get ready for the next. */
static void
engine_next(struct engine *e)
{
	head_over(&e->a);
	grpc_end(&e->a);
	adapt_reset(&e->a.msg[DIR_UP]);
	adapt_reset(&e->a.msg[DIR_DOWN]);
	exchange_next(&e->a.x);
	if (e->h1.closing) {
		e->finished = 1;
		h1_finish(&e->h1);
	}
	tap_release(e->tap);
}

static int
is_done(const struct engine *e, enum flow_dir dir)
{
	const struct exchange *x = &e->a.x;
	int over = h1_over(&e->h1, dir), ended = x->msg[dir].sent;

	if (h1_waits(&e->h1, dir))
		return 0;
	switch (x->state[dir]) {
	case EXCHANGE_HEAD:
	case EXCHANGE_HELD:
	case EXCHANGE_BROKEN:
		break;
	case EXCHANGE_GOING:
		return over && (e->a.msg[dir].as_is || ended);
	case EXCHANGE_ANSWERED:
		if (dir == DIR_UP)
			return over && e->a.msg[DIR_UP].txn == NULL;
		return ended && (over || x->msg[dir].head == NULL);
	case EXCHANGE_DONE:
		return 1;
	}
	return 0;
}

/*
 * The client has its whole answer, which is not the server's; the server's own
 * goes on. If its end is near, read on. Otherwise give up the connections.
 */
static int
is_endless(const struct engine *e)
{
	const struct adapted_message *m = &e->a.msg[DIR_DOWN];
	enum exchange_state state = e->a.x.state[DIR_DOWN];

	return (state == EXCHANGE_ANSWERED || (state == EXCHANGE_GOING &&
	    !m->as_is && !m->sends)) && m->txn == NULL &&
	    e->a.x.msg[DIR_DOWN].sent && !h1_waits(&e->h1, DIR_DOWN) &&
	    h1_endless(&e->h1);
}

/* The 101 is here, and nobody has refused it. */
static int
engine_switches(const struct engine *e)
{
	return e->switches && e->a.x.state[DIR_DOWN] == EXCHANGE_HEAD;
}

/* Check how far the exchange has come. */
static void
engine_check(struct engine *e)
{
	struct exchange *x = &e->a.x;
	const struct http_head *h = x->msg[DIR_DOWN].head;

	if (e->raw || e->finished)
		return;
	if (is_endless(e)) {
		e->h1.closing = 1;
		exchange_set(x, DIR_DOWN, EXCHANGE_DONE);
		exchange_set(x, DIR_UP, EXCHANGE_DONE);
	} else if (is_done(e, DIR_DOWN)) {
		if (h != NULL && h->status < 200 && h->status != 101 &&
		    x->state[DIR_DOWN] == EXCHANGE_GOING) {
			adapt_reset(&e->a.msg[DIR_DOWN]);
			exchange_again(x, DIR_DOWN);	/* another follows */
			return;
		}
		exchange_set(x, DIR_DOWN, EXCHANGE_DONE);
	}
	/* It is answered: drop the rest of the request. */
	if (is_done(e, DIR_UP) || (e->h1.closing &&
	    x->state[DIR_DOWN] == EXCHANGE_DONE &&
	    x->state[DIR_UP] == EXCHANGE_ANSWERED))
		exchange_set(x, DIR_UP, EXCHANGE_DONE);
	if (engine_switches(e) && x->state[DIR_UP] == EXCHANGE_DONE)
		tap_release(e->tap);
	if (exchange_done(x))
		engine_next(e);
}

static void
engine_more(struct engine *e, enum flow_dir dir)
{
	if (e->finished)
		return;
	h1_flush(&e->h1.dir[dir]);
	grpc_more(&e->a.msg[dir]);
	engine_check(e);
}

/* The request's head has come. 1: it may go on. */
static int
engine_request(struct engine *e)
{
	if (!head_request(&e->a))
		return 0;
	upgrade_offer(e);
	return 1;
}

/* The response's head has come. 1: it may go on. */
static int
engine_response(struct engine *e)
{
	const struct http_message *m = &e->a.x.msg[DIR_DOWN];

	if (!head_response(&e->a) || upgrade_taken(e))
		return 0;
	if (m->tunnel) {	/* HTTP ends here */
		tunnel_begin(e, m->head->status == 101 ? UNREAD_UPGRADE :
		    UNREAD_CONNECT);
		head_over(&e->a);
		http_record_next(&e->a.x.record);
	}
	return 1;
}

/* Whether these are the session's first bytes, and of another protocol. */
static int
is_other(const struct engine *e, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	if (dir != DIR_UP || e->a.x.record.number > 0 ||
	    h1_in_head(&e->h1, dir))
		return 0;
	return http_starts_request((const char *)p, len) == 0;
}

/* The bytes are not an HTTP/1 message: refuse them, or stop reading. */
static void
engine_strange(struct engine *e, enum flow_dir dir, const uint8_t *p,
    size_t len, int rv, const char *why)
{
	if (!e->plan.judged || is_other(e, dir, p, len))
		tunnel_begin(e, UNREAD_OTHER);
	else if (dir == DIR_DOWN)
		exchange_refuse(&e->a.x, 502, why);
	else
		exchange_refuse(&e->a.x, rv == ERR_LIMIT ? 431 : 400, why);
}

/* The head is incomplete. */
static void
engine_short(struct engine *e, enum flow_dir dir, const uint8_t *p, size_t len)
{
	int eof = e->h1.dir[dir].eof;

	if (is_other(e, dir, p, len))
		tunnel_begin(e, UNREAD_OTHER);
	else if (dir == DIR_UP && !eof && !h1_in_head(&e->h1, dir) &&
	    http_starts_request((const char *)p, len) == ERR_SHORT)
		tunnel_wait(e);
	else if (eof)
		h1_discard(&e->h1, dir);
}

/* At the start of a message. 1: its head has come, and it is on its way. */
static int
engine_head(struct engine *e, enum flow_dir dir, const uint8_t *p, size_t len)
{
	const char *why;
	int rv;

	if (dir == DIR_DOWN && e->a.x.record.method == NULL) {
		tunnel_unasked(e);
		return 0;
	}
	if (dir == DIR_DOWN && upgrade_waits(e, p, len))
		return 0;
	rv = h1_head(&e->h1, dir, p, len, &why);
	if (rv == ERR_SHORT)
		engine_short(e, dir, p, len);
	else if (rv != 0)
		engine_strange(e, dir, p, len, rv, why);
	else
		return dir == DIR_UP ? engine_request(e) : engine_response(e);
	return 0;
}

/*
 * Whether the server's bytes do not answer the present request. Bytes that come
 * before the request has gone on wait, because the request may still be refused
 * or answered by a service. Bytes after an answer of our own would be taken for
 * the next answer. 1: they stay, or are dropped.
 */
static int
is_early(struct engine *e)
{
	const struct exchange *x = &e->a.x;
	enum exchange_state down = x->state[DIR_DOWN];

	if (x->msg[DIR_DOWN].head != NULL || x->record.method == NULL)
		return 0;
	if (down == EXCHANGE_ANSWERED && x->msg[DIR_DOWN].began) {
		e->h1.closing = 1;
		h1_discard(&e->h1, DIR_DOWN);
		return 1;
	}
	return (down == EXCHANGE_HEAD || down == EXCHANGE_ANSWERED) &&
	    x->state[DIR_UP] != EXCHANGE_DONE && !x->msg[DIR_UP].began;
}

/* A message's framing broke. If part of it has passed, nobody knows where the
 * next one begins. */
static void
engine_bad(struct engine *e, enum flow_dir dir)
{
	struct exchange *x = &e->a.x;
	const char *why = x->msg[dir].bad;

	if (e->a.msg[dir].as_is && !e->plan.judged)
		tunnel_begin(e, UNREAD_OTHER);
	else if (e->a.msg[dir].as_is)
		exchange_break(x, why);
	else if (dir == DIR_DOWN || x->state[DIR_UP] != EXCHANGE_ANSWERED)
		exchange_refuse(x, dir == DIR_UP ? 400 : 502, why);
}

/* Read bytes of a message. Returns how many go on unchanged. */
static size_t
engine_body(struct engine *e, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct exchange *x = &e->a.x;
	size_t let = h1_data(&e->h1, dir, p, len);

	if (x->msg[dir].bad != NULL)
		engine_bad(e, dir);
	if (e->raw)	/* the head may have ended HTTP, and passes */
		return tunnel_data(e, dir, p, let > 0 ? let : len);
	if (let > 0)
		return let;
	engine_more(e, dir);
	return 0;
}

/* The server has switched to HTTP/2 (upgrade.c). */
static size_t
engine_switch(struct engine *e)
{
	size_t n = upgrade_done(e);

	if (n > 0)
		engine_close(e, NULL);
	return n;
}

static size_t
engine_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct engine *e = state;
	struct exchange *x = &e->a.x;

	if (engine_is_preface(e, dir, p, len) && engine_http2(e))
		return 0;
	if (e->a.msg[dir].as_is && !h1_flush(&e->h1.dir[dir]))
		return 0;	/* a long head goes first */
	if (dir == DIR_DOWN && engine_switches(e))
		return engine_switch(e);
	if (e->raw)
		return tunnel_data(e, dir, p, len);
	if (e->finished)
		h1_discard(&e->h1, dir);
	if (e->finished || x->state[dir] == EXCHANGE_DONE ||
	    (dir == DIR_DOWN && is_early(e)))
		return 0;
	if (x->state[dir] == EXCHANGE_HEAD) {
		if (!engine_head(e, dir, p, len))
			return e->raw ? tunnel_data(e, dir, p, len) : 0;
		grpc_begin(&e->a.msg[dir]);
		/* The bytes may have been edited, or moved: seen next turn. */
		if (e->plan.nrow > 0 || e->plan.judged) {
			tap_release(e->tap);
			return 0;
		}
	}
	return engine_body(e, dir, p, len);
}

static void
engine_room(void *state, enum flow_dir dir)
{
	struct engine *e = state;

	if (!e->raw)
		engine_more(e, dir);
	else
		tunnel_room(e, dir);
}

static int
engine_busy(void *state, enum flow_dir dir)
{
	struct engine *e = state;

	if (exchange_is_broken(&e->a.x))
		return 1;	/* no orderly end before the reset */
	if (!e->raw && e->finished)
		return 0;
	if (engine_switches(e))
		return 1;
	if (h1_waits(&e->h1, dir) || ws_busy(e->ws, dir))
		return 1;
	if (e->raw || e->a.x.state[dir] == EXCHANGE_DONE)
		return 0;
	return (e->a.x.state[dir] != EXCHANGE_HEAD && !e->a.msg[dir].as_is) ||
	    (dir == DIR_DOWN && is_early(e));
}

static void
engine_eof(void *state, enum flow_dir dir)
{
	struct engine *e = state;

	if (e->raw || e->finished)
		return;
	h1_eof(&e->h1, dir);
	if (dir == DIR_DOWN && (is_early(e) || engine_switches(e)))
		return;
	if (e->a.x.state[dir] == EXCHANGE_HEAD)	/* a piece of a head */
		h1_discard(&e->h1, dir);
	engine_more(e, dir);
}

static const struct tap_ops engine_tap = {
	.facts = engine_agreed,	/* TLS has agreed on a protocol */
	.data = engine_data,
	.room = engine_room,
	.busy = engine_busy,
	.eof = engine_eof,
	.close = engine_close,
};

const struct engine_ops http_engine = {
	.tap = &engine_tap,
	.attach = engine_attach,
	.begin = engine_begin,
	.detach = engine_detach,
};
