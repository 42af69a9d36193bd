/*
 * Offsets of zones, beside those of the C library.
 */
#include "util/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test.h"
#include "util/mem.h"
#include "util/text.h"

static struct zone *
load(const char *name)
{
	char path[128], buf[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	if ((f = fopen(path, "rb")) == NULL)
		return NULL;
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	return zone_read((const uint8_t *)buf, n);
}

/* From 1972 to 2070, at steps that meet every hour of the day. */
TEST(offsets_are_those_of_the_c_library)
{
	static const char *const names[] = { "Europe/Berlin",
	    "America/New_York", "Asia/Tokyo", "Australia/Sydney", "UTC",
	    "Asia/Kathmandu", "America/Sao_Paulo", "America/St_Johns",
	    "Africa/Casablanca", "Pacific/Apia", "Europe/Dublin" };
	struct zone *z;
	struct tm tm;
	time_t t;
	size_t i;

	for (i = 0; i < NELEM(names); i++) {
		if ((z = load(names[i])) == NULL)
			continue;	/* no tzdata here */
		setenv("TZ", names[i], 1);
		tzset();
		for (t = 63072000; t < 3155760000; t += 86400 + 3607) {
			localtime_r(&t, &tm);
			ck_assert_msg(zone_offset(z, t) == tm.tm_gmtoff,
			    "%s at %lld: %d, not %ld", names[i], (long long)t,
			    zone_offset(z, t), tm.tm_gmtoff);
		}
		zone_free(z);
	}
	unsetenv("TZ");
}
END

static void
put32(struct text *t, uint32_t v)
{
	char b[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8),
	    (char)v };

	text_add(t, b, 4);
}

/* A file with one type and no transitions, and this rule. */
static struct zone *
ruled(const char *rule)
{
	struct text t = { 0 };
	struct zone *z;
	int version;

	for (version = 0; version < 2; version++) {
		text_add(&t, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
		put32(&t, 0);
		put32(&t, 0);
		put32(&t, 0);
		put32(&t, 0);
		put32(&t, 1);
		put32(&t, 4);
		text_add(&t, "\0\0\0\0\0\0UTC\0", 10);
	}
	text_printf(&t, "\n%s\n", rule);
	z = zone_read((const uint8_t *)t.s, t.len);
	ck_assert_ptr_nonnull(z);
	text_free(&t);
	return z;
}

TEST(rules_are_read_in_each_form)
{
	static const char *const rules[] = { "CET-1CEST,M3.5.0,M10.5.0/3",
	    "EST5EDT,M3.2.0,M11.1.0", "AEST-10AEDT,M10.1.0,M4.1.0/3",
	    "<+0330>-3:30", "XXX3YYY,J60/0,J300/23:59:59",
	    "XXX3YYY2:30,59,299/-1", "IST-2IDT,M3.4.4/26,M10.5.0" };
	struct zone *z;
	struct tm tm;
	time_t t;
	size_t i;

	for (i = 0; i < NELEM(rules); i++) {
		z = ruled(rules[i]);
		setenv("TZ", rules[i], 1);
		tzset();
		for (t = 63072000; t < 2000000000; t += 43200 + 1801) {
			localtime_r(&t, &tm);
			ck_assert_msg(zone_offset(z, t) == tm.tm_gmtoff,
			    "%s at %lld: %d, not %ld", rules[i], (long long)t,
			    zone_offset(z, t), tm.tm_gmtoff);
		}
		zone_free(z);
	}
	unsetenv("TZ");
}
END

TEST(what_is_no_zone_is_refused)
{
	static const char *const odd[] = { "", "x", "A1B,", "A1B,M13.1.1,M1.1.1",
	    "A1B,M1.1", "<A", "A1B,M1.1.1,M2.1.1x", "A" };
	struct zone *z;
	size_t i;

	ck_assert_ptr_null(zone_read((const uint8_t *)"", 0));
	ck_assert_ptr_null(zone_read((const uint8_t *)"TZif2", 5));
	for (i = 0; i < NELEM(odd); i++) {	/* a rule that is none */
		z = ruled(odd[i]);
		ck_assert_int_eq(zone_offset(z, 1000000000), 0);
		zone_free(z);
	}
	ck_assert_int_eq(zone_offset(NULL, 1000000000), 0);
}
END

SUITE("zone", offsets_are_those_of_the_c_library,
    rules_are_read_in_each_form, what_is_no_zone_is_refused)
