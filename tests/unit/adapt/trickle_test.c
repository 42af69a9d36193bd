/*
 * What trickles of a response that services hold: when, how much, and what the
 * answer must be then. The codec of the exchange keeps what it is given.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "clock.h"
#include "test.h"
#include "util/err.h"

#define SIZE	50000
#define LAST	16384

static struct conf_inspect	inspect;
static struct conf_rule		rule = { .inspect = &inspect };
static const struct verdict	verdict = { .rule = &rule };
static const struct facts	facts;
static const struct record	rec = { .id = 7, .facts = &facts,
				    .verdict = &verdict };
static struct plan		plan;
static struct adaptation	a;
static struct adapted_message	*m = &a.msg[DIR_DOWN];
static char			object[SIZE];
static struct text		out;
static unsigned			heads, ends;
static const char		*broken;

static int
keep_head(void *conn, enum flow_dir dir, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	heads++;
	a.x.msg[dir].began = 1;
	return 0;
}

static size_t
keep_data(void *conn, enum flow_dir dir, const uint8_t *p, size_t len,
    int *bad)
{
	*bad = 0;
	text_add(&out, (const char *)p, len);
	return len;
}

static int
keep_end(void *conn, enum flow_dir dir, const struct text *trailers)
{
	ends++;
	return 0;
}

static void
nothing(void *conn, enum flow_dir dir)
{
}

static int
room(void *conn, enum flow_dir dir)
{
	return 1;
}

static const struct http_codec codec = { .take = nothing, .head = keep_head,
    .data = keep_data, .end = keep_end, .room = room };

static void
no_more(void *arg)
{
}

static void
is_broken(void *arg, const char *why)
{
	broken = why;
}

static const struct exchange_user user = { no_more, no_more, is_broken };

static struct http_text *
head_of(const char *text)
{
	struct http_text *t = calloc(1, sizeof(*t));

	ck_assert_int_eq(http_response(t, text, strlen(text)), 0);
	return t;
}

/* A response with these fields is held, and so much of it is here. */
static void
hold(const char *text, size_t here)
{
	struct http_text *t = head_of(text);
	size_t i;

	for (i = 0; i < SIZE; i++)
		object[i] = (char)(i * 7 + i / 256);
	memset(&a, 0, sizeof(a));
	plan = (struct plan){ .rec = &rec, .base = event_base_new() };
	a.x.codec = &codec;
	a.x.user = &user;
	adapt_init(&a, &plan);
	message_head(&a.x.msg[DIR_DOWN], &t->head, text, t->len);
	free(t);
	a.x.msg[DIR_DOWN].body = spool_new(UINT64_MAX);
	spool_add(a.x.msg[DIR_DOWN].body, object, here);
	exchange_set(&a.x, DIR_UP, EXCHANGE_DONE);
	exchange_set(&a.x, DIR_DOWN, EXCHANGE_HELD);
	text_clear(&out);
	heads = ends = 0;
	broken = NULL;
	trickle_wait(m);
	event_base_loop(plan.base, EVLOOP_NONBLOCK);
}

static void
later(int seconds)
{
	clock_ahead += seconds;
	event_base_loop(plan.base, EVLOOP_NONBLOCK);
}

static void
over(void)
{
	adapt_free(&a);
	event_base_free(plan.base);
	text_free(&out);
	clock_ahead = 0;	/* check measures how long this took */
}

/* A service answers with this head, and these bytes. */
static int
answers(const char *text, const char *body, size_t len)
{
	struct http_text *t = head_of(text);
	size_t n, at;
	int bad, rv;

	exchange_set(&a.x, DIR_DOWN, EXCHANGE_GOING);
	rv = send_head(m, &t->head, 1, t->head.length, HTTP_CHANGED);
	free(t);
	for (at = 0; rv == 0 && at < len; at += n) {
		n = send_body(&a, DIR_DOWN, (const uint8_t *)body + at,
		    len - at < 700 ? len - at : 700, &bad);
		if (bad)
			return ERR_FORMAT;
		ck_assert_uint_gt(n, 0);
	}
	return rv != 0 ? rv : send_end(&a, DIR_DOWN, NULL);
}

#define HEAD	"HTTP/1.1 200 OK\r\nServer: b\r\nContent-Length: 50000\r\n\r\n"

TEST(first_bytes_go_after_a_time_and_then_at_intervals)
{
	inspect.trickle = (struct conf_trickle){ 5000, 1000, 2000 };
	hold(HEAD, SIZE);
	later(4);
	ck_assert_uint_eq(heads, 0);
	later(2);
	ck_assert_uint_eq(heads, 1);
	ck_assert_uint_eq(out.len, 1000);
	later(1);
	ck_assert_uint_eq(out.len, 1000);
	later(2);
	later(3);
	ck_assert_uint_eq(heads, 1);
	ck_assert_uint_eq(out.len, 3000);
	ck_assert_mem_eq(out.s, object, out.len);
	over();
}
END

TEST(nothing_goes_where_it_is_off_or_all_is_held_back)
{
	inspect.trickle = (struct conf_trickle){ 0, 0, 0 };
	hold(HEAD, SIZE);
	later(100);
	ck_assert_uint_eq(heads, 0);
	over();
	inspect.trickle = (struct conf_trickle){ 1000, 1000, 1000 };
	hold(HEAD, LAST);
	later(2);
	later(2);
	ck_assert_uint_eq(heads, 0);
	spool_add(a.x.msg[DIR_DOWN].body, object, 1);
	later(2);
	ck_assert_uint_eq(heads, 1);
	ck_assert_uint_eq(out.len, 1);
	over();
}
END

TEST(the_end_of_what_came_is_always_held_back)
{
	inspect.trickle = (struct conf_trickle){ 1000, 1000000, 1000 };
	hold(HEAD, 20000);
	later(2);
	ck_assert_uint_eq(out.len, 20000 - LAST);
	later(2);
	ck_assert_uint_eq(out.len, 20000 - LAST);
	spool_add(a.x.msg[DIR_DOWN].body, object + 20000, SIZE - 20000);
	later(2);
	ck_assert_uint_eq(out.len, SIZE - LAST);
	ck_assert_mem_eq(out.s, object, out.len);
	over();
}
END

TEST(the_same_answer_goes_on_behind_what_went)
{
	inspect.trickle = (struct conf_trickle){ 1000, 1000, 1000 };
	hold(HEAD, SIZE);
	later(2);
	ck_assert(trickle_alone(&a.trickle));
	ck_assert_int_eq(answers("HTTP/1.1 200 Fine\r\nSERVER: b\r\n"
	    "Via: ICAP/1.0 x\r\n\r\n", object, SIZE), 0);
	ck_assert(!trickle_alone(&a.trickle));
	ck_assert_uint_eq(trickle_length(&a.trickle), 1000);
	ck_assert_ptr_null(broken);
	ck_assert_uint_eq(heads, 1);
	ck_assert_uint_eq(ends, 1);
	ck_assert_uint_eq(out.len, SIZE);
	ck_assert_mem_eq(out.s, object, SIZE);
	later(5);			/* no more of it */
	ck_assert_uint_eq(out.len, SIZE);
	over();
}
END

/* One that fails before it is beyond what went may be followed by another. */
TEST(an_answer_may_begin_again)
{
	int bad;

	inspect.trickle = (struct conf_trickle){ 1000, 1000, 1000 };
	hold(HEAD, SIZE);
	later(2);
	exchange_set(&a.x, DIR_DOWN, EXCHANGE_GOING);
	ck_assert_int_eq(send_head(m, a.x.msg[DIR_DOWN].head, 1, -1, 0), 0);
	ck_assert_uint_eq(send_body(&a, DIR_DOWN, (uint8_t *)object, 999,
	    &bad), 999);
	ck_assert(trickle_alone(&a.trickle));
	exchange_set(&a.x, DIR_DOWN, EXCHANGE_HELD);
	later(2);
	ck_assert_uint_eq(out.len, 2000);
	ck_assert_int_eq(answers(HEAD, object, SIZE), 0);
	ck_assert_uint_eq(out.len, SIZE);
	ck_assert_mem_eq(out.s, object, SIZE);
	over();
}
END

/* Whatever it is that the answer has otherwise. */
static void
differs(const char *text, const char *body, size_t len)
{
	hold(HEAD, SIZE);
	later(2);
	ck_assert_int_ne(answers(text, body, len), 0);
	ck_assert_uint_eq(out.len, 1000);
	ck_assert_uint_eq(ends, 0);
	ck_assert_int_ne(send_end(&a, DIR_DOWN, NULL), 0);
	over();
}

TEST(another_answer_ends_it)
{
	static char other[SIZE];

	inspect.trickle = (struct conf_trickle){ 1000, 1000, 1000 };
	hold(HEAD, SIZE);	/* fills the object */
	over();
	memcpy(other, object, SIZE);
	other[999] ^= 1;
	differs("HTTP/1.1 403 No\r\nServer: b\r\n\r\n", object, SIZE);
	ck_assert_ptr_nonnull(broken);
	differs("HTTP/1.1 200 OK\r\n\r\n", object, SIZE);
	ck_assert_ptr_nonnull(broken);
	differs("HTTP/1.1 200 OK\r\nServer: c\r\n\r\n", object, SIZE);
	ck_assert_ptr_nonnull(broken);
	differs("HTTP/1.1 200 OK\r\nServer: b\r\nContent-Length: 49999\r\n\r\n",
	    object, SIZE - 1);
	ck_assert_ptr_nonnull(broken);
	differs(HEAD, other, SIZE);
	ck_assert_ptr_nonnull(broken);
	differs(HEAD, object, 999);	/* for who calls send_end() to break */
}
END

SUITE("trickle", first_bytes_go_after_a_time_and_then_at_intervals,
    nothing_goes_where_it_is_off_or_all_is_held_back,
    the_end_of_what_came_is_always_held_back,
    the_same_answer_goes_on_behind_what_went, an_answer_may_begin_again,
    another_answer_ends_it)
