/*
 * When a device counts as up: hysteresis and hold, by a clock of the test's.
 */
#include "test.h"

#include "chain/updown.h"

static struct updown
new(void)
{
	return (struct updown){ .down = 3, .up = 2, .hold = 5000 };
}

TEST(a_new_one_is_down_until_enough_hits_and_needs_no_hold)
{
	struct updown u = new();

	ck_assert_int_eq(updown_hit(&u, 1000), 0);
	ck_assert_int_eq(updown_hit(&u, 1001), 1);
	ck_assert_int_eq(updown_hit(&u, 1002), 1);
}
END

TEST(a_miss_before_it_is_up_begins_anew)
{
	struct updown u = new();

	ck_assert_int_eq(updown_hit(&u, 0), 0);
	ck_assert_int_eq(updown_miss(&u), 0);
	ck_assert_int_eq(updown_hit(&u, 0), 0);
	ck_assert_int_eq(updown_hit(&u, 0), 1);
}
END

TEST(misses_that_are_not_in_a_row_change_nothing)
{
	struct updown u = new();
	int i;

	updown_hit(&u, 0);
	updown_hit(&u, 0);
	for (i = 0; i < 10; i++) {
		ck_assert_int_eq(updown_miss(&u), 1);
		ck_assert_int_eq(updown_miss(&u), 1);
		ck_assert_int_eq(updown_hit(&u, 0), 1);
	}
	ck_assert_int_eq(updown_miss(&u), 1);
	ck_assert_int_eq(updown_miss(&u), 1);
	ck_assert_int_eq(updown_miss(&u), 0);
}
END

static struct updown
failed(void)
{
	struct updown u = new();

	updown_hit(&u, 0);
	updown_hit(&u, 0);
	updown_lost(&u);
	return u;
}

TEST(after_a_failure_the_hits_must_go_on_for_the_hold)
{
	struct updown u = failed();

	ck_assert_int_eq(updown_hit(&u, 10000), 0);
	ck_assert_int_eq(updown_hit(&u, 11000), 0);
	ck_assert_int_eq(updown_hit(&u, 14999), 0);
	ck_assert_int_eq(updown_hit(&u, 15000), 1);
}
END

TEST(a_miss_within_the_hold_begins_it_anew)
{
	struct updown u = failed();

	ck_assert_int_eq(updown_hit(&u, 10000), 0);
	ck_assert_int_eq(updown_hit(&u, 14000), 0);
	ck_assert_int_eq(updown_miss(&u), 0);
	ck_assert_int_eq(updown_hit(&u, 14500), 0);
	ck_assert_int_eq(updown_hit(&u, 19499), 0);
	ck_assert_int_eq(updown_hit(&u, 19500), 1);
}
END

TEST(the_hold_is_no_replacement_for_the_hits)
{
	struct updown u = failed();

	u.up = 3;
	ck_assert_int_eq(updown_hit(&u, 0), 0);
	ck_assert_int_eq(updown_hit(&u, 60000), 0);
	ck_assert_int_eq(updown_hit(&u, 60001), 1);
}
END

TEST(what_never_was_up_and_is_lost_waits_for_the_hold)
{
	struct updown u = new();

	ck_assert_int_eq(updown_lost(&u), 0);
	ck_assert_int_eq(updown_hit(&u, 0), 0);
	ck_assert_int_eq(updown_hit(&u, 1), 0);
	ck_assert_int_eq(updown_hit(&u, 5000), 1);
}
END

TEST(no_hold_and_one_hit_are_enough_if_that_is_what_is_wanted)
{
	struct updown u = { .down = 1, .up = 1 };

	ck_assert_int_eq(updown_hit(&u, 0), 1);
	ck_assert_int_eq(updown_miss(&u), 0);
	ck_assert_int_eq(updown_hit(&u, 0), 1);
}
END

SUITE("updown", a_new_one_is_down_until_enough_hits_and_needs_no_hold,
    a_miss_before_it_is_up_begins_anew,
    misses_that_are_not_in_a_row_change_nothing,
    after_a_failure_the_hits_must_go_on_for_the_hold,
    a_miss_within_the_hold_begins_it_anew,
    the_hold_is_no_replacement_for_the_hits,
    what_never_was_up_and_is_lost_waits_for_the_hold,
    no_hold_and_one_hit_are_enough_if_that_is_what_is_wanted)
