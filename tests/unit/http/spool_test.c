/*
 * The spool: memory, then a file, read anywhere, dropped from the front.
 */
#include "http/spool.h"

#include <string.h>

#include "test.h"
#include "util/budget.h"
#include "util/err.h"

static uint8_t
at(uint64_t i)
{
	return (uint8_t)(i * 13 + (i >> 8) + (i >> 17));
}

static void
add(struct spool *s, size_t n)
{
	uint8_t *b = malloc(n + 1);
	size_t i;

	for (i = 0; i < n; i++)
		b[i] = at(spool_size(s) + i);
	ck_assert_int_eq(spool_add(s, b, n), 0);
	free(b);
}

/* All bytes from offset to the end are what they were. */
static void
check(struct spool *s, uint64_t offset)
{
	const uint8_t *p;
	size_t n, i, bad = 0;

	/* check writes a line for each assertion: one for all is enough. */
	while (offset < spool_size(s)) {
		if (spool_at(s, offset, &p, &n) != 0 || n == 0) {
			bad++;
			break;
		}
		for (i = 0; i < n; i++)
			bad += p[i] != at(offset + i);
		offset += n;
	}
	ck_assert_uint_eq(bad, 0);
	ck_assert_int_eq(spool_at(s, offset, &p, &n), ERR_EOF);
}

TEST(a_small_body_is_kept_whole)
{
	struct spool *s = spool_new(1000);

	add(s, 0);
	add(s, 10);
	add(s, 300);
	ck_assert_uint_eq(spool_size(s), 310);
	check(s, 0);
	check(s, 309);
	check(s, 310);
	ck_assert_int_eq(spool_ended(s), 0);
	spool_end(s, 1);
	ck_assert_int_eq(spool_ended(s), 1);
	spool_end(s, 0);
	ck_assert_int_eq(spool_ended(s), 1);
	spool_free(s);
}
END

TEST(past_its_bound_nothing_is_taken)
{
	struct spool *s = spool_new(100);

	add(s, 100);
	ck_assert_int_eq(spool_add(s, "x", 1), ERR_LIMIT);
	ck_assert_uint_eq(spool_size(s), 100);
	spool_drop(s, 40);
	add(s, 40);
	ck_assert_int_eq(spool_add(s, "x", 1), ERR_LIMIT);
	check(s, 40);
	spool_free(s);
}
END

TEST(a_big_body_goes_on_in_a_file)
{
	struct spool *s = spool_new(8 << 20);
	uint64_t memory, disk;
	size_t i;

	for (i = 0; i < 100; i++)
		add(s, 40001);
	memory = budget_held(BUDGET_SPOOL);
	disk = spool_disk();
	ck_assert_uint_le(memory, SPOOL_MEMORY);
	ck_assert_uint_gt(disk, 3000000);
	check(s, 0);
	check(s, SPOOL_MEMORY - 1);
	check(s, SPOOL_MEMORY);
	check(s, 4000000);
	spool_free(s);
	memory = budget_held(BUDGET_SPOOL);
	disk = spool_disk();
	ck_assert_uint_eq(memory, 0);
	ck_assert_uint_eq(disk, 0);
}
END

TEST(what_was_dropped_is_gone)
{
	struct spool *s = spool_new(8 << 20);
	const uint8_t *p;
	size_t n, i;

	for (i = 0; i < 50; i++)
		add(s, 40000);
	for (i = 0; i <= 2000000; i += 77777) {
		spool_drop(s, i);
		ck_assert_uint_eq(spool_first(s), i);
		if (i > 0)
			ck_assert_int_eq(spool_at(s, i - 1, &p, &n),
			    ERR_NOTFOUND);
		check(s, i);
	}
	spool_drop(s, 5000000);
	ck_assert_uint_eq(spool_first(s), 2000000);
	add(s, 1000);
	check(s, 2000000);
	spool_free(s);
}
END

/* As a copy that is sent at once: no disk is ever touched. */
TEST(dropped_as_it_comes_it_stays_in_memory)
{
	struct spool *s = spool_new(100000);
	uint64_t memory, disk;
	size_t i;

	for (i = 0; i < 1000; i++) {
		add(s, 30000);
		add(s, 30000);
		spool_drop(s, spool_size(s) - i % 7 * 1000);
		check(s, spool_first(s));
		spool_drop(s, spool_size(s) - i % 5 * 1000);
		check(s, spool_first(s));
	}
	memory = budget_held(BUDGET_SPOOL);
	disk = spool_disk();
	ck_assert_uint_eq(disk, 0);
	ck_assert_uint_le(memory, 131072);
	spool_free(s);
}
END

TEST(written_and_read_at_random_it_is_right)
{
	struct spool *s = spool_new(4 << 20);
	unsigned i;

	srandom(1);
	for (i = 0; i < 3000; i++) {
		if (spool_size(s) - spool_first(s) < 2000000)
			add(s, (size_t)random() % 70000);
		if (random() % 3 == 0)
			spool_drop(s, spool_first(s) + (uint64_t)random() %
			    (spool_size(s) - spool_first(s) + 1));
		if (i % 97 == 0)
			check(s, spool_first(s) + (uint64_t)random() %
			    (spool_size(s) - spool_first(s) + 1));
	}
	spool_free(s);
}
END

TEST(without_memory_it_goes_to_the_disk_without_disk_it_fails)
{
	struct spool *s = spool_new(4 << 20);
	uint8_t b[1000] = { 0 };
	uint64_t memory, disk;

	spool_budget(0, 5000);
	add(s, 4000);
	memory = budget_held(BUDGET_SPOOL);
	disk = spool_disk();
	ck_assert_uint_eq(memory, 0);
	ck_assert_uint_eq(disk, 4000);
	check(s, 0);
	add(s, 1000);
	ck_assert_int_eq(spool_add(s, b, 1000), ERR_MEM);
	check(s, 0);
	spool_free(s);
	memory = budget_held(BUDGET_SPOOL);
	disk = spool_disk();
	ck_assert_uint_eq(disk, 0);
	s = spool_new(4 << 20);
	setenv("TMPDIR", "/nonexistent", 1);
	ck_assert_int_eq(spool_add(s, b, 1000), ERR_SYS);
	ck_assert_uint_eq(spool_size(s), 0);
	spool_free(s);
}
END

SUITE("spool", a_small_body_is_kept_whole, past_its_bound_nothing_is_taken,
    a_big_body_goes_on_in_a_file, what_was_dropped_is_gone,
    dropped_as_it_comes_it_stays_in_memory,
    written_and_read_at_random_it_is_right,
    without_memory_it_goes_to_the_disk_without_disk_it_fails)
