/*
 * Countries by databases that were made here, whole and broken.
 */
#include "net/geo.h"

#include <stdlib.h>

#include "../mmdb.h"
#include "test.h"
#include "util/err.h"

/* Debian's libmaxminddb (1.7.1) does not free what it has read of the metadata
 * when a later part of them is broken. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb.so";
}

static void
made(struct text *out)
{
	struct mmdb m = { 0 };

	mmdb_add(&m, "192.0.2.0/24", "DE");
	mmdb_add(&m, "192.0.2.128/25", "jp");
	mmdb_add(&m, "203.0.113.7", "CH");
	mmdb_add(&m, "2001:db8::/32", "SE");
	mmdb_add(&m, "198.51.100.0/24", "GBR");
	mmdb_add_at(&m, "198.18.0.0/15", "FR", "country", NULL);
	mmdb_add_at(&m, "198.51.100.128/25", "IT", "country_code", NULL);
	mmdb_write(&m, out);
}

TEST(an_address_has_a_country_or_none)
{
	static const struct { const char *ip, *is; } cases[] = {
		{ "192.0.2.1", "DE" }, { "192.0.2.128", "JP" },
		{ "192.0.2.255", "JP" }, { "192.0.3.0", "unknown" },
		{ "203.0.113.7", "CH" }, { "203.0.113.6", "unknown" },
		{ "2001:db8:ffff::1", "SE" }, { "2001:db9::", "unknown" },
		{ "::ffff:192.0.2.1", "DE" }, { "198.51.100.1", "unknown" },
		{ "198.19.255.255", "FR" }, { "198.51.100.200", "IT" },
	};
	struct text t = { 0 }, why = { 0 };
	char is[GEO_LEN];
	struct geo *g;
	struct addr a;
	size_t i;

	made(&t);
	ck_assert_msg(geo_new(t.s, t.len, &g, &why) == 0, "%s", why.s);
	for (i = 0; i < NELEM(cases); i++) {
		ck_assert_int_eq(addr_parse_ip(&a, cases[i].ip), 0);
		geo_country(g, &a, is);
		ck_assert_str_eq(is, cases[i].is);
	}
	geo_free(g);
	text_free(&t);
}
END

TEST(what_is_no_database_is_refused)
{
	struct text t = { 0 }, why = { 0 };
	struct mmdb m = { 0 };
	struct geo *g;

	ck_assert_int_eq(geo_new("", 0, &g, &why), ERR_FORMAT);
	ck_assert_int_eq(geo_new("what is this?\n", 14, &g, &why), ERR_FORMAT);
	ck_assert_ptr_null(g);
	ck_assert_str_eq(why.s, "it is emptyit is not a database of "
	    "MaxMind's format, or broken");
	text_clear(&why);
	mmdb_add_at(&m, "192.0.2.0/24", "64496",
	    "autonomous_system_number", NULL);
	mmdb_write(&m, &t);
	ck_assert_int_eq(geo_new(t.s, t.len, &g, &why), ERR_FORMAT);
	ck_assert_str_eq(why.s, "it has no countries");
	text_free(&t);
	text_free(&why);
}
END

/* Each byte another one, in turn: it is refused, or knows some of it. */
TEST(a_broken_one_breaks_nothing)
{
	static const char *const ips[] = { "192.0.2.1", "203.0.113.7",
	    "2001:db8::1", "198.18.0.1" };
	struct text t = { 0 }, why = { 0 };
	char is[GEO_LEN], was;
	struct addr a;
	struct geo *g;
	size_t i, k, opened = 0;

	made(&t);
	for (i = 0; i < t.len; i++) {
		was = t.s[i];
		t.s[i] = (char)(i % 3 == 0 ? 0xff : was ^ 1 << i % 8);
		text_clear(&why);
		if (geo_new(t.s, t.len, &g, &why) == 0) {
			for (k = 0; k < NELEM(ips); k++) {
				addr_parse_ip(&a, ips[k]);
				geo_country(g, &a, is);
				ck_assert_int_ge((int)strlen(is), 2);
			}
			geo_free(g);
			opened++;
		}
		t.s[i] = was;
	}
	ck_assert_uint_gt(opened, 0);
	text_free(&t);
	text_free(&why);
}
END

SUITE("geo", an_address_has_a_country_or_none, what_is_no_database_is_refused,
    a_broken_one_breaks_nothing)
