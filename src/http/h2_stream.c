/*
 * The course of a stream: what comes is kept for its message or goes on, and
 * its end on one side is the end on the other.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "http/h2_inner.h"
#include "util/budget.h"
#include "util/mem.h"

/* So much that is undecided: it is taken, as it may go to the disk then. */
#define HOLD_MAX	(48 * 1024)
#define INTERIMS	100	/* they queue at a client that does not read */

struct h2_stream *
h2_stream_new(struct h2_side *side, int32_t id)
{
	struct h2 *h2 = side->h2;
	struct h2_stream *s = xcalloc(1, sizeof(*s));
	int i;

	s->h2 = h2;
	s->id[DIR_UP] = id;
	for (i = 0; i < 2; i++) {
		s->half[i].s = s;
		s->half[i].dir = (enum flow_dir)i;
		s->half[i].length = s->half[i].left = -1;
	}
	TAILQ_INSERT_TAIL(&h2->all, s, all);
	h2->n++;
	nghttp2_session_set_stream_user_data(side->ng, id, s);
	return s;
}

void
h2_rst(struct h2_stream *s, enum flow_dir side, uint32_t code)
{
	if (s->id[side] == 0 || s->closed[side] || s->rst[side])
		return;
	s->rst[side] = 1;
	nghttp2_submit_rst_stream(s->h2->side[side].ng, NGHTTP2_FLAG_NONE,
	    s->id[side], code);
	h2_mark(s);
}

void
h2_leave_line(struct h2_stream *s)
{
	if (s->waits)
		TAILQ_REMOVE(&s->h2->waiting, s, wait);
	s->waits = 0;
}

void
h2_stream_stop(struct h2_stream *s, uint32_t code, const char *why)
{
	if (s->reset || s->x == NULL)
		return;
	s->reset = 1;
	s->why = why;
	h2_leave_line(s);
	h2_rst(s, DIR_UP, code);
	h2_rst(s, DIR_DOWN, NGHTTP2_CANCEL);
	h2_mark(s);
}

void
h2_stream_broke(struct h2_half *h, const char *why)
{
	h->s->x->msg[h->dir].bad = why;
	h2_rst(h->s, h->dir, NGHTTP2_PROTOCOL_ERROR);
	h2_stream_stop(h->s, NGHTTP2_PROTOCOL_ERROR, why);
}

/* CONNECT has no content, and then a tunnel; the answer opens it. */
static int
is_tunnel(const struct h2_half *h)
{
	const struct http_message *m = h->s->x->msg;

	return slice_eq(m[DIR_UP].head->method, "CONNECT") &&
	    (h->dir == DIR_UP || m[DIR_DOWN].head->status / 100 == 2);
}

static void
head_frames(struct h2_half *h, int ended)
{
	struct http_message *m = &h->s->x->msg[h->dir];
	int none = m->head->response && http1_has_no_body(m->head,
	    h->s->to_head);

	h->ended = ended != 0;
	h->interim = m->head->response && m->head->status < 200;
	if (h->interim && ++h->s->interims > INTERIMS) {
		h2_report(&h2_from(h)->meter, H2_EMPTY_FRAMES);
		h2_stream_broke(h, "too many interim responses");
	}
	h->tunnel = is_tunnel(h);
	h->length = none || ended ? 0 : m->head->length;
	if (ended && h->interim)
		h2_stream_broke(h, "an interim response with an end");
	else if (ended && !none && m->head->length > 0)
		h2_stream_broke(h, "content is shorter than its length");
	if (h->tunnel) {
		h->length = -1;
		m->tunnel = h->dir == DIR_DOWN;
		m->bodied = h->dir == DIR_DOWN;
	} else
		m->bodied = !ended && !none;
	if ((h->tunnel && h->dir == DIR_UP) || (!h->tunnel && ended) ||
	    h->interim)
		message_end(m, 1);
}

void
h2_stream_head(struct h2_half *h, int ended)
{
	struct h2_stream *s = h->s;
	const struct h2_user *user = s->h2->user;

	head_frames(h, ended);
	if (s->reset)
		return;
	user->head(s->x, h->dir);
	if (h->interim && s->x != NULL)	/* another may follow at once */
		user->more(s->x, h->dir);
	h2_news(h);
}

/* What the message gets of len bytes now. */
static size_t
wanted(const struct h2_half *h, size_t len)
{
	const struct http_message *m = &h->s->x->msg[h->dir];
	size_t n = SIZE_MAX;

	if (h->tunnel)
		return len;
	if (h->mode == H2_HOLD || h->mode == H2_TAKE)
		n = message_window(m, h->mode == H2_HOLD);
	return n < len ? n : len;
}

static void
tell(struct h2_half *h, const uint8_t *p, size_t n)
{
	struct http_message *m = &h->s->x->msg[h->dir];

	if (n == 0)
		return;
	if (h->tunnel) {
		if (m->seen != NULL)
			m->seen(m->arg, slice_of(p, n));
		return;
	}
	message_data(m, slice_of(p, n));
	m->length += n;
}

/* Its end, once it has had everything. */
static int
tell_end(struct h2_half *h)
{
	struct http_message *m = &h->s->x->msg[h->dir];

	if (m->ended || m->cut || !(h->ended || h->cut) ||
	    h->shown < h->in.len)
		return 0;
	message_end(m, !h->cut);
	return 1;
}

int
h2_show(struct h2_half *h)
{
	struct h2_queue *q = &h->in;
	size_t n;
	int some;

	if (!h2_begun(h))
		return 0;
	n = wanted(h, q->len - h->shown);
	if (n > 0)
		tell(h, q->buf + q->off + h->shown, n);
	h->shown += n;
	some = n > 0;
	if (h->shown > 0 && (h->mode == H2_DROP || (h->mode == H2_TAKE &&
	    !h->tunnel))) {
		h2_taken(h, h->shown);
		h2_queue_drop(q, h->shown);
		h->shown = 0;
	}
	return tell_end(h) || some;
}

static void
keep(struct h2_half *h, const uint8_t *p, size_t n)
{
	if (h2_queue_add(&h->in, p, n) != 0) {
		h2_stream_stop(h->s, NGHTTP2_ENHANCE_YOUR_CALM,
		    "there is no memory for its content");
		return;
	}
	if (h->mode == H2_HOLD && h->in.len >= HOLD_MAX && !h->ended &&
	    !h->tunnel)
		h->mode = H2_TAKE;
	h2_news(h);
}

/* To who takes it: no need to keep what the message gets at once. */
static void
take(struct h2_half *h, const uint8_t *p, size_t n)
{
	size_t now = h->in.len == 0 ? wanted(h, n) : 0;

	tell(h, p, now);
	h2_taken(h, now);
	if (now < n)
		keep(h, p + now, n - now);
	h2_news(h);
}

void
h2_stream_data(struct h2_half *h, const uint8_t *p, size_t n)
{
	if (h->s->reset || h->s->x == NULL || h->cut)
		return;
	if (!h2_begun(h) || h->interim) {
		h2_stream_broke(h, "content without a head");
		return;
	}
	h->came += n;
	if (h->length >= 0 && h->came > (uint64_t)h->length) {
		h2_stream_broke(h, "content is longer than its length");
		return;
	}
	if (h->mode == H2_PASS) {
		tell(h, p, n);
		h2_lend(h, p, n);
	} else if (h->mode == H2_HOLD || (h->mode == H2_TAKE && h->tunnel))
		keep(h, p, n);
	else
		take(h, p, n);
}

void
h2_stream_end(struct h2_half *h)
{
	if (h->s->reset || h->s->x == NULL || h->ended || !h2_begun(h))
		return;
	if (h->interim) {
		h2_stream_broke(h, "an end behind an interim response");
		return;
	}
	h->ended = 1;
	if (h->length >= 0 && h->came < (uint64_t)h->length) {
		h2_stream_broke(h, "content is shorter than its length");
		return;
	}
	if (h->mode == H2_PASS)
		h2_resume(h);
	h2_show(h);
	h2_news(h);
}

/* The server ended the stream before its answer was whole. */
static void
answer_cut(struct h2_stream *s, uint32_t code)
{
	struct h2_half *h = &s->half[DIR_DOWN];

	s->code = code != NGHTTP2_NO_ERROR ? code : NGHTTP2_INTERNAL_ERROR;
	if (h->mode == H2_DROP || s->x->state[DIR_DOWN] == EXCHANGE_ANSWERED)
		return;
	if (!h2_begun(h) || h->interim || h->mode == H2_PASS) {
		h2_stream_stop(s, s->code, "the server reset the stream");
		return;
	}
	h->cut = 1;
	h2_news(h);
}

void
h2_stream_enough(struct h2_stream *s)
{
	struct h2_half *h = &s->half[DIR_UP];

	h2_leave_line(s);
	if (h->sent)
		return;
	h->bodiless = 1;
	s->enough = 1;
	h2_queue_free(&h->out);
	h->revocable = 0;
	if (h->mode == H2_PASS)
		h->mode = H2_DROP;
	h2_show(h);
	h2_news(h);
}

void
h2_stream_closed(struct h2_stream *s, enum flow_dir side, uint32_t code)
{
	s->closed[side] = 1;
	h2_mark(s);
	if (s->reset || s->x == NULL)
		return;
	if (side == DIR_DOWN) {
		if (!s->half[DIR_DOWN].ended)
			answer_cut(s, code);
		h2_stream_enough(s);
	} else if (!s->half[DIR_DOWN].sent || (!s->half[DIR_UP].ended &&
	    !s->enough)) {
		h2_leave_line(s);
		s->reset = 1;
		s->why = "the client reset the stream";
		h2_rst(s, DIR_DOWN, code != 0 ? code : NGHTTP2_CANCEL);
	}
}

static void
half_free(struct h2_half *h)
{
	h2_queue_free(&h->in);
	h2_queue_free(&h->out);
	free(h->head);
	h->head = NULL;
	text_free(&h->head_bytes);
	text_free(&h->trailers);
	h->shown = h->revocable = 0;
}

/* For the user it is over. nghttp2 may still know it. */
static void
over(struct h2_stream *s)
{
	struct exchange *x = s->x;

	h2_leave_line(s);
	if (s->h2->loan.half != NULL && s->h2->loan.half->s == s)
		s->h2->loan.half = NULL;
	if (!s->reset)
		h2_ended_well(&s->h2->side[DIR_UP].meter);
	h2_rst(s, DIR_UP, NGHTTP2_INTERNAL_ERROR);
	h2_rst(s, DIR_DOWN, NGHTTP2_CANCEL);
	budget_give(BUDGET_BUFFERS, s->charged);
	s->charged = 0;
	half_free(&s->half[DIR_UP]);
	half_free(&s->half[DIR_DOWN]);
	s->x = NULL;
	s->h2->user->over(x, s->reset ? s->why : NULL);
}

void
h2_stream_free(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;

	if (s->marked)
		TAILQ_REMOVE(&h2->turns, s, turn);
	TAILQ_REMOVE(&h2->all, s, all);
	h2->n--;
	nghttp2_session_set_stream_user_data(h2->side[DIR_UP].ng,
	    s->id[DIR_UP], NULL);
	nghttp2_session_set_stream_user_data(h2->side[DIR_DOWN].ng,
	    s->id[DIR_DOWN], NULL);
	free(s);
}

/* The client has all of its answer and has said all, but the server, too,
 * answered before the request had gone on: it still does. */
static int
goes_on(const struct h2_stream *s)
{
	const struct h2_half *up = &s->half[DIR_UP];

	return !s->reset && up->gone && !up->sent && !up->bodiless &&
	    up->mode != H2_DROP && s->half[DIR_DOWN].ended &&
	    !s->closed[DIR_DOWN] && !s->enough;
}

/* What one side need not say any more, it is told so. */
static void
settle(struct h2_stream *s)
{
	struct h2_half *up = &s->half[DIR_UP], *down = &s->half[DIR_DOWN];

	if (up->mode == H2_DROP && !up->ended)
		s->enough = 1;
	if (s->enough && down->sent)
		h2_rst(s, DIR_UP, NGHTTP2_NO_ERROR);
	if (down->mode == H2_DROP && !down->ended && down->sent)
		h2_rst(s, DIR_DOWN, NGHTTP2_CANCEL);
}

static void
half_turn(struct h2_half *h)
{
	struct h2_stream *s = h->s;

	if (s->refused)
		h2_stream_stop(s, NGHTTP2_REFUSED_STREAM,
		    "the server takes no more streams");
	else if (h->lost)
		h2_stream_stop(s, NGHTTP2_INTERNAL_ERROR,
		    "there is no memory for it");
	if (!h->news || s->reset)
		return;
	h->news = 0;
	do {
		h2_show(h);
		s->h2->user->more(s->x, h->dir);
	} while (!s->reset && h2_show(h));
}

static void
stream_turn(struct h2_stream *s)
{
	if (s->x != NULL && !s->reset && !s->closed[DIR_UP]) {
		half_turn(&s->half[DIR_UP]);
		half_turn(&s->half[DIR_DOWN]);
		settle(s);
	}
	if (s->x != NULL && (s->reset || (s->closed[DIR_UP] && !goes_on(s))))
		over(s);
	if (s->x == NULL && s->closed[DIR_UP] && (s->id[DIR_DOWN] == 0 ||
	    s->closed[DIR_DOWN]))
		h2_stream_free(s);
}

void
h2_turns(struct h2 *h2)
{
	struct h2_stream *s;
	unsigned most = 4 * h2->n + 16;	/* the rest at the next turn */

	while (most-- > 0 && (s = TAILQ_FIRST(&h2->turns)) != NULL) {
		TAILQ_REMOVE(&h2->turns, s, turn);
		s->marked = 0;
		stream_turn(s);
	}
}
