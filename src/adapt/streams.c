/*
 * The tap that reads HTTP/2 in a session. Each stream is an exchange, and its
 * messages go the way of all messages (head.c, adapt.c) beside those of its
 * siblings. What refuses or cuts off one of them does nothing to the others.
 */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "http/h2.h"
#include "stream/wire.h"
#include "util/clock.h"
#include "util/mem.h"

/* The connection; its streams belong to the codec until they are over. */
struct streams {
	struct plan	 plan;
	struct tap	*tap;
	struct h2	*h2;
	unsigned	 n;		/* exchanges so far */
};

struct stream {
	struct adaptation a;
	struct h2_stream *conn;
	struct streams	*of;
	struct ws	*ws;		/* it is a WebSocket; or NULL */
};

static void
stream_silence(void *arg)
{
	adapt_silence(&((struct stream *)arg)->a);
}

static void
stream_wake(void *arg)
{
	h2_wake(((struct stream *)arg)->conn);
}

static void
stream_broken(void *arg, const char *why)
{
	h2_reset(((struct stream *)arg)->conn, NGHTTP2_INTERNAL_ERROR);
}

static const struct exchange_user stream_user = {
	.silence = stream_silence,
	.wake = stream_wake,
	.broken = stream_broken,
};

static struct exchange *
streams_stream(void *arg, struct h2_stream *conn)
{
	struct streams *ss = arg;
	struct stream *st = xcalloc(1, sizeof(*st));
	struct exchange *x = &st->a.x;

	st->of = ss;
	st->conn = conn;
	x->session = ss->plan.rec->id;
	x->user = &stream_user;
	x->arg = st;
	x->record.number = ss->n++;
	x->record.stream = h2_id(conn);
	adapt_init(&st->a, &ss->plan);
	return x;
}

/* An interim response has gone on: another follows. */
static void
stream_check(struct stream *st)
{
	struct exchange *x = &st->a.x;
	const struct http_head *h = x->msg[DIR_DOWN].head;

	if (h == NULL || h->status >= 200 ||
	    x->state[DIR_DOWN] != EXCHANGE_GOING)
		return;
	adapt_reset(&st->a.msg[DIR_DOWN]);
	exchange_again(x, DIR_DOWN);
}

/* Bytes of a tunnel pass. */
static void
stream_passes(struct stream *st, enum flow_dir dir, struct slice data)
{
	const struct engine_host *host = &st->of->plan.host;

	host->passed(host->session, dir, data.len);
	ws_take(st->ws, dir, (const uint8_t *)data.p, data.len);
}

static void
stream_up(void *arg, struct slice data)
{
	stream_passes(arg, DIR_UP, data);
}

static void
stream_down(void *arg, struct slice data)
{
	stream_passes(arg, DIR_DOWN, data);
}

/* CONNECT has opened a tunnel, which no service reads. */
static void
stream_tunnels(struct stream *st)
{
	struct exchange *x = &st->a.x;
	struct slice protocol = x->msg[DIR_UP].head->protocol;

	if (!x->msg[DIR_DOWN].tunnel)
		return;
	st->of->plan.host.tunnels(st->of->plan.host.session);
	plan_unread(&st->of->plan, protocol.len > 0 ? UNREAD_UPGRADE :
	    UNREAD_CONNECT, 0, protocol);
	if (slice_is(protocol, "websocket"))
		st->ws = ws_watch(&st->of->plan, x->record.number);
	x->msg[DIR_UP].seen = stream_up;
	x->msg[DIR_DOWN].seen = stream_down;
	x->msg[DIR_UP].arg = x->msg[DIR_DOWN].arg = st;
}

static void
stream_head(struct exchange *x, enum flow_dir dir)
{
	struct stream *st = x->arg;

	if (!(dir == DIR_UP ? head_request(&st->a) : head_response(&st->a)))
		return;
	if (dir == DIR_DOWN)
		stream_tunnels(st);
	grpc_begin(&st->a.msg[dir]);
	stream_check(st);
}

static void
stream_more(struct exchange *x, enum flow_dir dir)
{
	grpc_more(&((struct stream *)x->arg)->a.msg[dir]);
}

static void
stream_over(struct exchange *x, const char *why)
{
	struct stream *st = x->arg;
	const struct engine_host *host = &st->of->plan.host;

	host->streamed(host->session, exchange_is_broken(x) ? STREAM_BROKEN :
	    why != NULL ? STREAM_RESET : STREAM_DONE);
	if (x->record.why == NULL)
		x->record.why = why;
	head_over(&st->a);
	ws_free(st->ws);
	grpc_end(&st->a);
	adapt_free(&st->a);
	free(st);
}

static void
streams_abuse(void *arg, enum flow_dir from, enum h2_abuse what)
{
	const struct engine_host *host = &((struct streams *)arg)->plan.host;

	host->abused(host->session, from, what);
}

/* Messages of a WebSocket are seen in HTTP/1.1 only, to which browsers then
 * turn. */
static int
streams_extends(void *arg)
{
	return !plan_scans(&((struct streams *)arg)->plan,
	    MESSAGES_WEBSOCKET);
}

static void
streams_wake(void *arg)
{
	tap_release(((struct streams *)arg)->tap);
}

static const struct h2_user streams_user = {
	.begin = streams_stream,
	.head = stream_head,
	.more = stream_more,
	.over = stream_over,
	.abuse = streams_abuse,
	.extends = streams_extends,
	.wake = streams_wake,
};

/* All of it leaves the flow at once. */
static size_t
streams_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	h2_input(((struct streams *)state)->h2, dir, len, p);
	return 0;
}

static void
streams_room(void *state, enum flow_dir dir)
{
	h2_flush(((struct streams *)state)->h2, dir);
}

static int
streams_busy(void *state, enum flow_dir dir)
{
	return h2_busy(((struct streams *)state)->h2, dir);
}

static void
streams_eof(void *state, enum flow_dir dir)
{
	h2_eof(((struct streams *)state)->h2, dir);
}

static void
streams_close(void *state, struct tap_counts *counts)
{
	struct streams *ss = state;

	h2_free(ss->h2);
	free(ss);
}

static const struct tap_ops streams_tap = {
	.data = streams_data,
	.room = streams_room,
	.busy = streams_busy,
	.eof = streams_eof,
	.close = streams_close,
};

void
streams_begin(struct tap *tap, const struct plan *plan)
{
	struct streams *ss = xcalloc(1, sizeof(*ss));
	const struct engine_host *host = &plan->host;

	ss->plan = *plan;
	ss->tap = tap;
	ss->h2 = h2_new(tap, host->flow[DIR_UP], host->flow[DIR_DOWN],
	    host->head_max, &streams_user, ss);
	tap->ops = &streams_tap;
	tap->state = ss;
	tap->ended[DIR_UP] = tap->ended[DIR_DOWN] = 0;	/* not to this one */
	/* Mirrors show what the client sends and gets: its own stream ids. */
	wire_tap_server(tap);
	tap_release(tap);
}

void
streams_upgraded(struct tap *tap, struct adaptation *asked,
    const struct text *settings)
{
	struct streams *ss = tap->state;
	const struct http_head *head = asked->msg[DIR_UP].now->head;
	struct timespec now = clock_wall();
	struct exchange *x;
	struct text *echo;
	struct stream *st;

	ss->n = asked->x.record.number + 1;
	x = h2_upgraded(ss->h2, head, (const uint8_t *)settings->s,
	    settings->len);
	st = x->arg;
	echo = st->a.echo;
	st->a.echo = asked->echo;
	asked->echo = echo;
	st->a.part = asked->part;
	memset(&asked->part, 0, sizeof(asked->part));
	http_record_request(&x->record, x->msg[DIR_UP].head, &now);
	exchange_set(x, DIR_UP, EXCHANGE_DONE);
}
