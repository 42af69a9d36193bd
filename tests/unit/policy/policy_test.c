/*
 * Facts to verdicts.
 */
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

#include "policy/rangeset.h"
#include "test.h"
#include "util/mem.h"

static struct text banks;	/* what the list "banks" holds */

static int
fake_read(const char *path, size_t max, struct text *out)
{
	text_add(out, banks.s, banks.len);
	return 0;
}

static const struct conf_world world = { fake_read, NULL, NULL };

static const char head[] =
    "listen:\n"
    "  - {name: proxy, mode: explicit, address: \"127.0.0.1:8080\"}\n"
    "  - {name: gate, mode: transparent, address: \"[::]:8443\"}\n"
    "lists: {banks: /lists/banks}\n"
    "rules:\n";			/* line 5: rules start in 6 */
static const char tail[] =
    "  - {name: default, action: decrypt}\n"
    "cas: [{name: staff, certificate: /s.pem, key: /s.key},\n"
    "  {name: guests, certificate: /g.pem, key: /g.key}]\n"
    "devices: [{name: ips, inside: a0, outside: a1}]\n"
    "chains: [{name: c, slots: [{name: s, devices: ips}], "
    "also: [bypassed]}]\n";

/* A policy of these rules, then "default". */
static struct policy *
rules(const char *yaml)
{
	struct text t = { 0 }, errors = { 0 };
	struct policy *p;
	struct conf *c;

	if (banks.s == NULL)
		text_puts(&banks, "bank.example\n*.only-below.example\n"
		    "198.51.100.0/24\n");
	text_printf(&t, "%s%s%s", head, yaml, tail);
	if (conf_parse_in(&world, "c.yaml", t.s, t.len, &c, &errors) != 0)
		ck_abort_msg("%s", errors.s);
	p = policy_new(c);
	conf_unref(c);
	text_free(&t);
	return p;
}

static void
set_ip(struct addr *a, const char *s)
{
	ck_assert_int_eq(addr_parse_ip(a, s), 0);
}

static const char *
verdict_of(const struct policy *p, const struct facts *f)
{
	struct verdict v;

	policy_decide(p, f, &v);
	return v.rule->name;
}

/* The verdict for a server name under one sni condition. */
static int
sni_matches(const char *condition, const char *name)
{
	char yaml[512];
	struct facts f = { .sni = name };
	struct policy *p;
	int r;

	snprintf(yaml, sizeof(yaml), "  - {name: r, sni: %s, "
	    "action: bypass}\n", condition);
	p = rules(yaml);
	r = strcmp(verdict_of(p, &f), "r") == 0;
	policy_unref(p);
	return r;
}

TEST(sni_is_itself_and_below_or_exact)
{
	ck_assert(sni_matches("example.com", "example.com"));
	ck_assert(sni_matches("example.com", "EXAMPLE.com."));
	ck_assert(sni_matches("example.com", "www.example.com"));
	ck_assert(!sni_matches("example.com", "xexample.com"));
	ck_assert(sni_matches("=example.com", "example.com"));
	ck_assert(!sni_matches("=example.com", "www.example.com"));
	ck_assert(sni_matches("B\xc3\x9c" "cher.example.",
	    "www.xn--bcher-kva.example"));
	ck_assert(!sni_matches("=b\xc3\xbc" "cher.example",
	    "www.xn--bcher-kva.example"));
}
END

TEST(sni_with_a_star_is_below)
{
	ck_assert(sni_matches("\"*.example.com\"", "a.b.example.com"));
	ck_assert(!sni_matches("\"*.example.com\"", "example.com"));
	ck_assert(!sni_matches("\"*.example.com\"", "aexample.com"));
	ck_assert(sni_matches("\"*\"", "anything"));
	ck_assert(!sni_matches("\"*\"", NULL));
}
END

TEST(sni_in_a_list_is_itself_and_below)
{
	ck_assert(sni_matches("\"@banks\"", "bank.example"));
	ck_assert(sni_matches("\"@banks\"", "www.bank.example"));
	ck_assert(!sni_matches("\"@banks\"", "bank.example.net"));
	ck_assert(!sni_matches("\"@banks\"", "only-below.example"));
	ck_assert(sni_matches("\"@banks\"", "x.only-below.example"));
}
END

TEST(unknown_facts_match_nothing)
{
	struct policy *p = rules(
	    "  - {name: a, sni: a.example, action: block}\n"
	    "  - {name: b, client: 0.0.0.0/0, action: block}\n"
	    "  - {name: c, port: 1-65535, action: block}\n"
	    "  - {name: d, protocol: [tls, http, other], action: block}\n"
	    "  - {name: e, alpn: h2, action: block}\n"
	    "  - {name: f, listener: gate, action: block}\n");
	struct facts f = { .port = 0 };

	ck_assert_str_eq(verdict_of(p, &f), "default");
	policy_unref(p);
}
END

/* The rule by which a connection is refused early, or "". */
static const char *
refused_by(const char *yaml, const struct facts *f)
{
	static char name[64];
	struct policy *p = rules(yaml);
	struct verdict v;

	name[0] = '\0';
	if (policy_refuses(p, f, &v)) {
		ck_assert(v.action == ACTION_BLOCK ||
		    v.action == ACTION_RESET);
		snprintf(name, sizeof(name), "%s", v.rule->name);
	}
	policy_unref(p);
	return name;
}

TEST(what_may_still_be_allowed_is_not_refused)
{
	struct facts f = { .port = 443, .host = "a.example" };

	ck_assert_str_eq(refused_by("  - {name: r, protocol: tls, "
	    "action: decrypt}\n  - {name: b, port: 443, action: block}\n",
	    &f), "");
	ck_assert_str_eq(refused_by("  - {name: r, server: 192.0.2.1, "
	    "action: bypass}\n  - {name: b, port: 443, action: block}\n",
	    &f), "");
	ck_assert_str_eq(refused_by("  - {name: r, alpn: h2, port: 80, "
	    "action: decrypt}\n  - {name: b, port: 443, action: block}\n",
	    &f), "b");
	ck_assert_str_eq(refused_by("  - {name: b, protocol: other, "
	    "action: block}\n", &f), "");
	ck_assert_str_eq(refused_by("  - {name: b, not: {protocol: tls}, "
	    "action: block}\n", &f), "");
	ck_assert_str_eq(refused_by("  - {name: b, not: {protocol: tls, "
	    "port: 80}, action: reset}\n", &f), "b");
}
END

TEST(a_host_that_is_a_name_stands_for_sni)
{
	static const char only_a[] = "  - {name: r, sni: a.example, "
	    "action: decrypt}\n  - {name: b, port: 443, action: block}\n";
	struct facts f = { .port = 443, .host = "a.example" };

	ck_assert_str_eq(refused_by(only_a, &f), "");
	f.host = "b.example";
	ck_assert_str_eq(refused_by(only_a, &f), "b");
	f.host = "192.0.2.1";
	ck_assert_str_eq(refused_by(only_a, &f), "");
	f.host = NULL;
	ck_assert_str_eq(refused_by(only_a, &f), "");
	f.protocol = PROTO_OTHER;	/* no SNI will come */
	ck_assert_str_eq(refused_by(only_a, &f), "b");
}
END

TEST(all_conditions_must_hold_and_first_match_decides)
{
	struct policy *p = rules(
	    "  - {name: both, client: 10.0.0.0/8, port: [443, 8000-8999],\n"
	    "     action: bypass}\n"
	    "  - {name: wide, port: 443, action: reset}\n");
	struct facts f = { .port = 443 };

	set_ip(&f.client, "10.1.2.3");
	ck_assert_str_eq(verdict_of(p, &f), "both");
	f.port = 8500;
	ck_assert_str_eq(verdict_of(p, &f), "both");
	f.port = 9000;
	ck_assert_str_eq(verdict_of(p, &f), "default");
	set_ip(&f.client, "11.1.2.3");
	f.port = 443;
	ck_assert_str_eq(verdict_of(p, &f), "wide");
	policy_unref(p);
}
END

TEST(not_takes_out_what_holds_in_whole)
{
	struct policy *p = rules(
	    "  - {name: r, port: 443, not: {sni: a.example, "
	    "client: 10.0.0.1}, action: block}\n");
	struct facts f = { .port = 443, .sni = "a.example" };

	ck_assert_str_eq(verdict_of(p, &f), "r");
	set_ip(&f.client, "10.0.0.1");
	ck_assert_str_eq(verdict_of(p, &f), "default");
	f.sni = NULL;
	ck_assert_str_eq(verdict_of(p, &f), "r");
	policy_unref(p);
}
END

TEST(alpn_listener_protocol_host)
{
	static const uint8_t wire[] = "\x02h2\x08http/1.1";
	struct policy *p = rules(
	    "  - {name: a, alpn: [h3, h2], listener: gate, action: block}\n"
	    "  - {name: p, protocol: http, host: [10.0.0.9, \"@banks\"],\n"
	    "     action: block}\n");
	struct facts f = { .alpn = wire, .alpn_len = sizeof(wire) - 1,
	    .listener = "gate" };

	ck_assert_str_eq(verdict_of(p, &f), "a");
	f.alpn_len = 2;		/* cut short */
	ck_assert_str_eq(verdict_of(p, &f), "default");
	f.protocol = PROTO_HTTP;
	f.host = "10.0.0.9";
	ck_assert_str_eq(verdict_of(p, &f), "p");
	f.host = "198.51.100.77";
	ck_assert_str_eq(verdict_of(p, &f), "p");
	f.host = "www.bank.example";
	ck_assert_str_eq(verdict_of(p, &f), "p");
	f.protocol = PROTO_TLS;
	ck_assert_str_eq(verdict_of(p, &f), "default");
	policy_unref(p);
}
END

TEST(big_lists_decide_right)
{
	struct facts f = { .sni = "a.b.host77777.example" };
	struct policy *p;
	int i;

	for (i = 0; i < 100000; i++)
		text_printf(&banks, "host%d.example\n10.%d.%d.%d\n", i,
		    i >> 16, i >> 8 & 255, i & 254);
	p = rules("  - {name: n, sni: \"@banks\", action: block}\n"
	    "  - {name: s, server: \"@banks\", action: reset}\n");
	ck_assert_str_eq(verdict_of(p, &f), "n");
	f.sni = "host100000.example";
	ck_assert_str_eq(verdict_of(p, &f), "default");
	set_ip(&f.server, "10.1.2.4");
	ck_assert_str_eq(verdict_of(p, &f), "s");
	set_ip(&f.server, "10.1.2.5");
	ck_assert_str_eq(verdict_of(p, &f), "default");
	for (i = 0; i < 1000000; i++)
		verdict_of(p, &f);
	policy_unref(p);
}
END

TEST(ranges_merge_and_keep_families_apart)
{
	static const char *const in[] = { "10.0.0.0/9", "10.128.0.0/9",
	    "10.1.0.0/16", "2001:db8::/32", "192.0.2.7", "::/128" };
	struct rangeset set = { 0 };
	struct prefix p;
	struct addr a;
	size_t i;

	for (i = 0; i < NELEM(in); i++) {
		ck_assert_int_eq(prefix_parse(&p, in[i]), 0);
		rangeset_add(&set, &p);
	}
	rangeset_done(&set);
	set_ip(&a, "10.255.255.255");
	ck_assert(rangeset_has(&set, &a));
	set_ip(&a, "11.0.0.0");
	ck_assert(!rangeset_has(&set, &a));
	set_ip(&a, "2001:db8:ffff::1");
	ck_assert(rangeset_has(&set, &a));
	set_ip(&a, "192.0.2.8");
	ck_assert(!rangeset_has(&set, &a));
	set_ip(&a, "::1");
	ck_assert(!rangeset_has(&set, &a));
	rangeset_free(&set);
}
END

TEST(all_of_ipv6_holds_no_ipv4)
{
	static const char *const in[] = { "::/0", "192.0.2.7" };
	struct rangeset set = { 0 };
	struct prefix p;
	struct addr a;
	size_t i;

	for (i = 0; i < NELEM(in); i++) {
		ck_assert_int_eq(prefix_parse(&p, in[i]), 0);
		rangeset_add(&set, &p);
	}
	rangeset_done(&set);
	set_ip(&a, "2001:db8::1");
	ck_assert(rangeset_has(&set, &a));
	set_ip(&a, "192.0.2.7");
	ck_assert(rangeset_has(&set, &a));
	set_ip(&a, "192.0.2.8");
	ck_assert(!rangeset_has(&set, &a));
	rangeset_free(&set);
}
END

TEST(a_hello_unread_is_bypassed_only_where_its_name_cannot_matter)
{
	static const struct {
		const char	*yaml;
		int		 bypasses;
	} cases[] = {
		{ "  - {name: a, server: 192.0.2.0/24, action: bypass}\n", 1 },
		{ "  - {name: a, server: 192.0.2.9, action: bypass}\n", 0 },
		{ "  - {name: a, sni: a.example, action: block}\n"
		    "  - {name: b, server: 192.0.2.0/24, action: bypass}\n",
		    0 },
		{ "  - {name: a, sni: a.example, action: bypass}\n"
		    "  - {name: b, server: 192.0.2.0/24, action: bypass}\n",
		    1 },
		/* The host that was asked for says nothing of the SNI. */
		{ "  - {name: a, sni: a.example, action: bypass}\n", 0 },
		{ "  - {name: a, host: a.example, action: bypass}\n", 1 }
	};
	struct facts f = { .port = 443, .host = "a.example",
	    .protocol = PROTO_TLS };
	struct policy *p;
	size_t i;

	addr_parse_ip(&f.server, "192.0.2.1");
	for (i = 0; i < NELEM(cases); i++) {
		p = rules(cases[i].yaml);
		ck_assert_msg(policy_bypasses(p, &f) == cases[i].bypasses,
		    "%zu", i);
		policy_unref(p);
	}
}
END

TEST(what_is_settled_does_not_wait_for_the_first_line)
{
	static const struct {
		const char	*yaml;
		int		 settled;
	} cases[] = {
		{ "", 1 },
		{ "  - {name: h, protocol: http, action: block}\n", 0 },
		{ "  - {name: o, protocol: other, action: block}\n", 0 },
		{ "  - {name: o, protocol: [http, other], action: block}\n", 1 },
		{ "  - {name: t, protocol: tls, action: block}\n"
		    "  - {name: s, sni: x.example, action: block}\n", 1 },
		{ "  - {name: h, host: x.example, action: block}\n", 0 },
		{ "  - {name: h, not: {host: x.example}, action: block}\n", 0 },
		{ "  - {name: p, port: 25, host: x.example, action: block}\n", 1 },
		{ "  - {name: p, port: 80, action: block}\n"
		    "  - {name: h, host: x.example, action: block}\n", 1 },
	};
	struct policy *p;
	struct facts f = { .port = 80 };
	size_t i;

	addr_parse_ip(&f.client, "10.0.0.1");
	addr_parse_ip(&f.server, "192.0.2.1");
	for (i = 0; i < NELEM(cases); i++) {
		p = rules(cases[i].yaml);
		ck_assert_msg(policy_settled(p, &f) == cases[i].settled,
		    "%zu", i);
		policy_unref(p);
	}
}
END

TEST(a_bypass_hangs_on_the_name_where_another_would_not_have_it)
{
	static const struct {
		const char	*yaml;
		int		 any;
	} cases[] = {
		{ "  - {name: a, sni: a.example, action: bypass}\n", 0 },
		{ "  - {name: a, sni: \"*.example\", action: bypass}\n", 0 },
		{ "  - {name: a, host: a.example, action: bypass}\n", 0 },
		{ "  - {name: a, site: a.example, action: bypass}\n", 0 },
		{ "  - {name: a, port: 443, action: bypass}\n", 1 },
		{ "  - {name: a, protocol: tls, action: bypass}\n", 1 },
		{ "  - {name: a, sni: b.example, action: block}\n"
		    "  - {name: b, port: 443, action: bypass}\n", 0 },
		{ "  - {name: a, sni: b.example, port: 80, action: block}\n"
		    "  - {name: b, port: 443, action: bypass}\n", 1 },
		{ "  - {name: a, port: 443, not: {sni: b.example}, "
		    "action: bypass}\n", 0 },
		/* Nor may a name lead past the devices. */
		{ "  - {name: a, sni: b.example, action: bypass}\n"
		    "  - {name: b, port: 443, action: bypass, chain: c}\n", 0 },
		{ "  - {name: a, sni: b.example, action: bypass, chain: c}\n"
		    "  - {name: b, port: 443, action: bypass, chain: c}\n", 1 }
	};
	struct facts f = { .port = 443, .sni = "a.example",
	    .protocol = PROTO_TLS };
	struct verdict v;
	struct policy *p;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		p = rules(cases[i].yaml);
		policy_decide(p, &f, &v);
		ck_assert_int_eq(v.action, ACTION_BYPASS);
		ck_assert_msg(policy_bypasses_any(p, &f) == cases[i].any,
		    "%zu", i);
		policy_unref(p);
	}
}
END

/* Of a request for a name on a connection with these facts. */
static enum policy_request
asked(const struct policy *p, const struct facts *f, const char *name)
{
	struct verdict of, v;

	policy_decide(p, f, &of);
	return policy_request(p, f, &of, name, &v);
}

TEST(a_request_is_judged_under_its_own_name)
{
	struct policy *p = rules(
	    "  - {name: a, host: [bad.example], action: block}\n"
	    "  - {name: b, site: [\"*.gone.example\"], action: reset}\n"
	    "  - {name: c, host: [same.example], action: decrypt}\n"
	    "  - {name: d, host: [free.example], action: bypass}\n"
	    "  - {name: e, not: {site: [\"*\"]}, action: decrypt, mirror: []}\n"
	    "  - {name: f, host: [chain.example], action: decrypt, chain: c}\n");
	struct facts f = { .protocol = PROTO_HTTP, .host = "first.example" };

	ck_assert_int_eq(policy_by_request(p), 1);
	ck_assert_int_eq(asked(p, &f, "first.example"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &f, "else.example"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &f, "same.example"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &f, "bad.example"), REQUEST_REFUSED);
	ck_assert_int_eq(asked(p, &f, "a.gone.example"), REQUEST_REFUSED);
	ck_assert_int_eq(asked(p, &f, "free.example"), REQUEST_OTHERWISE);
	ck_assert_int_eq(asked(p, &f, "chain.example"), REQUEST_OTHERWISE);
	f = (struct facts){ .protocol = PROTO_TLS, .sni = "bad.example" };
	ck_assert_str_eq(verdict_of(p, &f), "a");	/* it stands for host */
	policy_unref(p);
}
END

TEST(a_rule_on_sni_is_not_passed_behind_another_name)
{
	struct policy *p = rules(
	    "  - {name: a, sni: [bad.example], action: block}\n"
	    "  - {name: b, sni: [bank.example], action: bypass}\n"
	    "  - {name: c, sni: [good.example], action: decrypt}\n");
	struct facts f = { .protocol = PROTO_TLS, .sni = "good.example" };

	ck_assert_int_eq(policy_by_request(p), 0);
	ck_assert_int_eq(asked(p, &f, "good.example"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &f, "else.example"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &f, "192.0.2.1"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &f, "bad.example"), REQUEST_REFUSED);
	ck_assert_int_eq(asked(p, &f, "bank.example"), REQUEST_OTHERWISE);
	f.sni = NULL;
	ck_assert_int_eq(asked(p, &f, "bad.example"), REQUEST_REFUSED);
	ck_assert_int_eq(asked(p, &f, "bank.example"), REQUEST_SAME);
	f = (struct facts){ .protocol = PROTO_HTTP, .host = "x.example" };
	ck_assert_int_eq(asked(p, &f, "bad.example"), REQUEST_SAME);
	policy_unref(p);
}
END

TEST(an_address_asked_for_stands_beside_the_name_inside)
{
	struct policy *p = rules(
	    "  - {name: a, host: [192.0.2.1], action: decrypt}\n"
	    "  - {name: b, site: [in.example], action: decrypt}\n"
	    "  - {name: rest, port: [443], action: block}\n");
	struct facts f = { .port = 443, .host = "192.0.2.1" };
	struct facts g = { .port = 443, .host = "198.51.100.1" };
	struct verdict v;

	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	ck_assert_int_eq(policy_refuses(p, &g, &v), 0);	/* a name may come */
	g.protocol = PROTO_TLS;
	ck_assert_int_eq(policy_refuses(p, &g, &v), 1);
	g.sni = "in.example";
	ck_assert_str_eq(verdict_of(p, &g), "b");
	f.protocol = PROTO_TLS;
	f.sni = "any.example";
	ck_assert_str_eq(verdict_of(p, &f), "a");
	ck_assert_int_eq(asked(p, &f, "other.example"), REQUEST_SAME);
	ck_assert_int_eq(asked(p, &g, "other.example"), REQUEST_REFUSED);
	policy_unref(p);
}
END

/* The name of the CA for a client, by the rules; and of its page. */
static const char *
ca_of(const struct policy *p, const char *client, const char *sni, int page)
{
	struct facts f = { .sni = sni, .protocol = PROTO_TLS, .port = 443 };
	struct verdict v;

	set_ip(&f.client, client);
	policy_decide(p, &f, &v);
	return conf_ca_name(conf_ca(policy_conf(p), page ?
	    policy_client_ca(p, &f) : policy_ca(p, &f, &v)));
}

TEST(who_refuses_signs_as_who_would_decrypt)
{
	static const struct {
		const char	*client, *sni, *ca, *page;
	} t[] = {
		{ "10.0.0.1", "x.example", "guests", "guests" },
		{ "10.0.0.1", "bad.example", "guests", "guests" },
		{ "10.0.0.1", "staff.example", "staff", "guests" },
		{ "10.0.0.1", "odd.example", "staff", "guests" },
		{ "10.0.0.1", "ours.example", "default", "guests" },
		{ "10.0.0.2", "bad.example", "default", "default" },
		{ "10.0.0.2", "pass.example", "default", "default" },
		{ "10.0.0.1", "pass.example", "guests", "guests" }
	};
	struct policy *p = rules(
	    "  - {name: bad, sni: bad.example, action: block}\n"
	    "  - {name: odd, sni: odd.example, action: block, ca: staff}\n"
	    "  - {name: pass, sni: pass.example, action: bypass}\n"
	    "  - {name: site, sni: staff.example, action: warn, ca: staff}\n"
	    "  - {name: o, sni: ours.example, action: decrypt, ca: default}\n"
	    "  - {name: g, client: 10.0.0.1, action: decrypt, ca: guests}\n");
	size_t i;

	for (i = 0; i < NELEM(t); i++) {
		ck_assert_str_eq(ca_of(p, t[i].client, t[i].sni, 0), t[i].ca);
		ck_assert_str_eq(ca_of(p, t[i].client, t[i].sni, 1),
		    t[i].page);
	}
	policy_unref(p);
}
END

SUITE("policy", a_request_is_judged_under_its_own_name,
    who_refuses_signs_as_who_would_decrypt,
    a_rule_on_sni_is_not_passed_behind_another_name,
    an_address_asked_for_stands_beside_the_name_inside,
    what_is_settled_does_not_wait_for_the_first_line,
    a_bypass_hangs_on_the_name_where_another_would_not_have_it,
    a_hello_unread_is_bypassed_only_where_its_name_cannot_matter,
    sni_is_itself_and_below_or_exact, sni_with_a_star_is_below,
    sni_in_a_list_is_itself_and_below, unknown_facts_match_nothing,
    what_may_still_be_allowed_is_not_refused,
    a_host_that_is_a_name_stands_for_sni,
    all_conditions_must_hold_and_first_match_decides,
    not_takes_out_what_holds_in_whole, alpn_listener_protocol_host,
    big_lists_decide_right,
    ranges_merge_and_keep_families_apart, all_of_ipv6_holds_no_ipv4)
