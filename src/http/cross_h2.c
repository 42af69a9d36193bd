/*
 * The face of the crossing that speaks HTTP/2: to the client as a server, or to
 * the server as a client (by libnghttp2).
 */
#include <stdlib.h>
#include <string.h>

#include "http/cross_inner.h"
#include "http/h2_lines.h"
#include "http/h2_session.h"
#include "util/err.h"
#include "util/mem.h"

#define INTERIMS	100	/* they queue at a client that does not read */

static struct cross_x *
x_of(const struct cross *c, int32_t id)
{
	return nghttp2_session_get_stream_user_data(c->ng, id);
}

/* It cannot go on: the sender of the frames is told so. */
static void
cut(struct cross_x *x, uint32_t code)
{
	x->cut = 1;
	cross_reset(x, code);
}

static enum h2_kind
kind_of(const struct cross *c, const nghttp2_frame *frame)
{
	const struct cross_x *x = x_of(c, frame->hd.stream_id);

	if (c->to == CROSS_TO_1)
		return x == NULL ? H2_REQUEST : H2_TRAILERS;
	return x == NULL || x->head == NULL ? H2_RESPONSE : H2_TRAILERS;
}

static int
frame_begins(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *arg)
{
	struct cross *c = arg;

	return h2_meter_frame(&c->meter, ng, hd) ?
	    NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int
head_begins(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct cross *c = arg;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	h2_head_again(c->lines, kind_of(c, frame));
	return 0;
}

static int
head_line(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
    void *arg)
{
	struct cross *c = arg;

	/* An error shows at the end. */
	h2_head_add(c->lines, slice_of(name, name_len), slice_of(value, len),
	    (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
	return 0;
}

static void
rst(struct cross *c, int32_t id, uint32_t code)
{
	nghttp2_submit_rst_stream(c->ng, NGHTTP2_FLAG_NONE, id, code);
}

/* A request of the client's, which waits for its turn. */
static void
request(struct cross *c, int32_t id, struct http_head *head,
    struct text *bytes, int ended)
{
	struct cross_x *x;

	if (slice_eq(head->method, "CONNECT") &&
	    !slice_is(head->protocol, "websocket")) {
		rst(c, id, NGHTTP2_HTTP_1_1_REQUIRED);
		free(head);
		text_free(bytes);
		return;
	}
	if ((x = cross_begin(c, id, head, bytes)) == NULL) {
		rst(c, id, NGHTTP2_REFUSED_STREAM);
		return;
	}
	x->ended = ended != 0;
	if (head->protocol.len > 0)
		x->tunnel = CROSS_ASKED;
	TAILQ_INSERT_TAIL(&c->line, x, line);
	nghttp2_session_set_stream_user_data(c->ng, id, x);
}

/* A response of the server's. */
static void
response(struct cross_x *x, struct http_head *head, struct text *bytes,
    int ended)
{
	if (head->status < 200) {
		if (++x->interims > INTERIMS)
			h2_report(&x->c->meter, H2_EMPTY_FRAMES);
		if (ended || x->interims > INTERIMS)
			cut(x, NGHTTP2_PROTOCOL_ERROR);
		else
			cross_put_interim(x, head);
		free(head);
		text_free(bytes);
		return;
	}
	x->head = head;
	x->head_bytes = *bytes;
	x->ended = ended != 0;
	if (x->tunnel == CROSS_ASKED) {
		cross_ws_answered_2(x, head);
		cross_h2_more(x);
	}
	if (cross_charge(x, head, bytes) != 0)
		cut(x, NGHTTP2_INTERNAL_ERROR);
}

static void
trailers(struct cross_x *x, struct text *lines, int ended)
{
	text_free(&x->in_trailers);
	x->in_trailers = *lines;
	if (!ended || x->ended)
		cut(x, NGHTTP2_PROTOCOL_ERROR);
	else
		x->ended = 1;
}

static void
head_ends(struct cross *c, const nghttp2_frame *frame)
{
	enum h2_kind kind = kind_of(c, frame);
	struct cross_x *x = x_of(c, frame->hd.stream_id);
	int ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct http_head *head = NULL;
	struct text bytes = { 0 };
	int rv;

	if (kind != H2_REQUEST && (x == NULL || x->cut))
		return;
	rv = h2_head_end(c->lines, &head, &bytes);
	if (rv == ERR_LIMIT)
		h2_report(&c->meter, H2_HPACK_BOMB);
	if (rv != 0 && x != NULL)
		cut(x, NGHTTP2_PROTOCOL_ERROR);
	else if (rv != 0)
		rst(c, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
	else if (kind == H2_REQUEST)
		request(c, frame->hd.stream_id, head, &bytes, ended);
	else if (kind == H2_RESPONSE)
		response(x, head, &bytes, ended);
	else
		trailers(x, &bytes, ended);
}

static int
frame_came(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct cross *c = arg;
	struct cross_x *x;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		head_ends(c, frame);
		break;
	case NGHTTP2_DATA:
		x = x_of(c, frame->hd.stream_id);
		if (x != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			x->ended = 1;
		break;
	case NGHTTP2_SETTINGS:
		c->settled = 1;
		break;
	case NGHTTP2_GOAWAY:
		c->closing = 1;
		break;
	}
	return 0;
}

static int
content_came(nghttp2_session *ng, uint8_t flags, int32_t id,
    const uint8_t *p, size_t len, void *arg)
{
	struct cross *c = arg;
	struct cross_x *x = x_of(c, id);

	nghttp2_session_consume_connection(ng, len);
	h2_worked(&c->meter);
	if (x == NULL || x->cut || c->over) {
		nghttp2_session_consume_stream(ng, id, len);
		return 0;
	}
	if (c->to == CROSS_TO_2 && x->head == NULL)
		cut(x, NGHTTP2_PROTOCOL_ERROR);
	else if (h2_queue_add(&x->in, p, len) != 0)
		cut(x, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

static int
stream_closes(nghttp2_session *ng, int32_t id, uint32_t code, void *arg)
{
	struct cross *c = arg;
	struct cross_x *x = x_of(c, id);

	if (x == NULL)
		return 0;
	x->closed = 1;
	if (!x->ended)
		x->cut = 1;
	else if (x->sent)
		h2_ended_well(&c->meter);
	if (x == c->now)
		return 0;
	TAILQ_REMOVE(&c->line, x, line);
	cross_free_x(x);
	return 0;
}

static int
frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
	struct cross *c = arg;
	struct cross_x *x;

	h2_meter_sent(&c->meter, frame);
	if ((frame->hd.type != NGHTTP2_DATA &&
	    frame->hd.type != NGHTTP2_HEADERS) ||
	    !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	if ((x = x_of(c, frame->hd.stream_id)) != NULL)
		x->sent = 1;
	return 0;
}

static void
send_trailers(struct cross_x *x, uint32_t *flags)
{
	struct h2_lines lines;

	h2_lines_trailers(&lines, &x->out_trailers);
	if (lines.n > 0) {
		nghttp2_submit_trailer(x->c->ng, x->id, lines.v, lines.n);
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	}
	h2_lines_free(&lines);
}

static ssize_t
read_content(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct cross_x *x = x_of(arg, id);

	if (x == NULL || x->torn || x->drop)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (x->out.len == 0 && !x->read) {
		x->idle = 1;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (len > x->out.len)
		len = x->out.len;
	h2_flowed(&x->c->meter, len, x->out.len);
	if (len > 0) {
		h2_worked(&x->c->meter);
		memcpy(buf, x->out.buf + x->out.off, len);
		h2_queue_drop(&x->out, len);
	}
	if (x->out.len == 0 && x->read) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (x->out_trailers.len > 0)
			send_trailers(x, flags);
	}
	return (ssize_t)len;
}

static const nghttp2_data_provider content = { .read_callback = read_content };

static int
submit(struct cross_x *x, const struct http_head *m,
    const struct h2_lines *lines, const nghttp2_data_provider *body)
{
	nghttp2_session *ng = x->c->ng;

	if (m->response && m->status < 200)
		return nghttp2_submit_headers(ng, NGHTTP2_FLAG_NONE, x->id,
		    NULL, lines->v, lines->n, NULL);
	if (m->response)
		return nghttp2_submit_response(ng, x->id, lines->v, lines->n,
		    body);
	x->id = nghttp2_submit_request(ng, NULL, lines->v, lines->n, body, x);
	return x->id < 0 ? ERR_LIMIT : 0;
}

int
cross_h2_head(struct cross_x *x, const struct http_head *m, int body,
    int64_t length)
{
	const struct h2_say say = {
		.scheme = "https",
		.authority = x->asked->authority,
		.length = length,
	};
	struct h2_lines lines;
	int rv;

	if ((rv = h2_lines(&lines, m, &say)) != 0)
		return rv;
	rv = submit(x, m, &lines, body ? &content : NULL);
	h2_lines_free(&lines);
	if (x->id < 0)
		x->id = 0;
	return rv == 0 ? 0 : ERR_FORMAT;
}

void
cross_h2_more(struct cross_x *x)
{
	if (x->idle && !x->closed)
		nghttp2_session_resume_data(x->c->ng, x->id);
	x->idle = 0;
}

static nghttp2_session_callbacks *
calls_new(void)
{
	nghttp2_session_callbacks *calls;

	if (nghttp2_session_callbacks_new(&calls) != 0)
		abort();
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
	nghttp2_session_callbacks_set_on_frame_send_callback(calls,
	    frame_sent);
	return calls;
}

/* To the client: one stream at once. To the server: nothing pushed. */
static void
greet(struct cross *c)
{
	const nghttp2_settings_entry to_client[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
	}, to_server[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		    (uint32_t)c->head_max },
	};

	if (c->to == CROSS_TO_1)
		nghttp2_submit_settings(c->ng, NGHTTP2_FLAG_NONE, to_client,
		    NELEM(to_client));
	else
		nghttp2_submit_settings(c->ng, NGHTTP2_FLAG_NONE, to_server,
		    NELEM(to_server));
	nghttp2_session_set_local_window_size(c->ng, NGHTTP2_FLAG_NONE, 0,
	    H2_WINDOW_ALL);
}

void
cross_h2_open(struct cross *c)
{
	nghttp2_session_callbacks *calls = calls_new();
	nghttp2_option *o = h2_option_new(c->head_max);
	int rv;

	nghttp2_option_set_max_send_header_block_length(o, 2 * c->head_max +
	    H2_FRAME_MAX);
	c->lines = h2_head_new(H2_REQUEST, c->head_max);
	rv = c->to == CROSS_TO_1 ?
	    nghttp2_session_server_new2(&c->ng, calls, c, o) :
	    nghttp2_session_client_new2(&c->ng, calls, c, o);
	if (rv != 0)
		abort();
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(calls);
	greet(c);
}

void
cross_h2_close(struct cross *c)
{
	nghttp2_session_del(c->ng);
	h2_head_free(c->lines);
	h2_queue_free(&c->frames);
}

/* Who speaks HTTP/2 has broken it, or does it too much. */
static void
fail(struct cross *c)
{
	if (c->to == CROSS_TO_1 || c->now == NULL)
		cross_leave(c, 1);
	else if (c->now->ended)
		c->closing = 1;
	else
		c->now->cut = 1;
}

void
cross_h2_read(struct cross *c, const uint8_t *p, size_t n)
{
	ssize_t rv;

	if (c->meter.failed)
		return;
	if ((rv = nghttp2_session_mem_recv(c->ng, p, n)) < 0)
		h2_meter_error(&c->meter, (int)rv);
	if (c->meter.failed)
		fail(c);
}

/* What is packed is nghttp2's only until the next: it is copied. */
size_t
cross_h2_pack(struct cross *c)
{
	const uint8_t *p;
	ssize_t len;

	while (c->frames.len < H2_FRAME_MAX &&
	    (len = nghttp2_session_mem_send(c->ng, &p)) > 0)
		if (h2_queue_add(&c->frames, p, (size_t)len) != 0) {
			cross_leave(c, 1);
			break;
		}
	if (c->meter.failed)
		fail(c);
	return c->frames.len;
}

int
cross_h2_waits(const struct cross *c)
{
	return c->frames.len > 0 || nghttp2_session_want_write(c->ng);
}
