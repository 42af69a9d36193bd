/*
 * Flows: positions, taps that observe, hold and edit, and the buffer.
 */
#include "stream/flow.h"

#include <string.h>

#include "test.h"
#include "util/err.h"

static struct pool		 pool;
static _Atomic uint64_t		 held;
static struct flow		 flow;
static struct taps		 row;
static struct tap		 taps[2];

/* A tap that remembers what it saw and lets go what it is told to. */
struct spy {
	char	 seen[256];
	size_t	 n;
	size_t	 let;		/* at most so many a call */
	int	 eofs;
};
static struct spy	 spies[2];

static size_t
spy_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct spy *s = state;
	size_t n = len < s->let ? len : s->let;

	memcpy(s->seen + s->n, p, n);
	s->n += n;
	return n;
}

static void
spy_eof(void *state, enum flow_dir dir)
{
	((struct spy *)state)->eofs++;
}

static const struct tap_ops spy_ops = { .data = spy_data, .eof = spy_eof };

static void
setup(size_t let0, size_t let1)
{
	int i;

	budget_limit(4 * POOL_BUF);
	pool_init(&pool, &held);
	memset(&flow, 0, sizeof(flow));
	memset(&row, 0, sizeof(row));
	flow.wire.taps = &row;
	flow.pool = &pool;
	memset(taps, 0, sizeof(taps));
	row.first[DIR_UP] = &taps[0];
	taps[0].next[DIR_UP] = &taps[1];
	memset(spies, 0, sizeof(spies));
	spies[0].let = let0;
	spies[1].let = let1;
	for (i = 0; i < 2; i++) {
		taps[i].ops = &spy_ops;
		taps[i].state = &spies[i];
	}
}

static void
put(const char *s)
{
	size_t room;
	uint8_t *p = flow_room(&flow, &room);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_ge(room, strlen(s));
	memcpy(p, s, strlen(s));
	flow_filled(&flow, strlen(s));
	flow_offer(&flow);
}

static void
take(const char *want)
{
	size_t len;
	const uint8_t *p = flow_ready(&flow, &len);

	ck_assert_uint_eq(len, strlen(want));
	if (len > 0)
		ck_assert_mem_eq(p, want, len);
	flow_wrote(&flow, len);
}

TEST(an_observer_sees_all_and_all_goes_on)
{
	setup(256, 256);
	put("hello ");
	put("world");
	take("hello world");
	ck_assert_mem_eq(spies[1].seen, "hello world", 11);
	ck_assert_uint_eq(held, 0);
}
END

TEST(a_holder_keeps_bytes_from_the_taps_behind_it)
{
	setup(256, 256);
	spies[0].let = 0;
	put("secret");
	take("");
	ck_assert_uint_eq(spies[1].n, 0);
	spies[0].let = 3;
	flow_offer(&flow);
	take("secret");
	ck_assert_mem_eq(spies[1].seen, "secret", 6);
}
END

TEST(a_tap_behind_holds_what_the_one_ahead_has_seen_once)
{
	setup(256, 0);
	put("abc");
	put("def");
	ck_assert_uint_eq(spies[0].n, 6);
	take("");
	spies[1].let = 256;
	flow_offer(&flow);
	ck_assert_uint_eq(spies[0].n, 6);
	take("abcdef");
}
END

TEST(the_end_is_told_once_and_after_the_bytes)
{
	setup(256, 0);
	put("abc");
	flow.end_in = END_FIN;
	flow_offer(&flow);
	ck_assert_int_eq(spies[0].eofs, 1);
	spies[1].let = 256;
	flow_offer(&flow);
	flow_offer(&flow);
	ck_assert_int_eq(spies[0].eofs, 1);
	ck_assert_int_eq(spies[1].eofs, 1);
}
END

TEST(an_editor_may_put_more_or_less_in_the_place_of_bytes)
{
	setup(0, 256);
	put("GET http://a/ rest");
	ck_assert_int_eq(flow_replace(&flow, &taps[0], 13, "GET /", 5), 0);
	spies[0].let = 256;
	flow_offer(&flow);
	take("GET / rest");
	spies[0].let = 0;
	put("xy");
	ck_assert_int_eq(flow_replace(&flow, &taps[0], 1, "0123456789", 10),
	    0);
	spies[0].let = 256;
	flow_offer(&flow);
	take("0123456789y");
}
END

TEST(an_edit_that_does_not_fit_is_refused)
{
	static char big[POOL_BUF + 1];

	setup(0, 256);
	put("x");
	ck_assert_int_eq(flow_replace(&flow, &taps[0], 0, big, sizeof(big)),
	    ERR_LIMIT);
	ck_assert_int_eq(flow_replace(&flow, &taps[0], 1, big, POOL_BUF), 0);
	ck_assert_uint_eq(flow.in - flow.out, POOL_BUF);
}
END

TEST(a_full_buffer_has_no_room_until_something_is_written)
{
	size_t room, len;

	setup(0, 0);
	taps[0].state = taps[1].state = NULL;
	flow_room(&flow, &room);
	flow_filled(&flow, room);
	flow_offer(&flow);
	flow_room(&flow, &room);
	ck_assert_uint_eq(room, 0);
	flow_ready(&flow, &len);
	flow_wrote(&flow, len - 7);
	flow_room(&flow, &room);
	ck_assert_uint_eq(room, POOL_BUF - 7);
}
END

TEST(past_the_budget_there_is_no_buffer_and_the_flow_says_so)
{
	size_t room;

	setup(256, 256);
	budget_limit(0);
	ck_assert_ptr_null(flow_room(&flow, &room));
	ck_assert_int_eq(flow.starved, 1);
	budget_limit(POOL_BUF);
	ck_assert_ptr_nonnull(flow_room(&flow, &room));
	ck_assert_int_eq(flow.starved, 0);
	flow_drop(&flow);
	ck_assert_uint_eq(budget_used(), 0);
}
END

TEST(an_editor_behind_an_observer_takes_out_and_puts_in)
{
	setup(256, 0);
	put("virgin");
	ck_assert_int_eq(flow_replace(&flow, &taps[1], 6, NULL, 0), 0);
	flow_offer(&flow);
	take("");
	ck_assert_uint_eq(flow_put(&flow, &taps[1], "adapted!", 8), 8);
	put("more");
	take("adapted!");
	ck_assert_uint_eq(flow_put(&flow, &taps[1], "+", 1), 1);
	spies[1].let = 256;
	flow_offer(&flow);
	take("+more");
	ck_assert_mem_eq(spies[0].seen, "virginmore", 10);
	ck_assert_uint_eq(spies[0].n, 10);
}
END

TEST(what_is_put_is_as_much_as_there_is_room_for)
{
	static char big[POOL_BUF];
	size_t len;

	setup(256, 256);
	ck_assert_uint_eq(flow_put(&flow, &taps[1], big, POOL_BUF),
	    POOL_BUF);
	ck_assert_uint_eq(flow_put(&flow, &taps[1], big, 1), 0);
	flow_offer(&flow);
	flow_ready(&flow, &len);
	ck_assert_uint_eq(len, POOL_BUF);
	flow_wrote(&flow, 10);
	ck_assert_uint_eq(flow_put(&flow, &taps[1], big, 20), 10);
	ck_assert_uint_eq(spies[0].n, 0);
}
END

TEST(nothing_in_the_place_of_nothing_takes_no_buffer)
{
	setup(SIZE_MAX, SIZE_MAX);
	ck_assert_int_eq(flow_replace(&flow, &taps[0], 0, NULL, 0), 0);
	ck_assert_ptr_null(flow.buf);
	ck_assert_int_eq(flow_replace(&flow, &taps[0], 0, "new", 3), 0);
	ck_assert_uint_eq(flow.in, 3);
	flow_drop(&flow);
}
END

/* n bytes come at once, and go. The room that was offered for them. */
static size_t
pass(size_t n)
{
	size_t room, len;

	ck_assert_ptr_nonnull(flow_room(&flow, &room));
	if (n > 0)
		flow_filled(&flow, n < room ? n : room);
	flow_offer(&flow);
	flow_ready(&flow, &len);
	flow_wrote(&flow, len);
	ck_assert_uint_eq(held, 0);
	return room;
}

TEST(who_fills_a_buffer_gets_a_large_one)
{
	setup(0, 0);
	row.first[DIR_UP] = NULL;
	budget_limit(2 * POOL_BULK);
	ck_assert_uint_eq(pass(POOL_BUF), POOL_BUF);
	ck_assert_uint_eq(pass(POOL_BULK), POOL_BULK);
	/* a read that finds nothing takes nothing away */
	ck_assert_uint_eq(pass(0), POOL_BULK);
	ck_assert_uint_eq(pass(POOL_BUF - 700), POOL_BULK);
	ck_assert_uint_eq(pass(20), POOL_BULK);
	ck_assert_uint_eq(pass(20), POOL_BUF);
	ck_assert_uint_eq(pass(POOL_BUF / 2), POOL_BUF);
	ck_assert_uint_eq(pass(20), POOL_BUF);
	pool_done(&pool);
}
END

TEST(where_the_budget_has_no_large_one_a_small_one_does)
{
	setup(0, 0);
	row.first[DIR_UP] = NULL;
	budget_limit(2 * POOL_BULK - 1);
	pass(POOL_BUF);
	ck_assert_uint_eq(pass(POOL_BUF), POOL_BUF);
	budget_limit(2 * POOL_BULK);
	ck_assert_uint_eq(pass(POOL_BUF), POOL_BULK);
	ck_assert_int_eq((int)budget_used(), 0);
	pool_done(&pool);
}
END

SUITE("flow", nothing_in_the_place_of_nothing_takes_no_buffer,
    an_observer_sees_all_and_all_goes_on,
    a_holder_keeps_bytes_from_the_taps_behind_it,
    a_tap_behind_holds_what_the_one_ahead_has_seen_once,
    the_end_is_told_once_and_after_the_bytes,
    an_editor_may_put_more_or_less_in_the_place_of_bytes,
    an_edit_that_does_not_fit_is_refused,
    a_full_buffer_has_no_room_until_something_is_written,
    past_the_budget_there_is_no_buffer_and_the_flow_says_so,
    an_editor_behind_an_observer_takes_out_and_puts_in,
    what_is_put_is_as_much_as_there_is_room_for,
    who_fills_a_buffer_gets_a_large_one,
    where_the_budget_has_no_large_one_a_small_one_does)
