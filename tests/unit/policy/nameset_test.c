/*
 * Sets of names in one table.
 */
#include "policy/nameset.h"

#include <stdio.h>
#include <string.h>

#include "test.h"
#include "util/mem.h"

static int
has(const struct nameset *t, uint32_t set, const char *name)
{
	struct nameset_found f;

	nameset_find(t, name, &f);
	return nameset_has(&f, set);
}

TEST(the_most_specific_pattern_decides)
{
	static const struct {
		const char *name;
		int has;
	} names[] = {
		{ "example.com", 1 }, { "a.example.com", 1 },
		{ "www.example.com", 0 }, { "x.www.example.com", 0 },
		{ "in.www.example.com", 1 }, { "x.in.www.example.com", 1 },
		{ "one.example.com", 0 }, { "x.one.example.com", 1 },
		{ "two.example.com", 1 }, { "x.two.example.com", 0 },
		{ "com", 0 }, { "both.example", 0 }, { "only.example", 0 },
		{ "x.only.example", 1 }, { "=", 0 }
	};
	struct nameset t = { 0 };
	size_t i;

	nameset_add(&t, 3, "!www.example.com");
	nameset_add(&t, 3, "example.com");
	nameset_add(&t, 3, "in.www.example.com");
	nameset_add(&t, 3, "!=one.example.com");
	nameset_add(&t, 3, "!*.two.example.com");
	nameset_add(&t, 3, "both.example");
	nameset_add(&t, 3, "!both.example");
	nameset_add(&t, 3, "*.only.example");
	for (i = 0; i < NELEM(names); i++)
		ck_assert_msg(has(&t, 3, names[i].name) == names[i].has,
		    "%s", names[i].name);
	ck_assert(!has(&t, 2, "example.com") && !has(&t, 4, "example.com"));
	nameset_free(&t);
}
END

TEST(a_star_is_any_name_of_its_own_set)
{
	struct nameset t = { 0 };

	nameset_add(&t, 1, "*");
	nameset_add(&t, 2, "a.example");
	ck_assert(has(&t, 1, "a.example") && has(&t, 1, "com."));
	ck_assert(!has(&t, 2, "b.example") && !has(&t, 1, ""));
	nameset_free(&t);
}
END

TEST(a_name_may_be_in_any_number_of_sets)
{
	struct nameset t = { 0 };
	uint32_t i;

	for (i = 0; i < 1000; i++) {
		nameset_add(&t, i, i % 3 == 0 ? "=a.example" : "*.a.example");
		nameset_add(&t, i, i % 7 == 0 ? "!x.a.example" : "b.example");
	}
	for (i = 0; i < 1000; i++) {
		ck_assert_int_eq(has(&t, i, "A.example."), i % 3 == 0);
		ck_assert_int_eq(has(&t, i, "w.a.example"), i % 3 != 0);
		ck_assert_int_eq(has(&t, i, "w.x.a.example"), i % 3 != 0 &&
		    i % 7 != 0);
		ck_assert_int_eq(has(&t, i, "b.example"), i % 7 != 0);
	}
	ck_assert(!has(&t, 1000, "a.example"));
	nameset_free(&t);
}
END

TEST(long_and_odd_names_are_harmless)
{
	struct nameset t = { 0 };
	char big[70000], dots[256];
	size_t i;

	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	nameset_add(&t, 1, "example.com");
	nameset_add(&t, 1, big);
	ck_assert(!has(&t, 1, big));
	ck_assert(!has(&t, 1, ""));
	ck_assert(!has(&t, 1, "."));
	ck_assert(!has(&t, 1, "...."));
	ck_assert(has(&t, 1, ".example.com"));
	ck_assert(!has(&t, 1, "com"));
	for (i = 0; i < sizeof(dots); i++)	/* the most labels */
		dots[i] = i % 2 == 0 ? 'a' : '.';
	dots[255] = '\0';
	ck_assert(!has(&t, 1, dots));
	memset(dots, '.', 255);
	ck_assert(!has(&t, 1, dots));
	nameset_free(&t);
}
END

SUITE("nameset", the_most_specific_pattern_decides,
    a_star_is_any_name_of_its_own_set,
    a_name_may_be_in_any_number_of_sets, long_and_odd_names_are_harmless)
