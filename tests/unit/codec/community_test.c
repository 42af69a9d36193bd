/*
 * Community ID, against the values the specification's own examples give.
 */
#include "test.h"

#include "codec/community.h"
#include "util/err.h"

static const char *
id_of(const char *from, const char *to)
{
	static char out[COMMUNITY_LEN + 1];
	struct addr a, b;

	ck_assert_int_eq(addr_parse(&a, from), 0);
	ck_assert_int_eq(addr_parse(&b, to), 0);
	ck_assert_int_eq(community_id(out, &a, &b), 0);
	return out;
}

TEST(community_of_ipv4_is_the_published_one)
{
	ck_assert_str_eq(id_of("128.232.110.120:34855", "66.35.250.204:80"),
	    "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
}
END

TEST(community_of_ipv6_is_the_published_one)
{
	ck_assert_str_eq(
	    id_of("[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943",
	    "[2607:f8b0:400c:c03::1a]:25"), "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
}
END

TEST(community_is_the_same_seen_from_the_other_end)
{
	ck_assert_str_eq(id_of("66.35.250.204:80", "128.232.110.120:34855"),
	    "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
}
END

TEST(community_orders_by_port_where_the_addresses_are_one)
{
	char first[COMMUNITY_LEN + 1];

	strcpy(first, id_of("10.0.0.1:1000", "10.0.0.1:80"));
	ck_assert_str_eq(first, id_of("10.0.0.1:80", "10.0.0.1:1000"));
}
END

TEST(community_of_mixed_families_is_refused)
{
	char out[COMMUNITY_LEN + 1] = "x";
	struct addr a, b;

	addr_parse(&a, "10.0.0.1:1");
	addr_parse(&b, "[::1]:1");
	ck_assert_int_eq(community_id(out, &a, &b), ERR_USAGE);
	ck_assert_str_eq(out, "");
}
END

SUITE("community", community_of_ipv4_is_the_published_one,
    community_of_ipv6_is_the_published_one,
    community_is_the_same_seen_from_the_other_end,
    community_orders_by_port_where_the_addresses_are_one,
    community_of_mixed_families_is_refused)
