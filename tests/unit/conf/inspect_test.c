/*
 * The section inspect, of all and of a rule.
 */
#include "conf/inspect.h"

#include "sample.h"


TEST(trickle_is_off_or_has_three_parts)
{
	struct conf *c = good(LISTEN
	    "inspect: {trickle: {after: 2s}}\n"
	    "rules:\n"
	    "- {name: a, port: 1, action: decrypt, inspect: {trickle: off}}\n"
	    "- {name: b, port: 2, action: decrypt, inspect: {trickle: {}}}\n"
	    "- {name: c, action: decrypt, inspect: {ranges: pass}}\n");

	ck_assert_uint_eq(c->rules[0].inspect->trickle.bytes, 0);
	ck_assert_uint_eq(c->rules[1].inspect->trickle.after, 5000);
	ck_assert_uint_eq(c->rules[1].inspect->trickle.bytes, 1024);
	ck_assert_uint_eq(c->rules[1].inspect->trickle.every, 1000);
	ck_assert_uint_eq(c->rules[2].inspect->trickle.after, 2000);
	ck_assert_uint_eq(c->rules[2].inspect->trickle.bytes, 1024);
	conf_unref(c);
	c = good(LISTEN);
	ck_assert_uint_eq(c->rules[0].inspect->trickle.bytes, 0);
	conf_unref(c);
}
END

TEST(inspect_is_the_rules_own_or_that_of_all)
{
	struct conf *c = good(LISTEN
	    "rules:\n"
	    "- {name: a, port: 1, action: decrypt}\n"
	    "- {name: b, port: 2, action: decrypt, inspect: "
	    "{encodings: [ZSTD]}}\n"
	    "- {name: c, action: decrypt, inspect: {endless: closed}}\n"
	    "inspect: {endless: open, encodings: [gzip, br]}\n");
	const struct conf_inspect *in;

	ck_assert_ptr_eq(c->rules[0].inspect, &c->inspect);
	in = c->rules[1].inspect;
	ck_assert_int_eq(in->endless_open, 1);
	ck_assert_uint_eq(in->encodings.n, 1);
	ck_assert_str_eq(in->encodings.v[0], "zstd");
	in = c->rules[2].inspect;
	ck_assert_int_eq(in->endless_open, 0);
	ck_assert_uint_eq(in->encodings.n, 2);
	ck_assert_str_eq(in->encodings.v[1], "br");
	conf_unref(c);
	c = good(LISTEN);
	in = c->rules[0].inspect;
	ck_assert_int_eq(in->endless_open, 0);
	ck_assert_uint_eq(in->encodings.n, 3);
	ck_assert_str_eq(in->encodings.v[2], "br");
	ck_assert_uint_eq(in->upgrade.n, 1);
	ck_assert_int_eq(in->non_http_block, 0);
	conf_unref(c);
	c = good(LISTEN "inspect: {non-http: block, upgrade: [H2X, tls/1.0]}\n"
	    "rules: [{name: a, action: decrypt, inspect: {upgrade: []}}]\n");
	in = c->rules[0].inspect;
	ck_assert_uint_eq(in->upgrade.n, 0);
	ck_assert_int_eq(in->non_http_block, 1);
	ck_assert_str_eq(c->inspect.upgrade.v[1], "tls/1.0");
	conf_unref(c);
	bad_part("inspect: {upgrade: [web socket, a/, /b], non-http: deny}\n",
	    "c:2:21: \"web socket\" is not a protocol; write such as "
	    "websocket, or [] for none\n"
	    "c:2:33: \"a/\" is not a protocol; write such as websocket, or [] "
	    "for none\n"
	    "c:2:37: \"/b\" is not a protocol; write such as websocket, or [] "
	    "for none\n"
	    "c:2:52: \"deny\" is no \"non-http\"; write allow or block\n");
	bad_part("inspect: {encodings: [gzip, any], endless: ajar}\n",
	    "c:2:22: \"any\" stands alone; write encodings: any\n"
	    "c:2:44: \"ajar\" is no \"endless\"; write closed or open\n");
}
END

TEST(names_of_protocols_and_codings_have_bounds)
{
	struct conf *c = good(LISTEN "inspect: {upgrade: "
	    "[a234567890123456789012345678901, "
	    "a23456789012345/a234567890123456], "
	    "encodings: a2345678901234567890123456789012}\n");

	ck_assert_uint_eq(c->inspect.upgrade.n, 2);
	ck_assert_uint_eq(c->inspect.encodings.n, 1);
	conf_unref(c);
	bad_part("inspect: {upgrade: [a2345678901234567890123456789012, a/b/c, "
	    "\"\"],\n"
	    "  encodings: [a23456789012345678901234567890123]}\n",
	    "c:2:21: \"a2345678901234567890123456789012\" is not a protocol; "
	    "write such as websocket, or [] for none\n"
	    "c:2:55: \"a/b/c\" is not a protocol; write such as websocket, "
	    "or [] for none\n"
	    "c:2:62: \"\" is not a protocol; write such as websocket, or [] "
	    "for none\n"
	    "c:3:15: \"a23456789012345678901234567890123\" is not a content "
	    "coding; write such as gzip, deflate or br, or any\n");
}
END

SUITE("inspect", trickle_is_off_or_has_three_parts,
    inspect_is_the_rules_own_or_that_of_all,
    names_of_protocols_and_codings_have_bounds)
