/*
 * A WebSocket that crosses: what opens it in HTTP/1 (RFC 6455, 4) and in HTTP/2
 * (RFC 8441, 5). HTTP/2 has no key and no answer to it; HTTP/1 needs both.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "http/cross_inner.h"
#include "util/log.h"
#include "util/mem.h"

#define KEY_LEN		16	/* bytes, before base64 */
#define SHA1_LEN	20

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* Its fields that are for one version only. */
static void
leave_out(struct http_head *m)
{
	static const char *const only[] = { "sec-websocket-key",
	    "sec-websocket-accept" };
	size_t i, n = 0;

	for (i = 0; i < m->n; i++)
		if (!slice_among(m->h[i].name, only, NELEM(only)))
			m->h[n++] = m->h[i];
	m->n = n;
}

/* The answer to a key (RFC 6455, 4.2.2). */
static void
accept_of(struct text *to, struct slice key)
{
	uint8_t sum[SHA1_LEN];
	struct text t = { 0 };

	text_add(&t, key.p, key.len);
	text_puts(&t, guid);
	if (EVP_Q_digest(NULL, "SHA1", NULL, t.s, t.len, sum, NULL) != 1)
		abort();
	text_clear(to);
	text_base64(to, sum, sizeof(sum));
	text_free(&t);
}

static struct slice
accept_wanted(const struct cross_x *x)
{
	return slice_of(x->accept.s, x->accept.len);
}

int
cross_ws_asked(const struct http_head *m)
{
	return slice_eq(m->method, "GET") && m->version == 11 &&
	    http_has_token(m, "connection", "upgrade") &&
	    slice_is(http_value(m, "upgrade"), "websocket") &&
	    http_find(m, "sec-websocket-key") != NULL;
}

void
cross_ws_to_2(struct cross_x *x, struct http_head *m)
{
	accept_of(&x->accept, http_value(m, "sec-websocket-key"));
	x->tunnel = CROSS_ASKED;
	m->method = slice_of("CONNECT", 7);
	m->protocol = slice_of("websocket", 9);
	leave_out(m);
}

void
cross_ws_to_1(struct cross_x *x, struct text *fields)
{
	uint8_t nonce[KEY_LEN];
	struct text key = { 0 };

	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		abort();
	text_base64(&key, nonce, sizeof(nonce));
	accept_of(&x->accept, slice_of(key.s, key.len));
	leave_out(x->asked);
	text_printf(fields, "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n",
	    key.s);
	text_free(&key);
}

/* It is open: no exchange comes after it, so the client is to ask elsewhere. */
static void
open_up(struct cross_x *x)
{
	struct cross *c = x->c;

	x->tunnel = CROSS_OPEN;
	x->kind = HTTP1_CLOSE;
	http1_body_init_close(&c->body);
	c->in_body = 1;
	c->closing = 1;
	if (c->to == CROSS_TO_1)
		nghttp2_submit_goaway(c->ng, NGHTTP2_FLAG_NONE, c->last,
		    NGHTTP2_NO_ERROR, NULL, 0);
}

static void
refuse(struct cross_x *x, const struct http_head *m)
{
	x->tunnel = CROSS_NONE;
	log_info("session %llu: the server speaks HTTP/%s, and answers a "
	    "WebSocket with %d", (unsigned long long)x->c->session,
	    x->c->to == CROSS_TO_1 ? "1.1" : "2", m->status);
}

/* Of HTTP/1: only 101, with the answer to our key, opens it; a success
 * otherwise would do so in HTTP/2. */
void
cross_ws_answered_1(struct cross_x *x, struct http_head *m)
{
	struct slice want = accept_wanted(x);
	struct slice is = http_value(m, "sec-websocket-accept");

	if (m->status == 101 && is.len == want.len &&
	    memcmp(is.p, want.p, want.len) == 0 &&
	    slice_is(http_value(m, "upgrade"), "websocket")) {
		m->status = 200;
		leave_out(m);
		open_up(x);
	} else if (m->status == 101 || m->status >= 200) {
		refuse(x, m);
		x->written = 1;
		if (m->status / 100 == 2)
			m->status = 502;
	}
}

void
cross_ws_answered_2(struct cross_x *x, struct http_head *m)
{
	if (m->status / 100 == 2) {
		m->status = 101;
		leave_out(m);
		open_up(x);
	} else {
		refuse(x, m);
		x->read = 1;	/* nothing more goes to the server */
	}
}

void
cross_ws_fields(const struct cross_x *x, struct text *fields)
{
	struct slice accept = accept_wanted(x);

	text_printf(fields, "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Accept: %.*s\r\n", (int)accept.len, accept.p);
}
