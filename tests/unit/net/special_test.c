/*
 * src/net/special.c: which addresses are no ordinary host's.
 */
#include "net/special.h"

#include <string.h>

#include "test.h"
#include "util/mem.h"

static enum special
of(const char *s)
{
	struct addr a;

	ck_assert_msg(addr_parse_ip(&a, s) == 0, "%s", s);
	return special_of(&a);
}

static void
all_are(enum special what, const char *const *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ck_assert_msg(of(v[i]) == what, "%s is %d", v[i],
		    (int)of(v[i]));
}

TEST(this_host_is_loopback_however_it_is_written)
{
	static const char *const v[] = { "127.0.0.1", "127.255.255.255",
	    "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1",
	    "::ffff:0.0.0.0", "::127.0.0.1", "::ffff:7f00:1",
	    "64:ff9b::127.0.0.1", "2002:7f00:1::1", "[::1]" };

	all_are(SPECIAL_LOOPBACK, v, NELEM(v));
}
END

TEST(link_metadata_and_groups_are_told_apart)
{
	static const char *const link[] = { "169.254.0.0", "169.254.169.254",
	    "fe80::1", "febf::1", "::ffff:169.254.169.254",
	    "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::" };
	static const char *const cloud[] = { "100.100.100.200",
	    "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
	    "fd00:42::42", "::ffff:168.63.129.16" };
	static const char *const group[] = { "224.0.0.1", "239.255.255.255",
	    "255.255.255.255", "240.0.0.1", "ff02::1", "ff0e::1" };

	all_are(SPECIAL_LINK_LOCAL, link, NELEM(link));
	all_are(SPECIAL_METADATA, cloud, NELEM(cloud));
	all_are(SPECIAL_MULTICAST, group, NELEM(group));
}
END

TEST(their_neighbours_are_ordinary)
{
	static const char *const v[] = { "126.255.255.255", "128.0.0.1",
	    "1.0.0.0", "10.0.0.1", "192.168.1.1", "169.253.255.255",
	    "169.255.0.0", "223.255.255.255", "100.100.100.201",
	    "fd00:ec2::253", "fec0::1", "fe7f::1", "2001:db8::1", "fd00::1",
	    "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::7f00:1",
	    "2002:0a00:0001::1" };
	struct addr none = { 0 };

	all_are(SPECIAL_NONE, v, NELEM(v));
	ck_assert_int_eq(special_of(&none), SPECIAL_NONE);
}
END

TEST(private_networks_are_inside_however_they_are_written)
{
	static const char *const in[] = { "10.1.2.3", "172.31.0.1",
	    "192.168.0.1", "100.127.0.1", "127.0.0.1", "169.254.169.254",
	    "fd00::1", "fec0::1", "::1", "64:ff9b::10.0.0.1", "2002:a00:1::",
	    "::ffff:10.0.0.1", "64:ff9b:1::1", "224.0.0.1" };
	static const char *const out[] = { "8.8.8.8", "172.32.0.1",
	    "100.128.0.1", "2001:db8::1", "64:ff9b::8.8.8.8" };
	struct addr a;
	size_t i;

	for (i = 0; i < NELEM(in); i++) {
		ck_assert_int_eq(addr_parse_ip(&a, in[i]), 0);
		ck_assert_msg(special_inside(&a), "%s", in[i]);
	}
	for (i = 0; i < NELEM(out); i++) {
		ck_assert_int_eq(addr_parse_ip(&a, out[i]), 0);
		ck_assert_msg(!special_inside(&a), "%s", out[i]);
	}
}
END

SUITE("special", this_host_is_loopback_however_it_is_written,
    link_metadata_and_groups_are_told_apart, their_neighbours_are_ordinary,
    private_networks_are_inside_however_they_are_written)
