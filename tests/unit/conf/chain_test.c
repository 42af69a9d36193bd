/*
 * The sections devices and chains, and what rules say of them.
 */
#include <stdio.h>

#include "conf/conf.h"
#include "sample.h"
#include "util/mem.h"

#define TWO	"devices: [{name: ips1, inside: a0, outside: a1}, " \
		"{name: dlp1, inside: b0, outside: b1}]\n"	/* line 2 */
#define CHAIN	"chains: [{name: i, slots: [{name: ips, devices: ips1}, " \
		"{name: dlp, devices: dlp1}]}]\n"		/* line 3 */
#define RULES	"rules: [{name: x, action: decrypt}]\n"

TEST(defaults_of_a_device_and_a_chain)
{
	struct conf *c = good(LISTEN TWO CHAIN);
	const struct conf_device *d = c->devices;
	const struct conf_chain *ch = c->chains;

	ck_assert_uint_eq(c->ndevices, 2);
	ck_assert_str_eq(d->name, "ips1");
	ck_assert_int_eq(d->kind, DEVICE_L2);
	ck_assert_str_eq(d->inside, "a0");
	ck_assert_str_eq(d->outside, "a1");
	ck_assert_uint_eq(d->pos.line, 2);
	ck_assert_uint_eq(d->port_pos[1].column, 45);
	ck_assert_uint_eq(d->weight, 1);
	ck_assert_uint_eq(d->connections, 0);
	ck_assert_int_eq(d->offload, 0);
	ck_assert_uint_eq(d->health.every, 1000);
	ck_assert_uint_eq(d->health.down, 3);
	ck_assert_uint_eq(d->health.up, 3);
	ck_assert_uint_eq(d->health.hold, 5000);
	ck_assert_ptr_null(d->health.must_block);
	ck_assert_ptr_null(d->running);
	ck_assert_uint_eq(c->nchains, 1);
	ck_assert_uint_eq(ch->nslots, 2);
	ck_assert_str_eq(ch->slots[1].name, "dlp");
	ck_assert_uint_eq(ch->slots[1].ndevices, 1);
	ck_assert_ptr_eq(ch->slots[1].devices[0], &d[1]);
	ck_assert_int_eq(ch->slots[0].fail_open, 0);
	ck_assert_int_eq(ch->ports_map | ch->http11, 0);
	ck_assert_uint_eq(ch->also, 0);
	ck_assert_uint_eq(ch->verdict_timeout, 5000);
	conf_unref(c);
}
END

TEST(every_key_of_a_device_and_a_chain)
{
	struct conf *c = good(LISTEN "devices:\n"
	    "- {name: r, kind: l3, inside: eth2.7, outside: a1, weight: 100,\n"
	    "   inside-address: [198.19.0.2/31, \"fd00::2/64\"],\n"
	    "   outside-address: [198.19.1.2/24, \"fd00:1::2/64\"],\n"
	    "   connections: 20000, offload: on, health: {every: 200ms,\n"
	    "   down: 1, up: 9, hold: 0s, must-block: /eicar}}\n"
	    "chains:\n"
	    "- {name: c, slots: [{name: s, devices: [r], fail: open}],\n"
	    "   ports: map, http2: http/1.1, also: [plain, bypassed],\n"
	    "   verdict-timeout: 1s}\n"
	    "- {name: d, slots: [{name: s, devices: [r]}], also: []}\n"
	    "rules:\n"
	    "- {name: x, sni: a.example, action: bypass, chain: c}\n"
	    "- {name: y, action: decrypt, chain: d}\n");
	const struct conf_device *d = c->devices;
	const struct conf_chain *ch = c->chains;

	ck_assert_int_eq(d->kind, DEVICE_L3);
	ck_assert_uint_eq(d->inside_address[0].bits, 31);
	ck_assert_uint_eq(d->inside_address[0].ip[3], 2);
	ck_assert_uint_eq(d->outside_address[1].family, AF_INET6);
	ck_assert_uint_eq(d->weight, 100);
	ck_assert_uint_eq(d->connections, 20000);
	ck_assert_int_eq(d->offload, 1);
	ck_assert_str_eq(d->health.must_block, "/eicar");
	ck_assert_int_eq(ch->slots[0].fail_open, 1);
	ck_assert_int_eq(ch->ports_map, 1);
	ck_assert_int_eq(ch->http11, 1);
	ck_assert_uint_eq(ch->also, CHAIN_ALSO_BYPASSED | CHAIN_ALSO_PLAIN);
	ck_assert_ptr_eq(c->rules[0].chain, &ch[0]);
	ck_assert_ptr_eq(c->rules[1].chain, &ch[1]);
	ck_assert_uint_eq(conf_hops(c), 1);
	conf_unref(c);
	c = good(LISTEN TWO CHAIN);
	ck_assert_uint_eq(conf_hops(c), 2);
	conf_unref(c);
	c = good(LISTEN TWO CHAIN RULES);
	ck_assert_uint_eq(conf_hops(c), 0);	/* no rule uses it */
	conf_unref(c);
}
END

TEST(mirrors_look_before_the_chain_or_after_it)
{
	struct conf *c = good(LISTEN TWO CHAIN
	    "mirrors: [{name: m, interface: x0}, {name: n, pcap: /n}]\n"
	    "rules:\n"
	    "- {name: a, port: 1, action: decrypt, chain: i,\n"
	    "   mirror: [{name: n, at: after}, m]}\n"
	    "- {name: b, port: 2, action: decrypt, chain: none,\n"
	    "   mirror: {name: n, at: before}}\n"
	    "- {name: c, port: 3, action: decrypt, mirror: m}\n"
	    "- {name: d, action: decrypt, chain: i}\n");
	const struct conf_rule *r = c->rules;

	ck_assert_uint_eq(r[0].nmirrors, 2);
	ck_assert_uint_eq(r[0].mirrors[0].mirror, 1);
	ck_assert_uint_eq(r[0].mirrors[0].after, 1);
	ck_assert_uint_eq(r[0].mirrors[1].mirror, 0);
	ck_assert_uint_eq(r[0].mirrors[1].after, 0);
	ck_assert_uint_eq(r[1].nmirrors, 1);
	ck_assert_uint_eq(r[1].mirrors[0].after, 0);
	ck_assert_ptr_null(r[1].chain);
	ck_assert_uint_eq(r[2].nmirrors, 1);
	ck_assert_uint_eq(r[3].nmirrors, 2);	/* all, before */
	ck_assert_uint_eq(r[3].mirrors[1].after, 0);
	conf_unref(c);
}
END

TEST(without_rules_the_only_chain_is_used)
{
	struct conf *c = good(LISTEN TWO CHAIN);

	ck_assert_ptr_eq(c->rules[0].chain, &c->chains[0]);
	conf_unref(c);
	bad_part(TWO "chains:\n"
	    "- {name: a, slots: [{name: s, devices: ips1}]}\n"
	    "- {name: b, slots: [{name: s, devices: ips1}]}\n",
	    "c:3:1: without \"rules\" the chain is used, and there are 2; "
	    "write rules that name them\n");
}
END

TEST(ports_of_devices_that_are_wrong)
{
	bad_part("mirrors: [{name: m, interface: x0}]\n"
	    "devices:\n"
	    "- {name: a, inside: \"a b\", outside: \"eth0:1\"}\n"
	    "- {name: b, inside: lo, outside: a-name-that-is-too-long}\n"
	    "- {name: c, inside: x0, outside: c1}\n"
	    "- {name: d, inside: c1, outside: d1}\n"
	    "- {name: e, inside: e0, outside: e0}\n"
	    "- {name: c, inside: f0}\n",
	    "c:4:21: \"a b\" is no name of a port; write one as \"ip -br "
	    "link\" shows it, such as eth2\n"
	    "c:4:37: \"eth0:1\" is no name of a port; write one as \"ip "
	    "-br link\" shows it, such as eth2\n"
	    "c:5:21: \"lo\" is no name of a port; write one as \"ip -br "
	    "link\" shows it, such as eth2\n"
	    "c:5:34: \"a-name-that-is-too-long\" is no name of a port; "
	    "write one as \"ip -br link\" shows it, such as eth2\n"
	    "c:6:21: the mirror \"m\" has the port \"x0\" already; a port "
	    "belongs to one side of one device\n"
	    "c:7:21: the device \"c\" has the port \"c1\" already; a port "
	    "belongs to one side of one device\n"
	    "c:8:34: \"inside\" and \"outside\" are the same port; write the "
	    "two that the device stands between\n"
	    "c:9:3: a device needs \"outside\"; write the port towards its "
	    "server side, such as eth3\n"
	    "c:9:10: there is a device \"c\" already; give each a name of its "
	    "own\n");
}
END

TEST(values_of_a_device_that_are_wrong)
{
	bad_part("devices:\n"
	    "- {name: a, kind: l4, inside: a0, outside: a1, weight: 101}\n"
	    "- {name: b, inside: b0, outside: b1, connections: 0,\n"
	    "   offload: auto, helth: {}}\n"
	    "- {name: c, inside: c0, outside: c1, health: {every: 1ms,\n"
	    "   down: 0, up: 101, hold: 2h, must-block: [a]}}\n"
	    "- eth4\n",
	    "c:3:19: \"l4\" is no \"kind\"; write l2 or l3\n"
	    "c:3:56: 101 is out of range; write 1 to 100\n"
	    "c:4:51: 0 is out of range; write none or 1 to 10000000\n"
	    "c:5:13: \"auto\" is not yes or no\n"
	    "c:5:19: unknown key \"helth\", did you mean \"health\"?\n"
	    "c:6:54: 1ms is out of range; write 100ms to 1m\n"
	    "c:7:10: 0 is out of range; write 1 to 100\n"
	    "c:7:17: 101 is out of range; write 1 to 100\n"
	    "c:7:28: 2h is out of range; write 0ms to 1h\n"
	    "c:7:44: \"must-block\" is a single value, not a list\n"
	    "c:8:3: a device is a mapping (\"key: value\"), not a single "
	    "value\n");
}
END

TEST(what_must_be_blocked_is_a_file_with_something_in_it)
{
	sample_list = "";
	bad_part("devices: [{name: a, inside: a0, outside: a1,\n"
	    "  health: {must-block: /eicar}}]\n",
	    "c:3:24: \"must-block\": \"/eicar\": it is empty; write the path "
	    "of a file that the device blocks, such as the EICAR test file, "
	    "or none\n");
	conf_unref(good(LISTEN "devices: [{name: a, inside: a0, outside: a1,\n"
	    "  health: {must-block: none}}]\n"));
}
END

/* An address of a router, on both sides. */
static void
bad_side(const char *side, const char *want)
{
	struct text t = { 0 }, w = { 0 };

	text_printf(&t, "devices: [{name: a, kind: l3, inside: a0,\n"
	    "  outside: a1, outside-address: 198.19.1.2/24,\n"
	    "  inside-address: %s}]\n", side);
	text_printf(&w, "c:4:%s\n", want);
	bad_part(t.s, w.s);
	text_free(&t);
	text_free(&w);
}

TEST(addresses_of_routers_that_are_wrong)
{
	const char *own = "; write the device's own, such as 198.19.0.2/24 or "
	    "\"fd00:19::2/64\"";
	static const char *const sides[][2] = {
		{ "198.19.0.2/32", "leaves no room for an address of ours "
		    "beside it" },
		{ "198.19.0.0/24", "is the network's address, not a host's" },
		{ "198.19.0.255/24", "is the network's broadcast address" },
		{ "224.0.0.1/24", "is no address of a host" },
		{ "127.0.0.1/8", "is no address of a host" },
		{ "0.0.0.1/0", "has a prefix of all addresses" },
		{ "fe80::1/64", "is a link-local address" },
		{ "ff02::1/64", "is no address of a host" },
		{ "fd00::/64", "is the network's address, not a host's" },
		{ "fd00::1/128", "leaves no room for an address of ours "
		    "beside it" },
	};
	char quoted[64], want[300];
	size_t i;

	for (i = 0; i < NELEM(sides); i++) {
		snprintf(quoted, sizeof(quoted), "\"%s\"", sides[i][0]);
		snprintf(want, sizeof(want), "19: %s %s%s", quoted,
		    sides[i][1], own);
		bad_side(quoted, want);
	}
	bad_side("198.19.0.2", "19: \"198.19.0.2\" is not an address with the "
	    "length of its prefix; write 198.19.0.2/24 or \"fd00:19::2/64\"");
	bad_side("[]", "19: \"inside-address\" is empty; write such as "
	    "198.19.0.2/24");
	bad_side("[198.19.0.2/24, 198.19.2.2/24]", "35: \"inside-address\" has "
	    "two IPv4 addresses; write one");
	bad_side("{}", "19: \"inside-address\" is a single value, not a "
	    "mapping");
}
END

TEST(routers_stand_between_two_networks)
{
	bad_part("devices:\n"
	    "- {name: a, kind: l3, inside: a0, outside: a1}\n"
	    "- {name: b, inside: b0, outside: b1, inside-address: 10.0.0.1/8}\n"
	    "- {name: c, kind: l3, inside: c0, outside: c1,\n"
	    "   inside-address: 10.0.0.1/8, outside-address: 10.1.0.1/24}\n"
	    "- {name: d, kind: l3, inside: d0, outside: d1,\n"
	    "   inside-address: [10.0.0.1/24, \"fd00::1/64\"],\n"
	    "   outside-address: 10.1.0.1/24}\n",
	    "c:3:3: a device of kind l3 needs \"inside-address\", its own "
	    "address on that side; write such as 198.19.0.2/24\n"
	    "c:3:3: a device of kind l3 needs \"outside-address\", its own "
	    "address on that side; write such as 198.19.1.2/24\n"
	    "c:4:38: \"inside-address\" goes with kind l3 only; take it out\n"
	    "c:6:49: the IPv4 networks of its two sides overlap; a router "
	    "stands between two, such as 198.19.0.2/24 and 198.19.1.2/24\n"
	    "c:9:21: it has an IPv6 address on one side only; write one for "
	    "both\n");
}
END

TEST(slots_that_are_wrong)
{
	bad_part(TWO "chains:\n"
	    "- {name: a}\n"
	    "- {name: a, slots: []}\n"
	    "- {name: b, slots: [{name: s, devices: []}]}\n"
	    "- {name: c, slots: [{name: s, devices: [ips1, ips1]}]}\n"
	    "- {name: d, slots: [{name: s, devices: ips1},\n"
	    "   {name: s, devices: [dlp1, ips1]}]}\n"
	    "- {name: e, slots: [{name: s, devices: ips2}, 5]}\n"
	    "- {name: f, slots: {name: s, devices: ips1}}\n"
	    "- {name: g, slots: [{devices: ips1, fail: opne}]}\n" RULES,
	    "c:4:3: a chain needs \"slots\"; write a list of slots, such as "
	    "\"- {name: ips, devices: [ips1]}\"\n"
	    "c:5:10: there is a chain \"a\" already; give each a name of its "
	    "own\n"
	    "c:5:20: \"slots\" is empty; write such as \"- {name: ips, "
	    "devices: [ips1]}\"\n"
	    "c:6:40: \"devices\" is empty; name at least one device, or take "
	    "the slot out\n"
	    "c:7:40: the device \"ips1\" is named twice; take one out, or give "
	    "it more \"weight\"\n"
	    "c:9:11: there is a slot \"s\" already; give each a name of its "
	    "own\n"
	    "c:9:23: the device \"ips1\" is in the slot \"s\" already; a "
	    "session passes a device once\n"
	    "c:10:40: no device \"ips2\" under \"devices\", did you mean "
	    "\"ips1\"?\n"
	    "c:10:47: a slot is a mapping (\"key: value\"), not a single "
	    "value\n"
	    "c:11:20: \"slots\" is a list; write each entry after a \"- \"\n"
	    "c:12:21: a slot needs \"name\"; write a name of your choice\n"
	    "c:12:43: \"opne\" is no \"fail\"; write closed or open\n");
}
END

TEST(values_of_a_chain_that_are_wrong)
{
	bad_part(TWO "chains:\n"
	    "- {name: none, slots: [{name: s, devices: ips1}], ports: 80}\n"
	    "- {name: b, slots: [{name: s, devices: ips1}], http2: h2,\n"
	    "   also: [bypass, plain], verdict-timeout: 5}\n" RULES,
	    "c:4:10: \"none\" is what a rule without a chain says; choose "
	    "another name\n"
	    "c:4:58: \"80\" is no \"ports\"; write keep or map\n"
	    "c:5:55: \"h2\" is no \"http2\"; write keep or http/1.1\n"
	    "c:6:11: \"bypass\" is no \"also\"; write bypassed or plain\n"
	    "c:6:44: \"5\" is not a time; write 500ms, 10s, 5m or 2h\n");
	bad_part("chains: [{name: a, slots: [{name: s, devices: ips1}]}]\n",
	    "c:2:47: no device \"ips1\" under \"devices\"; define it there, or "
	    "take it out\n");
}
END

TEST(rules_and_chains_that_do_not_fit)
{
	bad_part(TWO CHAIN
	    "mirrors: [{name: m, interface: x0}]\n"
	    "rules:\n"
	    "- {name: a, port: 1, action: block, chain: i}\n"
	    "- {name: b, port: 2, action: bypass, chain: i}\n"
	    "- {name: c, port: 3, action: decrypt, chain: ii}\n"
	    "- {name: d, port: 4, action: decrypt, chain: [i]}\n"
	    "- {name: e, port: 5, action: decrypt, mirror: [{name: m,\n"
	    "   at: after}]}\n"
	    "- {name: f, port: 6, action: decrypt, mirror: [{name: n,\n"
	    "   at: behind}, {at: before}, {name: m, when: now}]}\n"
	    "- {name: g, action: decrypt}\n",
	    "c:6:37: \"chain\" goes with action decrypt and bypass only; take "
	    "it out\n"
	    "c:7:45: the chain \"i\" takes decrypted sessions only; write "
	    "\"also: [bypassed]\" there, or take \"chain\" out here\n"
	    "c:8:46: no chain \"ii\" under \"chains\", did you mean \"i\"?\n"
	    "c:9:46: \"chain\" is a single value, not a list\n"
	    "c:10:48: \"at: after\" is behind a chain, and the rule has none; "
	    "write its name under \"chain\", or at: before\n"
	    "c:12:55: no mirror \"n\" under \"mirrors\"; define it there, or "
	    "take it out\n"
	    "c:13:8: \"behind\" is no \"at\"; write before or after\n"
	    "c:13:17: a mirror of a rule needs \"name\"; write the name of a "
	    "mirror\n"
	    "c:13:41: unknown key \"when\"; the keys of a mirror of a rule are "
	    "name, at\n");
	bad_part(TWO CHAIN
	    "mirrors: [{name: m, interface: x0}]\n"
	    "rules: [{name: a, action: decrypt, chain: i, mirror: [m,\n"
	    "  {name: m, at: after}]}]\n",
	    "c:5:54: the mirror \"m\" is named twice\n");
}
END

TEST(what_nothing_uses_is_warned_of)
{
	struct conf *c = good(LISTEN TWO
	    "chains: [{name: i, slots: [{name: s, devices: ips1}]}]\n"
	    "rules: [{name: a, action: decrypt}]\n");
	struct text out = { 0 };

	conf_warnings(c, &out);
	ck_assert_str_eq(out.s, "c:2:50: warning: no chain uses the device "
	    "\"dlp1\"; nothing goes through it\n"
	    "c:3:10: warning: no rule uses the chain \"i\"; nothing goes "
	    "through it\n");
	conf_unref(c);
	text_free(&out);
}
END

TEST(more_than_can_be_used_is_too_many)
{
	struct text t = { 0 };
	int i;

	text_puts(&t, "devices:\n");
	for (i = 0; i < 65; i++)
		text_printf(&t, "- {name: d%d, inside: a%d, outside: b%d}\n",
		    i, i, i);
	bad_part(t.s, "c:3:1: too many entries in \"devices\"; at most 64\n");
	text_clear(&t);
	text_puts(&t, TWO "chains:\n- name: c\n  slots:\n");
	for (i = 0; i < 9; i++)
		text_printf(&t, "  - {name: s%d, devices: ips1}\n", i);
	bad_part(t.s, "c:6:3: too many entries in \"slots\"; at most 8\n");
	text_free(&t);
}
END

TEST(a_session_began_outside_if_only_its_server_is_inside)
{
	struct conf *c = good(LISTEN "endpoints: {inside: [10.0.0.0/8, "
	    "\"fd00::/8\"]}\n");
	struct addr in, in6, out, mapped;

	ck_assert_int_eq(addr_parse(&in, "10.1.0.2:1"), 0);
	ck_assert_int_eq(addr_parse(&in6, "[fd01::2]:1"), 0);
	ck_assert_int_eq(addr_parse(&out, "192.0.2.1:1"), 0);
	ck_assert_int_eq(addr_parse(&mapped, "[::ffff:10.1.0.2]:1"), 0);
	ck_assert_int_eq(conf_from_outside(c, &out, &in), 1);
	ck_assert_int_eq(conf_from_outside(c, &out, &in6), 1);
	ck_assert_int_eq(conf_from_outside(c, &out, &mapped), 1);
	ck_assert_int_eq(conf_from_outside(c, &in, &out), 0);
	ck_assert_int_eq(conf_from_outside(c, &in, &in6), 0);
	ck_assert_int_eq(conf_from_outside(c, &out, &out), 0);
	conf_unref(c);
	c = good(LISTEN);
	ck_assert_int_eq(conf_from_outside(c, &out, &in), 0);
	conf_unref(c);
	c = good(LISTEN "endpoints: {interfaces: [a, b]}\n");
	ck_assert_uint_eq(c->endpoints.interfaces.n, 2);
	conf_unref(c);
}
END

SUITE("chain", defaults_of_a_device_and_a_chain,
    every_key_of_a_device_and_a_chain,
    mirrors_look_before_the_chain_or_after_it,
    without_rules_the_only_chain_is_used, ports_of_devices_that_are_wrong,
    values_of_a_device_that_are_wrong,
    what_must_be_blocked_is_a_file_with_something_in_it,
    addresses_of_routers_that_are_wrong, routers_stand_between_two_networks,
    slots_that_are_wrong, values_of_a_chain_that_are_wrong,
    rules_and_chains_that_do_not_fit, what_nothing_uses_is_warned_of,
    more_than_can_be_used_is_too_many,
    a_session_began_outside_if_only_its_server_is_inside)
