/*
 * Reads and writes WebSocket frames.
 */
#include "codec/ws.h"

#include <string.h>

#include "util/err.h"

#define FIN		0x80
#define RSV1		0x40
#define RSV23		0x30
#define MASKED		0x80
#define CONTROL_MAX	125	/* RFC 6455, 5.5 */

#define PIECE		1024	/* unmasked at a time */

static int
is_control(enum ws_opcode opcode)
{
	return (opcode & 8) != 0;
}

static int
is_known(unsigned opcode)
{
	return opcode <= WS_BINARY ||
	    (opcode >= WS_CLOSE && opcode <= WS_PONG);
}

/* A number of n bytes. */
static uint64_t
number(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* The bytes that the length takes behind the first two. */
static unsigned
length_bytes(unsigned first)
{
	return first == 126 ? 2 : first == 127 ? 8 : 0;
}

/* Whether the length has its shortest form (RFC 6455, 5.2). */
static int
is_shortest(uint64_t length, unsigned n)
{
	return n == 0 || (n == 2 ? length > CONTROL_MAX :
	    length > UINT16_MAX && length <= INT64_MAX);
}

int
ws_frame(struct ws_frame *f, const uint8_t *p, size_t len)
{
	unsigned n, head;

	if (len < 2)
		return ERR_SHORT;
	if ((p[0] & RSV23) != 0 || !is_known(p[0] & 15))
		return ERR_FORMAT;
	f->opcode = (enum ws_opcode)(p[0] & 15);
	f->fin = (p[0] & FIN) != 0;
	f->deflated = (p[0] & RSV1) != 0;
	f->masked = (p[1] & MASKED) != 0;
	f->length = p[1] & 127;
	if (is_control(f->opcode) &&
	    (f->length > CONTROL_MAX || !f->fin || f->deflated))
		return ERR_FORMAT;
	n = length_bytes((unsigned)f->length);
	head = 2 + n + (f->masked ? 4 : 0);
	if (len < head)
		return ERR_SHORT;
	if (n > 0)
		f->length = number(p + 2, n);
	if (!is_shortest(f->length, n))
		return ERR_FORMAT;
	if (f->masked)
		memcpy(f->key, p + 2 + n, 4);
	return (int)head;
}

size_t
ws_frame_put(uint8_t out[WS_HEAD_MAX], const struct ws_frame *f)
{
	unsigned n, i;

	out[0] = (uint8_t)((f->fin ? FIN : 0) | (f->deflated ? RSV1 : 0) |
	    f->opcode);
	out[1] = f->length <= CONTROL_MAX ? (uint8_t)f->length :
	    f->length <= UINT16_MAX ? 126 : 127;
	n = length_bytes(out[1]);
	for (i = 0; i < n; i++)
		out[2 + i] = (uint8_t)(f->length >> 8 * (n - 1 - i));
	if (!f->masked)
		return 2 + n;
	out[1] |= MASKED;
	memcpy(out + 2 + n, f->key, 4);
	return 2 + n + 4;
}

void
ws_mask(uint8_t *p, size_t n, const uint8_t key[4], uint64_t offset)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] ^= key[(offset + i) & 3];
}

/* Show payload as the peer meant it. */
static void
show(const struct ws_reader *r, const uint8_t *p, size_t n,
    const struct ws_user *user, void *arg)
{
	enum ws_opcode opcode = is_control(r->frame.opcode) ?
	    r->frame.opcode : r->opcode;
	uint8_t piece[PIECE];
	size_t at, part;

	if (user->payload == NULL)
		return;
	for (at = 0; at < n; at += part) {
		part = n - at < PIECE ? n - at : PIECE;
		memcpy(piece, p + at, part);
		if (r->frame.masked)
			ws_mask(piece, part, r->frame.key, r->done + at);
		user->payload(arg, opcode, piece, part);
	}
}

/* A frame's payload is whole. 1: read no further. */
static int
frame_over(struct ws_reader *r, const struct ws_user *user, void *arg)
{
	const struct ws_frame *f = &r->frame;
	enum ws_opcode opcode = r->opcode;

	r->inside = 0;
	if (is_control(f->opcode))
		return user->message != NULL &&
		    user->message(arg, f->opcode, f->length, 0);
	r->length += f->length;
	if (!f->fin)
		return 0;
	r->opcode = WS_CONTINUATION;
	return user->message != NULL &&
	    user->message(arg, opcode, r->length, r->deflated);
}

/* A frame begins: may it, here? 0 or ERR_FORMAT. */
static int
frame_begin(struct ws_reader *r)
{
	const struct ws_frame *f = &r->frame;

	if (f->masked != r->client)	/* RFC 6455, 5.1 */
		return ERR_FORMAT;
	r->inside = 1;
	r->done = 0;
	if (is_control(f->opcode))
		return 0;
	/* Each but the first continues, and none but the first says RSV1. */
	if ((f->opcode == WS_CONTINUATION) != (r->opcode != WS_CONTINUATION) ||
	    (f->opcode == WS_CONTINUATION && f->deflated) ||
	    f->length > INT64_MAX - r->length)
		return ERR_FORMAT;
	if (f->opcode != WS_CONTINUATION) {
		r->opcode = f->opcode;
		r->deflated = f->deflated;
		r->length = 0;
	}
	return 0;
}

/* Take bytes of a head. Returns how many, or ERR_FORMAT. */
static int
head_more(struct ws_reader *r, const uint8_t *p, size_t len)
{
	unsigned had = r->nhead;
	size_t n = sizeof(r->head) - had;
	int rv;

	n = len < n ? len : n;
	memcpy(r->head + had, p, n);
	rv = ws_frame(&r->frame, r->head, had + n);
	if (rv == ERR_SHORT) {
		r->nhead += (unsigned)n;
		return (int)n;
	}
	if (rv < 0 || frame_begin(r) != 0)
		return ERR_FORMAT;
	r->nhead = 0;
	return rv - (int)had;
}

ssize_t
ws_read(struct ws_reader *r, const uint8_t *p, size_t len,
    const struct ws_user *user, void *arg)
{
	size_t n, at = 0;
	uint64_t left;
	int rv;

	while (at < len) {
		if (!r->inside) {
			if ((rv = head_more(r, p + at, len - at)) < 0)
				return rv;
			n = (size_t)rv;
		} else {
			left = r->frame.length - r->done;
			n = len - at < left ? len - at : (size_t)left;
			show(r, p + at, n, user, arg);
			r->done += n;
		}
		at += n;
		if (r->inside && r->done == r->frame.length &&
		    frame_over(r, user, arg))
			break;
	}
	return (ssize_t)at;
}
