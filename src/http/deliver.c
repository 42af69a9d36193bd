/*
 * Writing messages into flows.
 */
#include "http/deliver.h"

#include <string.h>

#include "codec/icap.h"
#include "util/err.h"
#include "util/mem.h"

#define CHUNK_OVERHEAD	24	/* size line, and CRLF behind */
#define CHUNK_LEAST	512	/* wait for room rather than send less */

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
deliver_flush(struct deliver *d)
{
	size_t n;

	n = flow_put(d->flow, d->tap, d->pend.s + d->pend_off,
	    d->pend.len - d->pend_off);
	d->pend_off += n;
	if (d->pend_off < d->pend.len)
		return 0;
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

/* Fields of one hop and of framing: said anew, or not at all. */
static int
deliver_skips(struct slice name, int keep_length)
{
	static const char *const skip[] = { "connection", "keep-alive",
	    "proxy-connection", "te", "trailer", "transfer-encoding",
	    "upgrade", "proxy-authenticate", "proxy-authorization" };

	return slice_among(name, skip, NELEM(skip)) ||
	    (!keep_length && slice_is(name, "content-length"));
}

static void
deliver_start_line(struct text *t, const struct http1_head *h)
{
	struct http1_url url;
	struct slice path = h->target;

	if (h->response) {
		text_printf(t, "HTTP/1.1 %d %.*s\r\n", h->status,
		    SLICE(h->reason));
		return;
	}
	if (http1_absolute(h->target, &url) == 0)
		path = url.path;
	text_printf(t, "%.*s %s%.*s HTTP/1.1\r\n", SLICE(h->method),
	    path.len == 0 || path.p[0] == '?' ? "/" : "", SLICE(path));
}

void
deliver_head(struct deliver *d, const struct http1_head *h, int64_t length,
    int none, int old, int close)
{
	struct text t = { 0 };
	size_t i;

	d->framing = none ? DELIVER_NONE : length >= 0 ? DELIVER_LENGTH :
	    old ? DELIVER_CLOSE : DELIVER_CHUNKED;
	d->left = length >= 0 ? (uint64_t)length : 0;
	d->kept = 0;
	deliver_start_line(&t, h);
	for (i = 0; i < h->n; i++)
		if (!deliver_skips(h->h[i].name, none))
			text_printf(&t, "%.*s: %.*s\r\n", SLICE(h->h[i].name),
			    SLICE(h->h[i].value));
	if (d->framing == DELIVER_LENGTH)
		text_printf(&t, "Content-Length: %lld\r\n",
		    (long long)length);
	else if (d->framing == DELIVER_CHUNKED)
		text_puts(&t, "Transfer-Encoding: chunked\r\n");
	if (d->upgrade.len > 0)
		text_printf(&t, "Connection: Upgrade\r\nUpgrade: %.*s\r\n",
		    SLICE(d->upgrade));
	d->upgrade.len = 0;
	if (close || d->framing == DELIVER_CLOSE)
		text_puts(&t, "Connection: close\r\n");
	text_puts(&t, "\r\n");
	deliver_text(d, t.s, t.len);
	text_free(&t);
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

/* All but the last byte, which goes with the end. */
static size_t
deliver_length(struct deliver *d, const uint8_t *p, size_t len)
{
	size_t most = len - (len == d->left), n;

	n = flow_put(d->flow, d->tap, p, most);
	if (n == most && most < len) {
		d->last = (char)p[n++];
		d->kept = 1;
	}
	d->left -= n;
	return n;
}

size_t
deliver_body(struct deliver *d, const uint8_t *p, size_t len, int *bad)
{
	*bad = 0;
	if (len == 0 || !deliver_flush(d))
		return 0;
	switch (d->framing) {
	case DELIVER_NONE:
		return len;
	case DELIVER_CHUNKED:
		return deliver_chunk(d, p, len);
	case DELIVER_CLOSE:
		return flow_put(d->flow, d->tap, p, len);
	case DELIVER_LENGTH:
		break;
	}
	if (len > d->left) {
		*bad = 1;
		return 0;
	}
	return deliver_length(d, p, len);
}

int
deliver_end(struct deliver *d)
{
	if (d->framing == DELIVER_LENGTH && d->left > 0)
		return ERR_SHORT;
	if (d->framing == DELIVER_CHUNKED)
		text_puts(&d->pend, ICAP_END);
	if (d->kept)
		text_add(&d->pend, &d->last, 1);
	d->kept = 0;
	d->ended = 1;
	deliver_flush(d);
	return 0;
}
