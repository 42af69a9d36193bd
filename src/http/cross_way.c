/*
 * The course of exchanges that cross: one at a time, and the end of all.
 */
#include <stddef.h>
#include <stdlib.h>

#include "codec/http1_write.h"
#include "http/cross_inner.h"
#include "http/page.h"
#include "util/budget.h"
#include "util/mem.h"

/* So much of an answer that nobody wants is read to keep its connection. */
#define DRAIN_MAX	(4 * 1024 * 1024)

int
cross_charge(struct cross_x *x, const struct http_head *head,
    const struct text *bytes)
{
	size_t n = bytes->cap + offsetof(struct http_head, h) +
	    head->n * sizeof(head->h[0]);
	int rv = budget_take(BUDGET_BUFFERS, n, 1);

	if (rv == 0)
		x->charged += n;
	return rv;
}

struct cross_x *
cross_begin(struct cross *c, int32_t id, struct http_head *head,
    struct text *bytes)
{
	struct cross_x *x = xcalloc(1, sizeof(*x));

	x->c = c;
	x->id = id;
	x->asked = head;
	x->asked_bytes = *bytes;
	if (cross_charge(x, head, bytes) == 0)
		return x;
	cross_free_x(x);
	return NULL;
}

void
cross_free_x(struct cross_x *x)
{
	if (x == NULL)
		return;
	free(x->asked);
	free(x->head);
	text_free(&x->asked_bytes);
	text_free(&x->head_bytes);
	text_free(&x->in_trailers);
	text_free(&x->out_trailers);
	text_free(&x->accept);
	h2_queue_free(&x->in);
	h2_queue_free(&x->out);
	budget_give(BUDGET_BUFFERS, x->charged);
	free(x);
}

void
cross_reset(struct cross_x *x, uint32_t code)
{
	if (x->closed || x->id == 0)
		return;
	nghttp2_submit_rst_stream(x->c->ng, NGHTTP2_FLAG_NONE, x->id, code);
}

void
cross_leave(struct cross *c, int torn)
{
	if (c->over)
		return;
	c->over = 1;
	c->torn = torn != 0;
	nghttp2_submit_goaway(c->ng, NGHTTP2_FLAG_NONE, c->last,
	    c->meter.code, NULL, 0);
	if (c->to == CROSS_TO_2)
		return;
	h2_queue_free(&c->out);
	if (c->now != NULL && c->now->begun && !c->now->read)
		cross_reset(c->now, NGHTTP2_INTERNAL_ERROR);
}

void
cross_put(struct cross *c, const void *p, size_t n)
{
	if (h2_queue_add(&c->out, p, n) != 0)
		cross_leave(c, 1);
}

void
cross_put_interim(struct cross_x *x, const struct http_head *m)
{
	const struct http1_out o = { .kind = HTTP1_NONE };
	const char *reason = page_reason(m->status);
	struct http_head *named;
	struct text t = { 0 };

	if (x->asked->version == 10)
		return;
	named = xmemdup(m, offsetof(struct http_head, h) +
	    m->n * sizeof(m->h[0]));
	named->reason = slice_of(reason, strlen(reason));
	if (http1_write(&t, named, &o) == 0)
		cross_put(x->c, t.s, t.len);
	text_free(&t);
	free(named);
}

/* The rest of its answer is so short that it is read for the connection. */
static int
is_short(const struct cross_x *x)
{
	const struct http1_body *b = &x->c->body;

	if (!x->written || !x->headed || x->dropped > DRAIN_MAX)
		return 0;
	return x->read || b->kind == HTTP1_CHUNKED ||
	    (b->kind == HTTP1_LENGTH && b->left <= DRAIN_MAX);
}

static void
let_drop(struct cross_x *x)
{
	x->drop = 1;
	h2_queue_free(&x->out);
}

/* The client's stream, and the server's HTTP/1. 1: it is over. */
static int
is_done_1(struct cross_x *x)
{
	struct cross *c = x->c;

	if (c->over && !x->begun)	/* GOAWAY says so */
		return 1;
	if (!x->closed) {
		/* The server has answered, and reads no more of the request. */
		if (x->sent && !x->ended)
			cross_reset(x, NGHTTP2_NO_ERROR);
		return 0;
	}
	if (!x->begun || c->over || (x->written && x->read))
		return 1;
	if (x->read && x->ended)	/* the server may yet read it */
		return 0;
	if (is_short(x)) {
		let_drop(x);
		return 0;
	}
	cross_leave(c, 1);
	return 1;
}

/* The client's HTTP/1, and the server's stream. */
static int
is_done_2(struct cross_x *x)
{
	struct cross *c = x->c;

	if (x->written && x->tunnel == CROSS_OPEN)	/* by the server */
		x->read = 1;
	if (x->written && !x->read && !c->over)
		let_drop(x);	/* the client may still be sending it */
	if (!(x->written && (x->read || c->over)) && !(c->over && c->torn))
		return 0;
	cross_reset(x, NGHTTP2_NO_ERROR);
	return 1;
}

static int
is_done(struct cross_x *x)
{
	return x->c->to == CROSS_TO_1 ? is_done_1(x) : is_done_2(x);
}

void
cross_settle(struct cross *c)
{
	struct cross_x *x;

	if ((x = c->now) != NULL && is_done(x)) {
		c->now = NULL;
		if (!x->closed && x->id != 0)
			nghttp2_session_set_stream_user_data(c->ng, x->id,
			    NULL);
		cross_free_x(x);
		if (c->closing)
			cross_leave(c, 0);
	}
	if (c->now != NULL || c->over)
		return;
	if ((x = TAILQ_FIRST(&c->line)) != NULL) {
		TAILQ_REMOVE(&c->line, x, line);
		c->now = x;
	}
}
