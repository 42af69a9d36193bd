/*
 * Ethernet addresses and their patterns.
 */
#include "util/mac.h"

#include <string.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

TEST(a_pattern_is_an_address_or_how_it_begins)
{
	static const struct { const char *s, *is; unsigned bytes; } cases[] = {
		{ "02:00:5e:00:00:07", "02:00:5e:00:00:07", 6 },
		{ "02-00-5E-00-00-aB", "02:00:5e:00:00:ab", 6 },
		{ "02:00:5E:*", "02:00:5e:*", 3 }, { "02:*", "02:*", 1 },
		{ "02:00:5e:00:00:*", "02:00:5e:00:00:*", 5 },
		{ "", NULL, 0 }, { "*", NULL, 0 }, { "02", NULL, 0 },
		{ "02:", NULL, 0 }, { "02:00:5e:00:00:0", NULL, 0 },
		{ "02:00:5e:00:00:07:", NULL, 0 },
		{ "02:00:5e:00:00:07:*", NULL, 0 },
		{ "02:00:5e*", NULL, 0 }, { "0200.5e00.0007", NULL, 0 },
		{ "02:00:5e:*:00:07", NULL, 0 }, { "g2:*", NULL, 0 },
		{ "02:00:5e:00:00", NULL, 0 }, { "2:0:5e:0:0:7", NULL, 0 },
	};
	struct mac_pattern p;
	uint8_t mac[MAC_LEN];
	char s[MAC_STRLEN];
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		int r = mac_pattern_parse(&p, cases[i].s,
		    (unsigned)strlen(cases[i].s));

		ck_assert_msg((r == 0) == (cases[i].is != NULL), "%s",
		    cases[i].s);
		ck_assert_int_eq(mac_parse(mac, cases[i].s) == 0,
		    cases[i].bytes == MAC_LEN);
		if (r != 0)
			continue;
		ck_assert_uint_eq(p.bytes, cases[i].bytes);
		ck_assert_str_eq(mac_pattern_str(&p, s), cases[i].is);
	}
}
END

SUITE("mac", a_pattern_is_an_address_or_how_it_begins)
