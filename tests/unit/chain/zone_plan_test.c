/*
 * What zones are configured with: addresses, MACs, texts, and what the helper
 * refuses.
 */
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "chain/zone_plan.h"
#include "chain/zone_wire.h"
#include "util/err.h"

static char	 eth2[] = "eth2", eth3[] = "eth3", name[] = "ips1";

static struct conf_device
bridge(void)
{
	return (struct conf_device){ .name = name, .kind = DEVICE_L2,
	    .inside = eth2, .outside = eth3 };
}

static struct prefix
prefix(const char *text, unsigned bits)
{
	struct prefix p = { .bits = (uint8_t)bits };

	p.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	ck_assert_int_eq(inet_pton(p.family, text, p.ip), 1);
	return p;
}

static struct conf_device
router(void)
{
	struct conf_device d = bridge();

	d.kind = DEVICE_L3;
	d.inside_address[0] = prefix("198.19.0.2", 24);
	d.outside_address[0] = prefix("198.19.1.1", 24);
	d.inside_address[1] = prefix("fd00:1::2", 64);
	d.outside_address[1] = prefix("fd00:2::1", 64);
	return d;
}

static void
ours_is(const char *theirs, unsigned bits, const char *want)
{
	struct prefix p = prefix(theirs, bits), ours;
	char buf[INET6_ADDRSTRLEN];

	zone_plan_ours(&p, &ours);
	inet_ntop(ours.family, ours.ip, buf, sizeof(buf));
	ck_assert_str_eq(buf, want);
	ck_assert_int_eq(ours.bits, bits);
}

TEST(our_address_is_the_lowest_that_is_not_the_devices)
{
	ours_is("198.19.0.2", 24, "198.19.0.1");
	ours_is("198.19.0.1", 24, "198.19.0.2");
	ours_is("198.19.0.77", 26, "198.19.0.65");
	ours_is("10.1.2.3", 8, "10.0.0.1");
	ours_is("fd00:1::2", 64, "fd00:1::1");
	ours_is("fd00:1::1", 64, "fd00:1::2");
	ours_is("192.0.2.2", 30, "192.0.2.1");
	ours_is("192.0.2.0", 31, "192.0.2.1");
	ours_is("192.0.2.1", 31, "192.0.2.0");
	ours_is("fd00::5", 127, "fd00::4");
}
END

TEST(macs_differ_by_side_device_and_machine_and_stay)
{
	struct conf_device d = bridge();
	struct zone_plan a, b;
	char other[] = "ips2";

	zone_plan(&a, &d, "machine");
	zone_plan(&b, &d, "machine");
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_int_eq(a.side[0].mac[0] & 3, 2);
	ck_assert_mem_ne(a.side[0].mac, a.side[1].mac, 6);
	zone_plan(&b, &d, "another");
	ck_assert_mem_ne(a.side[0].mac, b.side[0].mac, 6);
	d.name = other;
	zone_plan(&b, &d, "machine");
	ck_assert_mem_ne(a.side[0].mac, b.side[0].mac, 6);
}
END

TEST(probes_of_a_bridge_are_between_testing_addresses)
{
	struct conf_device d = bridge();
	struct zone_plan p;
	char machine[16];
	int i;

	for (i = 0; i < 500; i++) {
		snprintf(machine, sizeof(machine), "m%d", i);
		zone_plan(&p, &d, machine);
		ck_assert_int_eq(p.probe[0].ip[0], 198);
		ck_assert_int_eq(p.probe[0].ip[1], 18);
		ck_assert_int_lt(p.probe[0].ip[2], 128);
		ck_assert_int_ge(p.probe[1].ip[2], 128);
		ck_assert_int_ge(p.probe[0].ip[3], 2);
		ck_assert_int_le(p.block[0].ip[3], 251);
		ck_assert_mem_ne(p.probe[0].ip, p.block[0].ip, 4);
		ck_assert_int_eq(zone_plan_check(&p), 0);
	}
}
END

TEST(a_bridges_ports_are_each_others_next_hop)
{
	struct conf_device d = bridge();
	struct zone_plan p;
	struct text t = { 0 };
	char neigh[128];
	const uint8_t *m;

	zone_plan(&p, &d, "machine");
	p.ipv6 = 1;
	m = p.side[ZONE_OUTSIDE].mac;
	snprintf(neigh, sizeof(neigh), "neigh replace 169.254.9.2 lladdr "
	    "%02x:%02x:%02x:%02x:%02x:%02x nud permanent dev eth2\n", m[0],
	    m[1], m[2], m[3], m[4], m[5]);
	zone_plan_ip(&p, ZONE_INSIDE, AF_INET, &t);
	ck_assert_ptr_nonnull(strstr(t.s, neigh));
	ck_assert_ptr_nonnull(strstr(t.s,
	    "addr replace 169.254.9.1/30 dev eth2\n"));
	ck_assert_ptr_nonnull(strstr(t.s,
	    "route replace default via 169.254.9.2 dev eth2\n"));
	text_clear(&t);
	zone_plan_ip(&p, ZONE_OUTSIDE, AF_INET6, &t);
	ck_assert_ptr_nonnull(strstr(t.s,
	    "addr replace fe80::2/64 dev eth3 nodad\n"));
	ck_assert_ptr_nonnull(strstr(t.s,
	    "route replace default via fe80::1 dev eth3\n"));
	text_clear(&t);
	p.ipv6 = 0;
	zone_plan_ip(&p, ZONE_OUTSIDE, AF_INET6, &t);
	ck_assert_uint_eq(t.len, 0);
	text_free(&t);
}
END

TEST(a_router_is_the_next_hop_of_both_ports)
{
	struct conf_device d = router();
	struct zone_plan p;
	struct text t = { 0 };

	zone_plan(&p, &d, "machine");
	p.ipv6 = 1;
	zone_plan_ip(&p, ZONE_INSIDE, AF_INET, &t);
	ck_assert_str_eq(t.s, "addr replace 198.19.0.1/24 dev eth2\n"
	    "route replace default via 198.19.0.2 dev eth2\n");
	text_clear(&t);
	zone_plan_ip(&p, ZONE_OUTSIDE, AF_INET6, &t);
	ck_assert_str_eq(t.s, "addr replace fd00:2::2/64 dev eth3 nodad\n"
	    "route replace default via fd00:2::1 dev eth3\n");
	ck_assert_int_eq(p.probe[1].ip[3], 2);
	ck_assert_int_eq(zone_plan_check(&p), 0);
	d.inside_address[1].family = d.outside_address[1].family = 0;
	zone_plan(&p, &d, "machine");
	p.ipv6 = 1;
	ck_assert_int_eq(zone_plan_has(&p, AF_INET), 1);
	ck_assert_int_eq(zone_plan_has(&p, AF_INET6), 0);
	text_free(&t);
}
END

TEST(both_zones_take_connections_and_the_outside_one_probes)
{
	struct conf_device d = bridge();
	struct zone_plan p;
	struct text t = { 0 };

	zone_plan(&p, &d, "machine");
	zone_plan_nft(&p, ZONE_OUTSIDE, &t);
	ck_assert_ptr_nonnull(strstr(t.s, "tproxy to :17236 accept\n"));
	ck_assert_ptr_nonnull(strstr(t.s, "tproxy ip to :17235 accept\n"));
	ck_assert_ptr_nonnull(strstr(t.s, "policy drop"));
	text_clear(&t);
	zone_plan_nft(&p, ZONE_INSIDE, &t);
	ck_assert_ptr_nonnull(strstr(t.s, "tproxy to :17236 accept\n"));
	ck_assert_ptr_null(strstr(t.s, "17235"));
	ck_assert_ptr_nonnull(strstr(t.s, "policy drop"));
	text_free(&t);
}
END

static struct zone_ask
opening(void)
{
	struct conf_device d = router();
	struct zone_ask a;

	memset(&a, 0, sizeof(a));
	a.verb = ZONE_OPEN;
	zone_plan(&a.plan, &d, "machine");
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), 0);
	return a;
}

TEST(the_helper_refuses_names_that_say_more_than_a_name)
{
	static const char *const bad[] = { "", "eth 2", "eth2\nlink", "a/b",
	    "..", "a\"b", "lo", "a;b", "a:b", "0123456789abcdef" };
	struct zone_ask a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = opening();
		memset(a.plan.side[0].port, 0, IFNAMSIZ);
		memcpy(a.plan.side[0].port, bad[i], strlen(bad[i]));
		ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	}
	a = opening();
	memset(a.plan.name, 'x', sizeof(a.plan.name));
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = opening();
	memcpy(a.plan.side[1].port, a.plan.side[0].port, IFNAMSIZ);
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
}
END

TEST(the_helper_refuses_what_the_daemon_never_asks)
{
	struct zone_ask a = opening();

	ck_assert_int_eq(zone_ask_check(&a, sizeof(a) - 1), ERR_FORMAT);
	a.id = ZONE_MAX;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = opening();
	a.verb = ZONE_CLOSE + 1;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = opening();
	a.plan.side[0].mac[0] |= 1;	/* a group's */
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = opening();
	a.plan.side[0].device[0].family = AF_INET6;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = opening();
	a.plan.side[0].device[0].bits = 33;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = opening();
	memset(a.plan.side[0].device, 0, sizeof(a.plan.side[0].device));
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a = (struct zone_ask){ .verb = ZONE_SOCKETS, .family = AF_UNIX,
	    .n = 1 };
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a.family = AF_INET;
	a.n = ZONE_FDS + 1;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a.n = ZONE_FDS;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), 0);
	a.side = ZONE_SIDES;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
	a.side = ZONE_OUTSIDE;
	a.verb = ZONE_LISTEN;
	a.port = 22;
	ck_assert_int_eq(zone_ask_check(&a, sizeof(a)), ERR_FORMAT);
}
END

SUITE("zone_plan", our_address_is_the_lowest_that_is_not_the_devices,
    macs_differ_by_side_device_and_machine_and_stay,
    probes_of_a_bridge_are_between_testing_addresses,
    a_bridges_ports_are_each_others_next_hop,
    a_router_is_the_next_hop_of_both_ports,
    both_zones_take_connections_and_the_outside_one_probes,
    the_helper_refuses_names_that_say_more_than_a_name,
    the_helper_refuses_what_the_daemon_never_asks)
