/*
 * What goes on at once of a message, and what waits for its end.
 */
#include "http/h1.h"

#include <string.h>

#include "test.h"
#include "util/err.h"

#define RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"

static struct pool		 pool;
static _Atomic uint64_t		 in_use;
static struct flow		 flow;
static struct taps		 row;
static struct tap		 tap;
static struct exchange		 x;
static struct h1		 h1;
static struct h1_dir		*d = &h1.dir[DIR_DOWN];
static uint8_t			 body[200000];

/* A response's head of length bytes (-1: chunked) was given. */
static void
begin(int64_t length, unsigned flags)
{
	struct http_text h = { 0 };
	size_t i;

	budget_limit(4 * POOL_BUF);
	pool_init(&pool, &in_use);
	memset(&flow, 0, sizeof(flow));
	memset(&row, 0, sizeof(row));
	flow.wire.taps = &row;
	flow.pool = &pool;
	flow.dir = DIR_DOWN;
	memset(&tap, 0, sizeof(tap));
	row.first[DIR_DOWN] = &tap;
	h1_init(&h1, &tap, &flow, &flow, &x, H1_HEAD, 0);
	for (i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)('a' + i % 26);
	ck_assert_int_eq(http_response(&h, RESPONSE, strlen(RESPONSE)), 0);
	ck_assert_int_eq(h1_codec.head(&h1, DIR_DOWN, &h.head, 1,
	    length, flags), 0);
}

static void
end(void)
{
	h1_done(&h1);
	flow_drop(&flow);
	pool_done(&pool);
}

static size_t
give(size_t at, size_t n)
{
	int bad;
	size_t took = h1_codec.data(&h1, DIR_DOWN, body + at, n, &bad);

	ck_assert_int_eq(bad, 0);
	return took;
}

/* What lies in the flow, let go, since the last call; all of it is read. */
static size_t
gone(char *buf)
{
	size_t n = (size_t)(tap.pos[DIR_DOWN] - flow.out);

	if (n > 0 && buf != NULL)
		memcpy(buf, flow.buf + (flow.out - flow.base), n);
	flow.clear = tap.pos[DIR_DOWN];
	flow_wrote(&flow, n);
	return n;
}

TEST(a_body_in_one_piece_waits_for_its_end)
{
	char got[256] = "";
	size_t n;

	begin(7, HTTP_REVOCABLE);
	ck_assert_uint_eq(give(0, 7), 7);
	ck_assert_uint_eq(gone(NULL), 0);
	ck_assert_int_eq(d->m->began, 0);
	ck_assert_int_eq(h1_waits(&h1, DIR_DOWN), 1);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), 0);
	ck_assert_int_eq(h1_waits(&h1, DIR_DOWN), 0);
	n = gone(got);
	ck_assert_uint_gt(n, 7 + 19);
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 200 OK\r\n", 17), 0);
	ck_assert_str_eq(got + n - 11, "\r\n\r\nabcdefg");
	end();
}
END

TEST(until_then_all_of_it_can_be_taken_back)
{
	begin(7, HTTP_REVOCABLE);
	ck_assert_uint_eq(give(0, 7), 7);
	h1_codec.revoke(&h1, DIR_DOWN);
	ck_assert_int_eq(h1_waits(&h1, DIR_DOWN), 0);
	ck_assert_int_eq(h1_flush(&h1.dir[DIR_DOWN]), 1);
	ck_assert_uint_eq(gone(NULL), 0);
	end();
}
END

TEST(or_it_is_made_final_and_waits_on)
{
	begin(7, HTTP_REVOCABLE);
	ck_assert_int_eq(h1_codec.commit(&h1, DIR_DOWN), 0);
	ck_assert_uint_eq(give(0, 7), 7);
	ck_assert_int_eq(h1_codec.commit(&h1, DIR_DOWN), 1);
	ck_assert_int_eq(d->m->began, 1);
	ck_assert_uint_eq(gone(NULL), 0);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), 0);
	ck_assert_uint_gt(gone(NULL), 7);
	end();
}
END

TEST(of_two_pieces_the_second_waits)
{
	char got[256] = "";
	size_t n;

	begin(7, HTTP_REVOCABLE);
	ck_assert_uint_eq(give(0, 3), 3);
	ck_assert_int_eq(d->m->began, 1);
	n = gone(got);
	ck_assert_int_eq(strncmp(got + n - 7, "\r\n\r\nabc", 7), 0);
	ck_assert_uint_eq(give(3, 4), 4);
	ck_assert_uint_eq(gone(NULL), 0);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), 0);
	ck_assert_uint_eq(gone(got), 4);
	ck_assert_int_eq(memcmp(got, "defg", 4), 0);
	end();
}
END

TEST(of_a_large_piece_16_kb_wait)
{
	begin(50000, 0);
	gone(NULL);
	ck_assert_uint_eq(give(0, 50000), 50000);
	ck_assert_uint_eq(gone(NULL), 50000 - 16384);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), 0);
	ck_assert_uint_eq(gone(NULL), 16384);
	/* and that much is not kept for the next message */
	ck_assert_uint_eq(d->pend.cap, 0);
	end();
}
END

TEST(what_the_flow_has_no_room_for_is_not_taken)
{
	size_t at = 0, n, went = 0;
	char *all = malloc(sizeof(body));

	begin(sizeof(body), 0);
	gone(NULL);
	while (at < sizeof(body)) {
		n = give(at, sizeof(body) - at);
		at += n;
		went += gone(all + went);
		ck_assert(n > 0);
	}
	ck_assert_uint_eq(went, sizeof(body) - 16384);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), 0);
	while (went < sizeof(body)) {
		h1_flush(&h1.dir[DIR_DOWN]);
		went += gone(all + went);
	}
	ck_assert_int_eq(memcmp(all, body, sizeof(body)), 0);
	free(all);
	end();
}
END

TEST(chunks_go_at_once_for_their_end_is_seen)
{
	char got[256] = "";

	begin(-1, 0);
	gone(NULL);
	ck_assert_uint_eq(give(0, 7), 7);
	ck_assert_uint_eq(gone(got), 12);
	ck_assert_int_eq(memcmp(got, "7\r\nabcdefg\r\n", 12), 0);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), 0);
	ck_assert_uint_eq(gone(got), 5);
	end();
}
END

TEST(neither_more_nor_less_than_was_said)
{
	int bad;

	begin(7, 0);
	ck_assert_uint_eq(give(0, 3), 3);
	ck_assert_int_eq(h1_codec.end(&h1, DIR_DOWN, NULL), ERR_SHORT);
	ck_assert_uint_eq(h1_codec.data(&h1, DIR_DOWN, body, 5, &bad), 0);
	ck_assert_int_eq(bad, 1);
	end();
}
END

SUITE("h1", a_body_in_one_piece_waits_for_its_end,
    until_then_all_of_it_can_be_taken_back,
    or_it_is_made_final_and_waits_on, of_two_pieces_the_second_waits,
    of_a_large_piece_16_kb_wait, what_the_flow_has_no_room_for_is_not_taken,
    chunks_go_at_once_for_their_end_is_seen,
    neither_more_nor_less_than_was_said)
