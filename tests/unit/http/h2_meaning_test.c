/*
 * What names mean: the static table's are known by their index.
 */
#include "http/h2_meaning.h"

#include "codec/hpack_table.h"
#include "test.h"
#include "util/mem.h"

static enum h2_meaning
meaning(const char *name)
{
	return h2_meaning(slice_of(name, strlen(name)));
}

TEST(h2_meaning_is_found_by_the_whole_name)
{
	ck_assert_int_eq(meaning("te"), H2_F_TE);
	ck_assert_int_eq(meaning("connection"), H2_F_HOP);
	ck_assert_int_eq(meaning("keep-alive"), H2_F_HOP);
	ck_assert_int_eq(meaning("proxy-connection"), H2_F_HOP);
	ck_assert_int_eq(meaning("transfer-encoding"), H2_F_HOP);
	ck_assert_int_eq(meaning("upgrade"), H2_F_HOP);
	ck_assert_int_eq(meaning(":protocol"), H2_F_PSEUDO + H2_P_PROTOCOL);
	ck_assert_int_eq(meaning(":statuz"), H2_F_PSEUDO + H2_P_MAX);
	ck_assert_int_eq(meaning(":"), H2_F_PSEUDO + H2_P_MAX);
	ck_assert_int_eq(meaning("hosts"), H2_F_OTHER);
	ck_assert_int_eq(meaning("hosu"), H2_F_OTHER);
	ck_assert_int_eq(meaning(""), H2_F_OTHER);
}
END

/* And none of its names has to be looked at: they are in order. */
TEST(h2_meaning_of_the_static_table_is_that_of_its_names)
{
	const struct hpack_table none = { 0 };
	struct hpack_line l;
	unsigned i;

	for (i = 1; i <= HPACK_STATIC; i++) {
		ck_assert_int_eq(hpack_table_line(&none, i, &l), 0);
		ck_assert_int_eq(h2_known_meaning[i], h2_meaning(l.name));
		ck_assert(l.name.p[0] == ':' || slice_is_lower_token(l.name));
	}
}
END

SUITE("h2_meaning", h2_meaning_is_found_by_the_whole_name,
    h2_meaning_of_the_static_table_is_that_of_its_names)
