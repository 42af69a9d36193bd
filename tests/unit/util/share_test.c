/*
 * Shares: whoever has nothing is not charged for what others have.
 */
#include <string.h>

#include "test.h"
#include "util/addr.h"
#include "util/share.h"

static struct shares shares;

TEST(what_is_taken_is_counted_until_it_is_given_back)
{
	ck_assert_uint_eq(share_of(&shares, 7), 0);
	share_take(&shares, 7);
	share_take(&shares, 7);
	share_take(&shares, 8);
	ck_assert_uint_eq(share_of(&shares, 7), 2);
	share_give(&shares, 7);
	ck_assert_uint_eq(share_of(&shares, 7), 1);
	share_give(&shares, 7);
	ck_assert_uint_eq(share_of(&shares, 7), 0);
	ck_assert_uint_eq(share_of(&shares, 8), 1);
	share_give(&shares, 8);
}
END

/* More owners than slots: many of them meet in one. */
TEST(nobody_pays_for_another)
{
	uint64_t i, many = 4 * SHARES_SLOTS;

	for (i = 1; i <= many; i++)
		share_take(&shares, i);
	for (i = 1; i <= many; i += 2)
		share_take(&shares, i);
	for (i = 1; i <= many; i++)
		ck_assert_uint_eq(share_of(&shares, i), 1 + i % 2);
	for (i = 1; i <= many; i += 2) {
		share_give(&shares, i);
		share_give(&shares, i);
	}
	for (i = 1; i <= many; i++)
		ck_assert_uint_eq(share_of(&shares, i), i % 2 == 0);
	for (i = 2; i <= many; i += 2)
		share_give(&shares, i);
}
END

static uint64_t
owner(const char *text)
{
	struct addr a;

	ck_assert_int_eq(addr_parse_ip(&a, text), 0);
	return addr_owner(&a);
}

TEST(an_owner_has_an_ipv4_address_or_a_64)
{
	ck_assert_uint_eq(owner("2001:db8::1"), owner("2001:db8::2:2"));
	ck_assert_uint_ne(owner("2001:db8::1"), owner("2001:db8:0:1::1"));
	ck_assert_uint_ne(owner("10.0.0.1"), owner("10.0.0.2"));
	ck_assert_uint_eq(owner("10.0.0.1"), owner("::ffff:10.0.0.1"));
	ck_assert_uint_ne(owner("0.0.0.0"), 0);
	ck_assert_uint_ne(owner("::1"), 0);
}
END

SUITE("share", what_is_taken_is_counted_until_it_is_given_back,
    nobody_pays_for_another, an_owner_has_an_ipv4_address_or_a_64)
