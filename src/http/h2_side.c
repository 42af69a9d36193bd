/*
 * What HTTP/2 reads: nghttp2's calls about one peer's frames.
 */
#include <stdlib.h>
#include <string.h>

#include "http/h2_inner.h"
#include "util/err.h"
#include "util/mem.h"

static struct h2_stream *
stream_of(const struct h2_side *side, int32_t id)
{
	return nghttp2_session_get_stream_user_data(side->ng, id);
}

static int
frame_begins(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *arg)
{
	return 0;
}

/* What a block of fields is, by what came before it on its stream. */
static enum h2_kind
kind_of(const struct h2_side *side, const nghttp2_frame *frame)
{
	const struct h2_stream *s = stream_of(side, frame->hd.stream_id);

	if (s == NULL)
		return H2_REQUEST;
	if (s->x != NULL && s->x->msg[side->dir].head == NULL)
		return H2_RESPONSE;
	return H2_TRAILERS;
}

static int
head_begins(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct h2_side *side = arg;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	h2_head_again(side->head, kind_of(side, frame));
	side->head_error = 0;
	return 0;
}

static int
head_line(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
    void *arg)
{
	struct h2_side *side = arg;

	if (side->head_error == 0)
		side->head_error = h2_head_add(side->head, slice_of(name,
		    name_len), slice_of(value, len),
		    (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
	return 0;
}

/* A head that cannot be read is a fault of its stream. */
static void
head_bad(struct h2_side *side, int32_t id, int rv)
{
	struct h2_stream *s = stream_of(side, id);
	uint32_t code = rv == ERR_LIMIT ? NGHTTP2_ENHANCE_YOUR_CALM :
	    NGHTTP2_PROTOCOL_ERROR;

	nghttp2_submit_rst_stream(side->ng, NGHTTP2_FLAG_NONE, id, code);
	if (s != NULL)
		h2_stream_stop(s, code, rv == ERR_LIMIT ?
		    "the head is too large" : "the head is malformed");
}

static void
request(struct h2_side *side, int32_t id, struct http_head *head,
    struct text *bytes, int ended)
{
	struct h2 *h2 = side->h2;
	struct h2_stream *s;
	struct exchange *x;

	if (h2->draining || h2->n >= 2 * H2_STREAMS) {
		nghttp2_submit_rst_stream(side->ng, NGHTTP2_FLAG_NONE, id,
		    NGHTTP2_REFUSED_STREAM);
		free(head);
		text_free(bytes);
		return;
	}
	s = h2_stream_new(side, id);
	x = h2->user->begin(h2->arg, s);
	s->x = x;
	x->codec = &h2_codec;
	x->conn = s;
	x->msg[DIR_UP].head = head;
	x->msg[DIR_UP].bytes = *bytes;
	h2_stream_head(&s->half[DIR_UP], ended);
}

static void
response(struct h2_stream *s, struct http_head *head, struct text *bytes,
    int ended)
{
	struct http_message *m = &s->x->msg[DIR_DOWN];

	m->head = head;
	text_free(&m->bytes);
	m->bytes = *bytes;
	h2_stream_head(&s->half[DIR_DOWN], ended);
}

static void
trailers(struct h2_half *h, struct text *lines, int ended)
{
	struct http_message *m = &h->s->x->msg[h->dir];

	text_free(&m->trailers);
	m->trailers = *lines;
	if (!ended || h->tunnel || h->ended)
		h2_stream_stop(h->s, NGHTTP2_PROTOCOL_ERROR,
		    "fields out of place");
	else
		h2_stream_end(h);
}

static void
head_ends(struct h2_side *side, const nghttp2_frame *frame)
{
	enum h2_kind kind = kind_of(side, frame);
	struct h2_stream *s = stream_of(side, frame->hd.stream_id);
	int ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct http_head *head = NULL;
	struct text bytes = { 0 };
	int rv = side->head_error;

	if (kind != H2_REQUEST && (s->x == NULL || s->reset))
		return;
	if (rv == 0)
		rv = h2_head_end(side->head, &head, &bytes);
	if (rv != 0)
		head_bad(side, frame->hd.stream_id, rv);
	else if (kind == H2_REQUEST)
		request(side, frame->hd.stream_id, head, &bytes, ended);
	else if (kind == H2_RESPONSE)
		response(s, head, &bytes, ended);
	else
		trailers(&s->half[side->dir], &bytes, ended);
}

static int
frame_came(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct h2_side *side = arg;
	struct h2_stream *s;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		h2_lent(side->h2);
		head_ends(side, frame);
		break;
	case NGHTTP2_DATA:
		s = stream_of(side, frame->hd.stream_id);
		if (s != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			h2_stream_end(&s->half[side->dir]);
		break;
	case NGHTTP2_SETTINGS:
		if (side->dir == DIR_DOWN)
			h2_admit(side->h2);
		break;
	case NGHTTP2_GOAWAY:
		side->leaving = 1;
		side->h2->draining = 1;
		break;
	}
	return 0;
}

static int
content_came(nghttp2_session *ng, uint8_t flags, int32_t id,
    const uint8_t *p, size_t len, void *arg)
{
	struct h2_side *side = arg;
	struct h2_stream *s = stream_of(side, id);

	nghttp2_session_consume_connection(ng, len);
	if (s != NULL)
		h2_stream_data(&s->half[side->dir], p, len);
	return 0;
}

static int
stream_closes(nghttp2_session *ng, int32_t id, uint32_t code, void *arg)
{
	struct h2_side *side = arg;
	struct h2_stream *s = stream_of(side, id);

	if (s == NULL)
		return 0;
	if (side->dir == DIR_DOWN)
		side->open--;
	h2_stream_closed(s, side->dir, code);
	return 0;
}

static nghttp2_session_callbacks *
calls_new(void)
{
	nghttp2_session_callbacks *calls;

	if (nghttp2_session_callbacks_new(&calls) != 0)
		abort();
	h2_write_calls(calls);
	nghttp2_session_callbacks_set_on_begin_frame_callback(calls,
	    frame_begins);
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls,
	    head_begins);
	nghttp2_session_callbacks_set_on_header_callback(calls, head_line);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls,
	    frame_came);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls,
	    content_came);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls,
	    stream_closes);
	return calls;
}

static nghttp2_option *
option_new(int server)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		abort();
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_http_messaging(o, 1);	/* h2_head's matter */
	nghttp2_option_set_no_closed_streams(o, 1);
	return o;
}

static void
greet(struct h2_side *side)
{
	nghttp2_settings_entry set[] = {
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		    (uint32_t)side->h2->head_max },
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	if (side->dir == DIR_DOWN)	/* of pushed streams: none */
		set[2] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_ENABLE_PUSH, 0 };
	nghttp2_submit_settings(side->ng, NGHTTP2_FLAG_NONE, set,
	    NELEM(set));
	nghttp2_session_set_local_window_size(side->ng, NGHTTP2_FLAG_NONE, 0,
	    H2_WINDOW_ALL);
}

void
h2_side_open(struct h2_side *side, struct h2 *h2, enum flow_dir dir)
{
	nghttp2_session_callbacks *calls = calls_new();
	nghttp2_option *o = option_new(dir == DIR_UP);
	int rv;

	side->h2 = h2;
	side->dir = dir;
	side->head = h2_head_new(H2_REQUEST, h2->head_max);
	rv = dir == DIR_UP ?
	    nghttp2_session_server_new2(&side->ng, calls, side, o) :
	    nghttp2_session_client_new2(&side->ng, calls, side, o);
	if (rv != 0)
		abort();
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(calls);
	greet(side);
}

void
h2_side_close(struct h2_side *side)
{
	nghttp2_session_del(side->ng);
	h2_head_free(side->head);
}
