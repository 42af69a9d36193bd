/*
 * Exchanges: an answer never overtakes its question, and of many on one
 * connection each stands where it stands. The connection here is one that
 * interleaves exchanges, as HTTP/2 does: its bytes are "number, direction,
 * kind, content", and nothing of a message stays in its buffer.
 */
#include "http/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "test.h"
#include "util/err.h"

#define STREAMS	2

/* What the connection writes on, and of which exchange. */
struct mux {
	struct exchange	 x[STREAMS];
	struct side {
		struct mux	*mux;
		int		 id;
	}		 side[STREAMS];
	struct text	 out;
	unsigned	 silenced, broken;
};

static struct mux mux;

static struct side *
side_of(const void *conn)
{
	return (struct side *)conn;
}

static struct http_message *
message_of(const void *conn, enum flow_dir dir)
{
	struct side *s = side_of(conn);

	return &s->mux->x[s->id].msg[dir];
}

static void
say(struct side *s, enum flow_dir dir, const char *what)
{
	text_printf(&s->mux->out, "%d%c%s ", s->id, dir == DIR_UP ? '>' : '<',
	    what);
}

static int
mux_pass(void *conn, enum flow_dir dir)
{
	return 0;		/* nothing lies anywhere: it is sent */
}

static void
mux_nothing(void *conn, enum flow_dir dir)
{
}

static int
mux_head(void *conn, enum flow_dir dir, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	struct side *s = side_of(conn);
	char text[64];

	if (h->response)
		snprintf(text, sizeof(text), "%d", h->status);
	else
		snprintf(text, sizeof(text), "%.*s%.*s", SLICE(h->method),
		    SLICE(h->path));
	message_of(s, dir)->began = 1;
	say(s, dir, text);
	return 0;
}

static size_t
mux_data(void *conn, enum flow_dir dir, const uint8_t *p, size_t len, int *bad)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)p);
	say(side_of(conn), dir, text);
	*bad = 0;
	return len;
}

static int
mux_end(void *conn, enum flow_dir dir, const struct text *trailers)
{
	say(side_of(conn), dir, "end");
	message_of(conn, dir)->sent = 1;
	return 0;
}

static uint64_t
mux_page(void *conn, const char *page, size_t len)
{
	char text[4];

	snprintf(text, sizeof(text), "%.3s", page + sizeof("HTTP/1.1"));
	message_of(conn, DIR_DOWN)->began = 1;
	message_of(conn, DIR_DOWN)->sent = 1;
	say(side_of(conn), DIR_DOWN, text);
	say(side_of(conn), DIR_DOWN, "page");
	return 0;
}

static const struct http_codec mux_codec = {
	.pass = mux_pass,
	.take = mux_nothing,
	.drop = mux_nothing,
	.head = mux_head,
	.data = mux_data,
	.end = mux_end,
	.page = mux_page,
	.revoke = mux_nothing,
	.again = mux_nothing,
};

static void
user_silence(void *arg)
{
	((struct mux *)arg)->silenced++;
}

static void
user_wake(void *arg)
{
}

static void
user_broken(void *arg, const char *why)
{
	((struct mux *)arg)->broken++;
}

static const struct exchange_user user = {
	.silence = user_silence,
	.wake = user_wake,
	.broken = user_broken,
};

static void
begin(void)
{
	int i;

	memset(&mux, 0, sizeof(mux));
	for (i = 0; i < STREAMS; i++) {
		mux.side[i].mux = &mux;
		mux.side[i].id = i;
		mux.x[i].codec = &mux_codec;
		mux.x[i].conn = &mux.side[i];
		mux.x[i].user = &user;
		mux.x[i].arg = &mux;
	}
}

static void
end(void)
{
	int i;

	for (i = 0; i < STREAMS; i++)
		exchange_free(&mux.x[i]);
	text_free(&mux.out);
}

/* A head came, and somebody must decide about it: its body is kept. */
static void
comes(int id, enum flow_dir dir, const char *text)
{
	struct http_message *m = &mux.x[id].msg[dir];
	static struct http_text h;

	h.scanned = 0;
	ck_assert_int_eq(dir == DIR_UP ?
	    http_request(&h, text, strlen(text)) :
	    http_response(&h, text, strlen(text)), 0);
	message_head(m, &h.head, text, h.len);
	m->body = spool_new(UINT64_MAX);
	m->max = UINT64_MAX;
}

static void
request(int id)
{
	comes(id, DIR_UP, "POST /x HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: 3\r\n\r\n");
	ck_assert_int_eq(exchange_set(&mux.x[id], DIR_UP, EXCHANGE_HELD), 0);
}

static void
response(int id)
{
	comes(id, DIR_DOWN, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
}

/* Bytes of its body come, in the middle of what comes of others. */
static void
body(int id, enum flow_dir dir, const char *text)
{
	message_data(&mux.x[id].msg[dir], slice_of(text, strlen(text)));
}

/* It may go on: all that was kept of it does. */
static void
goes(int id, enum flow_dir dir)
{
	struct exchange *x = &mux.x[id];
	struct http_message *m = &x->msg[dir];
	const uint8_t *p;
	size_t len;
	int bad;

	ck_assert_int_eq(exchange_set(x, dir, EXCHANGE_GOING), 0);
	x->codec->head(x->conn, dir, m->head, 1, 3, 0);
	while (spool_at(m->body, spool_first(m->body), &p, &len) == 0) {
		x->codec->data(x->conn, dir, p, len, &bad);
		spool_drop(m->body, spool_first(m->body) + len);
	}
	x->codec->end(x->conn, dir, NULL);
	message_end(m, 1);
	ck_assert_int_eq(exchange_set(x, dir, EXCHANGE_DONE), 0);
}

static void
wrote(const char *want)
{
	ck_assert_str_eq(mux.out.s, want);
	text_clear(&mux.out);
}

TEST(one_is_held_while_another_on_its_connection_flows)
{
	begin();
	request(0);
	body(0, DIR_UP, "ab");
	request(1);
	body(1, DIR_UP, "de");
	body(0, DIR_UP, "c");
	body(1, DIR_UP, "f");
	goes(1, DIR_UP);
	wrote("1>POST/x 1>def 1>end ");
	response(1);
	body(1, DIR_DOWN, "uvw");
	goes(1, DIR_DOWN);
	wrote("1<200 1<uvw 1<end ");
	ck_assert_int_eq(exchange_done(&mux.x[1]), 1);
	/* the first is where it was, with all that came of it */
	ck_assert_int_eq(mux.x[0].state[DIR_UP], EXCHANGE_HELD);
	ck_assert_uint_eq(spool_size(mux.x[0].msg[DIR_UP].body), 3);
	goes(0, DIR_UP);
	wrote("0>POST/x 0>abc 0>end ");
	ck_assert_int_eq(exchange_done(&mux.x[0]), 0);
	end();
}
END

TEST(a_refusal_is_of_one_and_the_other_goes_on)
{
	begin();
	request(0);
	request(1);
	exchange_refuse(&mux.x[0], 403, "no");
	ck_assert_int_eq(mux.x[0].state[DIR_UP], EXCHANGE_ANSWERED);
	ck_assert_int_eq(mux.x[0].state[DIR_DOWN], EXCHANGE_ANSWERED);
	ck_assert_str_eq(mux.x[0].record.why, "no");
	ck_assert_uint_eq(mux.silenced, 1);
	wrote("0<403 0<page ");
	body(1, DIR_UP, "def");
	goes(1, DIR_UP);
	wrote("1>POST/x 1>def 1>end ");
	ck_assert_uint_eq(mux.broken, 0);
	end();
}
END

TEST(no_response_goes_on_while_its_request_is_held)
{
	begin();
	request(0);
	response(0);
	ck_assert_int_eq(exchange_set(&mux.x[0], DIR_DOWN, EXCHANGE_GOING),
	    ERR_DENIED);
	ck_assert_int_eq(exchange_is_broken(&mux.x[0]), 1);
	ck_assert_uint_eq(mux.broken, 1);
	end();
}
END

TEST(nor_is_one_held_for_a_request_that_did_not_come)
{
	begin();
	ck_assert_int_eq(exchange_set(&mux.x[0], DIR_DOWN, EXCHANGE_HELD),
	    ERR_DENIED);
	ck_assert_uint_eq(mux.broken, 1);
	end();
}
END

TEST(but_something_else_may_be_said_in_its_place)
{
	begin();
	request(0);
	ck_assert_int_eq(exchange_set(&mux.x[0], DIR_UP, EXCHANGE_ANSWERED),
	    0);
	ck_assert_int_eq(exchange_set(&mux.x[0], DIR_DOWN, EXCHANGE_ANSWERED),
	    0);
	/* ... and taken back, before a byte of it went */
	ck_assert_int_eq(exchange_set(&mux.x[0], DIR_DOWN, EXCHANGE_HEAD), 0);
	ck_assert_int_eq(exchange_set(&mux.x[0], DIR_UP, EXCHANGE_HELD), 0);
	ck_assert_uint_eq(mux.broken, 0);
	end();
}
END

TEST(what_is_begun_is_not_refused_but_broken)
{
	begin();
	request(0);
	goes(0, DIR_UP);
	response(0);
	goes(0, DIR_DOWN);
	text_clear(&mux.out);
	exchange_refuse(&mux.x[0], 502, "too late");
	ck_assert_int_eq(exchange_is_broken(&mux.x[0]), 1);
	wrote("");
	/* and broken it stays */
	exchange_refuse(&mux.x[0], 502, "again");
	exchange_break(&mux.x[0], "again");
	ck_assert_str_eq(mux.x[0].record.why, "too late");
	ck_assert_uint_eq(mux.broken, 1);
	end();
}
END

TEST(the_next_exchange_begins_anew)
{
	begin();
	request(0);
	goes(0, DIR_UP);
	response(0);
	goes(0, DIR_DOWN);
	exchange_next(&mux.x[0]);
	ck_assert_int_eq(mux.x[0].state[DIR_UP], EXCHANGE_HEAD);
	ck_assert_ptr_null(mux.x[0].msg[DIR_DOWN].head);
	ck_assert_uint_eq(mux.x[0].record.number, 1);
	end();
}
END

SUITE("exchange", one_is_held_while_another_on_its_connection_flows,
    a_refusal_is_of_one_and_the_other_goes_on,
    no_response_goes_on_while_its_request_is_held,
    nor_is_one_held_for_a_request_that_did_not_come,
    but_something_else_may_be_said_in_its_place,
    what_is_begun_is_not_refused_but_broken,
    the_next_exchange_begins_anew)
