/*
 * Times as text.
 */
#include "util/clock.h"

#include <string.h>

#include "test.h"
#include "util/mem.h"

TEST(a_time_is_a_stamp_while_its_year_has_four_digits)
{
	static const struct { int64_t at; const char *is; } cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 951782399, "2000-02-28T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ 253402300800, "" }, { INT64_MAX, "" }, { INT64_MIN, "" },
	};
	char s[CLOCK_STAMP];
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		ck_assert_str_eq(clock_stamp(cases[i].at, s), cases[i].is);
}
END

SUITE("clock", a_time_is_a_stamp_while_its_year_has_four_digits)
