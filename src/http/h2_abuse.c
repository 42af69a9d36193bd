/*
 * What a peer may do often, but not without end. Each kind has an allowance,
 * which time fills up again, and so does what the connection is for: content,
 * or for resets a stream that ends in order.
 */
#include "http/h2_abuse.h"

#include "http/h2_session.h"
#include "util/clock.h"

static const struct allowance {
	int64_t		 most, per_s;
	int		 by_work;	/* what a frame of content gives back */
	int		 by_stream;	/* ... and a stream that ended well */
} allowances[] = {
	/* A browser that leaves a page cancels what it had asked for. */
	[H2_RAPID_RESET] = { 300, 50, 0, 1 },
	[H2_RESET_FLOOD] = { 100, 10, 0, 1 },
	/* Some open both windows after each frame of content, or part of it. */
	[H2_EMPTY_FRAMES] = { 2000, 200, 4, 0 },
	/* gRPC measures with one for each round trip under load. */
	[H2_PING_FLOOD] = { 1000, 100, 1, 0 },
	[H2_SETTINGS_FLOOD] = { 100, 10, 0, 0 },
	[H2_SLOW_WINDOW] = { 500, 50, 0, 0 },
	[H2_ABUSE_MAX] = { 0 }
};

#define ONE	1000		/* so that a millisecond counts */
#define DRIBBLE	64		/* a window that opens by less is abused */

/* What is used up of it now. */
static int64_t
used(const struct h2_bucket *b, const struct allowance *a, uint64_t now)
{
	int64_t more = (int64_t)(now - b->at) * a->per_s * ONE / 1000;

	return b->used > more ? b->used - more : 0;
}

void
h2_report(const struct h2_meter *m, enum h2_abuse what)
{
	m->abuse(m->arg, m->dir, what);
}

static void
fail(struct h2_meter *m, uint32_t code, enum h2_abuse what)
{
	if (m->failed)
		return;
	m->failed = 1;
	m->code = code;
	h2_report(m, what);
}

void
h2_accuse(struct h2_meter *m, enum h2_abuse what)
{
	fail(m, what == H2_PROTOCOL ? NGHTTP2_PROTOCOL_ERROR :
	    NGHTTP2_ENHANCE_YOUR_CALM, what);
}

int
h2_abused(struct h2_meter *m, enum h2_abuse what)
{
	const struct allowance *a = &allowances[what];
	struct h2_bucket *b = &m->bucket[what];
	uint64_t now = clock_coarse_ms();

	b->used = used(b, a, now) + ONE;
	b->at = now;
	if (b->used <= a->most * ONE)
		return 0;
	h2_accuse(m, what);
	return 1;
}

static void
give_back(struct h2_bucket *b, int n)
{
	b->used = b->used > n * ONE ? b->used - n * ONE : 0;
}

void
h2_worked(struct h2_meter *m)
{
	enum h2_abuse i;

	for (i = 0; i < H2_ABUSE_MAX; i++)
		give_back(&m->bucket[i], allowances[i].by_work);
}

void
h2_flowed(struct h2_meter *m, size_t n, size_t all)
{
	if (n >= DRIBBLE)
		give_back(&m->bucket[H2_SLOW_WINDOW], 1);
	else if (n < all)
		h2_abused(m, H2_SLOW_WINDOW);
}

void
h2_ended_well(struct h2_meter *m)
{
	enum h2_abuse i;

	for (i = 0; i < H2_ABUSE_MAX; i++)
		give_back(&m->bucket[i], allowances[i].by_stream);
}

/* A frame that brings nothing on, or H2_ABUSE_MAX. */
static enum h2_abuse
idle_frame(const struct h2_meter *m, const nghttp2_frame_hd *hd)
{
	switch (hd->type) {
	case NGHTTP2_DATA:
		return hd->length > 0 || hd->flags & NGHTTP2_FLAG_END_STREAM ?
		    H2_ABUSE_MAX : H2_EMPTY_FRAMES;
	case NGHTTP2_RST_STREAM:
		return m->dir == DIR_UP ? H2_RAPID_RESET : H2_ABUSE_MAX;
	case NGHTTP2_HEADERS:
	case NGHTTP2_CONTINUATION:
	case NGHTTP2_GOAWAY:
		return H2_ABUSE_MAX;
	case NGHTTP2_PING:
		return H2_PING_FLOOD;
	case NGHTTP2_SETTINGS:
		return H2_SETTINGS_FLOOD;
	default:		/* PRIORITY, WINDOW_UPDATE, unknown ones */
		return H2_EMPTY_FRAMES;
	}
}

/* What nghttp2 lets pass: the error of the connection that it is, or 0. */
static uint32_t
wrong_frame(const nghttp2_frame_hd *hd)
{
	/* RFC 9113, 4.2: it looks at the frame that begins a block alone. */
	if (hd->type == NGHTTP2_CONTINUATION && hd->length > H2_FRAME_MAX)
		return NGHTTP2_FRAME_SIZE_ERROR;
	/* 6.3: it ignores them since RFC 9218 is agreed on. */
	if (hd->type == NGHTTP2_PRIORITY && hd->stream_id == 0)
		return NGHTTP2_PROTOCOL_ERROR;
	return 0;
}

int
h2_meter_frame(struct h2_meter *m, nghttp2_session *ng,
    const nghttp2_frame_hd *hd)
{
	enum h2_abuse what = idle_frame(m, hd);
	uint32_t code = wrong_frame(hd);

	m->type = hd->type;
	if (h2_is_clogged(ng))
		h2_accuse(m, H2_RESET_FLOOD);
	else if (code != 0)
		fail(m, code, H2_PROTOCOL);
	else if (what != H2_ABUSE_MAX)
		h2_abused(m, what);
	return m->failed;
}

/* Of the peer, for which its stream was reset. */
static int
is_fault(const nghttp2_rst_stream *rst)
{
	return rst->error_code == NGHTTP2_PROTOCOL_ERROR ||
	    rst->error_code == NGHTTP2_FLOW_CONTROL_ERROR ||
	    rst->error_code == NGHTTP2_STREAM_CLOSED ||
	    rst->error_code == NGHTTP2_FRAME_SIZE_ERROR ||
	    rst->error_code == NGHTTP2_ENHANCE_YOUR_CALM;
}

void
h2_meter_sent(struct h2_meter *m, const nghttp2_frame *frame)
{
	if (frame->hd.type == NGHTTP2_GOAWAY &&
	    frame->goaway.error_code != NGHTTP2_NO_ERROR)
		h2_accuse(m, H2_PROTOCOL);
	if (frame->hd.type == NGHTTP2_RST_STREAM &&
	    is_fault(&frame->rst_stream))
		h2_abused(m, H2_RESET_FLOOD);
}

void
h2_meter_error(struct h2_meter *m, int error)
{
	if (error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
		h2_accuse(m, H2_CONTINUATION);
	else if (error == NGHTTP2_ERR_FLOODED)
		h2_accuse(m, m->type == NGHTTP2_PING ? H2_PING_FLOOD :
		    H2_SETTINGS_FLOOD);
	else
		h2_accuse(m, H2_PROTOCOL);
}
