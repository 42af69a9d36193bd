/*
 * What is said of a worker that answers, or does not.
 */
#include "proxy/pulse.h"
#include "test.h"

static struct pulse	pulse;
static int		ask;
static uint64_t		waited;

static enum pulse_is
look(int answered, uint64_t now)
{
	return pulse_look(&pulse, answered, now, &ask, &waited);
}

TEST(it_is_asked_first_and_when_it_has_answered)
{
	ck_assert_int_eq(look(0, 5000), PULSE_FINE);
	ck_assert_int_eq(ask, 1);
	ck_assert_int_eq(look(1, 6000), PULSE_FINE);
	ck_assert_int_eq(ask, 1);
	ck_assert_int_eq(look(0, 7000), PULSE_FINE);
	ck_assert_int_eq(ask, 0);
	ck_assert_uint_eq(waited, 1000);
}
END

TEST(after_two_seconds_it_is_late_once)
{
	look(0, 5000);
	ck_assert_int_eq(look(0, 6999), PULSE_FINE);
	ck_assert_int_eq(look(0, 7000), PULSE_LATE);
	ck_assert_uint_eq(waited, 2000);
	ck_assert_int_eq(look(0, 9000), PULSE_LATE_STILL);
	ck_assert_int_eq(pulse.late, 1);
	ck_assert_int_eq(look(1, 10000), PULSE_BACK);
	ck_assert_int_eq(ask, 1);
	ck_assert_int_eq(look(1, 11000), PULSE_FINE);
	ck_assert_int_eq(pulse.late, 0);
}
END

/* Who asks was away itself: what was answered meanwhile is not late. */
TEST(a_late_look_is_no_late_worker)
{
	look(0, 5000);
	ck_assert_int_eq(look(1, 60000), PULSE_FINE);
	ck_assert_uint_eq(waited, 0);
}
END

SUITE("pulse", it_is_asked_first_and_when_it_has_answered,
    after_two_seconds_it_is_late_once, a_late_look_is_no_late_worker)
