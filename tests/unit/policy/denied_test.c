/*
 * Servers that are denied to everybody, and endpoints under step-up: what the
 * rules make of such facts.
 */
#include "policy/denied.h"

#include "conf/denied.h"
#include "conf/pattern.h"
#include "made.h"
#include "policy/explain.h"
#include "util/err.h"

/* A table of one address and one name, either of which may be "". */
struct table {
	struct denials	 ask;
	const char	*addr, *name;
};

static int
has_addr(const struct denials *d, const struct addr *a)
{
	char s[ADDR_STRLEN];

	return strcmp(((const struct table *)d)->addr, addr_ip_str(a, s)) == 0;
}

static int
has_name(const struct denials *d, const char *name)
{
	const struct table *t = (const struct table *)d;

	return t->name[0] != '\0' && pattern_matches(t->name, name);
}

static int
has_any(const struct denials *d, int names)
{
	const struct table *t = (const struct table *)d;

	return (names ? t->name : t->addr)[0] != '\0';
}

static struct table
table(const char *addr, const char *name)
{
	return (struct table){ { has_addr, has_name, has_any }, addr, name };
}

static void
server(struct facts *f, const char *s)
{
	ck_assert_int_eq(addr_parse_ip(&f->server, s), 0);
}

#define DENIES "quarantines: [{name: all}]\n"				\
	"responses: [{do: deny-server, for: 1h}]\n"
#define OPEN "  - {name: open, site: [open.example, evil.example], "	\
	"action: bypass}\n"

static const char denied[] = "denied server";

TEST(a_denied_address_is_refused_before_all_else_is_known)
{
	struct policy *p = made_with(DENIES, OPEN);
	struct table t = table("203.0.113.9", "");
	struct facts f = { .port = 443, .denials = &t.ask };
	struct verdict v;

	server(&f, "203.0.113.8");
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	server(&f, "203.0.113.9");
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	ck_assert_str_eq(v.rule->name, denied);
	f.sni = "open.example";
	f.protocol = PROTO_TLS;
	ck_assert_str_eq(decides(p, &f), denied);
	f.proxied = 1;			/* it is that of a proxy */
	ck_assert_str_eq(decides(p, &f), "open");
	f.host = "203.0.113.9";
	ck_assert_str_eq(decides(p, &f), denied);
	f.denials = NULL;
	ck_assert_str_eq(decides(p, &f), "open");
	policy_unref(p);
}
END

TEST(a_denied_name_is_refused_whatever_says_it)
{
	struct policy *p = made_with(DENIES, OPEN);
	struct table t = table("", "=evil.example");
	struct facts f = { .port = 443, .denials = &t.ask };
	struct verdict v;

	server(&f, "203.0.113.8");
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	f.host = "evil.example";
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	f.host = NULL;
	f.protocol = PROTO_TLS;
	f.sni = "evil.example";
	ck_assert_str_eq(decides(p, &f), denied);
	f.sni = "www.evil.example";
	ck_assert_str_eq(decides(p, &f), "open");
	f.sni = "good.example";
	ck_assert_str_eq(decides(p, &f), "default");
	f.request = "evil.example";
	ck_assert_str_eq(decides(p, &f), denied);
	policy_unref(p);
}
END

TEST(a_request_for_a_denied_name_is_refused_on_an_open_connection)
{
	struct policy *p = made_with(DENIES, OPEN);
	struct policy *by_hand = made_with("quarantines: [{name: all}]\n", "");
	struct table t = table("", "evil.example");
	struct facts f = { .port = 80, .protocol = PROTO_HTTP,
	    .host = "good.example", .denials = &t.ask };
	struct verdict v, of;

	policy_decide(p, &f, &of);
	ck_assert_int_eq(policy_request(p, &f, &of, "a.evil.example", &v),
	    REQUEST_REFUSED);
	ck_assert_str_eq(v.rule->name, denied);
	ck_assert_int_eq(policy_request(p, &f, &of, "good.example", &v),
	    REQUEST_SAME);
	/* No response denies, but an operator does. */
	ck_assert_int_eq(policy_by_request(p), 1);
	ck_assert_int_eq(policy_by_request(by_hand), 0);
	policy_decide(by_hand, &f, &of);
	ck_assert_int_eq(policy_request(by_hand, &f, &of, "a.evil.example",
	    &v), REQUEST_REFUSED);
	t.name = "";
	ck_assert_int_eq(policy_request(by_hand, &f, &of, "a.evil.example",
	    &v), REQUEST_SAME);
	policy_unref(p);
	policy_unref(by_hand);
}
END

TEST(a_bypass_is_sure_only_where_no_name_is_denied)
{
	struct policy *p = made_with(DENIES, "  - {name: all, "
	    "not: {port: 1}, action: bypass}\n");
	struct table t = table("203.0.113.9", "");
	struct facts f = { .port = 443, .protocol = PROTO_TLS,
	    .sni = "good.example", .denials = &t.ask };

	server(&f, "203.0.113.8");
	ck_assert_int_eq(policy_bypasses_any(p, &f), 1);
	ck_assert_int_eq(policy_bypasses(p, &f), 1);
	t.name = "=evil.example";
	ck_assert_int_eq(policy_bypasses_any(p, &f), 0);
	ck_assert_int_eq(policy_bypasses(p, &f), 0);
	policy_unref(p);
}
END

TEST(an_address_to_come_matters_only_where_one_is_denied)
{
	struct policy *p = made_with(DENIES, "  - {name: all, "
	    "not: {port: 1}, action: bypass}\n");
	struct table t = table("", "");
	struct facts f = { .port = 443, .protocol = PROTO_TLS,
	    .sni = "good.example", .denials = &t.ask };

	ck_assert_int_eq(policy_bypasses_any(p, &f), 1);
	t.addr = "203.0.113.9";
	ck_assert_int_eq(policy_bypasses_any(p, &f), 0);
	policy_unref(p);
}
END

TEST(a_contained_client_is_told_of_its_quarantine_first)
{
	struct policy *p = made_with(DENIES, OPEN);
	struct table t = table("203.0.113.9", "");
	struct facts f = { .port = 443, .denials = &t.ask,
	    .contained = "all" };

	server(&f, "203.0.113.9");
	ck_assert_str_eq(decides(p, &f), "quarantine all");
	policy_unref(p);
}
END

static void
explains(const struct policy *p, const struct facts *f, const char *line)
{
	struct text out = { 0 };
	struct verdict v;

	policy_explain(p, f, &v, &out);
	ck_assert_msg(strstr(out.s, line) != NULL, "%s\nlacks %s", out.s,
	    line);
	text_free(&out);
}

TEST(explain_says_by_what_a_server_is_denied)
{
	struct policy *p = made_with(DENIES, OPEN);
	struct table t = table("203.0.113.9", "evil.example");
	struct facts f = { .port = 443, .denials = &t.ask,
	    .protocol = PROTO_TLS, .sni = "a.evil.example" };

	server(&f, "203.0.113.8");
	explains(p, &f, "facts: denied \"yes (a.evil.example)\"");
	explains(p, &f, "rule denied server (built in): match\n"
	    "decided at: hello\n");
	server(&f, "203.0.113.9");
	explains(p, &f, "denied \"yes (203.0.113.9)\"");
	explains(p, &f, "decided at: connection\n");
	server(&f, "203.0.113.8");
	f.sni = "open.example";
	explains(p, &f, "rule denied server (built in): no match by the "
	    "hello: denied \"no\" is not in yes\n");
	policy_unref(p);
}
END

TEST(there_is_no_such_rule_where_nothing_can_be_denied)
{
	struct policy *p = made_with("", OPEN);
	struct table t = table("203.0.113.9", "");
	struct facts f = { .port = 443, .denials = &t.ask };

	server(&f, "203.0.113.9");
	ck_assert_str_eq(decides(p, &f), "default");
	ck_assert_int_eq(conf_denies(policy_conf(p)), 0);
	policy_unref(p);
}
END

TEST(some_servers_are_never_denied)
{
	struct policy *p = made_with("endpoints: {never: [203.0.113.1], "
	    "never-denied: [\"@banks\", 203.0.113.2, www.example]}\n"
	    "quarantines: [{name: all}, {name: some, allow: [up.example], "
	    "servers: [203.0.113.3], dns: [203.0.113.4]}]\n", "");
	const struct conf *c = policy_conf(p);
	static const char *const never[] = { "203.0.113.1", "203.0.113.2",
	    "203.0.113.3", "203.0.113.4", "198.51.100.7", "=bank.example",
	    "a.bank.example", "=www.example", "*.www.example", "=up.example",
	    "a.only-below.example" };
	static const char *const may[] = { "203.0.113.5", "=evil.example",
	    "only-below.example", "example.org" };
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		ck_assert_msg(conf_never_denied(c, never[i]) != NULL, "%s",
		    never[i]);
	for (i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		ck_assert_msg(conf_never_denied(c, may[i]) == NULL, "%s",
		    may[i]);
	policy_unref(p);
}
END

#define PRIVACY	"  - {name: privacy, sni: bank.example, action: bypass, "	\
	"never-decrypt: yes}\n"						\
	"  - {name: saved, sni: [cdn.example, www.example], "		\
	"action: bypass}\n"						\
	"  - {name: bad, sni: bad.example, action: block}\n"

TEST(a_step_up_decrypts_what_rules_bypass_but_for_never_decrypt)
{
	struct policy *p = made(PRIVACY);
	struct facts f = { .port = 443, .protocol = PROTO_TLS,
	    .step_up = "rec" };
	static const struct {
		const char	*sni, *rule;
		enum conf_action is, raised;
	} t[] = {
		{ "bank.example", "privacy", ACTION_BYPASS, ACTION_BYPASS },
		{ "www.example", "saved", ACTION_BYPASS, ACTION_DECRYPT },
		{ "bad.example", "bad", ACTION_BLOCK, ACTION_BLOCK },
		{ "other.example", "default", ACTION_DECRYPT, ACTION_DECRYPT },
	};
	struct verdict v;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		f.sni = t[i].sni;
		f.step_up = NULL;
		policy_decide(p, &f, &v);
		ck_assert_int_eq(v.action, t[i].is);
		f.step_up = "";
		policy_decide(p, &f, &v);
		ck_assert_int_eq(v.action, t[i].raised);
		ck_assert_str_eq(v.rule->name, t[i].rule);
		ck_assert((v.why != NULL) == (t[i].is != t[i].raised));
	}
	policy_unref(p);
}
END

TEST(a_bypass_is_not_sure_under_a_step_up)
{
	struct policy *p = made("  - {name: all, not: {port: 1}, "
	    "action: bypass}\n");
	struct policy *never = made("  - {name: all, not: {port: 1}, "
	    "action: bypass, never-decrypt: yes}\n");
	struct facts f = { .port = 443, .protocol = PROTO_TLS, .sni = "a.b",
	    .step_up = "*" };

	ck_assert_int_eq(policy_bypasses(p, &f), 0);
	ck_assert_int_eq(policy_bypasses_any(p, &f), 0);
	ck_assert_int_eq(policy_bypasses(never, &f), 1);
	f.step_up = NULL;
	ck_assert_int_eq(policy_bypasses(p, &f), 1);
	policy_unref(p);
	policy_unref(never);
}
END

TEST(explain_says_what_a_step_up_changes)
{
	struct policy *p = made(PRIVACY);
	struct facts f = { .port = 443, .protocol = PROTO_TLS,
	    .sni = "www.example", .step_up = "rec,live" };

	explains(p, &f, "step-up: decrypted, though the rule bypasses it\n"
	    "step-up: shown to mirrors besides: rec,live\nwhy: step-up\n"
	    "verdict: decrypt rule: saved\n");
	f.sni = "bank.example";
	explains(p, &f, "step-up: the rule says never-decrypt\n"
	    "verdict: bypass rule: privacy\n");
	policy_unref(p);
}
END

SUITE("denied", a_denied_address_is_refused_before_all_else_is_known,
    a_denied_name_is_refused_whatever_says_it,
    a_request_for_a_denied_name_is_refused_on_an_open_connection,
    a_bypass_is_sure_only_where_no_name_is_denied,
    an_address_to_come_matters_only_where_one_is_denied,
    a_contained_client_is_told_of_its_quarantine_first,
    explain_says_by_what_a_server_is_denied,
    there_is_no_such_rule_where_nothing_can_be_denied,
    some_servers_are_never_denied,
    a_step_up_decrypts_what_rules_bypass_but_for_never_decrypt,
    a_bypass_is_not_sure_under_a_step_up,
    explain_says_what_a_step_up_changes)
