/*
 * Writing messages into flows.
 */
#include "http/deliver.h"

#include <string.h>

#include "codec/http1_write.h"
#include "codec/icap.h"
#include "util/err.h"
#include "util/mem.h"

#define CHUNK_OVERHEAD	24	/* size line, and CRLF behind */
#define CHUNK_LEAST	512	/* wait for room rather than send less */
/*
 * So much of the end of a body waits for word that it is the end. All that
 * comes in one read does, as a rule, and then is not sent in two pieces.
 */
#define HOLD_MOST	16384
#define PEND_KEEP	2048	/* a larger text is not kept for the next */

void
deliver_init(struct deliver *d, struct flow *flow, struct tap *tap)
{
	memset(d, 0, sizeof(*d));
	d->flow = flow;
	d->tap = tap;
}

void
deliver_free(struct deliver *d)
{
	text_free(&d->pend);
}

int
deliver_waits(const struct deliver *d)
{
	return d->pend.len > d->pend_off;
}

int
deliver_flush(struct deliver *d)
{
	if (d->pend.len == 0)
		return 1;
	d->pend_off += flow_put(d->flow, d->tap, d->pend.s + d->pend_off,
	    d->pend.len - d->held - d->pend_off);
	if (deliver_waits(d))
		return 0;
	if (d->pend.cap > PEND_KEEP)
		text_free(&d->pend);
	else
		text_clear(&d->pend);
	d->pend_off = 0;
	return 1;
}

void
deliver_text(struct deliver *d, const char *p, size_t n)
{
	text_add(&d->pend, p, n);
	d->began = 1;
	deliver_flush(d);
}

void
deliver_withdraw(struct deliver *d)
{
	d->pend.len -= d->held;
	d->held = 0;
}

int
deliver_commit(struct deliver *d)
{
	if (d->framing != HTTP1_LENGTH || d->held == 0 || d->left > 0)
		return 0;
	d->began = 1;
	return 1;
}

/* What was held goes. */
static void
deliver_release(struct deliver *d)
{
	d->held = 0;
	d->began = 1;
}

static enum http1_kind
deliver_kind(int64_t length, unsigned flags)
{
	if (flags & DELIVER_NO_BODY)
		return HTTP1_NONE;
	if (length >= 0)
		return HTTP1_LENGTH;
	return flags & DELIVER_UNTIL_END ? HTTP1_CLOSE : HTTP1_CHUNKED;
}

int
deliver_head(struct deliver *d, const struct http_head *h, int64_t length,
    unsigned flags, const char *fields)
{
	struct http1_out o = {
		.kind = deliver_kind(length, flags),
		.length = length > 0 ? (uint64_t)length : 0,
		.flags = (flags & DELIVER_LAST ? HTTP1_CLOSE_AFTER : 0) |
		    (flags & DELIVER_CHANGED ? HTTP1_CHANGED : 0),
		.fields = fields,
	};
	size_t before = d->pend.len;
	int rv;

	if (o.kind == HTTP1_CHUNKED)	/* which HTTP/1.0 has not */
		o.flags |= HTTP1_AS_11;
	if ((rv = http1_write(&d->pend, h, &o)) != 0)
		return rv;
	d->framing = o.kind;
	d->left = o.length;
	d->body = 0;
	if (flags & DELIVER_HELD) {
		d->held = d->pend.len - before;
		return 0;
	}
	d->began = 1;
	deliver_flush(d);
	return 0;
}

static size_t
deliver_chunk(struct deliver *d, const uint8_t *p, size_t len)
{
	size_t room = flow_space(d->flow);
	char size[ICAP_CHUNK_MAX];

	if (room < CHUNK_OVERHEAD + (len < CHUNK_LEAST ? len : CHUNK_LEAST))
		return 0;
	if (len > room - CHUNK_OVERHEAD)
		len = room - CHUNK_OVERHEAD;
	flow_put(d->flow, d->tap, size, icap_chunk(size, len));
	flow_put(d->flow, d->tap, p, len);
	flow_put(d->flow, d->tap, ICAP_CRLF, 2);
	return len;
}

/*
 * Of these len bytes of a body with a length, those that must not go before
 * its end is known: without its last it is not complete.
 */
static size_t
deliver_last(const struct deliver *d, size_t len)
{
	if (d->framing != HTTP1_LENGTH || len != d->left)
		return 0;
	return len < HOLD_MOST ? len : HOLD_MOST;
}

/* The body as far as it may go, framed; the bytes of p that went. */
static size_t
deliver_now(struct deliver *d, const uint8_t *p, size_t len)
{
	deliver_release(d);
	if (!deliver_flush(d))
		return 0;
	switch (d->framing) {
	case HTTP1_NONE:
	case HTTP1_TUNNEL:
		return len;
	case HTTP1_CHUNKED:
		return deliver_chunk(d, p, len);
	case HTTP1_LENGTH:
	case HTTP1_CLOSE:
		break;
	}
	return flow_put(d->flow, d->tap, p, len);
}

size_t
deliver_body(struct deliver *d, const uint8_t *p, size_t len, int *bad)
{
	size_t last = deliver_last(d, len), n = 0;

	*bad = d->framing == HTTP1_LENGTH && len > d->left;
	if (len == 0 || *bad)
		return 0;
	if (last < len)
		n = deliver_now(d, p, len - last);
	if (n == len - last && last > 0) {
		text_add(&d->pend, (const char *)p + n, last);
		d->held += last;
		n = len;
	}
	d->left -= d->framing == HTTP1_LENGTH ? n : 0;
	d->body += n;
	return n;
}

int
deliver_end(struct deliver *d, const struct text *trailers)
{
	if (d->framing == HTTP1_LENGTH && d->left > 0)
		return ERR_SHORT;
	deliver_release(d);
	if (d->framing == HTTP1_CHUNKED) {
		text_puts(&d->pend, "0\r\n");
		if (trailers != NULL)
			text_add(&d->pend, trailers->s, trailers->len);
		text_puts(&d->pend, "\r\n");
	}
	d->ended = 1;
	deliver_flush(d);
	return 0;
}
