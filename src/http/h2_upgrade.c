/*
 * A connection of HTTP/2 that began as one of HTTP/1, by an upgrade (RFC 7540,
 * 3.2). Its first stream was opened by the request of HTTP/1, which is not
 * read or written here any more: on both sides the requester's half is closed.
 */
#include "http/h2_inner.h"

/* What H2_UPGRADE says. Priorities cannot be changed later (RFC 9218, 2.1). */
static const uint8_t ours[] = {
	0, NGHTTP2_SETTINGS_ENABLE_PUSH, 0, 0, 0, 0,
	0, NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 0, 0, 0, 1
};

/* Both know stream 1. Settings that cannot be read are an error of the client's
 * connection. */
static void
sides_upgraded(struct h2 *h2, int to_head, const uint8_t *settings, size_t len)
{
	struct h2_side *up = &h2->side[DIR_UP], *down = &h2->side[DIR_DOWN];

	if (nghttp2_session_upgrade2(up->ng, settings, len, to_head,
	    NULL) != 0)
		h2_accuse(&up->meter, H2_PROTOCOL);
	if (nghttp2_session_upgrade2(down->ng, ours, sizeof(ours), to_head,
	    NULL) == 0)
		down->open++;
}

/* The request has been said, all of it. */
static void
request_over(struct h2_half *h)
{
	struct http_message *m = &h->s->x->msg[DIR_UP];

	h->length = 0;
	h->ended = h->gone = h->sent = h->bodiless = 1;
	m->began = m->sent = 1;
	message_end(m, 1);
}

struct exchange *
h2_upgraded(struct h2 *h2, const struct http_head *asked,
    const uint8_t *settings, size_t len)
{
	struct text bytes = { 0 };
	struct http_head *head = http_copy(asked, &bytes);
	int to_head = slice_eq(asked->method, "HEAD");
	struct h2_stream *s;

	sides_upgraded(h2, to_head, settings, len);
	head->version = 20;
	s = h2_side_begin(&h2->side[DIR_UP], 1, head, &bytes);
	s->id[DIR_DOWN] = 1;
	s->to_head = to_head != 0;
	nghttp2_session_set_stream_user_data(h2->side[DIR_DOWN].ng, 1, s);
	request_over(&s->half[DIR_UP]);
	return s->x;
}
