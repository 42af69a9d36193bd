/*
 * Reads HTTP/2 that passes. Each direction is cut into frames as its bytes
 * come; a frame's content is used as it comes, and only what must be whole
 * (its head and prefix, a setting, a code) is gathered. What one direction
 * allows the other (SETTINGS) holds for the other's frames and heads.
 *
 * A stream is known from its request's head until both of its messages are
 * whole, it is reset or found malformed. Frames of other streams say nothing,
 * but their heads are decoded.
 */
#include "http/h2_read.h"

#include <stdlib.h>
#include <string.h>

#include "codec/h2frame.h"
#include "http/h2_block.h"
#include "http/h2_seen.h"
#include "util/cursor.h"
#include "util/err.h"
#include "util/mem.h"

/* SETTINGS that are not acknowledged yet. */
#define PENDING_MAX	32
#define FRAME_MAX	0xffffff	/* RFC 9113, 6.5.2 */
#define GATHER_MAX	24		/* the preface is longest */

enum state {
	S_PREFACE,
	S_HEAD,
	S_PREFIX,
	S_CONTENT,
	S_PADDING
};

/* What SETTINGS say of the table: the least that they said, and the last. */
struct pending {
	int		 said;
	uint32_t	 least, last;
};

/* One direction. */
struct side {
	enum state	 state;
	uint8_t		 buf[GATHER_MAX];
	size_t		 have;
	uint32_t	 max;		/* bytes of a frame */
	struct h2frame	 f;
	uint32_t	 left;		/* of its content, or its padding */
	int		 began;		/* its SETTINGS came */
	struct pending	 pending[PENDING_MAX];
	size_t		 npending;
	uint32_t	 newest;		/* stream that was begun */

	/* A head: until it is whole, nothing else may come. */
	struct h2_block	*block;
	uint32_t	 on;		/* on this stream; 0: there is none */
	uint32_t	 about;		/* of this one: the same, or promised */
	int		 last;		/* nothing follows it */
	int		 wanted;
	enum h2_kind	 kind;
};

struct h2_read {
	struct h2_seen	 seen;
	struct side	 side[2];	/* by enum flow_dir */
	struct text	 bytes;		/* of the trailers at hand */
	int		 error;
	const char	*why;
};

static int
fail(struct h2_read *r, int e, const char *why)
{
	r->why = why;
	return r->error = e;
}

/* A head is whole: what does it begin, or end? */
static void
use_head(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	const struct http_head *h;
	const char *why;

	if (h2_block_head(d->block, &h, &why) == 0) {
		if (d->kind == H2_REQUEST)
			h2_seen_request(&r->seen, d->about, h, d->last);
		else
			h2_seen_response(&r->seen, d->about, h, d->last);
	} else if (d->kind == H2_REQUEST)
		h2_seen_unread(&r->seen, dir, d->about, why);
	else
		h2_seen_bad(&r->seen, dir, d->about, why);
}

static void
use_trailers(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	const char *why;

	text_clear(&r->bytes);
	if (h2_block_trailers(d->block, &r->bytes, &why) == 0)
		h2_seen_trailers(&r->seen, dir, d->about, &r->bytes, d->last);
	else
		h2_seen_bad(&r->seen, dir, d->about, why);
}

static int
end_head(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];

	d->on = 0;
	if (h2frame_content(&d->f) == 0)
		r->error = h2_block_add(d->block, (const uint8_t *)"", 0, 1,
		    &r->why);
	if (r->error != 0)
		return r->error;
	if (d->wanted && d->kind == H2_TRAILERS)
		use_trailers(r, dir);
	else if (d->wanted)
		use_head(r, dir);
	return 0;
}

/* Whether a stream that nobody knows is a new one of that direction's. */
static int
is_new(struct side *d, enum flow_dir dir, uint32_t id)
{
	if (id % 2 != (dir == DIR_UP) || id <= d->newest)
		return 0;
	d->newest = id;
	return 1;
}

static void
begin_head(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	int promise = d->f.type == H2FRAME_PUSH_PROMISE;
	enum h2_known known;

	d->on = d->f.stream;
	d->about = promise ? d->f.promised : d->f.stream;
	d->last = promise || (d->f.flags & H2FRAME_END_STREAM) != 0;
	known = h2_seen_known(&r->seen, dir, d->about);
	if (known == H2_UNKNOWN && (dir == DIR_UP || promise)) {
		d->wanted = is_new(d, dir, d->about);
		d->kind = H2_REQUEST;
	} else {
		d->wanted = known != H2_UNKNOWN && !promise;
		d->kind = known == H2_HEADLESS ? H2_RESPONSE : H2_TRAILERS;
	}
	h2_block_begin(d->block, d->wanted, d->kind);
}

/* A peer's setting is for what comes from the other one. */
static void
use_setting(struct h2_read *r, enum flow_dir dir, struct cursor *w)
{
	struct pending *p = &r->side[dir].pending[r->side[dir].npending];
	struct side *other = &r->side[!dir];
	uint16_t id = cursor_u16(w);
	uint32_t v = cursor_u32(w);

	if (id == H2FRAME_MAX_FRAME_SIZE && v > other->max)
		other->max = v < FRAME_MAX ? v : FRAME_MAX;
	if (id != H2FRAME_HEADER_TABLE_SIZE)
		return;
	p->least = p->said && p->least < v ? p->least : v;
	p->last = v;
	p->said = 1;
}

static void
use_table(struct side *d, const struct pending *p)
{
	if (!p->said)
		return;
	h2_block_table(d->block, p->least);
	h2_block_table(d->block, p->last);
}

/* The other side's oldest SETTINGS hold for all that comes from here on. */
static void
use_ack(struct h2_read *r, enum flow_dir dir)
{
	struct side *other = &r->side[!dir];

	if (other->npending == 0)
		return;
	use_table(&r->side[dir], &other->pending[0]);
	memmove(&other->pending[0], &other->pending[1],
	    --other->npending * sizeof(other->pending[0]));
}

static int
begin_frame(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];

	d->left = h2frame_content(&d->f);
	d->state = S_CONTENT;
	d->have = 0;
	switch (d->f.type) {
	case H2FRAME_PUSH_PROMISE:
		if (dir == DIR_UP)
			return fail(r, ERR_FORMAT, "a promise by the client");
		/* FALLTHROUGH */
	case H2FRAME_HEADERS:
		begin_head(r, dir);
		break;
	case H2FRAME_SETTINGS:
		if (d->f.flags & H2FRAME_ACK)
			break;
		if (d->npending == PENDING_MAX)
			return fail(r, ERR_LIMIT, "too many SETTINGS that "
			    "nobody acknowledges");
		memset(&d->pending[d->npending], 0, sizeof(d->pending[0]));
		break;
	}
	return 0;
}

static int
end_frame(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];

	d->left = d->f.pad;
	d->state = S_PADDING;
	d->have = 0;
	switch (d->f.type) {
	case H2FRAME_DATA:
		if (d->f.flags & H2FRAME_END_STREAM)
			h2_seen_end(&r->seen, dir, d->f.stream);
		break;
	case H2FRAME_HEADERS:
	case H2FRAME_PUSH_PROMISE:
	case H2FRAME_CONTINUATION:
		if (d->f.flags & H2FRAME_END_HEADERS)
			return end_head(r, dir);
		break;
	case H2FRAME_SETTINGS:
		if (d->f.flags & H2FRAME_ACK)
			use_ack(r, dir);
		else
			d->npending++;
		break;
	}
	return 0;
}

/* Up to want bytes into buf. How many were taken. */
static size_t
gather(struct side *d, size_t want, const uint8_t *p, size_t len)
{
	size_t n = want - d->have < len ? want - d->have : len;

	memcpy(d->buf + d->have, p, n);
	d->have += n;
	return n;
}

/* A piece of a frame's content. */
static int
use_content(struct h2_read *r, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct side *d = &r->side[dir];
	struct cursor w;
	size_t n;

	switch (d->f.type) {
	case H2FRAME_DATA:
		h2_seen_data(&r->seen, dir, d->f.stream, p, len);
		break;
	case H2FRAME_HEADERS:
	case H2FRAME_PUSH_PROMISE:
	case H2FRAME_CONTINUATION:
		return r->error = h2_block_add(d->block, p, len,
		    len == d->left && (d->f.flags & H2FRAME_END_HEADERS),
		    &r->why);
	case H2FRAME_RST_STREAM:
		gather(d, 4, p, len);
		w = cursor_of(d->buf, d->have);
		if (d->have == 4)
			h2_seen_reset(&r->seen, dir, d->f.stream,
			    cursor_u32(&w));
		break;
	case H2FRAME_SETTINGS:
		for (; len > 0; p += n, len -= n) {
			n = gather(d, H2FRAME_SETTING, p, len);
			if (d->have < H2FRAME_SETTING)
				continue;
			w = cursor_of(d->buf, H2FRAME_SETTING);
			use_setting(r, dir, &w);
			d->have = 0;
		}
		break;
	}
	return 0;
}

/* May this frame come here? RFC 9113, 3.4 and 6.10. */
static int
check_order(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	int goes_on = d->f.type == H2FRAME_CONTINUATION;

	if (!d->began && (d->f.type != H2FRAME_SETTINGS ||
	    (d->f.flags & H2FRAME_ACK)))
		return fail(r, ERR_FORMAT, "the first frame is not SETTINGS");
	d->began = 1;
	if (goes_on != (d->on != 0) || (goes_on && d->on != d->f.stream))
		return fail(r, ERR_FORMAT, "a frame amid a head, or the rest "
		    "of none");
	return 0;
}

static int
read_preface(struct h2_read *r, struct side *d)
{
	if (memcmp(d->buf, H2FRAME_PREFACE, d->have) != 0)
		return fail(r, ERR_FORMAT, "no preface of HTTP/2");
	if (d->have == strlen(H2FRAME_PREFACE)) {
		d->state = S_HEAD;
		d->have = 0;
	}
	return 0;
}

static int
read_head(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	int rv;

	if (d->have < H2FRAME_HEAD)
		return 0;
	if ((rv = h2frame_head(&d->f, d->buf, d->max, &r->why)) != 0)
		return r->error = rv;
	if ((rv = check_order(r, dir)) != 0)
		return rv;
	d->have = 0;
	d->state = S_PREFIX;
	return d->f.prefix > 0 ? 0 : begin_frame(r, dir);
}

static int
read_prefix(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	int rv;

	if (d->have < d->f.prefix)
		return 0;
	if ((rv = h2frame_prefix(&d->f, d->buf, &r->why)) != 0)
		return r->error = rv;
	return begin_frame(r, dir);
}

/* Where a part without bytes is over. */
static int
step_over(struct h2_read *r, enum flow_dir dir)
{
	struct side *d = &r->side[dir];
	int rv = 0;

	if (d->state == S_CONTENT && d->left == 0)
		rv = end_frame(r, dir);
	if (rv == 0 && d->state == S_PADDING && d->left == 0)
		d->state = S_HEAD;
	return rv;
}

/* Some of the bytes. How many; r->error may be set. */
static size_t
read_some(struct h2_read *r, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct side *d = &r->side[dir];
	size_t n = d->left < len ? d->left : len;

	switch (d->state) {
	case S_PREFACE:
		n = gather(d, strlen(H2FRAME_PREFACE), p, len);
		read_preface(r, d);
		break;
	case S_HEAD:
		n = gather(d, H2FRAME_HEAD, p, len);
		read_head(r, dir);
		break;
	case S_PREFIX:
		n = gather(d, d->f.prefix, p, len);
		read_prefix(r, dir);
		break;
	case S_CONTENT:
		use_content(r, dir, p, n);
		d->left -= (uint32_t)n;
		break;
	case S_PADDING:
		d->left -= (uint32_t)n;
		break;
	}
	if (r->error == 0)
		step_over(r, dir);
	return n;
}

int
h2_read(struct h2_read *r, enum flow_dir dir, const uint8_t *p, size_t len,
    const char **why)
{
	size_t n;

	while (len > 0 && r->error == 0) {
		n = read_some(r, dir, p, len);
		p += n;
		len -= n;
	}
	if (r->error != 0)
		h2_seen_over(&r->seen);
	*why = r->why;
	return r->error;
}

/* The settings of the client that asked for HTTP/2: RFC 7540, 3.2.1. */
static void
use_upgrade(struct h2_read *r, struct slice field)
{
	uint8_t settings[H2FRAME_UPGRADE];
	int n = h2frame_upgrade(field.p, field.len, settings);
	struct cursor w = cursor_of(settings, n > 0 ? (size_t)n : 0);

	while (cursor_left(&w) > 0)
		use_setting(r, DIR_UP, &w);
	use_table(&r->side[DIR_DOWN], &r->side[DIR_UP].pending[0]);
}

struct h2_read *
h2_read_new(const struct h2_read_user *user, void *arg, size_t limit,
    const struct http_head *first)
{
	struct h2_read *r = xcalloc(1, sizeof(*r));
	struct side *d;

	r->seen.user = user;
	r->seen.arg = arg;
	for (d = &r->side[0]; d < &r->side[2]; d++) {
		d->state = S_HEAD;
		d->max = H2FRAME_SIZE;
		d->block = h2_block_new(limit);
	}
	r->side[DIR_UP].state = S_PREFACE;
	if (first != NULL) {
		r->side[DIR_UP].newest = 1;
		use_upgrade(r, http_value(first, "http2-settings"));
		h2_seen_request(&r->seen, 1, first, 1);
	}
	return r;
}

void
h2_read_free(struct h2_read *r)
{
	if (r == NULL)
		return;
	h2_seen_over(&r->seen);
	h2_block_free(r->side[DIR_UP].block);
	h2_block_free(r->side[DIR_DOWN].block);
	text_free(&r->bytes);
	free(r);
}
