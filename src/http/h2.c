/*
 * The connection of HTTP/2: bytes of both peers in and out, and its end.
 */
#include "http/h2.h"

#include <stdlib.h>

#include "http/h2_inner.h"
#include "util/budget.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define SWEEP_MS	1000
#define STALL_MS	60000	/* a window that is shut for longer */

struct h2 *
h2_new(struct tap *tap, struct flow *up, struct flow *down, size_t head_max,
    const struct h2_user *user, void *arg)
{
	struct h2 *h2 = xcalloc(1, sizeof(*h2));

	h2->tap = tap;
	h2->flow[DIR_UP] = up;
	h2->flow[DIR_DOWN] = down;
	h2->head_max = head_max;
	h2->user = user;
	h2->arg = arg;
	TAILQ_INIT(&h2->all);
	TAILQ_INIT(&h2->turns);
	TAILQ_INIT(&h2->waiting);
	h2_side_open(&h2->side[DIR_UP], h2, DIR_UP);
	h2_side_open(&h2->side[DIR_DOWN], h2, DIR_DOWN);
	return h2;
}

/* Every stream ends, and the user is told at once. */
static void
stop_all(struct h2 *h2, const char *why)
{
	struct h2_stream *s;

	TAILQ_FOREACH(s, &h2->all, all)
		h2_stream_stop(s, NGHTTP2_CANCEL, why);
	h2_turns(h2);
}

void
h2_free(struct h2 *h2)
{
	struct h2_stream *s;

	if (h2 == NULL)
		return;
	h2->inside++;
	stop_all(h2, "the session ended");
	while ((s = TAILQ_FIRST(&h2->all)) != NULL)
		h2_stream_free(s);
	h2_side_close(&h2->side[DIR_UP]);
	h2_side_close(&h2->side[DIR_DOWN]);
	free(h2);
}

/* Both directions end after what is still to be written. */
static void
finish(struct h2 *h2)
{
	if (h2->finished)
		return;
	h2->finished = 1;
	nghttp2_session_terminate_session(h2->side[DIR_UP].ng,
	    NGHTTP2_NO_ERROR);
	nghttp2_session_terminate_session(h2->side[DIR_DOWN].ng,
	    NGHTTP2_NO_ERROR);
	flow_finish(h2->flow[DIR_UP]);
	flow_finish(h2->flow[DIR_DOWN]);
}

/* It is answered, but not by the server. */
static int
is_ours(const struct h2_stream *s)
{
	return s->half[DIR_DOWN].mode == H2_DROP || (s->x != NULL &&
	    s->x->state[DIR_DOWN] == EXCHANGE_ANSWERED);
}

/* The server's answer will not come. What it has not seen may be asked of
 * another (RFC 9113, 8.7). */
static void
lose_answer(struct h2_stream *s, const char *why)
{
	if (is_ours(s))
		return;
	if (s->id[DIR_DOWN] == 0)
		s->refused = 1;
	else
		h2_stream_stop(s, NGHTTP2_INTERNAL_ERROR, why);
}

/*
 * Nothing comes from that peer any more. The messages that it had ended go on,
 * and with a client whose connection failed (hard) nothing does.
 */
static void
lose(struct h2_side *side, int hard, const char *why)
{
	struct h2_stream *s;

	side->h2->draining = 1;
	TAILQ_FOREACH(s, &side->h2->all, all) {
		if (side->dir == DIR_DOWN && !s->half[DIR_DOWN].ended)
			lose_answer(s, why);
		else if (side->dir == DIR_UP && (hard ||
		    !s->half[DIR_UP].ended))
			h2_stream_stop(s, NGHTTP2_INTERNAL_ERROR, why);
		if (hard || side->dir == DIR_DOWN)
			s->closed[side->dir] = 1;
		h2_mark(s);
	}
	if (side->dir == DIR_DOWN)
		side->open = 0;
}

/* The connection of a peer has an error, of which it is told. */
static void
fail(struct h2_side *side)
{
	if (!side->meter.failed || side->lost)
		return;
	side->lost = 1;
	nghttp2_session_terminate_session(side->ng, side->meter.code != 0 ?
	    side->meter.code : NGHTTP2_INTERNAL_ERROR);
	lose(side, 1, side->dir == DIR_UP ? "the client broke HTTP/2" :
	    "the server broke HTTP/2");
}

void
h2_drain(struct h2 *h2)
{
	h2->draining = h2->drained = 1;
	nghttp2_submit_goaway(h2->side[DIR_UP].ng, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h2->side[DIR_UP].ng),
	    NGHTTP2_NO_ERROR, NULL, 0);
	if (!h2->inside)
		h2->user->wake(h2->arg);
}

/* The server leaves: no request that it has not got will be answered. */
static void
leave(struct h2 *h2)
{
	struct h2_stream *s;

	if (!h2->side[DIR_DOWN].leaving)
		return;
	if (!h2->drained)
		h2_drain(h2);
	TAILQ_FOREACH(s, &h2->waiting, wait) {
		s->refused = 1;
		h2_mark(s);
	}
}

/* It holds memory that others need, and its receiver takes nothing. */
static int
has_stalled(const struct h2_half *h, uint64_t now)
{
	return h->gone && !h2_is_dry(h) && now - h->moved > STALL_MS &&
	    budget_used() > budget_max() / 2;
}

static void
sweep(struct h2 *h2)
{
	uint64_t now = clock_coarse_ms();
	struct h2_stream *s;
	int i;

	if (now - h2->swept < SWEEP_MS)
		return;
	h2->swept = now;
	TAILQ_FOREACH(s, &h2->all, all)
		for (i = 0; i < 2; i++) {
			if (s->reset || !has_stalled(&s->half[i], now))
				continue;
			h2_report(&h2->side[!i].meter, H2_SLOW_WINDOW);
			h2_stream_stop(s, NGHTTP2_ENHANCE_YOUR_CALM,
			    "its receiver takes nothing");
		}
}

/* Bytes of content that may go on the stream now. */
static int32_t
window(const struct h2_side *side, int32_t id)
{
	int32_t all = nghttp2_session_get_remote_window_size(side->ng);
	int32_t one = nghttp2_session_get_stream_remote_window_size(side->ng,
	    id);

	return one < all ? one : all;
}

/* A client that has ended opens no window any more: what one holds back will
 * never go. */
static void
strand(struct h2 *h2)
{
	struct h2_side *client = &h2->side[DIR_UP];
	struct h2_stream *s;

	if (!client->ended)
		return;
	TAILQ_FOREACH(s, &h2->all, all)
		if (!s->reset && s->half[DIR_DOWN].gone &&
		    !h2_is_dry(&s->half[DIR_DOWN]) &&
		    window(client, s->id[DIR_UP]) <= 0)
			h2_stream_stop(s, NGHTTP2_CANCEL, "the client ended "
			    "the connection before it had let all come");
}

/* What the peers said, and what is to be done, is done. */
static void
go_on(struct h2 *h2)
{
	fail(&h2->side[DIR_UP]);
	fail(&h2->side[DIR_DOWN]);
	leave(h2);
	sweep(h2);
	strand(h2);
	h2_turns(h2);
	if (!TAILQ_EMPTY(&h2->waiting))
		h2_admit(h2);
	if (h2->n == 0 && h2->draining)
		finish(h2);
	if (!TAILQ_EMPTY(&h2->turns))	/* others come first */
		h2->user->wake(h2->arg);
}

static void
gap_open(struct h2 *h2, enum flow_dir dir, const uint8_t *p)
{
	h2->gap.open = 1;
	h2->gap.dir = dir;
	/* The tap's to change: they lie in its flow, not yet let go. */
	h2->gap.at = h2->gap.end = h2->flow[dir]->buf + (p -
	    h2->flow[dir]->buf);
}

static void
gap_close(struct h2 *h2, const uint8_t *p, size_t len)
{
	enum flow_dir dir = h2->gap.dir;
	size_t n = (size_t)(h2->gap.at - p);

	h2->gap.open = 0;
	h2->tap->pos[dir] += n;
	flow_replace(h2->flow[dir], h2->tap, len - n, NULL, 0);
}

int
h2_input(struct h2 *h2, enum flow_dir dir, size_t len, const uint8_t *p)
{
	struct h2_side *side = &h2->side[dir];
	ssize_t n = 0;

	h2->inside++;
	gap_open(h2, dir, p);
	if (!h2->finished)
		n = nghttp2_session_mem_recv(side->ng, p, len);
	h2_lent(h2);
	h2->gap.end = h2->gap.at + (p + len - h2->gap.at);
	if (n < 0)
		h2_meter_error(&side->meter, (int)n);
	go_on(h2);
	h2_send(&h2->side[!dir]);
	gap_close(h2, p, len);
	h2->inside--;
	return side->meter.failed ? ERR_FORMAT : 0;
}

int
h2_flush(struct h2 *h2, enum flow_dir dir)
{
	struct flow *f = h2->flow[dir];
	struct h2_side *side = &h2->side[!dir];

	/* What was read is looked at first, and makes room. */
	if (f->in > h2->tap->pos[dir])
		return 0;
	h2->inside++;
	go_on(h2);
	if (h2_send(side) != 0)
		side->meter.failed = 1;
	go_on(h2);
	h2_send(side);
	h2->inside--;
	return !nghttp2_session_want_write(side->ng);
}

void
h2_eof(struct h2 *h2, enum flow_dir dir)
{
	h2->inside++;
	h2->side[dir].ended = 1;
	lose(&h2->side[dir], 0, dir == DIR_UP ?
	    "the client ended the connection" :
	    "the server ended the connection");
	go_on(h2);
	h2->inside--;
}

int
h2_busy(const struct h2 *h2, enum flow_dir dir)
{
	return !h2->finished ||
	    nghttp2_session_want_write(h2->side[!dir].ng);
}

uint32_t
h2_id(const struct h2_stream *s)
{
	return (uint32_t)s->id[DIR_UP];
}

void
h2_wake(struct h2_stream *s)
{
	h2_news(&s->half[DIR_UP]);
	h2_news(&s->half[DIR_DOWN]);
}

void
h2_reset(struct h2_stream *s, uint32_t code)
{
	h2_stream_stop(s, s->code != 0 ? s->code : code, "cut off");
}
