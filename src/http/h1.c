/*
 * The codec of HTTP/1 as a whole, and its writing half: messages go into flows
 * framed for their next hop, and what frames the original is never passed
 * through (RFC 9112, 6). h1_read.c takes messages out of the flows.
 */
#include "http/h1.h"

#include <string.h>

#include "codec/http1_write.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define CHUNK_OVERHEAD	24	/* size line, and CRLF behind */
#define CHUNK_LEAST	512	/* wait for room rather than send less */
/*
 * So much of the end of a body waits for word that it is the end. All that
 * comes in one read does, as a rule, and then is not sent in two pieces.
 */
#define REVOCABLE_MOST	16384
#define PEND_KEEP	2048	/* a larger text is not kept for the next */

void
h1_init(struct h1 *h1, struct tap *tap, struct flow *up, struct flow *down,
    struct exchange *x, size_t limit, int ends)
{
	struct h1_dir *d;
	int i;

	memset(h1, 0, sizeof(*h1));
	h1->ends = ends != 0;
	for (i = 0; i < 2; i++) {
		d = &h1->dir[i];
		d->flow = i == DIR_UP ? up : down;
		d->tap = tap;
		d->m = &x->msg[i];
		d->limit = limit;
	}
	x->codec = &h1_codec;
	x->conn = h1;
}

static void
h1_again(void *conn, enum flow_dir dir)
{
	struct h1_dir *d = &((struct h1 *)conn)->dir[dir];

	budget_give(BUDGET_BUFFERS, d->charged);
	text_free(&d->piece);
	d->mode = H1_HOLD;
	d->charged = d->scanned = d->wire = d->held = 0;
	d->edited = 0;
}

void
h1_done(struct h1 *h1)
{
	h1_again(h1, DIR_UP);
	h1_again(h1, DIR_DOWN);
	text_free(&h1->dir[DIR_UP].pend);
	text_free(&h1->dir[DIR_DOWN].pend);
	text_free(&h1->asked);
}

static struct h1_dir *
dir_of(void *conn, enum flow_dir dir)
{
	return &((struct h1 *)conn)->dir[dir];
}

int
h1_waits(const struct h1 *h1, enum flow_dir dir)
{
	return h1->dir[dir].pend.len > h1->dir[dir].pend_off;
}

/* 1 when nothing waits, but what is held back. */
int
h1_flush(struct h1_dir *d)
{
	if (d->pend.len == 0)
		return 1;
	d->pend_off += flow_put(d->flow, d->tap, d->pend.s + d->pend_off,
	    d->pend.len - d->revocable - d->pend_off);
	if (d->pend.len > d->pend_off)
		return 0;
	if (d->pend.cap > PEND_KEEP)
		text_free(&d->pend);
	else
		text_clear(&d->pend);
	d->pend_off = 0;
	return 1;
}

/* All that waits goes, with what was held back. */
static void
go(struct h1_dir *d)
{
	d->revocable = 0;
	d->m->began = 1;
	h1_flush(d);
}

static void
h1_text(struct h1_dir *d, const char *p, size_t n)
{
	text_add(&d->pend, p, n);
	d->m->began = 1;
	h1_flush(d);
}

/* The client's request, as it came; NULL: that could not be read. */
static const struct http_head *
request(const struct h1 *h1)
{
	return h1->dir[DIR_UP].m->head;
}

static int
is_head(const struct h1 *h1)
{
	return request(h1) != NULL && slice_eq(request(h1)->method, "HEAD");
}

/* HTTP/1.0 */
static int
is_old(const struct h1 *h1)
{
	return request(h1) != NULL && request(h1)->version == 10;
}

/* The client's request had another method, for which the answer is framed. */
static int
is_reframed(const struct h1 *h1, enum flow_dir dir)
{
	return dir == DIR_DOWN && is_head(h1) !=
	    slice_eq(slice_of(h1->asked.s, h1->asked.len), "HEAD");
}

static int
h1_pass(void *conn, enum flow_dir dir)
{
	struct h1 *h1 = conn;
	struct h1_dir *d = &h1->dir[dir];

	if (d->mode != H1_HOLD || is_reframed(h1, dir))
		return 0;
	d->mode = H1_PASS;
	message_forget(d->m);
	if (d->edited || d->charged > 0) {
		flow_replace(d->flow, d->tap, d->wire, NULL, 0);
		d->held -= d->wire;
		h1_text(d, d->m->bytes.s, d->m->bytes.len);
	}
	return 1;
}

static void
h1_revoke(void *conn, enum flow_dir dir)
{
	struct h1_dir *d = dir_of(conn, dir);

	d->pend.len -= d->revocable;
	d->revocable = 0;
}

static int
h1_commit(void *conn, enum flow_dir dir)
{
	struct h1_dir *d = dir_of(conn, dir);

	if (d->framing != HTTP1_LENGTH || d->revocable == 0 || d->left > 0)
		return 0;
	d->m->began = 1;
	return 1;
}

static int
h1_room(void *conn, enum flow_dir dir)
{
	return flow_space(dir_of(conn, dir)->flow) >= H1_ROOM;
}

static int
h1_blocked(void *conn, enum flow_dir dir)
{
	const struct flow *f = dir_of(conn, dir)->flow;

	return f->out == f->clear && !h1_room(conn, dir);
}

/* What ended with the connection does so again: it may be cut off. */
static int
is_until_end(const struct h1 *h1, const struct h1_dir *d)
{
	return d->flow->dir == DIR_DOWN && (is_old(h1) ||
	    (d->m->head != NULL && d->body.kind == HTTP1_CLOSE));
}

static enum http1_kind
framing_of(const struct h1 *h1, const struct h1_dir *d,
    const struct http_head *h, int body, int64_t length)
{
	if (http1_has_no_body(h, is_head(h1)) ||
	    (!body && !h->response && h->length < 0))
		return HTTP1_NONE;
	if (!body || length >= 0)
		return HTTP1_LENGTH;
	return is_until_end(h1, d) ? HTTP1_CLOSE : HTTP1_CHUNKED;
}

static int
is_last(const struct h1 *h1, const struct h1_dir *d)
{
	return (d->flow->dir == DIR_DOWN && h1->closing) ||
	    (d->m->head != NULL && !http1_keeps_alive(d->m->head));
}

static void
put_hop_field(struct text *t, const struct http_head *h, const char *name)
{
	struct slice value = http_value(h, name);

	if (value.len > 0)
		text_printf(t, "%s: %.*s\r\n", name, SLICE(value));
}

/* Fields of this hop that the next one needs: those of the original. */
static void
put_hop(struct text *t, const struct http_head *h)
{
	if (h == NULL)
		return;
	if (h->response) {
		put_hop_field(t, h, "Proxy-Authenticate");
		return;
	}
	put_hop_field(t, h, "Proxy-Authorization");
	if (http_value(h, "upgrade").len > 0) {
		put_hop_field(t, h, "Upgrade");
		put_hop_field(t, h, "HTTP2-Settings");
		text_puts(t, "Connection: Upgrade");
		text_puts(t, http_value(h, "http2-settings").len > 0 ?
		    ", HTTP2-Settings\r\n" : "\r\n");
	}
}

static int
h1_send_head(void *conn, enum flow_dir dir, const struct http_head *h,
    int body, int64_t length, unsigned flags)
{
	struct h1 *h1 = conn;
	struct h1_dir *d = &h1->dir[dir];
	struct http1_out o = {
		.kind = framing_of(h1, d, h, body, length),
		.length = body && length > 0 ? (uint64_t)length : 0,
		.flags = (is_last(h1, d) ? HTTP1_CLOSE_AFTER : 0) |
		    (flags & HTTP_CHANGED ? HTTP1_CHANGED : 0),
	};
	size_t before = d->pend.len;
	struct text hop = { 0 };
	int rv;

	if (o.kind == HTTP1_CHUNKED)	/* which HTTP/1.0 has not */
		o.flags |= HTTP1_AS_11;
	put_hop(&hop, d->m->head);
	o.fields = hop.s;
	rv = http1_write(&d->pend, h, &o);
	text_free(&hop);
	if (rv != 0)
		return rv;
	if (dir == DIR_UP) {
		text_clear(&h1->asked);
		text_add(&h1->asked, h->method.p, h->method.len);
	}
	if (o.kind == HTTP1_CLOSE)
		h1->closing = 1;
	d->framing = o.kind;
	d->left = o.length;
	if (flags & HTTP_REVOCABLE) {
		d->revocable = d->pend.len - before;
		return 0;
	}
	go(d);
	return 0;
}

static size_t
put_chunk(struct h1_dir *d, const uint8_t *p, size_t len)
{
	size_t room = flow_space(d->flow);
	char size[HTTP_CHUNK_MAX];

	if (room < CHUNK_OVERHEAD + (len < CHUNK_LEAST ? len : CHUNK_LEAST))
		return 0;
	if (len > room - CHUNK_OVERHEAD)
		len = room - CHUNK_OVERHEAD;
	flow_put(d->flow, d->tap, size, http_chunk(size, len));
	flow_put(d->flow, d->tap, p, len);
	flow_put(d->flow, d->tap, "\r\n", 2);
	return len;
}

/*
 * Of these len bytes of a body with a length, those that must not go before
 * its end is known: without its last it is not complete.
 */
static size_t
last_of(const struct h1_dir *d, size_t len)
{
	if (d->framing != HTTP1_LENGTH || len != d->left)
		return 0;
	return len < REVOCABLE_MOST ? len : REVOCABLE_MOST;
}

/* The body as far as it may go, framed; the bytes of p that went. */
static size_t
send_now(struct h1_dir *d, const uint8_t *p, size_t len)
{
	go(d);
	if (d->pend.len > 0)
		return 0;
	if (d->framing == HTTP1_NONE || d->framing == HTTP1_TUNNEL)
		return len;
	return d->framing == HTTP1_CHUNKED ? put_chunk(d, p, len) :
	    flow_put(d->flow, d->tap, p, len);
}

static size_t
h1_send_data(void *conn, enum flow_dir dir, const uint8_t *p, size_t len,
    int *bad)
{
	struct h1_dir *d = dir_of(conn, dir);
	size_t last = last_of(d, len), n = 0;

	*bad = d->framing == HTTP1_LENGTH && len > d->left;
	if (len == 0 || *bad)
		return 0;
	if (last < len)
		n = send_now(d, p, len - last);
	if (n == len - last && last > 0) {
		text_add(&d->pend, (const char *)p + n, last);
		d->revocable += last;
		n = len;
	}
	if (n == 0 && d->flow->starved)
		tap_release(d->tap);
	d->left -= d->framing == HTTP1_LENGTH ? n : 0;
	return n;
}

static int
h1_send_end(void *conn, enum flow_dir dir, const struct text *trailers)
{
	struct h1_dir *d = dir_of(conn, dir);

	if (d->framing == HTTP1_LENGTH && d->left > 0)
		return ERR_SHORT;
	if (d->framing == HTTP1_CHUNKED) {
		text_puts(&d->pend, "0\r\n");
		if (trailers != NULL)
			text_add(&d->pend, trailers->s, trailers->len);
		text_puts(&d->pend, "\r\n");
	}
	d->m->sent = 1;
	go(d);
	return 0;
}

/* HTTP/1.0 knows no 100 (RFC 9110, 10.1.1). */
static void
h1_go_ahead(void *conn)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct h1 *h1 = conn;

	if (is_old(h1))
		return;
	h1_text(&h1->dir[DIR_DOWN], interim, sizeof(interim) - 1);
	h1->dir[DIR_DOWN].m->began = 0;
}

static uint64_t
h1_page(void *conn, const char *page, size_t len)
{
	struct h1 *h1 = conn;
	struct h1_dir *d = &h1->dir[DIR_DOWN];
	size_t head = (size_t)(strstr(page, "\r\n\r\n") + 4 - page);

	if (is_head(h1))
		len = head;
	h1_text(d, page, len);
	d->m->sent = 1;
	h1->closing = 1;
	if (d->m->head != NULL)
		h1_drop(h1, DIR_DOWN);
	else			/* or the page would have no room */
		h1_discard(h1, DIR_DOWN);
	return len - head;
}

void
h1_finish(struct h1 *h1)
{
	if (!h1->dir[DIR_DOWN].eof)	/* else it ends as the server did */
		flow_finish(h1->dir[DIR_DOWN].flow);
	flow_finish(h1->dir[DIR_UP].flow);
}

const struct http_codec h1_codec = {
	.edit = h1_edit,
	.pass = h1_pass,
	.take = h1_take,
	.drop = h1_drop,
	.head = h1_send_head,
	.data = h1_send_data,
	.end = h1_send_end,
	.page = h1_page,
	.go_ahead = h1_go_ahead,
	.revoke = h1_revoke,
	.commit = h1_commit,
	.again = h1_again,
	.room = h1_room,
	.blocked = h1_blocked,
};
