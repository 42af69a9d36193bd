/*
 * Texts with values in them, and syslog and CEF.
 */
#include "codec/fill.h"

#include <string.h>

#include "codec/syslog.h"
#include "test.h"

static struct text out;

static const char *
value(void *arg, struct slice name, int *raw)
{
	if (slice_eq(name, "nothing"))
		return NULL;
	*raw = slice_eq(name, "raw");
	return arg;
}

static void
filled(const char *s, enum fill_as as, const char *v, const char *want)
{
	text_clear(&out);
	fill(&out, s, as, value, (void *)(uintptr_t)v);
	ck_assert_str_eq(out.s, want);
}

TEST(values_are_escaped_as_their_place_wants)
{
	filled("{\"a\": \"%{x}\"}", FILL_JSON, "q\" b\\ \n\x7f %{x}",
	    "{\"a\": \"q\\\" b\\\\ \\u000a\\u007f %{x}\"}");
	filled("/a/%{x}?b", FILL_URL, "a b/%2F?&\xc3\xa9",
	    "/a/a%20b%2F%252F%3F%26%C3%A9?b");
	filled("<a b='%{x}'>", FILL_XML, "<>&\"'\r\n",
	    "<a b='&#60;&#62;&#38;&#34;&#39;  '>");
	filled("%{x}", FILL_PLAIN, "a\r\nX: b", "a  X: b");
	filled("[%{raw}]", FILL_JSON, "{\"a\":1}", "[{\"a\":1}]");
	filled("%{nothing}%{x}%{x}", FILL_JSON, "1", "11");
	filled("100% %{x", FILL_JSON, "1", "100% 1");
}
END

TEST(escapes_follow_the_media_type)
{
	ck_assert_int_eq(fill_as_of(NULL), FILL_JSON);
	ck_assert_int_eq(fill_as_of("application/problem+json"), FILL_JSON);
	ck_assert_int_eq(fill_as_of("application/x-www-form-urlencoded"),
	    FILL_URL);
	ck_assert_int_eq(fill_as_of("text/XML; charset=utf-8"), FILL_XML);
	ck_assert_int_eq(fill_as_of("text/plain"), FILL_PLAIN);
}
END

TEST(syslog_is_as_rfc_5424_has_it)
{
	struct syslog_message m = { 3, 4, "2026-11-29T04:31:43Z",
	    "a host\n", "clearspan", "quarantine", 7, "@cee: {}" };

	text_clear(&out);
	syslog_write(&out, &m);
	ck_assert_str_eq(out.s, "<28>1 2026-11-29T04:31:43Z ahost clearspan 7 "
	    "quarantine - @cee: {}");
	text_clear(&out);
	m.host = NULL;
	syslog_frame(&out, &m);
	ck_assert_str_eq(out.s, "62 <28>1 2026-11-29T04:31:43Z - clearspan 7 "
	    "quarantine - @cee: {}");
	ck_assert_uint_eq(strlen(out.s), 62 + 3);
}
END

TEST(cef_escapes_what_ends_a_field)
{
	text_clear(&out);
	cef_head(&out, "a|b\\c=\n");
	cef_field(&out, "msg", "a|b\\c=\nd");
	cef_field(&out, "none", NULL);
	cef_field(&out, "src", "10.1.0.7");
	ck_assert_str_eq(out.s, "a\\|b\\\\c=\\n|msg=a|b\\\\c\\=\\nd "
	    "src=10.1.0.7");
}
END

SUITE("fill", values_are_escaped_as_their_place_wants,
    escapes_follow_the_media_type, syslog_is_as_rfc_5424_has_it,
    cef_escapes_what_ends_a_field)
