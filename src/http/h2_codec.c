/*
 * What an exchange asks of its stream (struct http_codec).
 */
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "http/h2_inner.h"
#include "util/err.h"
#include "util/mem.h"

#define OUT_MAX		(64 * 1024)	/* of a body that was given to send */
/* So much of the end of a body waits for word that it is the end. */
#define REVOCABLE_MOST	16384

static struct h2_half *
half_of(void *conn, enum flow_dir dir)
{
	return &((struct h2_stream *)conn)->half[dir];
}

static struct http_message *
message_of(const struct h2_half *h)
{
	return &h->s->x->msg[h->dir];
}

static int
asked_head(const struct h2_half *h)
{
	return slice_eq(h->s->x->msg[DIR_UP].head->method, "HEAD");
}

/* Let bytes go that wait, the head first. */
static void
go(struct h2_half *h)
{
	if (h->head != NULL && h2_send_kept(h) != 0)
		h->lost = 1;
	h->held = 0;
	message_of(h)->began = 1;
	h2_resume(h);
	h2_mark(h->s);
}

/* The one edit of this name that is left to do, or NULL. */
static struct http_edit *
edit_of(struct http_edit *edit, size_t n, struct slice name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (slice_is(name, edit[i].name))
			return &edit[i];
	return NULL;
}

/* 1: the fields of m are others now. */
static int
edit_fields(struct http_head *m, struct http_edit *edit, size_t n)
{
	struct http_edit *e;
	size_t i, k = 0;
	int other = 0;

	for (i = 0; i < m->n; i++) {
		m->h[k] = m->h[i];
		e = edit_of(edit, n, m->h[i].name);
		if (e != NULL && e->value != NULL) {
			other |= !slice_eq(m->h[k].value, e->value);
			m->h[k].value = slice_of(e->value, strlen(e->value));
			if (slice_is(m->h[k].name, "host"))
				m->authority = m->h[k].value;
			e->value = NULL;
		} else if (e != NULL)
			continue;
		k++;
	}
	other |= k < m->n;
	m->n = k;
	return other;
}

static void
h2_edit(void *conn, enum flow_dir dir, struct http_edit *edit, size_t n)
{
	struct http_message *m = message_of(half_of(conn, dir));
	struct http_head *own = xmemdup(m->head, offsetof(struct http_head, h) +
	    m->head->n * sizeof(m->head->h[0]));
	struct text bytes = { 0 };

	if (edit_fields(own, edit, n)) {
		free(m->head);
		m->head = http_copy(own, &bytes);
		text_free(&m->bytes);
		m->bytes = bytes;
	}
	free(own);
}

/* The client's request had another method, for which the answer is framed. */
static int
is_reframed(const struct h2_half *h)
{
	return h->dir == DIR_DOWN && asked_head(h) != h->s->to_head;
}

static int
h2_pass(void *conn, enum flow_dir dir)
{
	struct h2_half *h = half_of(conn, dir);
	struct http_message *m = message_of(h);

	if (h->mode != H2_HOLD || is_reframed(h))
		return 0;
	h->mode = H2_PASS;
	message_forget(m);
	h2_show(h);
	h->say_length = m->head->length;
	if (h2_send_head(h, m->head) != 0)
		h->lost = 1;
	go(h);
	return 1;
}

static void
h2_take(void *conn, enum flow_dir dir)
{
	struct h2_half *h = half_of(conn, dir);

	if (h->mode != H2_HOLD)
		return;
	h->mode = H2_TAKE;
	h2_news(h);
}

static void
h2_drop(void *conn, enum flow_dir dir)
{
	struct h2_half *h = half_of(conn, dir);

	if (h->mode == H2_PASS)
		return;
	h->mode = H2_DROP;
	message_forget(message_of(h));
	h2_show(h);
	h2_news(h);
}

/* Its framing: see framing_of() in h1.c. */
static void
frame(struct h2_half *h, const struct http_head *m, int body, int64_t length)
{
	int none = m->response && http1_has_no_body(m, asked_head(h));

	h->bodiless = none || !body;
	h->left = -1;
	if (none)
		h->say_length = m->status >= 200 && m->status != 204 ?
		    m->length : -1;
	else if (!body)
		h->say_length = m->length >= 0 ? 0 : -1;
	else
		h->say_length = h->left = length;
	if (h->tunnel) {
		h->bodiless = 0;
		h->say_length = -1;
	}
}

static int
h2_head(void *conn, enum flow_dir dir, const struct http_head *m, int body,
    int64_t length, unsigned flags)
{
	struct h2_half *h = half_of(conn, dir);
	int rv;

	frame(h, m, body, length);
	h->say_changed = (flags & HTTP_CHANGED) != 0;
	if (flags & HTTP_REVOCABLE) {
		h2_keep_head(h, m);
		h->held = 1;
		return 0;
	}
	if ((rv = h2_send_head(h, m)) != 0)
		return rv;
	go(h);
	return 0;
}

static size_t
room_of(const struct h2_half *h)
{
	return h->out.len < OUT_MAX ? OUT_MAX - h->out.len : 0;
}

/* See last_of() in h1.c. */
static size_t
last_of(const struct h2_half *h, size_t len)
{
	if (h->left < 0 || len != (uint64_t)h->left)
		return 0;
	return len < REVOCABLE_MOST ? len : REVOCABLE_MOST;
}

static size_t
h2_data(void *conn, enum flow_dir dir, const uint8_t *p, size_t len, int *bad)
{
	struct h2_half *h = half_of(conn, dir);
	size_t last;

	*bad = h->left >= 0 && len > (uint64_t)h->left;
	if (len == 0 || *bad)
		return 0;
	if (h->bodiless) {
		go(h);
		return len;
	}
	if (len > room_of(h))
		len = room_of(h);
	last = last_of(h, len);
	if (h2_queue_add(&h->out, p, len) != 0) {
		h->lost = 1;
		h2_mark(h->s);
		return 0;
	}
	if (h->left >= 0)
		h->left -= (int64_t)len;
	h->revocable = last;
	if (last < len)
		go(h);
	return len;
}

static int
h2_end(void *conn, enum flow_dir dir, const struct text *trailers)
{
	struct h2_half *h = half_of(conn, dir);

	message_of(h)->sent = 1;
	if (h->tunnel) {
		h->mode = H2_PASS;
		go(h);
		return 0;
	}
	if (h->left > 0)
		return ERR_SHORT;
	h->out_end = 1;
	h->revocable = 0;
	if (trailers != NULL && !h->bodiless)
		text_add(&h->trailers, trailers->s, trailers->len);
	go(h);
	return 0;
}

/* A text of ours: its head's fields, but those of the connection. Returns the
 * length of its body. */
static size_t
put_page(struct h2_half *h, const char *page, size_t len)
{
	struct http_text *t = xcalloc(1, sizeof(*t));
	size_t n = 0;

	if (http_response(t, page, len) == 0) {
		frame(h, &t->head, 1, (int64_t)(len - t->len));
		n = h->bodiless ? 0 : len - t->len;
		if (h2_queue_add(&h->out, (const uint8_t *)page + t->len,
		    n) != 0)
			h->lost = 1;
		h->out_end = 1;	/* the head may be all */
		if (h2_send_head(h, &t->head) != 0)
			h->lost = 1;
	}
	free(t);
	return n;
}

static uint64_t
h2_page(void *conn, const char *page, size_t len)
{
	struct h2_half *h = half_of(conn, DIR_DOWN);

	h2_queue_free(&h->out);
	h->revocable = 0;
	h->mode = H2_DROP;
	message_forget(message_of(h));
	h2_queue_free(&h->in);
	h->shown = 0;
	if (h->s->id[DIR_DOWN] == 0)	/* and none will be opened */
		h2_stream_enough(h->s);
	h2_rst(h->s, DIR_DOWN, NGHTTP2_CANCEL);
	h->say_changed = 0;
	len = put_page(h, page, len);
	h->left = 0;
	message_of(h)->sent = 1;
	go(h);
	return len;
}

static void
h2_go_ahead(void *conn)
{
	struct h2_stream *s = conn;
	nghttp2_nv status = { (uint8_t *)":status", (uint8_t *)"100", 7, 3,
	    NGHTTP2_NV_FLAG_NONE };

	nghttp2_submit_headers(s->h2->side[DIR_UP].ng, NGHTTP2_FLAG_NONE,
	    s->id[DIR_UP], NULL, &status, 1, NULL);
	h2_mark(s);
}

static void
h2_revoke(void *conn, enum flow_dir dir)
{
	struct h2_half *h = half_of(conn, dir);

	if (h->held) {
		free(h->head);
		h->head = NULL;
		text_free(&h->head_bytes);
		h->held = 0;
	}
	h2_queue_cut(&h->out, h->revocable);
	h->revocable = 0;
}

static int
h2_commit(void *conn, enum flow_dir dir)
{
	struct h2_half *h = half_of(conn, dir);

	if (h->left != 0 || h->revocable == 0)
		return 0;
	message_of(h)->began = 1;
	return 1;
}

/* Behind an interim response. */
static void
h2_again(void *conn, enum flow_dir dir)
{
	struct h2_half *h = half_of(conn, dir);

	h->mode = H2_HOLD;
	h->ended = h->cut = h->interim = h->tunnel = 0;
	h->came = 0;
	h->length = -1;
}

static int
h2_has_room(void *conn, enum flow_dir dir)
{
	return room_of(half_of(conn, dir)) > 0;
}

/* What is read leaves the flow at once, so it never takes the room. */
static int
h2_is_blocked(void *conn, enum flow_dir dir)
{
	return 0;
}

const struct http_codec h2_codec = {
	.edit = h2_edit,
	.pass = h2_pass,
	.take = h2_take,
	.drop = h2_drop,
	.head = h2_head,
	.data = h2_data,
	.end = h2_end,
	.page = h2_page,
	.go_ahead = h2_go_ahead,
	.revoke = h2_revoke,
	.commit = h2_commit,
	.again = h2_again,
	.room = h2_has_room,
	.blocked = h2_is_blocked,
};
