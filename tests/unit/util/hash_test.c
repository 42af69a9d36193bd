/*
 * FNV-1a against its authors' vectors, and what folding is for.
 */
#include <string.h>

#include "test.h"
#include "util/clock.h"
#include "util/hash.h"

TEST(hash_gives_the_published_values)
{
	ck_assert_uint_eq(hash_string(HASH_START, ""), 0xcbf29ce484222325);
	ck_assert_uint_eq(hash_string(HASH_START, "a"), 0xaf63dc4c8601ec8c);
	ck_assert_uint_eq(hash_string(HASH_START, "foobar"),
	    0x85944171f73967e8);
	ck_assert_uint_eq(hash_bytes(HASH_START, "foobar", 6),
	    0x85944171f73967e8);
	ck_assert_uint_eq(hash_bytes(HASH_START, NULL, 0), HASH_START);
}
END

/* 4096 addresses of one network into 256 slots: 16 each, none far from it. */
TEST(folded_hashes_spread_over_few_slots)
{
	unsigned n[256] = { 0 }, i, most = 0;
	uint8_t a[4] = { 10, 1, 0, 0 };

	for (i = 0; i < 4096; i++) {
		a[2] = (uint8_t)(i >> 8);
		a[3] = (uint8_t)i;
		n[hash_fold(hash_bytes(HASH_START, a, 4)) % 256]++;
	}
	for (i = 0; i < 256; i++)
		most = n[i] > most ? n[i] : most;
	ck_assert_uint_lt(most, 40);
}
END

TEST(clocks_agree)
{
	uint64_t us = clock_us(), ms = clock_ms(), s = clock_s();

	ck_assert_uint_ge(ms, us / 1000);
	ck_assert_uint_ge(s, us / 1000000);
	ck_assert_uint_le(clock_coarse_ms(), clock_ms());
	ck_assert_int_gt(clock_wall().tv_sec, 1500000000);
}
END

SUITE("hash", hash_gives_the_published_values,
    folded_hashes_spread_over_few_slots, clocks_agree)
