/*
 * The tables of HPACK: what the dynamic one forgets, and when.
 */
#include "codec/hpack_table.h"

#include <stdio.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static struct slice
text(const char *s)
{
	return slice_of(s, strlen(s));
}

static void
add(struct hpack_table *t, const char *name, const char *value)
{
	const struct hpack_line l = { text(name), text(value), 3, 0 };

	hpack_table_add(t, &l);
}

/* "name: value" of an index, or "". */
static const char *
line(const struct hpack_table *t, uint32_t index)
{
	static char buf[512];
	struct hpack_line l;

	buf[0] = '\0';
	if (hpack_table_line(t, index, &l) != 0)
		return buf;
	ck_assert_uint_eq(l.known, index > HPACK_STATIC ? 3 : index);
	snprintf(buf, sizeof(buf), "%.*s: %.*s", SLICE(l.name),
	    SLICE(l.value));
	return buf;
}

TEST(hpack_table_has_the_static_one)
{
	struct hpack_table t = { 0 };

	ck_assert_str_eq(line(&t, 0), "");
	ck_assert_str_eq(line(&t, 1), ":authority: ");
	ck_assert_str_eq(line(&t, 2), ":method: GET");
	ck_assert_str_eq(line(&t, 16), "accept-encoding: gzip, deflate");
	ck_assert_str_eq(line(&t, 61), "www-authenticate: ");
	ck_assert_str_eq(line(&t, 62), "");
	ck_assert_str_eq(line(&t, UINT32_MAX), "");
	hpack_table_clear(&t);
}
END

TEST(hpack_table_has_the_newest_line_first)
{
	struct hpack_table t = { 0 };

	hpack_table_resize(&t, 4096);
	add(&t, "a", "1");
	add(&t, "", "");
	add(&t, "b", "2");
	ck_assert_str_eq(line(&t, 62), "b: 2");
	ck_assert_str_eq(line(&t, 63), ": ");
	ck_assert_str_eq(line(&t, 64), "a: 1");
	ck_assert_str_eq(line(&t, 65), "");
	ck_assert_uint_eq(t.size, 2 * 34 + 32);
	hpack_table_clear(&t);
}
END

TEST(hpack_table_forgets_the_oldest)
{
	struct hpack_table t = { 0 };

	hpack_table_resize(&t, 3 * 34);
	add(&t, "a", "1");
	add(&t, "b", "2");
	add(&t, "c", "3");
	ck_assert_str_eq(line(&t, 64), "a: 1");
	add(&t, "d", "45");		/* a byte too many: two go */
	ck_assert_str_eq(line(&t, 62), "d: 45");
	ck_assert_str_eq(line(&t, 63), "c: 3");
	ck_assert_str_eq(line(&t, 64), "");
	hpack_table_resize(&t, 68);
	ck_assert_str_eq(line(&t, 62), "d: 45");
	ck_assert_str_eq(line(&t, 63), "");
	hpack_table_resize(&t, 34);
	ck_assert_str_eq(line(&t, 62), "");
	ck_assert_uint_eq(t.size, 0);
	hpack_table_clear(&t);
}
END

TEST(hpack_table_is_empty_after_a_line_larger_than_it)
{
	struct hpack_table t = { 0 };

	hpack_table_resize(&t, 40);
	add(&t, "a", "1");
	add(&t, "longer", "one");
	ck_assert_str_eq(line(&t, 62), "");
	ck_assert_uint_eq(t.size, 0);
	add(&t, "exact", "123");
	ck_assert_str_eq(line(&t, 62), "exact: 123");
	hpack_table_resize(&t, 0);
	add(&t, "", "");
	ck_assert_str_eq(line(&t, 62), "");
	hpack_table_clear(&t);
}
END

/* The length of the i-th value of many. */
static size_t
length_of(size_t i)
{
	return i * 7 % 299;
}

/* Many lines of all lengths, beside the numbers of those that live. */
TEST(hpack_table_moves_what_lives_and_stays_small)
{
	struct hpack_table t = { 0 };
	struct hpack_line new = { text("n"), { NULL, 0 }, 0, 0 }, l;
	char text_of[300];
	size_t first = 0, next, i, size = 0, max = 4096;

	hpack_table_resize(&t, (uint32_t)max);
	for (next = 0; next < 5000; next++) {
		if (next % 500 == 499) {
			max = next % 1000 == 499 ? 16384 : 1000;
			hpack_table_resize(&t, (uint32_t)max);
		}
		memset(text_of, 'a' + (int)(next % 26), sizeof(text_of));
		new.value = slice_of(text_of, length_of(next));
		hpack_table_add(&t, &new);
		for (size += 33 + length_of(next); size > max; first++)
			size -= 33 + length_of(first);
		ck_assert_uint_eq(t.size, size);
		for (i = first; i <= next; i++) {
			ck_assert_int_eq(hpack_table_line(&t, (uint32_t)(62 +
			    next - i), &l), 0);
			ck_assert_uint_eq(l.value.len, length_of(i));
			ck_assert(l.value.len == 0 || (l.value.p[0] == 'a' +
			    (int)(i % 26) && l.value.p[l.value.len - 1] ==
			    l.value.p[0]));
		}
		ck_assert_uint_le(hpack_table_memory(&t), 4 * 16384);
	}
	hpack_table_clear(&t);
}
END

SUITE("hpack_table", hpack_table_has_the_static_one,
    hpack_table_has_the_newest_line_first,
    hpack_table_forgets_the_oldest,
    hpack_table_is_empty_after_a_line_larger_than_it,
    hpack_table_moves_what_lives_and_stays_small)
