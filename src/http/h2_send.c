/*
 * Heads of HTTP/2 that go on: a request opens a stream at the server, as soon
 * as that takes one more, and a response answers on the client's.
 */
#include <stdlib.h>
#include <string.h>

#include "http/h2_inner.h"
#include "util/clock.h"
#include "util/err.h"

/* Nothing follows the head. */
static int
is_all(const struct h2_half *h)
{
	if (h->bodiless)
		return 1;
	if (h->mode != H2_PASS)
		return h->out_end && h->out.len == 0 && h->trailers.len == 0;
	return h->ended && h2_is_dry(h) && (h->tunnel ||
	    h->s->x->msg[h->dir].trailers.len == 0);
}

static int
submit_request(struct h2_half *h, const struct h2_lines *lines)
{
	struct h2_stream *s = h->s;
	struct h2_side *side = h2_to(h);

	s->id[DIR_DOWN] = nghttp2_submit_request(side->ng, NULL, lines->v,
	    lines->n, is_all(h) ? NULL : &h2_content, s);
	if (s->id[DIR_DOWN] < 0) {
		s->id[DIR_DOWN] = 0;
		s->refused = 1;
		h2_mark(s);
		return ERR_LIMIT;
	}
	side->open++;
	return 0;
}

static int
submit_response(struct h2_half *h, const struct http_head *head,
    const struct h2_lines *lines)
{
	nghttp2_session *ng = h2_to(h)->ng;
	int32_t id = h->s->id[DIR_UP];

	if (head->status < 200)
		return nghttp2_submit_headers(ng, NGHTTP2_FLAG_NONE, id, NULL,
		    lines->v, lines->n, NULL);
	return nghttp2_submit_response(ng, id, lines->v, lines->n, is_all(h) ?
	    NULL : &h2_content);
}

static int
submit(struct h2_half *h, const struct http_head *head)
{
	const struct http_head *asked = h->s->x->msg[DIR_UP].head;
	struct h2_lines lines;
	struct h2_say say = {
		.scheme = slice_eq(asked->scheme, "http") ? "http" : "https",
		.authority = asked->authority,
		.length = h->say_length,
		.changed = h->say_changed,
		.came = h->dir == DIR_UP ? asked : NULL
	};
	int rv;

	if ((rv = h2_lines(&lines, head, &say)) != 0)
		return rv;
	if (h->dir == DIR_UP) {
		h->s->to_head = slice_eq(head->method, "HEAD");
		rv = submit_request(h, &lines);
	} else
		rv = submit_response(h, head, &lines);
	h->gone = rv == 0 && (h->dir == DIR_UP || head->status >= 200);
	h->moved = clock_coarse_ms();
	h2_lines_free(&lines);
	if (rv != 0)
		h->lost = 1;
	return 0;
}

/* Whether the server takes one more stream. */
static int
is_admitted(const struct h2 *h2)
{
	const struct h2_side *side = &h2->side[DIR_DOWN];

	return TAILQ_EMPTY(&h2->waiting) && side->open <
	    nghttp2_session_get_remote_settings(side->ng,
	    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void
h2_keep_head(struct h2_half *h, const struct http_head *head)
{
	h->head = http_copy(head, &h->head_bytes);
}

static void
wait_in_line(struct h2_stream *s)
{
	s->waits = 1;
	TAILQ_INSERT_TAIL(&s->h2->waiting, s, wait);
}

int
h2_send_head(struct h2_half *h, const struct http_head *head)
{
	if (h->dir == DIR_DOWN || is_admitted(h->s->h2))
		return submit(h, head);
	h2_keep_head(h, head);
	wait_in_line(h->s);
	return 0;
}

int
h2_send_kept(struct h2_half *h)
{
	struct http_head *head = h->head;
	int rv;

	if (head == NULL || (h->dir == DIR_UP && h->s->waits))
		return 0;
	if (h->dir == DIR_UP && !is_admitted(h->s->h2)) {
		wait_in_line(h->s);
		return 0;
	}
	h->head = NULL;
	rv = submit(h, head);
	free(head);
	text_free(&h->head_bytes);
	return rv;
}

void
h2_admit(struct h2 *h2)
{
	struct h2_list line;
	struct h2_stream *s;

	TAILQ_INIT(&line);
	TAILQ_CONCAT(&line, &h2->waiting, wait);
	while ((s = TAILQ_FIRST(&line)) != NULL && is_admitted(h2)) {
		TAILQ_REMOVE(&line, s, wait);
		s->waits = 0;
		if (h2_send_kept(&s->half[DIR_UP]) != 0)
			s->half[DIR_UP].lost = 1;
		h2_mark(s);
	}
	TAILQ_CONCAT(&h2->waiting, &line, wait);
}
