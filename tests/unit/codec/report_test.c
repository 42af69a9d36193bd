/*
 * Reports of security products, in the dialects and with the headers of syslog
 * that they come with.
 */
#include "codec/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/err.h"

#include "test.h"

static struct report got;
static char *line;
static const char *why;

static int
parse(const char *text)
{
	free(line);
	line = strdup(text);
	return report_parse(line, strlen(text), &got, &why);
}

static void
slice_has(struct slice s, const char *want)
{
	ck_assert_msg(slice_eq(s, want), "'%.*s', wanted '%s'", SLICE(s),
	    want);
}

static void
field_has(const char *name, const char *want)
{
	slice_has(report_field(&got, name), want);
}

TEST(cef_has_a_header_and_values_with_blanks)
{
	ck_assert_int_eq(parse("<134>Nov 29 01:02:03 ddi.corp CEF:0|Trend "
	    "Micro|Deep Discovery \\| Inspector|5.8|20|Eicar \\\\ test|8|"
	    "src=10.1.0.7 smac=02:00:00:00:00:07 msg=a file, and more "
	    "request=http://x.test/?a\\=b&c=d  fname=C:\\temp\\a.exe end=1"),
	    0);
	ck_assert_int_eq(got.dialect, REPORT_CEF);
	ck_assert_int_eq(got.facility, 16);
	ck_assert_int_eq(got.level, 6);
	slice_has(got.host, "ddi.corp");
	slice_has(got.vendor, "Trend Micro");
	slice_has(got.product, "Deep Discovery | Inspector");
	slice_has(got.name, "Eicar \\ test");
	slice_has(got.severity, "8");
	field_has("src", "10.1.0.7");
	field_has("SMAC", "02:00:00:00:00:07");
	field_has("msg", "a file, and more");
	field_has("request", "http://x.test/?a=b&c=d");
	field_has("fname", "C:\\temp\\a.exe");
	field_has("end", "1");
	field_has("dst", "");
}
END

TEST(cef_values_may_be_empty_or_have_lines)
{
	ck_assert_int_eq(parse("CEF:1|v|p|1|id|name|High|a= b=one\\ntwo c="),
	    0);
	ck_assert_uint_eq(got.nfield, 3);
	field_has("a", "");
	field_has("b", "one\ntwo");
	field_has("c", "");
	ck_assert_int_eq(got.facility, -1);
	ck_assert_int_eq(parse("CEF:0|v|p|1|id|name|3|"), 0);
	ck_assert_uint_eq(got.nfield, 0);
}
END

TEST(a_header_that_is_cut_short_is_told)
{
	static const char *const bad[] = {
		"CEF:0|vendor|product|1|id|name", "CEF:", "LEEF:1.0|v|p|1",
		"LEEF:2.0|v|p|1|id|^", "CEF:0|a|b|c|d|e\\|f"
	};
	size_t i;

	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(parse(bad[i]), ERR_FORMAT);
		ck_assert_str_eq(why, "the header is cut short");
	}
}
END

TEST(leef_1_has_tabs)
{
	ck_assert_int_eq(parse("<14>1 2026-11-29T01:02:03.123Z 10.9.0.5 "
	    "ddi - - [a@1 b=\"]\\\"\"][c] \xef\xbb\xbfLEEF:1.0|Trend Micro|"
	    "Deep Discovery Inspector|3.8|SECURITY_RISK_DETECTION|"
	    "sev=8\tinterestedIp=10.1.0.7\tpeerIp=203.0.113.9\t"
	    "malName=A = B\turl=http://x.test/?a=b"), 0);
	ck_assert_int_eq(got.dialect, REPORT_LEEF);
	slice_has(got.host, "10.9.0.5");
	slice_has(got.app, "ddi");
	slice_has(got.id, "SECURITY_RISK_DETECTION");
	slice_has(got.severity, "8");
	field_has("interestedIp", "10.1.0.7");
	field_has("malName", "A = B");
	field_has("url", "http://x.test/?a=b");
}
END

TEST(leef_has_the_delimiter_that_it_names)
{
	ck_assert_int_eq(parse("LEEF:2.0|v|p|1|id|^|a=1^b=2 3"), 0);
	field_has("b", "2 3");
	ck_assert_int_eq(parse("LEEF:2.0|v|p|1|id|x7C|a=1|b=2"), 0);
	field_has("b", "2");
	ck_assert_int_eq(parse("LEEF:2.0|v|p|1|id|0x09|a=1\tb=2"), 0);
	field_has("b", "2");
	ck_assert_int_eq(parse("LEEF:2.0|v|p|1|id||a=1\tb=2"), 0);
	field_has("b", "2");
}
END

TEST(tabs_that_rsyslog_has_written_in_octal_are_tabs)
{
	ck_assert_int_eq(parse("<13>Nov  9 01:02:03 h LEEF:1.0|v|p|1|id|"
	    "a=1#011b=2"), 0);
	field_has("a", "1");
	field_has("b", "2");
}
END

TEST(keys_have_words_or_quotes)
{
	ck_assert_int_eq(parse("<189>date=2026-11-29 time=01:02:03 "
	    "devname=\"fw 1\" srcip=10.1.0.7, msg=\"say \\\"x=y\\\" now\" "
	    "level=alert junk = x"), 0);
	ck_assert_int_eq(got.dialect, REPORT_KEYS);
	ck_assert_int_eq(got.level, 5);
	field_has("devname", "fw 1");
	field_has("srcip", "10.1.0.7");
	field_has("msg", "say \"x=y\" now");
	field_has("level", "alert");
	field_has("x", "");
	ck_assert_int_eq(parse("a=\"never ended"), 0);
	field_has("a", "never ended");
}
END

TEST(structured_data_has_keys)
{
	ck_assert_int_eq(parse("<13>1 2026-11-29T01:02:03Z fw ips - - "
	    "[timeQuality tzKnown=\"1\"][threat@32473 src=\"10.1.0.7\" "
	    "name=\"a \\\"b\\] c\" dst=\"::1\"][x y=\"z\"]"), 0);
	ck_assert_int_eq(got.dialect, REPORT_KEYS);
	slice_has(got.host, "fw");
	field_has("src", "10.1.0.7");
	field_has("name", "a \"b] c");
	field_has("dst", "::1");
	field_has("y", "z");
	field_has("tzKnown", "");
	/* With words behind it, and with keys, which come first. */
	ck_assert_int_eq(parse("<13>1 - - - - - [a b=\"c\"] some words"), 0);
	field_has("b", "c");
	ck_assert_int_eq(parse("<13>1 - - - - - [a b=\"c\" d=\"e\"] b=f"), 0);
	field_has("b", "f");
	field_has("d", "e");
	/* A dialect has what it has. */
	ck_assert_int_eq(parse("<13>1 - - - - - [a b=\"c\"] "
	    "CEF:0|a|b|c|d|e|5|src=10.1.0.7"), 0);
	ck_assert_int_eq(got.dialect, REPORT_CEF);
	field_has("b", "");
	/* That of syslog itself is no report. */
	ck_assert_int_eq(parse("<13>1 - - - - - [meta sequenceId=\"1\"] hi"),
	    ERR_FORMAT);
	ck_assert_int_eq(parse("<13>1 - - - - - [a b=\"c"), 0);
	field_has("b", "c");
}
END

TEST(json_is_found_behind_a_header)
{
	ck_assert_int_eq(parse("<13>Nov 29 01:02:03 ids suricata[12]: @cee: "
	    "{\"event_type\":\"alert\"}"), 0);
	ck_assert_int_eq(got.dialect, REPORT_JSON);
	slice_has(got.host, "ids");
	slice_has(got.app, "suricata");
	slice_has(got.json, "{\"event_type\":\"alert\"}");
	ck_assert_int_eq(parse("{}"), 0);
	slice_has(got.json, "{}");
}
END

TEST(headers_of_syslog_are_of_many_forms)
{
	static const char *const head[] = {
		"<13>2026-11-29T01:02:03+09:00 host app: ",
		"<13>Nov 29 2026 01:02:03 host app[1]: ",
		"<13>Nov 29 01:02:03 host app: ",
		"Nov 29 01:02:03 host app: ",
		"host app: ",
		"<13>1 - host app - - - "
	};
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
		snprintf(text, sizeof(text), "%sCEF:0|v|p|1|i|n|5|a=b",
		    head[i]);
		ck_assert_int_eq(parse(text), 0);
		slice_has(got.host, "host");
		slice_has(got.app, "app");
		field_has("a", "b");
	}
}
END

TEST(a_priority_that_is_none_is_text)
{
	ck_assert_int_eq(parse("<192>h a=b"), 0);
	ck_assert_int_eq(got.facility, -1);
	slice_has(got.host, "<192>h");
	ck_assert_int_eq(parse("<>a=b"), ERR_FORMAT);
	ck_assert_int_eq(parse("<1"), ERR_FORMAT);
}
END

TEST(what_is_no_report_is_told)
{
	static const char *const bad[] = { "", " ", "hello world", "<13>",
	    "<13>1 ", "=a", "CEF", "-- MARK --" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(parse(bad[i]), ERR_FORMAT);
	ck_assert_str_eq(why, "neither CEF, LEEF, JSON nor key=value");
}
END

TEST(lines_and_fields_are_bounded)
{
	char *big = malloc(REPORT_MAX + 2);
	size_t i;

	memset(big, 'a', REPORT_MAX + 1);
	big[REPORT_MAX + 1] = '\0';
	ck_assert_int_eq(parse(big), ERR_LIMIT);
	for (i = 0; i + 4 <= REPORT_MAX; i += 4)
		memcpy(big + i, "a=1 ", 4);
	big[4 * (REPORT_FIELDS + 3)] = '\0';
	ck_assert_int_eq(parse(big), 0);
	ck_assert_uint_eq(got.nfield, REPORT_FIELDS);
	ck_assert_uint_eq(got.dropped, 3);
	free(big);
}
END

SUITE("report", cef_has_a_header_and_values_with_blanks,
    cef_values_may_be_empty_or_have_lines,
    a_header_that_is_cut_short_is_told, leef_1_has_tabs,
    leef_has_the_delimiter_that_it_names,
    tabs_that_rsyslog_has_written_in_octal_are_tabs,
    keys_have_words_or_quotes, structured_data_has_keys,
    json_is_found_behind_a_header,
    headers_of_syslog_are_of_many_forms, a_priority_that_is_none_is_text,
    what_is_no_report_is_told, lines_and_fields_are_bounded)
