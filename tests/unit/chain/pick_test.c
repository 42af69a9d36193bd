/*
 * The choice of a device for a pair of addresses.
 */
#include "chain/pick.h"

#include <stdio.h>

#include "test.h"
#include "util/mem.h"

#define PAIRS	300

/* Pair i of a client of 10.1.0.0/16 and one server. */
static uint64_t
pair(unsigned i)
{
	struct addr client, server;
	char ip[32];

	snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, 1 + i % 250);
	ck_assert_int_eq(addr_parse_ip(&client, ip), 0);
	ck_assert_int_eq(addr_parse_ip(&server, "93.184.216.34"), 0);
	return pick_pair(&client, &server);
}

static void
choose(const struct pick *p, size_t n, size_t chosen[PAIRS])
{
	unsigned i;

	for (i = 0; i < PAIRS; i++)
		chosen[i] = pick(p, n, pair(i));
}

static unsigned
count(const size_t chosen[PAIRS], size_t which)
{
	unsigned i, n = 0;

	for (i = 0; i < PAIRS; i++)
		n += chosen[i] == which;
	return n;
}

TEST(a_pair_is_the_same_whoever_began)
{
	static const char *const ips[] = { "10.1.0.2", "10.1.0.3",
	    "2001:db8::1", "2001:db8::2" };
	struct addr a, b;
	size_t i, k;

	for (i = 0; i < NELEM(ips); i++)
		for (k = 0; k < i; k++) {
			addr_parse_ip(&a, ips[i]);
			addr_parse_ip(&b, ips[k]);
			addr_set_port(&a, 40000 + (uint16_t)i);
			ck_assert_uint_eq(pick_pair(&a, &b), pick_pair(&b, &a));
			ck_assert_uint_ne(pick_pair(&a, &b), pick_pair(&a, &a));
			addr_set_port(&a, 443);
			ck_assert_uint_eq(pick_pair(&a, &b), pick_pair(&b, &a));
		}
}
END

TEST(three_hundred_pairs_are_spread_evenly_over_three)
{
	struct pick p[] = { { "ips1", 1, 1 }, { "ips2", 1, 1 },
	    { "ips3", 1, 1 } };
	size_t chosen[PAIRS], i;

	choose(p, 3, chosen);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_ge(count(chosen, i), 85);
		ck_assert_uint_le(count(chosen, i), 115);
	}
}
END

TEST(only_the_pairs_of_one_that_went_move_and_they_come_back)
{
	struct pick p[] = { { "ips1", 1, 1 }, { "ips2", 1, 1 },
	    { "ips3", 1, 1 } };
	size_t before[PAIRS], without[PAIRS], after[PAIRS], moved[3] = { 0 };
	unsigned i;

	choose(p, 3, before);
	p[1].usable = 0;
	choose(p, 3, without);
	for (i = 0; i < PAIRS; i++) {
		ck_assert_uint_ne(without[i], 1);
		if (before[i] == 1)
			moved[without[i]]++;
		else
			ck_assert_uint_eq(without[i], before[i]);
	}
	ck_assert_uint_gt(moved[0], PAIRS / 9 - 15);	/* to both others */
	ck_assert_uint_gt(moved[2], PAIRS / 9 - 15);
	p[1].usable = 1;
	choose(p, 3, after);
	ck_assert_mem_eq(before, after, sizeof(before));
}
END

TEST(a_new_device_takes_from_all_and_moves_nothing_between_them)
{
	struct pick p[] = { { "ips1", 1, 1 }, { "ips2", 1, 1 },
	    { "ips3", 1, 1 }, { "ips4", 1, 1 } };
	size_t before[PAIRS], after[PAIRS];
	unsigned i;

	choose(p, 3, before);
	choose(p, 4, after);
	for (i = 0; i < PAIRS; i++)
		if (after[i] != before[i])
			ck_assert_uint_eq(after[i], 3);
	ck_assert_uint_ge(count(after, 3), 55);
	ck_assert_uint_le(count(after, 3), 95);
}
END

TEST(the_order_of_the_list_does_not_matter)
{
	struct pick p[] = { { "ips1", 1, 1 }, { "ips2", 2, 1 },
	    { "ips3", 1, 1 } }, q[] = { p[2], p[0], p[1] };
	static const size_t same[] = { 1, 2, 0 };
	size_t a[PAIRS], b[PAIRS];
	unsigned i;

	choose(p, 3, a);
	choose(q, 3, b);
	for (i = 0; i < PAIRS; i++)
		ck_assert_uint_eq(b[i], same[a[i]]);
}
END

TEST(shares_follow_the_weights)
{
	struct pick p[] = { { "ips1", 3, 1 }, { "ips2", 1, 1 },
	    { "ips3", 2, 1 } };
	size_t before[PAIRS], after[PAIRS];
	unsigned i;

	choose(p, 3, before);
	ck_assert_uint_ge(count(before, 0), 150 - 26);	/* three sigma */
	ck_assert_uint_le(count(before, 0), 150 + 26);
	ck_assert_uint_ge(count(before, 1), 50 - 20);
	ck_assert_uint_le(count(before, 1), 50 + 20);
	p[1].weight = 4;
	choose(p, 3, after);
	for (i = 0; i < PAIRS; i++)	/* more weight only takes */
		if (after[i] != before[i])
			ck_assert_uint_eq(after[i], 1);
	ck_assert_uint_gt(count(after, 1), count(before, 1));
}
END

TEST(with_nothing_usable_nothing_is_chosen)
{
	struct pick p[] = { { "ips1", 1, 0 }, { "ips2", 100, 0 } };

	ck_assert_uint_eq(pick(p, 2, pair(1)), PICK_NONE);
	ck_assert_uint_eq(pick(p, 0, pair(1)), PICK_NONE);
	p[0].usable = 1;
	ck_assert_uint_eq(pick(p, 2, pair(1)), 0);
}
END

SUITE("pick", a_pair_is_the_same_whoever_began,
    three_hundred_pairs_are_spread_evenly_over_three,
    only_the_pairs_of_one_that_went_move_and_they_come_back,
    a_new_device_takes_from_all_and_moves_nothing_between_them,
    the_order_of_the_list_does_not_matter, shares_follow_the_weights,
    with_nothing_usable_nothing_is_chosen)
