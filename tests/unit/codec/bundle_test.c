#include "../test.h"

#include <string.h>

#include "codec/bundle.h"
#include "util/err.h"
#include "util/text.h"

static struct text got;

/* The reports of a body, between bars; and how it ended. */
static int
take(const char *body)
{
	struct bundle b;
	struct slice s;
	int rv;

	text_clear(&got);
	text_add(&got, "", 0);
	bundle_init(&b, slice_of(body, strlen(body)));
	while ((rv = bundle_next(&b, &s)) == 1) {
		ck_assert(s.len > 0);
		text_printf(&got, "%.*s|", SLICE(s));
	}
	ck_assert((rv == ERR_FORMAT) == (b.why != NULL));
	return rv;
}

TEST(bundle_of_one_object_is_that)
{
	ck_assert_int_eq(take("{\"a\": 1}"), 0);
	ck_assert_str_eq(got.s, "{\"a\": 1}|");
	ck_assert_int_eq(take(" \r\n{\n\"a\":\n{}}\n\n"), 0);
	ck_assert_str_eq(got.s, "{\n\"a\":\n{}}|");
	ck_assert_int_eq(take("\xef\xbb\xbf{}"), 0);
	ck_assert_str_eq(got.s, "{}|");
}
END

TEST(bundle_of_nothing_has_no_report)
{
	ck_assert_int_eq(take(""), 0);
	ck_assert_int_eq(take(" \t\r\n"), 0);
	ck_assert_int_eq(take("[]"), 0);
	ck_assert_int_eq(take("[\n] []"), 0);
	ck_assert_str_eq(got.s, "");
}
END

TEST(bundle_of_arrays_and_lines_has_each_report)
{
	ck_assert_int_eq(take("[{\"a\":1},{\"b\":[{}]}]{}\n[{}]"), 0);
	ck_assert_str_eq(got.s, "{\"a\":1}|{\"b\":[{}]}|{}|{}|");
	ck_assert_int_eq(take("CEF:0|a\r\nkey=value {not}\n{}"), 0);
	ck_assert_str_eq(got.s, "CEF:0|a\r|key=value {not}|{}|");
}
END

TEST(bundle_does_not_end_an_object_within_a_string)
{
	ck_assert_int_eq(take("{\"}\":\"\\\"}{\\\\\"}{\"b\":2}"), 0);
	ck_assert_str_eq(got.s, "{\"}\":\"\\\"}{\\\\\"}|{\"b\":2}|");
}
END

TEST(bundle_that_breaks_off_is_an_error_behind_what_was_whole)
{
	static const char *const v[] = { "{", "{\"a", "{\"a\\\"}", "[", "[{}",
	    "{}{\"a\":[", "[1]", "[{},\"x\"]", "[[" };
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		ck_assert_int_eq(take(v[i]), ERR_FORMAT);
	ck_assert_int_eq(take("[{\"a\":1},"), ERR_FORMAT);
	ck_assert_str_eq(got.s, "{\"a\":1}|");
}
END

SUITE("bundle", bundle_of_one_object_is_that,
    bundle_of_nothing_has_no_report,
    bundle_of_arrays_and_lines_has_each_report,
    bundle_does_not_end_an_object_within_a_string,
    bundle_that_breaks_off_is_an_error_behind_what_was_whole)
