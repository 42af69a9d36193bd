/*
 * The face of the crossing that speaks HTTP/1: messages that came in frames are
 * written, and those that go on in frames are read.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/http1_write.h"
#include "http/cross_inner.h"
#include "http/h1.h"
#include "http/page.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define CHUNK		16384
#define HEAD_SHORT	16384	/* a longer one counts in limits.memory */

/* The message that is written; NULL: not here yet. */
static struct http_head *
written_of(const struct cross_x *x)
{
	return x->c->to == CROSS_TO_1 ? x->asked : x->head;
}

static int
asked_head(const struct cross_x *x)
{
	return slice_eq(x->asked->method, "HEAD");
}

static int
is_empty(const struct cross_x *x)
{
	return x->ended && x->in.len == 0 && x->in_trailers.len == 0;
}

/* A length of 0 is said where content would be expected (RFC 9110, 8.6). */
static int
says_nothing(const struct http_head *m)
{
	static const char *const bodied[] = { "POST", "PUT", "PATCH" };

	return !m->response && m->length < 0 &&
	    !slice_among(m->method, bodied, NELEM(bodied));
}

static enum http1_kind
framing_of(const struct cross_x *x, const struct http_head *m)
{
	if (x->tunnel != CROSS_NONE ||
	    (m->response && http1_has_no_body(m, asked_head(x))))
		return HTTP1_NONE;
	if (is_empty(x) && m->length <= 0)
		return says_nothing(m) ? HTTP1_NONE : HTTP1_LENGTH;
	if (m->length >= 0)
		return HTTP1_LENGTH;
	return m->response && x->asked->version == 10 ? HTTP1_CLOSE :
	    HTTP1_CHUNKED;
}

/* What is for this hop, and its other end is to know. */
static void
put_hop(struct text *t, struct cross_x *x, const struct http_head *m)
{
	if (x->tunnel != CROSS_NONE && m->response)
		cross_ws_fields(x, t);
	else if (x->tunnel != CROSS_NONE)
		cross_ws_to_1(x, t);
	if (m->response || x->tunnel != CROSS_NONE)
		return;
	if (http_has_token(m, "expect", "100-continue"))
		text_puts(t, "Expect: 100-continue\r\n");
	if (http_has_token(m, "te", "trailers"))
		text_puts(t, "TE: trailers\r\nConnection: TE\r\n");
}

/* The head, framed. 0 or ERR_*. */
static int
put_head(struct cross_x *x, struct http_head *m)
{
	struct http1_out o = { .kind = framing_of(x, m) };
	struct text hop = { 0 }, t = { 0 };
	int rv;

	x->kind = x->tunnel == CROSS_OPEN ? HTTP1_CLOSE : o.kind;
	x->left = o.length = m->length > 0 ? (uint64_t)m->length : 0;
	if (o.kind == HTTP1_CLOSE)
		x->c->closing = 1;
	if (m->response)
		m->reason = slice_of(page_reason(m->status),
		    strlen(page_reason(m->status)));
	put_hop(&hop, x, m);
	if (m->response && x->c->closing && x->tunnel == CROSS_NONE)
		o.flags = HTTP1_CLOSE_AFTER;
	o.fields = hop.s;
	if ((rv = http1_write(&t, m, &o)) == 0)
		cross_put(x->c, t.s, t.len);
	text_free(&hop);
	text_free(&t);
	x->begun = 1;
	if (!m->response)
		x->c->last = x->id;
	return rv;
}

/* Content without what frames it. */
static void
put_content(struct cross_x *x, size_t n)
{
	const uint8_t *p = x->in.buf + x->in.off;
	char size[HTTP_CHUNK_MAX];

	if (x->kind == HTTP1_CHUNKED)
		cross_put(x->c, size, http_chunk(size, n));
	if (x->kind != HTTP1_NONE)
		cross_put(x->c, p, n);
	if (x->kind == HTTP1_CHUNKED)
		cross_put(x->c, "\r\n", 2);
	x->left -= x->kind == HTTP1_LENGTH ? n : 0;
	h2_queue_drop(&x->in, n);
	if (!x->closed)
		nghttp2_session_consume_stream(x->c->ng, x->id, n);
}

/* 0; ERR_FORMAT: there is more of it than its length. */
static int
put_body(struct cross_x *x)
{
	size_t n;

	while (x->in.len > 0 && x->c->out.len < CROSS_OUT) {
		n = x->in.len < CHUNK ? x->in.len : CHUNK;
		if (x->kind == HTTP1_LENGTH && n > x->left)
			return ERR_FORMAT;
		put_content(x, n);
	}
	return 0;
}

/* 0; ERR_SHORT: it is shorter than its length. */
static int
put_end(struct cross_x *x)
{
	if (!x->ended || x->in.len > 0)
		return 0;
	if (x->kind == HTTP1_LENGTH && x->left > 0)
		return ERR_SHORT;
	if (x->kind == HTTP1_CHUNKED) {
		cross_put(x->c, "0\r\n", 3);
		cross_put(x->c, x->in_trailers.s, x->in_trailers.len);
		cross_put(x->c, "\r\n", 2);
	}
	x->written = 1;
	return 0;
}

/* To a client whose request cannot be answered otherwise. */
static void
put_error(struct cross *c, int status)
{
	struct text t = { 0 };

	text_printf(&t, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n", status, page_reason(status));
	cross_put(c, t.s, t.len);
	text_free(&t);
	cross_leave(c, 0);
}

/* It ends in the middle. */
static void
break_off(struct cross_x *x)
{
	struct cross *c = x->c;

	x->cut = 1;
	if (c->to == CROSS_TO_1)
		cross_leave(c, 1);
	else if (x->begun) {
		cross_reset(x, NGHTTP2_PROTOCOL_ERROR);
		cross_leave(c, 1);
	} else {
		x->written = 1;
		put_error(c, 502);
	}
}

void
cross_h1_write(struct cross *c)
{
	struct cross_x *x = c->now;
	struct http_head *m;
	int rv = 0;

	if (x == NULL || x->written || (c->over && c->torn) ||
	    (c->over && c->to == CROSS_TO_1))
		return;
	if (x->cut && !x->begun && c->to == CROSS_TO_1)
		return;		/* nothing of it need go */
	if (x->cut && (!x->begun || x->in.len == 0)) {
		break_off(x);
		return;
	}
	if ((m = written_of(x)) == NULL)
		return;
	if (!x->begun)
		rv = put_head(x, m);
	if (rv == 0 && x->tunnel != CROSS_ASKED)
		rv = put_body(x);
	if (rv == 0 && x->tunnel != CROSS_ASKED)
		rv = put_end(x);
	if (rv != 0)
		break_off(x);
}

/* What is read breaks the rules, or breaks off. */
static void
read_bad(struct cross *c)
{
	struct cross_x *x = c->now;

	c->in_body = 0;
	if (c->to == CROSS_TO_2 && x == NULL) {
		put_error(c, 400);
		return;
	}
	if (x != NULL)
		x->torn = 1;
	if (c->to == CROSS_TO_2)
		cross_reset(x, NGHTTP2_CANCEL);
	cross_leave(c, 1);
}

/* All of it has come. */
static void
read_end(struct cross_x *x)
{
	struct cross *c = x->c;

	c->in_body = 0;
	x->read = 1;
	cross_h2_more(x);
}

static int
has_websocket(const struct cross *c)
{
	return nghttp2_session_get_remote_settings(c->ng,
	    NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

/* A request: its stream begins. */
static struct cross_x *
asks(struct cross *c, struct http_text *t)
{
	struct http_head *head;
	struct text bytes = { 0 };

	if (slice_eq(t->head.method, "CONNECT")) {
		put_error(c, 501);
		return NULL;
	}
	if (cross_ws_asked(&t->head) && !has_websocket(c)) {
		log_info("session %llu: a WebSocket cannot go to the server "
		    "of HTTP/2: its SETTINGS do not have ENABLE_CONNECT_"
		    "PROTOCOL (RFC 8441)", (unsigned long long)c->session);
		put_error(c, 501);
		return NULL;
	}
	head = http_keep(&t->head, c->head.s, t->len, &bytes);
	if ((c->now = cross_begin(c, 0, head, &bytes)) == NULL)
		put_error(c, 503);
	if (!http1_keeps_alive(&t->head))
		c->closing = 1;
	if (c->now != NULL && cross_ws_asked(&t->head))
		cross_ws_to_2(c->now, &t->head);
	return c->now;
}

/* Its length, as HTTP/2 is to say it. */
static int64_t
length_of(const struct http_head *m)
{
	return m->response && (m->status < 200 || m->status == 204) ? -1 :
	    m->length;
}

/* What follows a head. */
static void
body_begin(struct cross_x *x, struct http_text *t)
{
	struct cross *c = x->c;

	/* HTTP/1 was asked for a WebSocket by GET. */
	http1_body_init(&c->body, t, x->asked->protocol.len > 0 ?
	    slice_of("GET", 3) : x->asked->method);
	c->body.trailers = &x->out_trailers;
	if (c->to == CROSS_TO_1 && x->tunnel == CROSS_ASKED)
		cross_ws_answered_1(x, &t->head);
}

/* It cannot go on. */
static void
head_bad(struct cross_x *x)
{
	if (x->c->to == CROSS_TO_1)
		read_bad(x->c);
	else {
		x->written = 1;
		put_error(x->c, 400);
	}
}

/* A head is whole. */
static void
head_read(struct cross *c, struct http_text *t)
{
	struct cross_x *x = c->to == CROSS_TO_2 ? asks(c, t) : c->now;
	struct http_head *m = &t->head;
	int body;

	if (x == NULL)
		return;
	if (m->response && m->status >= 200 && !http1_keeps_alive(m))
		c->closing = 1;
	body_begin(x, t);
	if (c->body.kind == HTTP1_TUNNEL) {
		read_bad(c);
		return;
	}
	body = x->tunnel != CROSS_NONE ||
	    (c->body.kind != HTTP1_NONE && !http1_body_ended(&c->body));
	if (!x->closed && cross_h2_head(x, m, body, length_of(m)) != 0) {
		head_bad(x);
		return;
	}
	if ((m->response && m->status < 200) || x->tunnel == CROSS_ASKED)
		return;
	x->headed = 1;
	c->in_body = 1;
	if (http1_body_ended(&c->body))
		read_end(x);
}

/* Is it whole? 0, or ERR_*. */
static int
head_parse(struct cross *c, struct http_text *t)
{
	int rv;

	t->scanned = c->scanned;
	rv = c->to == CROSS_TO_2 ? http_request(t, c->head.s, c->head.len) :
	    http_response(t, c->head.s, c->head.len);
	c->scanned = t->scanned;
	if (rv == 0)
		return t->len > c->head_max || t->head.n > H1_FIELDS ?
		    ERR_LIMIT : 0;
	if (rv != ERR_SHORT)
		return rv;
	if (c->head.len >= c->head_max)
		return ERR_LIMIT;
	if (c->head.len > HEAD_SHORT && c->charged == 0) {
		if (budget_take(BUDGET_BUFFERS, c->head_max, 1) != 0)
			return ERR_LIMIT;
		c->charged = c->head_max;
	}
	return ERR_SHORT;
}

/* An extended CONNECT is for a server whose SETTINGS allow it (RFC 8441, 3). */
static int
must_wait(const struct cross *c, const struct http_head *m)
{
	return c->to == CROSS_TO_2 && !c->settled && cross_ws_asked(m);
}

static void
head_over(struct cross *c)
{
	text_free(&c->head);
	c->scanned = 0;
	budget_give(BUDGET_BUFFERS, c->charged);
	c->charged = 0;
}

/* Returns how many of the bytes are a head's. */
static size_t
read_head(struct cross *c, const char *p, size_t n)
{
	struct http_text *t = xcalloc(1, sizeof(*t));
	size_t before = c->head.len;
	int rv;

	text_add(&c->head, p, n);
	rv = head_parse(c, t);
	if (rv == 0) {
		n = t->len - before;
		c->head.len = t->len;
		c->waits = must_wait(c, &t->head);
	} else if (rv != ERR_SHORT)
		read_bad(c);
	if (rv == 0 && !c->waits)
		head_read(c, t);
	if (rv != ERR_SHORT && !c->waits)
		head_over(c);
	free(t);
	return n;
}

void
cross_h1_settled(struct cross *c)
{
	if (!c->waits || !c->settled || c->over)
		return;
	c->scanned = 0;
	read_head(c, "", 0);
}

static void
content_read(struct cross_x *x, struct slice payload)
{
	if (x->drop || x->closed) {
		x->dropped += payload.len;
		return;
	}
	if (h2_queue_add(&x->out, (const uint8_t *)payload.p,
	    payload.len) != 0) {
		read_bad(x->c);
		return;
	}
	cross_h2_more(x);
}

static size_t
read_body(struct cross *c, const char *p, size_t n)
{
	struct slice in = slice_of(p, n), payload;
	int rv = 1;

	while (c->in_body && rv == 1) {
		rv = http1_body_next(&c->body, &in, &payload);
		if (rv == 1)
			content_read(c->now, payload);
		else if (rv == 0)
			read_end(c->now);
		else if (rv != ERR_SHORT)
			read_bad(c);
	}
	return n - in.len;
}

/* The next message may begin. */
static int
may_read(const struct cross *c)
{
	const struct cross_x *x = c->now;

	if (c->to == CROSS_TO_2)
		return c->in_body || (x == NULL && !c->closing && !c->waits);
	return x != NULL && x->begun && !x->read;
}

size_t
cross_h1_read(struct cross *c, const uint8_t *p, size_t n)
{
	const char *s = (const char *)p;
	size_t used = 0;

	while (used < n && !c->over) {
		if (!may_read(c)) {
			if (c->to == CROSS_TO_1)	/* unasked */
				cross_leave(c, 1);
			break;
		}
		used += c->in_body ? read_body(c, s + used, n - used) :
		    read_head(c, s + used, n - used);
	}
	return used;
}

void
cross_h1_eof(struct cross *c, enum end how)
{
	struct cross_x *x = c->now;

	if (x != NULL && c->in_body && c->body.kind == HTTP1_CLOSE &&
	    how == END_NOTIFY)
		read_end(x);
	c->in_body = 0;
	cross_leave(c, x != NULL && !x->read);
}

size_t
cross_h1_room(const struct cross *c)
{
	const struct cross_x *x = c->now;

	if (x == NULL || x->out.len == 0)
		return CROSS_QUEUE;
	return x->out.len < CROSS_QUEUE ? CROSS_QUEUE - x->out.len : 0;
}
