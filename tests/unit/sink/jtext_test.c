/*
 * JSON that is written straight into a text.
 */
#include "sink/jtext.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "test.h"
#include "util/mem.h"

TEST(jtext_puts_commas_where_they_belong)
{
	struct text t = { NULL, 0, 0 };

	jtext_open(&t, NULL, '{');
	jtext_string(&t, "a", "{");
	jtext_open(&t, "none", '{');
	jtext_close(&t, '}');
	jtext_open(&t, "list", '[');
	jtext_count(&t, NULL, 0);
	jtext_count(&t, NULL, UINT64_MAX);
	jtext_open(&t, NULL, '{');
	jtext_bool(&t, "yes", 2);
	jtext_bool(&t, "no", 0);
	jtext_close(&t, '}');
	jtext_open(&t, NULL, '[');
	jtext_close(&t, ']');
	jtext_close(&t, ']');
	jtext_raw(&t, "raw", "{\"b\":1}");
	jtext_close(&t, '}');
	ck_assert_str_eq(t.s, "{\"a\":\"{\",\"none\":{},\"list\":[0,"
	    "18446744073709551615,{\"yes\":true,\"no\":false},[]],"
	    "\"raw\":{\"b\":1}}");
	text_free(&t);
}
END

TEST(jtext_writes_milliseconds_with_three_digits)
{
	static const struct {
		double		 ms;
		const char	*text;
	} all[] = { { 0, "0.000" }, { 0.0004, "0.000" }, { 0.0005, "0.001" },
	    { 0.999, "0.999" }, { 0.9996, "1.000" }, { 1.5, "1.500" },
	    { 86400000.25, "86400000.250" } };
	struct text t = { NULL, 0, 0 };
	size_t i;

	for (i = 0; i < NELEM(all); i++) {
		jtext_ms(&t, NULL, all[i].ms);
		ck_assert_str_eq(t.s, all[i].text);
		text_clear(&t);
	}
	text_free(&t);
}
END

TEST(jtext_writes_times_as_rfc_3339)
{
	static const struct {
		struct timespec	 ts;
		const char	*text;
	} all[] = {
		{ { 0, 0 }, "\"1970-01-01T00:00:00.000000+00:00\"" },
		{ { 1795417200, 123456789 },
		  "\"2026-11-23T07:00:00.123456+00:00\"" },
		{ { 1709251199, 999999999 },
		  "\"2024-02-29T23:59:59.999999+00:00\"" },
	};
	struct text t = { NULL, 0, 0 };
	size_t i;

	for (i = 0; i < NELEM(all); i++) {
		jtext_time(&t, NULL, &all[i].ts);
		ck_assert_str_eq(t.s, all[i].text);
		text_clear(&t);
	}
	text_free(&t);
}
END

TEST(jtext_escapes_what_json_cannot_have)
{
	struct text t = { NULL, 0, 0 };

	jtext_string(&t, NULL, "/\"\\\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xff\xc3");
	ck_assert_str_eq(t.s, "\"/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f"
	    "\xc3\xa9\\\\xff\\\\xc3\"");
	text_clear(&t);
	jtext_string(&t, NULL, "");
	ck_assert_str_eq(t.s, "\"\"");
	text_free(&t);
}
END

/* Each byte before and behind each other, as another library reads it. */
TEST(jtext_knows_utf8_as_jansson_does)
{
	struct text t = { NULL, 0, 0 };
	unsigned a, b, c;
	json_t *v;
	char s[5];

	for (a = 1; a < 256; a++)
		for (b = 1; b < 256; b++)
			for (c = 0x7f; c < 0x100; c += 0x40) {
				snprintf(s, sizeof(s), "%c%c%c%c", a, b, c,
				    c);
				if (a == '\\' && b == 'x')
					continue;
				v = json_string(s);
				jtext_string(&t, NULL, s);
				ck_assert_int_eq(v == NULL,
				    strstr(t.s, "\\\\x") != NULL);
				json_decref(v);
				v = json_loads(t.s, JSON_DECODE_ANY, NULL);
				ck_assert_ptr_nonnull(v);
				json_decref(v);
				text_clear(&t);
			}
	text_free(&t);
}
END

SUITE("jtext", jtext_puts_commas_where_they_belong,
    jtext_writes_milliseconds_with_three_digits,
    jtext_writes_times_as_rfc_3339, jtext_escapes_what_json_cannot_have,
    jtext_knows_utf8_as_jansson_does)
