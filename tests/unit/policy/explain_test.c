/*
 * The words why a policy decides as it does.
 */
#include "policy/explain.h"

#include "made.h"

TEST(it_names_the_rule_that_refuses_early)
{
	static const char two[] = "  - {name: a, sni: a.example, not: "
	    "{alpn: h2}, action: reset}\n  - {name: b, port: 443, "
	    "action: block}\n";
	struct facts f = { .port = 443, .host = "a.example" };
	struct policy *p = made(two);
	struct text t = { 0 };
	struct verdict v;

	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	ck_assert_str_eq(v.rule->name, "a");
	policy_explain(p, &f, &v, &t);
	ck_assert_str_eq(t.s, "facts: port \"443\", sni \"a.example\", "
	    "host \"a.example\", site \"a.example\", "
	    "category \"unknown\"\n"
	    "rule a (c.yaml:5): match\n"
	    "decided at: hello\n"
	    "verdict: reset rule: a\n");
	text_free(&t);
	policy_unref(p);
}
END

TEST(it_says_why_a_rule_does_not_match)
{
	struct policy *p = made_with(
	    "cas: [{name: staff, certificate: /s.pem, key: /s.key}]\n",
	    "  - {name: priv, sni: [\"@banks\", \"*.health.example\"],\n"
	    "     action: bypass}\n"
	    "  - {name: port, port: [1-7, 9], action: block}\n"
	    "  - {name: but, not: {sni: x.example}, action: block}\n");
	struct facts f = { .sni = "x.example" };
	struct text t = { 0 };
	struct verdict v;

	policy_explain(p, &f, &v, &t);
	ck_assert_str_eq(t.s,
	    "facts: sni \"x.example\", host \"x.example\", site "
	    "\"x.example\", category \"unknown\"\n"
	    "rule priv (c.yaml:6): no match by the hello: sni \"x.example\" is "
	    "not in @banks, *.health.example\n"
	    "rule port (c.yaml:8): no match by the connection: port is not "
	    "known, and must be in 1-7, 9\n"
	    "rule but (c.yaml:9): no match by the hello: \"not\" holds: sni "
	    "\"x.example\" is in x.example\n"
	    "rule default (c.yaml:10): match\n"
	    "decided at: hello\nca: default\n"
	    "verdict: decrypt rule: default\n");
	text_free(&t);
	policy_unref(p);
}
END

TEST(it_tells_the_way_of_the_rule_that_matches)
{
	struct policy *p = made_with(
	    "cas: [{name: staff, certificate: /s.pem, key: /s.key}]\n"
	    "upstream-proxies: [{name: up, url: \"http://192.0.2.8:3128\"}]\n",
	    "  - {name: s, sni: a.example, action: decrypt, ca: staff,\n"
	    "     upstream-proxy: [up, direct]}\n");
	struct facts f = { .protocol = PROTO_TLS, .sni = "a.example",
	    .ech = 1, .late = 1 };
	struct text t = { 0 };
	struct verdict v;

	policy_explain(p, &f, &v, &t);
	ck_assert_str_eq(t.s,
	    "facts: protocol \"tls\", sni \"a.example\", host "
	    "\"a.example\", site \"a.example\", category \"unknown\", "
	    "ech, late\n"
	    "rule s (c.yaml:7): match\n"
	    "decided at: hello\nca: staff\n"
	    "upstream-proxy: up, direct\n"
	    "on: ech: decrypt\n"
	    "verdict: decrypt rule: s\n");
	text_free(&t);
	policy_unref(p);
}
END

SUITE("explain", it_names_the_rule_that_refuses_early,
    it_says_why_a_rule_does_not_match,
    it_tells_the_way_of_the_rule_that_matches)
