/*
 * What `on:` and `must-decrypt` make of a verdict.
 */
#include "policy/verdict.h"

#include "made.h"
#include "policy/explain.h"

static const char on[] =
    "on: {untrusted-server: bypass, expired-server: block, "
    "name-mismatch: untrusted, revoked-server: bypass, "
    "incomplete-chain: untrusted, no-sni: bypass, ech: block}\n";

/* What explain says below the rules, up to its verdict. */
static void
explained(const struct policy *p, const struct facts *f, const char *last)
{
	struct text out = { 0 };
	struct verdict v;
	const char *s;

	policy_explain(p, f, &v, &out);
	s = strstr(out.s, "\non: ");
	ck_assert_str_eq(s != NULL ? s + 1 : strstr(out.s, "verdict: "), last);
	text_free(&out);
}

TEST(each_fault_has_its_key)
{
	struct policy *p = made_with(on, "");
	static char none[] = "";
	struct certinfo cert = { .subject = none, .issuer = none };
	struct facts f = { .protocol = PROTO_TLS, .sni = "a.test",
	    .cert = &cert, .verify_text = "so" };

	explained(p, &f, "verdict: decrypt rule: default\n");
	f.verify = VERIFY_UNTRUSTED;
	explained(p, &f, "on: untrusted-server: bypass\nwhy: so\n"
	    "verdict: bypass rule: default\n");
	f.lacks_issuer = 1;
	explained(p, &f, "on: incomplete-chain: untrusted: signed by the "
	    "untrusted CA\nwhy: so\nverdict: decrypt rule: default\n");
	f.lacks_issuer = 0;
	f.verify = VERIFY_NAME;
	explained(p, &f, "on: name-mismatch: untrusted: signed by the "
	    "untrusted CA\nwhy: so\nverdict: decrypt rule: default\n");
	f.late = 1;
	explained(p, &f, "on: expired-server: block\nwhy: so\n"
	    "verdict: block rule: default\n");
	f.verify = VERIFY_REVOKED;
	f.late = 0;
	explained(p, &f, "on: revoked-server: bypass\nwhy: so\n"
	    "verdict: bypass rule: default\n");
	f.ech = 1;
	explained(p, &f, "on: ech: block\nwhy: ECH\n"
	    "verdict: block rule: default\n");
	f.sni = NULL;
	explained(p, &f, "on: no-sni: bypass\nwhy: no SNI\n"
	    "verdict: bypass rule: default\n");
	policy_unref(p);
}
END

TEST(what_must_be_decrypted_is_blocked_instead)
{
	struct policy *p = made_with("on: {ech: bypass}\n", "  - {name: must, "
	    "action: decrypt, must-decrypt: yes, sni: a.test}\n");
	struct facts f = { .protocol = PROTO_TLS, .sni = "a.test", .ech = 1 };

	explained(p, &f, "on: ech: bypass, but must-decrypt\nwhy: ECH\n"
	    "verdict: block rule: must\n");
	f.sni = "b.test";
	explained(p, &f, "on: ech: bypass\nwhy: ECH\n"
	    "verdict: bypass rule: default\n");
	policy_unref(p);
}
END

TEST(on_changes_nothing_that_a_rule_does_otherwise)
{
	struct policy *p = made_with(on, "  - {name: a, sni: a.test, "
	    "action: bypass}\n");
	struct facts f = { .protocol = PROTO_TLS, .sni = "a.test", .ech = 1 };

	explained(p, &f, "verdict: bypass rule: a\n");
	f.sni = NULL;
	f.protocol = PROTO_HTTP;
	explained(p, &f, "verdict: decrypt rule: default\n");
	policy_unref(p);
}
END

TEST(a_monitor_tells_what_would_be)
{
	struct policy *p = made_with("mode: monitor\n", "");
	struct facts f = { .protocol = PROTO_TLS, .sni = "a.test" };
	struct verdict v;

	policy_decide(p, &f, &v);
	ck_assert_ptr_eq(verdict_apply(&v, policy_conf(p), &f).key, NULL);
	ck_assert_int_eq(v.action, ACTION_BYPASS);
	ck_assert_str_eq(v.why, "monitor: would decrypt");
	policy_unref(p);
}
END

SUITE("verdict", each_fault_has_its_key,
    what_must_be_decrypted_is_blocked_instead,
    on_changes_nothing_that_a_rule_does_otherwise,
    a_monitor_tells_what_would_be)
