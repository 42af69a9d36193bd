/*
 * What the guard believes of the daemon, and what it makes of segments.
 */
#include "verdict/guard_wire.h"

#include <string.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static int
asks(const struct guard_ask *a)
{
	return guard_ask_check(a, sizeof(*a)) == 0;
}

TEST(a_message_is_checked)
{
	struct guard_ask a = { .verb = GUARD_DO };

	ck_assert_int_eq(asks(&a), 1);
	ck_assert_int_eq(guard_ask_check(&a, sizeof(a) - 1), ERR_FORMAT);
	for (a.verb = 0; a.verb < 100; a.verb += a.verb == 0 ? GUARD_DO + 1 : 1)
		ck_assert_int_eq(asks(&a), 0);
	a.verb = GUARD_PROFILE;
	a.number = GUARD_PROFILES;
	ck_assert_int_eq(asks(&a), 0);
	a.number = 0;
	a.nservers = GUARD_PREFIXES + 1;
	ck_assert_int_eq(asks(&a), 0);
	a.nservers = UINT32_MAX;
	ck_assert_int_eq(asks(&a), 0);
	a.nservers = 1;		/* of no family */
	ck_assert_int_eq(asks(&a), 0);
	ck_assert_int_eq(prefix_parse(&a.servers[0], "10.0.0.0/8"), 0);
	ck_assert_int_eq(asks(&a), 1);
	a.servers[0].bits = 33;
	ck_assert_int_eq(asks(&a), 0);
}
END

TEST(a_message_about_a_group_is_checked)
{
	struct guard_ask a = { .verb = GUARD_GROUP, .number = GUARD_MEMBERS,
	    .nmacs = 1 };

	a.macs[0].bytes = MAC_LEN;
	ck_assert_int_eq(asks(&a), 1);
	a.macs[0].bytes++;
	ck_assert_int_eq(asks(&a), 0);
	a.nmacs = GUARD_MACS + 1;
	ck_assert_int_eq(asks(&a), 0);
	a.nmacs = 0;
	a.number = GUARD_GROUPS;
	ck_assert_int_eq(asks(&a), 0);
	a.verb = GUARD_JOIN;
	a.who.by_mac = 1;
	ck_assert_int_eq(asks(&a), 0);
	a.number = 0;
	ck_assert_int_eq(asks(&a), 1);
	a.who.by_mac = 0;
	ck_assert_int_eq(asks(&a), 0);
}
END

TEST(a_message_about_a_segment_is_checked)
{
	struct guard_ask good = { .verb = GUARD_SEGMENT, .from = 0,
	    .to = GUARD_ANY, .nports = 1, .n = SEGMENT_RESET }, a = good;

	ck_assert_int_eq(asks(&a), 1);
	a.number = CONF_SEGMENTS;
	ck_assert_int_eq(asks(&a), 0);
	a = good;
	a.n = SEGMENT_RESET + 1;
	ck_assert_int_eq(asks(&a), 0);
	a = good;
	a.from = CONF_GROUPS;
	ck_assert_int_eq(asks(&a), 0);
	a = good;
	a.ports[0].lo = 2;
	ck_assert_int_eq(asks(&a), 0);
	a = good;
	a.nports = CONF_SEGMENT_PORTS + 1;
	ck_assert_int_eq(asks(&a), 0);
}
END

/* In either direction, and with no MAC address that a routed packet lacks. */
TEST(a_segment_is_judged_both_ways)
{
	struct guard_ask a = { .verb = GUARD_SEGMENT, .number = 7, .from = 1,
	    .to = 2, .nports = 1, .ports = { { 443, 445 } },
	    .n = SEGMENT_BLOCK };
	struct text t = { 0 };
	int bridge;

	for (bridge = 0; bridge < 2; bridge++) {
		text_clear(&t);
		script_segment(&t, &a, bridge);
		ck_assert_ptr_nonnull(strstr(t.s, "out ip saddr @c1_4 jump "
		    "out7_to\n"));
		ck_assert_ptr_nonnull(strstr(t.s, "out7_to ip6 daddr @d2_6 "
		    "goto out7_ports\n"));
		ck_assert_ptr_nonnull(strstr(t.s, "back ip daddr @c1_4 jump "
		    "back7_to\n"));
		ck_assert_ptr_nonnull(strstr(t.s, "th dport { 443-445 }"));
		ck_assert_ptr_nonnull(strstr(t.s, "th sport { 443-445 }"));
		ck_assert_ptr_nonnull(strstr(t.s, "ether saddr @d1_m"));
		ck_assert_int_eq(strstr(t.s, "ether daddr") != NULL, bridge);
		ck_assert_int_eq(strstr(t.s, "reject") == NULL, bridge);
	}
	text_free(&t);
}
END

TEST(counters_of_both_tables_are_added)
{
	static const char json[] = "{\"nftables\": [{\"metainfo\": {}}, "
	    "{\"counter\": {\"name\": \"s1\", \"packets\": 3}}, "
	    "{\"counter\": {\"name\": \"s256\", \"packets\": 4}}, "
	    "{\"counter\": {\"name\": \"s257\", \"packets\": 5}}, "
	    "{\"counter\": {\"name\": \"x\", \"packets\": 6}}]}";
	struct guard_counts c = { { 0 } };

	guard_counted(json, &c);
	guard_counted(json, &c);
	guard_counted("{", &c);
	ck_assert_uint_eq(c.packets[1], 6);
	ck_assert_uint_eq(c.packets[256], 8);
	ck_assert_uint_eq(c.packets[0], 0);
}
END

#define SETS	"{\"set\": {\"name\": \"flows4\"}}, {\"set\": {\"name\": " \
	"\"flows6\"}}, {\"set\": {\"name\": \"pairs4\"}}, {\"set\": "	\
	"{\"name\": \"pairs6\"}}"
TEST(a_bridge_keeps_its_memory_of_flows)
{
	static const char json[] = "{\"nftables\": [{\"metainfo\": {}}, "
	    "{\"table\": {\"name\": \"clearspan_guard\"}}, "
	    "{\"chain\": {\"name\": \"out_0\"}}, "
	    "{\"set\": {\"name\": \"c0_4\"}}, " SETS ", "
	    "{\"map\": {\"name\": \"mac\"}}, "
	    "{\"rule\": {\"chain\": \"out_0\"}}]}";
	struct text t = { 0 };

	ck_assert_int_eq(script_clear(&t, json), 0);
	ck_assert_str_eq(t.s, "flush table bridge clearspan_guard\n"
	    "delete map bridge clearspan_guard mac\n"
	    "delete chain bridge clearspan_guard out_0\n"
	    "delete set bridge clearspan_guard c0_4\n");
	text_free(&t);
}
END

TEST(a_bridge_without_a_memory_is_made_anew)
{
	static const char *const json[] = { "", "{", "[]", "{\"nftables\": 1}",
	    "{\"nftables\": [{\"chain\": {\"name\": \"forward\"}}]}",
	    "{\"nftables\": [" SETS ", {\"chain\": {}}]}",
	    "{\"nftables\": [" SETS ", {\"chain\": {\"name\": \"a b\"}}]}" };
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < NELEM(json); i++) {
		ck_assert_int_lt(script_clear(&t, json[i]), 0);
		ck_assert_uint_eq(t.len, 0);
	}
	text_free(&t);
}
END

SUITE("guard", a_message_is_checked, a_message_about_a_group_is_checked,
    a_message_about_a_segment_is_checked, a_segment_is_judged_both_ways,
    counters_of_both_tables_are_added, a_bridge_keeps_its_memory_of_flows,
    a_bridge_without_a_memory_is_made_anew)
