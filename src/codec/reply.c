#include "codec/reply.h"

#include <string.h>

#include "codec/h2frame.h"
#include "codec/hpack.h"
#include "util/err.h"

#define LINE	12		/* "HTTP/1.1 200" */
#define FRAMES	0xffffff	/* bytes of the largest (RFC 9113, 4.1) */
#define INTERIM(status)	((status) < 200 && (status) != 101)

static void
reply_wants(struct reply *r, enum reply_at at, size_t want)
{
	r->at = at;
	r->want = want;
	r->have = 0;
}

void
reply_begin(struct reply *r, int http2)
{
	memset(r, 0, sizeof(*r));
	if (http2)
		reply_wants(r, REPLY_FRAME, H2FRAME_HEAD);
	else
		reply_wants(r, REPLY_LINE, LINE);
}

/* Three digits; or ERR_FORMAT. */
static int
reply_number(const char *p, size_t len)
{
	int n = 0;
	size_t i;

	if (len != 3)
		return ERR_FORMAT;
	for (i = 0; i < len && p[i] >= '0' && p[i] <= '9'; i++)
		n = n * 10 + p[i] - '0';
	return i == len && n >= 100 ? n : ERR_FORMAT;
}

static int
reply_line(struct reply *r)
{
	const char *p = (const char *)r->kept;
	int n;

	if (memcmp(p, "HTTP/1.", 7) != 0 || p[7] < '0' || p[7] > '9' ||
	    p[8] != ' ')
		return ERR_FORMAT;
	if ((n = reply_number(p + 9, 3)) < 0 || !INTERIM(n))
		return n;
	r->at = REPLY_FIELDS;
	r->empty = 0;
	return 0;
}

/* How many of these are behind the fields of an informational answer, or still
 * of them. */
static size_t
reply_fields(struct reply *r, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] == '\n' && r->empty) {
			reply_wants(r, REPLY_LINE, LINE);
			return i + 1;
		}
		r->empty = p[i] == '\n' || (r->empty && p[i] == '\r');
	}
	return len;
}

static int
reply_frame(struct reply *r)
{
	struct h2frame f;
	const char *why;

	memcpy(r->head, r->kept, sizeof(r->head));
	if (h2frame_head(&f, r->head, FRAMES, &why) != 0)
		return ERR_FORMAT;
	if (f.type == H2FRAME_PUSH_PROMISE)	/* its lines change the table */
		return ERR_FORMAT;
	if (f.type == H2FRAME_HEADERS) {
		reply_wants(r, REPLY_BLOCK, f.len < REPLY_KEEPS ? f.len :
		    REPLY_KEEPS);
	} else if (f.len > 0) {
		r->at = REPLY_CONTENT;
		r->skip = f.len;
	} else {
		reply_wants(r, REPLY_FRAME, H2FRAME_HEAD);
	}
	return 0;
}

/* The first line is the status: there is no other pseudo-header field, and
 * those come first. */
static int
reply_status(struct cursor *w)
{
	struct hpack *h = hpack_new();
	struct hpack_line l;
	int n = ERR_FORMAT;

	hpack_allow(h, UINT32_MAX);	/* whatever it was allowed */
	if (hpack_next(h, w, &l) == 1 && slice_eq(l.name, ":status"))
		n = reply_number(l.value.p, l.value.len);
	hpack_free(h);
	return n >= 0 && INTERIM(n) ? ERR_FORMAT : n;
}

static int
reply_block(struct reply *r)
{
	struct h2frame f;
	struct cursor w;
	const char *why;
	size_t n;

	h2frame_head(&f, r->head, FRAMES, &why);
	if (f.prefix > r->have || h2frame_prefix(&f, r->kept, &why) != 0)
		return ERR_FORMAT;
	n = r->have - f.prefix;
	w = cursor_of(r->kept + f.prefix, n < h2frame_content(&f) ? n :
	    h2frame_content(&f));
	return reply_status(&w);
}

/* What was wanted is there. */
static int
reply_whole(struct reply *r)
{
	switch (r->at) {
	case REPLY_LINE:
		return reply_line(r);
	case REPLY_FRAME:
		return reply_frame(r);
	default:
		return reply_block(r);
	}
}

static size_t
reply_skip(struct reply *r, size_t len)
{
	size_t n = len < r->skip ? len : r->skip;

	r->skip -= (uint32_t)n;
	if (r->skip == 0)
		reply_wants(r, REPLY_FRAME, H2FRAME_HEAD);
	return n;
}

static size_t
reply_keep(struct reply *r, const uint8_t *p, size_t len)
{
	size_t n = r->want - r->have;

	if (n > len)
		n = len;
	memcpy(r->kept + r->have, p, n);
	r->have += n;
	return n;
}

int
reply_read(struct reply *r, const uint8_t *p, size_t len)
{
	size_t n;
	int rv = 0;

	while (rv == 0 && r->at != REPLY_OVER && len > 0) {
		if (r->at == REPLY_FIELDS) {
			n = reply_fields(r, p, len);
		} else if (r->at == REPLY_CONTENT) {
			n = reply_skip(r, len);
		} else {
			n = reply_keep(r, p, len);
			if (r->have == r->want)
				rv = reply_whole(r);
		}
		p += n;
		len -= n;
	}
	if (rv != 0)
		r->at = REPLY_OVER;
	return rv;
}
