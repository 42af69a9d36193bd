/*
 * What HTTP/2 reads: nghttp2's calls about one peer's frames.
 */
#include <stdlib.h>
#include <string.h>

#include "http/h2_inner.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define HEAD_KEEP	4096	/* the memory of a longer head is given back */

static struct h2_stream *
stream_of(const struct h2_side *side, int32_t id)
{
	return nghttp2_session_get_stream_user_data(side->ng, id);
}

/* What is kept of a head before it is whole. */
static void
head_is_long(struct h2_side *side)
{
	size_t n = 2 * side->h2->head_max;

	if (side->charged > 0 || h2_head_why(side->head) != NULL)
		return;
	if (budget_take(BUDGET_BUFFERS, n, 1) == 0)
		side->charged = n;
	else
		h2_head_drop(side->head);
}

static int
frame_begins(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *arg)
{
	struct h2_side *side = arg;

	if (h2_meter_frame(&side->meter, ng, hd))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (hd->type == NGHTTP2_CONTINUATION)
		head_is_long(side);
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
	return 0;
}

static int
head_line(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
    void *arg)
{
	struct h2_side *side = arg;

	/* An error shows at the end. */
	h2_head_add(side->head, slice_of(name, name_len), slice_of(value, len),
	    (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
	return 0;
}

static void
rst(struct h2_side *side, int32_t id, uint32_t code)
{
	nghttp2_submit_rst_stream(side->ng, NGHTTP2_FLAG_NONE, id, code);
}

/* A request whose head is too large, and that is not kept (RFC 6585, 5). */
static void
answer_431(struct h2_side *side, int32_t id, int ended)
{
	nghttp2_nv status = { (uint8_t *)":status", (uint8_t *)"431", 7, 3,
	    NGHTTP2_NV_FLAG_NONE };

	nghttp2_submit_response(side->ng, id, &status, 1, NULL);
	if (!ended)
		rst(side, id, NGHTTP2_NO_ERROR);
}

/* A head that cannot be read is a fault of its stream. */
static void
head_bad(struct h2_side *side, int32_t id, int rv, int ended)
{
	struct h2_stream *s = stream_of(side, id);
	uint32_t code = rv == ERR_LIMIT ? NGHTTP2_ENHANCE_YOUR_CALM :
	    rv == ERR_MEM ? NGHTTP2_REFUSED_STREAM : NGHTTP2_PROTOCOL_ERROR;

	if (rv == ERR_LIMIT)
		h2_report(&side->meter, H2_HPACK_BOMB);
	if (rv == ERR_LIMIT && s == NULL) {
		answer_431(side, id, ended);
		return;
	}
	rst(side, id, code);
	if (s != NULL)
		h2_stream_stop(s, code, rv == ERR_LIMIT ?
		    "the head is too large" : "the head is malformed");
}

/* Heads that are kept count in limits.memory, with nghttp2's copy to send. */
static int
charge(struct h2_stream *s, const struct http_head *head,
    const struct text *bytes)
{
	size_t n = 2 * bytes->cap + (head != NULL ? sizeof(*head) -
	    (HTTP_FIELDS - head->n) * sizeof(head->h[0]) : 0);

	if (budget_take(BUDGET_BUFFERS, n, 1) != 0)
		return ERR_MEM;
	s->charged += n;
	return 0;
}

/* Not 0: the code to reset it with, as it cannot be asked for. */
static uint32_t
is_unwelcome(const struct h2_side *side, const struct http_head *head)
{
	const struct h2 *h2 = side->h2;

	if (head->protocol.len > 0 && !side->connects)
		return NGHTTP2_PROTOCOL_ERROR;	/* RFC 8441, 3 */
	if (h2->draining || h2->n >= 2 * H2_STREAMS)
		return NGHTTP2_REFUSED_STREAM;
	return 0;
}

struct h2_stream *
h2_side_begin(struct h2_side *side, int32_t id, struct http_head *head,
    struct text *bytes)
{
	struct h2_stream *s = h2_stream_new(side, id);
	struct exchange *x;

	h2_priority_begin(s, head);
	if (charge(s, head, bytes) != 0)
		s->refused = 1;
	x = side->h2->user->begin(side->h2->arg, s);
	s->x = x;
	x->codec = &h2_codec;
	x->conn = s;
	x->msg[DIR_UP].head = head;
	x->msg[DIR_UP].bytes = *bytes;
	return s;
}

static void
request(struct h2_side *side, int32_t id, struct http_head *head,
    struct text *bytes, int ended)
{
	struct h2_stream *s;
	uint32_t code;

	if ((code = is_unwelcome(side, head)) != 0) {
		rst(side, id, code);
		free(head);
		text_free(bytes);
		return;
	}
	s = h2_side_begin(side, id, head, bytes);
	h2_stream_head(&s->half[DIR_UP], ended);
}

static void
response(struct h2_stream *s, struct http_head *head, struct text *bytes,
    int ended)
{
	struct http_message *m = &s->x->msg[DIR_DOWN];

	if (charge(s, head, bytes) != 0)
		s->half[DIR_DOWN].lost = 1;
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
	if (charge(h->s, NULL, lines) != 0)
		h->lost = 1;
	if (!ended || h->tunnel || h->ended)
		h2_stream_broke(h, "fields out of place");
	else
		h2_stream_end(h);
}

static void
head_done(struct h2_side *side, int long_one)
{
	budget_give(BUDGET_BUFFERS, side->charged);
	side->charged = 0;
	if (!long_one)
		return;
	h2_head_free(side->head);
	side->head = h2_head_new(H2_REQUEST, side->h2->head_max);
}

static void
head_ends(struct h2_side *side, const nghttp2_frame *frame)
{
	enum h2_kind kind = kind_of(side, frame);
	struct h2_stream *s = stream_of(side, frame->hd.stream_id);
	int ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct http_head *head = NULL;
	struct text bytes = { 0 };
	int rv;

	if (kind != H2_REQUEST && (s->x == NULL || s->reset))
		rv = ERR_EOF;
	else
		rv = h2_head_end(side->head, &head, &bytes);
	head_done(side, rv != 0 || bytes.len > HEAD_KEEP);
	if (rv == ERR_EOF)
		return;
	if (rv != 0)
		head_bad(side, frame->hd.stream_id, rv, ended);
	else if (kind == H2_REQUEST)
		request(side, frame->hd.stream_id, head, &bytes, ended);
	else if (kind == H2_RESPONSE)
		response(s, head, &bytes, ended);
	else
		trailers(&s->half[side->dir], &bytes, ended);
}

/* The server may take more at once, and WebSocket (RFC 8441). */
static void
server_settings(struct h2 *h2)
{
	static const nghttp2_settings_entry connects[] = {
	    { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 } };

	h2_admit(h2);
	if (h2->side[DIR_UP].connects ||
	    nghttp2_session_get_remote_settings(h2->side[DIR_DOWN].ng,
	    NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1 ||
	    (h2->user->extends != NULL && !h2->user->extends(h2->arg)))
		return;
	h2->side[DIR_UP].connects = 1;
	nghttp2_submit_settings(h2->side[DIR_UP].ng, NGHTTP2_FLAG_NONE,
	    connects, 1);
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
			server_settings(side->h2);
		break;
	case NGHTTP2_PRIORITY_UPDATE:
		h2_priority_update(side, frame->ext.payload);
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
	h2_worked(&side->meter);
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
	nghttp2_option *o = h2_option_new(h2->head_max);
	int rv;

	if (dir == DIR_UP)
		nghttp2_option_set_builtin_recv_extension_type(o,
		    NGHTTP2_PRIORITY_UPDATE);
	side->h2 = h2;
	side->dir = side->meter.dir = dir;
	side->meter.abuse = h2->user->abuse;
	side->meter.arg = h2->arg;
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
	budget_give(BUDGET_BUFFERS, side->charged);
	h2_head_free(side->head);
}
