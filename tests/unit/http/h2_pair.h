/*
 * The codec of HTTP/2 between two peers in memory, both nghttp2's own: a
 * client, a server, two flows with a tap between them, and a user that does
 * with each message what a test says. For one file each.
 */
#ifndef H2_PAIR_H
#define H2_PAIR_H

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "http/h2.h"
#include "nv.h"
#include "test.h"
#include "util/mem.h"

enum deed {			/* of the user, with a message */
	PASS,
	HOLD,			/* until told otherwise */
	SEND,			/* take it, and send it again */
	REFUSE			/* a page in place of the answer */
};

struct seen {			/* what a peer got on one stream */
	int32_t		 id;
	struct text	 fields;	/* "name: value\n" of all heads */
	struct text	 body;
	int		 ended;
	int64_t		 reset;		/* code of RST_STREAM, or -1 */
	/* What it sends. */
	const char	*out;
	size_t		 out_len, out_off;
	const nghttp2_nv *trailers;
	int		 hold;		/* it does not end */
};

struct peer {
	nghttp2_session	*ng;
	enum flow_dir	 dir;		/* of what it sends */
	struct seen	 seen[256];
	size_t		 n;
	int64_t		 goaway;	/* its last id, or -1 */
	uint32_t	 goaway_code;
	int		 settings, acks, pings, connects;
	int		 answers;	/* a server: 200 with `out`, at once */
	const char	*out;
	size_t		 out_len;
	const nghttp2_nv *trailers;
	int		 shut;		/* it closed */
	int		 deaf;		/* it reads nothing for now */
	int		 opens;		/* both windows, at all content */
	int32_t		 priority_of;	/* PRIORITY_UPDATE */
	char		 priority[16];
};

struct user_stream {
	struct exchange	 x;
	struct h2_stream *s;
	uint64_t	 sent[2];
	int		 over, ended[2];
	const char	*why;
};

static struct pool		 pool;
static _Atomic uint64_t		 in_use;
static struct flow		 flow[2];
static struct taps		 row;
static struct tap		 tap;
static struct h2		*h2;
static struct peer		 client, server;
static struct user_stream	*us[4096];
static size_t			 nus;
static enum deed		 deed[2];	/* by direction */
static unsigned			 abuses[2][H2_ABUSE_MAX];

static void	pump_all(void);

/* The user. */

static void
us_silence(void *arg)
{
}

static void
us_wake(void *arg)
{
	struct user_stream *u = arg;

	h2_wake(u->s);
}

static void
us_broken(void *arg, const char *why)
{
	struct user_stream *u = arg;

	h2_reset(u->s, NGHTTP2_INTERNAL_ERROR);
}

static const struct exchange_user us_user = { us_silence, us_wake,
    us_broken };

static struct exchange *
user_begin(void *arg, struct h2_stream *s)
{
	struct user_stream *u = xcalloc(1, sizeof(*u));

	u->s = s;
	u->x.user = &us_user;
	u->x.arg = u;
	us[nus++] = u;
	return &u->x;
}

static void
do_deed(struct user_stream *u, enum flow_dir dir, enum deed what)
{
	struct exchange *x = &u->x;
	struct http_message *m = &x->msg[dir];

	if (what == HOLD) {
		m->body = spool_new(UINT64_MAX);
		m->max = 300000;
		exchange_set(x, dir, EXCHANGE_HELD);
		return;
	}
	if (what == REFUSE) {
		exchange_refuse(x, 403, "not this");
		return;
	}
	ck_assert_int_eq(exchange_set(x, dir, EXCHANGE_GOING), 0);
	if (what == PASS && x->codec->pass(x->conn, dir))
		return;
	x->codec->take(x->conn, dir);
	if (m->body == NULL && !m->ended)
		m->body = spool_new(UINT64_MAX);
	m->max = 300000;
	ck_assert_int_eq(x->codec->head(x->conn, dir, m->head,
	    m->body != NULL, m->head->length, 0), 0);
	u->ended[dir] = 1;	/* of the head */
}

static void
user_head(struct exchange *x, enum flow_dir dir)
{
	struct user_stream *u = x->arg;

	if (x->state[dir] != EXCHANGE_HEAD)
		return;
	do_deed(u, dir, dir == DIR_DOWN && x->msg[dir].head->status < 200 ?
	    PASS : deed[dir]);
}

/* What was taken is sent again. */
static void
send_again(struct user_stream *u, enum flow_dir dir)
{
	struct exchange *x = &u->x;
	struct http_message *m = &x->msg[dir];
	const uint8_t *p;
	size_t len, n;
	int bad;

	if (x->state[dir] != EXCHANGE_GOING || !u->ended[dir] || m->sent)
		return;
	while (m->body != NULL &&
	    spool_at(m->body, u->sent[dir], &p, &len) == 0) {
		n = x->codec->data(x->conn, dir, p, len, &bad);
		ck_assert_int_eq(bad, 0);
		if (n == 0)
			break;
		u->sent[dir] += n;
		spool_drop(m->body, u->sent[dir]);
	}
	m->max = u->sent[dir] + 300000;
	if (m->cut)
		exchange_break(x, "it broke off");
	else if (m->ended && (m->body == NULL ||
	    u->sent[dir] == spool_size(m->body)))
		ck_assert_int_eq(x->codec->end(x->conn, dir, &m->trailers), 0);
}

static void
user_more(struct exchange *x, enum flow_dir dir)
{
	struct user_stream *u = x->arg;
	const struct http_head *h = x->msg[dir].head;

	if (dir == DIR_DOWN && h != NULL && h->status < 200 &&
	    x->state[dir] == EXCHANGE_GOING) {
		exchange_again(x, dir);
		return;
	}
	send_again(u, dir);
}

static void
user_over(struct exchange *x, const char *why)
{
	struct user_stream *u = x->arg;

	ck_assert_int_eq(u->over, 0);
	u->over = 1;
	u->why = why;
	exchange_free(x);
	memset(&x->msg, 0, sizeof(x->msg));
}

static void
user_abuse(void *arg, enum flow_dir from, enum h2_abuse what)
{
	abuses[from][what]++;
}

static void
user_wake(void *arg)
{
}

static const struct h2_user user = { user_begin, user_head, user_more,
    user_over, user_abuse, user_wake };

/* The tap. */

static size_t
tap_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	h2_input(h2, dir, len, p);
	return 0;
}

static void
tap_room(void *state, enum flow_dir dir)
{
	h2_flush(h2, dir);
}

static int
tap_busy(void *state, enum flow_dir dir)
{
	return h2_busy(h2, dir);
}

static void
tap_eof(void *state, enum flow_dir dir)
{
	h2_eof(h2, dir);
}

static const struct tap_ops tap_ops = { .data = tap_data, .room = tap_room,
    .busy = tap_busy, .eof = tap_eof };

/* The peers. */

static struct seen *
seen_of(struct peer *p, int32_t id)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->seen[i].id == id)
			return &p->seen[i];
	ck_assert_uint_lt(p->n, NELEM(p->seen));
	memset(&p->seen[p->n], 0, sizeof(p->seen[0]));
	p->seen[p->n].id = id;
	p->seen[p->n].reset = -1;
	return &p->seen[p->n++];
}

static ssize_t
peer_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct seen *s = seen_of(arg, id);
	size_t n = s->out_len - s->out_off, i = 0;

	if (n == 0 && s->hold)
		return NGHTTP2_ERR_DEFERRED;
	if (n > len)
		n = len;
	memcpy(buf, s->out + s->out_off, n);
	s->out_off += n;
	if (s->out_off == s->out_len && !s->hold) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->trailers != NULL) {
			while (s->trailers[i].name != NULL)
				i++;
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			nghttp2_submit_trailer(ng, id, s->trailers, i);
		}
	}
	return (ssize_t)n;
}

static const nghttp2_data_provider provider = { .read_callback = peer_read };

static void
answer(int32_t id, const nghttp2_nv *nv, const char *out, size_t len)
{
	struct seen *s = seen_of(&server, id);

	s->out = out;
	s->out_len = len;
	s->trailers = server.trailers;
	ck_assert_int_eq(nghttp2_submit_response(server.ng, id, nv,
	    count(nv), out != NULL ? &provider : NULL), 0);
}

static const nghttp2_nv ok[] = { NV(":status", "200"), NV("x-a", "b"),
    NV_END };

static int
peer_frame(nghttp2_session *ng, const nghttp2_frame *f, void *arg)
{
	struct peer *p = arg;

	if (f->hd.type == NGHTTP2_SETTINGS) {
		if (f->hd.flags & NGHTTP2_FLAG_ACK)
			p->acks++;
		else
			p->settings++;
	}
	if (f->hd.type == NGHTTP2_PING)
		p->pings++;
	if (f->hd.type == NGHTTP2_GOAWAY) {
		p->goaway = f->goaway.last_stream_id;
		p->goaway_code = f->goaway.error_code;
	}
	if (f->hd.type == NGHTTP2_PRIORITY_UPDATE) {
		nghttp2_ext_priority_update *u = f->ext.payload;

		p->priority_of = u->stream_id;
		memcpy(p->priority, u->field_value, u->field_value_len);
	}
	if (f->hd.type == NGHTTP2_RST_STREAM)
		seen_of(p, f->hd.stream_id)->reset = f->rst_stream.error_code;
	if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    f->hd.flags & NGHTTP2_FLAG_END_STREAM)
		seen_of(p, f->hd.stream_id)->ended = 1;
	if (f->hd.type == NGHTTP2_HEADERS && p->answers &&
	    f->headers.cat == NGHTTP2_HCAT_REQUEST)
		answer(f->hd.stream_id, ok, p->out, p->out_len);
	return 0;
}

static int
peer_field(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name,
    size_t nlen, const uint8_t *value, size_t vlen, uint8_t flags, void *arg)
{
	text_printf(&seen_of(arg, f->hd.stream_id)->fields, "%.*s: %.*s\n",
	    (int)nlen, (const char *)name, (int)vlen, (const char *)value);
	return 0;
}

static int
peer_content(nghttp2_session *ng, uint8_t flags, int32_t id,
    const uint8_t *p, size_t len, void *arg)
{
	text_add(&seen_of(arg, id)->body, (const char *)p, len);
	if (((struct peer *)arg)->opens) {
		nghttp2_submit_window_update(ng, 0, 0, (int32_t)len);
		nghttp2_submit_window_update(ng, 0, id, (int32_t)len);
	}
	return 0;
}

static void
peer_open(struct peer *p, enum flow_dir dir)
{
	nghttp2_session_callbacks *c;
	nghttp2_option *o;

	memset(p, 0, sizeof(*p));
	p->dir = dir;
	p->goaway = -1;
	nghttp2_option_new(&o);
	nghttp2_option_set_no_http_messaging(o, 1);	/* we may be rude */
	nghttp2_option_set_max_send_header_block_length(o, 1 << 20);
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, peer_frame);
	nghttp2_session_callbacks_set_on_header_callback(c, peer_field);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c,
	    peer_content);
	if (dir == DIR_DOWN)
		nghttp2_option_set_builtin_recv_extension_type(o,
		    NGHTTP2_PRIORITY_UPDATE);
	if (dir == DIR_UP)
		nghttp2_session_client_new2(&p->ng, c, p, o);
	else
		nghttp2_session_server_new2(&p->ng, c, p, o);
	nghttp2_session_callbacks_del(c);
	nghttp2_option_del(o);
}

static void
peer_forget(struct peer *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		text_free(&p->seen[i].fields);
		text_free(&p->seen[i].body);
	}
	p->n = 0;
}

static void
peer_close(struct peer *p)
{
	nghttp2_session_del(p->ng);
	peer_forget(p);
}

/* One round of one flow. 1: something moved. */
static int
pump_one(struct peer *from, struct peer *to)
{
	struct flow *f = &flow[from->dir];
	const uint8_t *p, *q;
	size_t room, len;
	ssize_t n;
	uint8_t *at;
	int moved = 0;

	at = flow_room(f, &room);
	if (room >= 4096 + 32768 && !f->finished &&
	    (n = nghttp2_session_mem_send(from->ng, &p)) > 0) {
		ck_assert_uint_le((size_t)n, room);
		memcpy(at, p, (size_t)n);
		flow_filled(f, (size_t)n);
		moved = 1;
	} else if (from->shut && f->end_in != END_FIN) {
		f->end_in = END_FIN;
		moved = 1;
	}
	flow_offer(f);
	flow_wrote(f, 0);
	while (!to->deaf && (q = flow_ready(f, &len), len > 0)) {
		ck_assert_int_ge(nghttp2_session_mem_recv(to->ng, q, len), 0);
		flow_wrote(f, len);
		moved = 1;
	}
	return moved;
}

static void
pump_all(void)
{
	int i, more = 1;

	for (i = 0; i < 100000 && more; i++) {
		more = pump_one(&client, &server);
		more |= pump_one(&server, &client);
	}
	ck_assert_int_lt(i, 100000);
}

static inline void
put_raw(enum flow_dir dir, const void *data, size_t len)
{
	size_t room;
	uint8_t *at = flow_room(&flow[dir], &room);

	ck_assert_uint_ge(room, len);
	memcpy(at, data, len);
	flow_filled(&flow[dir], len);
	flow_offer(&flow[dir]);
}

static void
begin_with(const nghttp2_settings_entry *of_server, size_t n)
{
	int i;

	budget_limit(64 * 1024 * 1024);
	pool_init(&pool, &in_use);
	memset(flow, 0, sizeof(flow));
	memset(&row, 0, sizeof(row));
	memset(&tap, 0, sizeof(tap));
	memset(abuses, 0, sizeof(abuses));
	tap.ops = &tap_ops;
	tap.state = &tap;
	tap.row = &row;
	for (i = 0; i < 2; i++) {
		flow[i].wire.taps = &row;
		flow[i].pool = &pool;
		flow[i].dir = (enum flow_dir)i;
		row.first[i] = &tap;
	}
	nus = 0;
	deed[0] = deed[1] = PASS;
	h2 = h2_new(&tap, &flow[DIR_UP], &flow[DIR_DOWN], 65536, &user, NULL);
	peer_open(&client, DIR_UP);
	peer_open(&server, DIR_DOWN);
	nghttp2_submit_settings(client.ng, 0, NULL, 0);
	nghttp2_submit_settings(server.ng, 0, of_server, n);
}

static inline void
begin(void)
{
	begin_with(NULL, 0);
	pump_all();
}

static void
end(void)
{
	size_t i;

	h2_free(h2);
	for (i = 0; i < nus; i++) {
		ck_assert_int_eq(us[i]->over, 1);
		free(us[i]);
	}
	peer_close(&client);
	peer_close(&server);
	flow_drop(&flow[DIR_UP]);
	flow_drop(&flow[DIR_DOWN]);
	pool_done(&pool);
	ck_assert_uint_eq(budget_used(), 0);
}

static const nghttp2_nv get[] = { NV(":method", "GET"),
    NV(":scheme", "https"), NV(":authority", "a.example"),
    NV(":path", "/x"), NV_END };
static const nghttp2_nv post[] = { NV(":method", "POST"),
    NV(":scheme", "https"), NV(":authority", "a.example"),
    NV(":path", "/y"), NV_END };

static int32_t
ask(const nghttp2_nv *nv, const char *out, size_t len)
{
	int32_t id = nghttp2_submit_request(client.ng, NULL, nv, count(nv),
	    out != NULL ? &provider : NULL, NULL);
	struct seen *s;

	ck_assert_int_gt(id, 0);
	s = seen_of(&client, id);
	s->out = out;
	s->out_len = len;
	return id;
}

static char big[3 * 1024 * 1024];

/* A body. */
static inline void
fill(void)
{
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + (i * 7 + i / 1000) % 26);
}

static inline struct seen *
got(int32_t id)
{
	return seen_of(&client, id);
}

#endif
