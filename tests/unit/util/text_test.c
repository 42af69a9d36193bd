/*
 * Base64, both ways.
 */
#include <string.h>

#include "test.h"
#include "util/err.h"
#include "util/text.h"

static uint8_t out[32];

static int
decode(const char *s, const char *more)
{
	return base64_decode(out, sizeof(out), s, strlen(s), more);
}

TEST(what_is_encoded_is_decoded)
{
	struct text t = { 0 };
	uint8_t in[24];
	size_t n, digits, i;

	for (n = 0; n <= sizeof(in); n++) {
		for (i = 0; i < n; i++)
			in[i] = (uint8_t)(n * 37 + i * 91);
		text_clear(&t);
		text_base64(&t, in, n);
		digits = t.len;
		while (digits > 0 && t.s[digits - 1] == '=')
			digits--;
		ck_assert_int_eq(base64_decode(out, sizeof(out), t.s, digits,
		    "+/"), (int)n);
		ck_assert_int_eq(memcmp(out, in, n), 0);
	}
	text_free(&t);
}
END

TEST(each_alphabet_has_its_own_last_digits)
{
	ck_assert_int_eq(decode("+/+/", "+/"), 3);
	ck_assert_int_eq(memcmp(out, "\xfb\xff\xbf", 3), 0);
	ck_assert_int_eq(decode("-_-_", "-_"), 3);
	ck_assert_int_eq(memcmp(out, "\xfb\xff\xbf", 3), 0);
	ck_assert_int_eq(decode("-_-_", "+/"), ERR_FORMAT);
	ck_assert_int_eq(decode("+/+/", "-_"), ERR_FORMAT);
}
END

TEST(what_is_no_base64_is_told)
{
	static const char *const bad[] = { "A", "AAAAA", "AA=", "A A", "AA\n" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(decode(bad[i], "+/"), ERR_FORMAT);
	ck_assert_int_eq(base64_decode(out, sizeof(out), "A\0A", 3, "+/"),
	    ERR_FORMAT);
	ck_assert_int_eq(base64_decode(out, 2, "AAAA", 4, "+/"), ERR_FORMAT);
	ck_assert_int_eq(base64_decode(out, 3, "AAAA", 4, "+/"), 3);
}
END

SUITE("text", what_is_encoded_is_decoded,
    each_alphabet_has_its_own_last_digits, what_is_no_base64_is_told)
