/*
 * What HTTP/2 writes. nghttp2 says what and when; the bytes go into the flow of
 * their direction. While bytes of that flow are read, what goes on is written
 * in their place: a frame's content stays where it is, and only the nine bytes
 * before it are new.
 */
#include <string.h>

#include "http/h2_inner.h"
#include "util/clock.h"
#include "util/err.h"

/* So much of a flow is for what is read: a peer that takes no content must not
 * stop what it says of windows and streams. */
#define KEEP		(16 * 1024)
#define LEAST		1024	/* wait for room rather than send less */
#define LEND_LEAST	1024	/* copy what is less */

static int
in_gap(const struct h2 *h2, enum flow_dir dir)
{
	return h2->gap.open && h2->gap.dir == dir;
}

static size_t
gap_room(const struct h2 *h2)
{
	return (size_t)(h2->gap.end - h2->gap.at);
}

static size_t
put(struct h2 *h2, enum flow_dir dir, const uint8_t *p, size_t n)
{
	struct h2_gap *gap = &h2->gap;

	if (!in_gap(h2, dir))
		return flow_put(h2->flow[dir], h2->tap, p, n);
	if (n > gap_room(h2))
		n = gap_room(h2);
	memcpy(gap->at, p, n);
	gap->at += n;
	return n;
}

/* Room for content in a frame. */
static size_t
content_room(struct h2 *h2, enum flow_dir dir)
{
	size_t room;

	if (in_gap(h2, dir))
		room = gap_room(h2);
	else
		room = flow_space(h2->flow[dir]);
	if (!in_gap(h2, dir))
		room = room > KEEP ? room - KEEP : 0;
	return room;
}

static ssize_t
write_frame(nghttp2_session *ng, const uint8_t *p, size_t n, int flags,
    void *arg)
{
	struct h2_side *side = arg;
	size_t put_n = put(side->h2, (enum flow_dir)!side->dir, p, n);

	return put_n > 0 ? (ssize_t)put_n : NGHTTP2_ERR_WOULDBLOCK;
}

static struct h2_queue *
queue_of(struct h2_half *h)
{
	return h->mode == H2_PASS ? &h->in : &h->out;
}

static size_t
queued(const struct h2_half *h)
{
	return h->mode == H2_PASS ? h->in.len : h->out.len - h->revocable;
}

static size_t
lent(const struct h2_half *h)
{
	return h->s->h2->loan.half == h ? h->s->h2->loan.len : 0;
}

int
h2_is_dry(const struct h2_half *h)
{
	return queued(h) + lent(h) == 0;
}

/* What comes behind its content, when that has all been given to nghttp2. */
static const struct text *
trailers_of(const struct h2_half *h)
{
	return h->mode == H2_PASS && !h->tunnel ?
	    &h->s->x->msg[h->dir].trailers : &h->trailers;
}

static int
is_last(const struct h2_half *h)
{
	return h->mode == H2_PASS ? h->ended : h->out_end;
}

static void
send_trailers(struct h2_half *h, uint32_t *flags)
{
	struct h2_lines lines;

	h2_lines_trailers(&lines, trailers_of(h));
	if (lines.n > 0) {
		nghttp2_submit_trailer(h2_to(h)->ng, h->s->id[!h->dir],
		    lines.v, lines.n);
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	}
	h2_lines_free(&lines);
}

/* How much of the content goes into a frame of at most len bytes: what is
 * queued needs room, what lies in the flow has it. */
static size_t
frame_size(const struct h2_half *h, size_t room, size_t len)
{
	size_t n = queued(h), more = lent(h);

	if (n > room)
		n = room;
	if (n == queued(h))
		n += more;
	return n < len ? n : len;
}

static ssize_t
read_content(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2_side *side = arg;
	struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);
	struct h2_half *h;
	size_t room, n;

	if (s == NULL || s->x == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	h = &s->half[!side->dir];
	if (h2_is_dry(h) && !is_last(h)) {
		h->idle = 1;
		return NGHTTP2_ERR_DEFERRED;
	}
	room = content_room(side->h2, h->dir);
	if (room < H2_FRAME)
		return NGHTTP2_ERR_PAUSE;
	n = frame_size(h, room - H2_FRAME, len);
	if (n < len && n < LEAST && n < queued(h) + lent(h))
		return NGHTTP2_ERR_PAUSE;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n == queued(h) + lent(h) && is_last(h)) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (trailers_of(h)->len > 0)
			send_trailers(h, flags);
	}
	return (ssize_t)n;
}

const nghttp2_data_provider h2_content = { .read_callback = read_content };

void
h2_taken(struct h2_half *h, size_t n)
{
	if (n > 0)
		nghttp2_session_consume_stream(h2_from(h)->ng,
		    h->s->id[h->dir], n);
}

/* n bytes of what was lent go on from where they lie. */
static void
write_lent(struct h2 *h2, size_t n)
{
	memmove(h2->gap.at, h2->loan.p, n);
	h2->gap.at += n;
	h2->loan.p += n;
	h2->loan.len -= n;
	h2->gap.end = h2->loan.p;
	if (h2->loan.len == 0)
		h2->loan.half = NULL;
}

static void
written(struct h2_half *h, size_t n, size_t from_queue)
{
	h2_queue_drop(queue_of(h), from_queue);
	h->moved = clock_coarse_ms();
	if (n > 0)
		h2_worked(&h2_to(h)->meter);
	if (h->mode != H2_PASS) {
		/* A service that answers a request sends the response. */
		h2_news(&h->s->half[DIR_UP]);
		h2_news(&h->s->half[DIR_DOWN]);
		return;
	}
	h->shown -= from_queue < h->shown ? from_queue : h->shown;
	h2_taken(h, n);
}

static int
write_content(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head,
    size_t n, nghttp2_data_source *source, void *arg)
{
	struct h2_side *side = arg;
	struct h2_stream *s = nghttp2_session_get_stream_user_data(ng,
	    frame->hd.stream_id);
	struct h2 *h2 = side->h2;
	struct h2_half *h;
	size_t from_queue;

	if (s == NULL || s->x == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	h = &s->half[!side->dir];
	h2_flowed(&side->meter, n, queued(h) + lent(h));
	from_queue = n < queued(h) ? n : queued(h);
	if (in_gap(h2, h->dir) ? gap_room(h2) < H2_FRAME + from_queue :
	    flow_space(h2->flow[h->dir]) < H2_FRAME + n)
		return NGHTTP2_ERR_WOULDBLOCK;
	put(h2, h->dir, head, H2_FRAME);
	if (from_queue > 0)
		put(h2, h->dir, queue_of(h)->buf + queue_of(h)->off,
		    from_queue);
	if (n > from_queue)
		write_lent(h2, n - from_queue);
	written(h, n, from_queue);
	return 0;
}

static int
frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct h2_side *side = arg;
	struct h2_stream *s;

	h2_meter_sent(&side->meter, frame);
	if (frame->hd.type != NGHTTP2_DATA &&
	    frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	s = nghttp2_session_get_stream_user_data(ng, frame->hd.stream_id);
	if (s == NULL)
		return 0;
	if (side->dir == DIR_DOWN && !s->asked) {
		s->asked = 1;
		h2_priority_send(s);
	}
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	s->half[!side->dir].sent = 1;
	h2_news(&s->half[!side->dir]);
	return 0;
}

void
h2_write_calls(nghttp2_session_callbacks *calls)
{
	nghttp2_session_callbacks_set_send_callback(calls, write_frame);
	nghttp2_session_callbacks_set_send_data_callback(calls, write_content);
	nghttp2_session_callbacks_set_on_frame_send_callback(calls,
	    frame_sent);
}

int
h2_send(struct h2_side *side)
{
	return nghttp2_session_send(side->ng) == 0 ? 0 : ERR_FORMAT;
}

void
h2_resume(struct h2_half *h)
{
	if (!h->idle)
		return;
	h->idle = 0;
	nghttp2_session_resume_data(h2_to(h)->ng, h->s->id[!h->dir]);
}

/* What was lent and has not gone is kept. */
static void
loan_keep(struct h2 *h2)
{
	struct h2_half *h = h2->loan.half;

	h2->loan.half = NULL;
	if (h == NULL)
		return;
	if (h2_queue_add(&h->in, h2->loan.p, h2->loan.len) != 0)
		h->lost = 1;
	h->shown = h->in.len;
	h2_mark(h->s);
}

void
h2_lent(struct h2 *h2)
{
	if (h2->loan.half == NULL)
		return;
	h2->gap.end = h2->loan.p;
	h2_send(&h2->side[!h2->gap.dir]);
	loan_keep(h2);
}

void
h2_lend(struct h2_half *h, const uint8_t *p, size_t n)
{
	struct h2 *h2 = h->s->h2;

	if (h2->loan.half != NULL)
		h2_lent(h2);
	if (n < LEND_LEAST || !h->gone || !in_gap(h2, h->dir)) {
		if (h2_queue_add(&h->in, p, n) != 0)
			h->lost = 1;
		h->shown = h->in.len;
	} else {
		h2->loan = (struct h2_loan){ h, h2->gap.at + (p -
		    (const uint8_t *)h2->gap.at), n };
	}
	if (h->lost)
		h2_mark(h->s);
	h2_resume(h);
}
