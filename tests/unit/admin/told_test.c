/*
 * Facts as operators write them, and what explain says of them.
 */
#include "admin/told_explain.h"

#include <string.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static int
no_read(const char *path, size_t max, struct text *out)
{
	return 0;
}

/* "lab" is a group, "gate" a listener; rules start in line 7. */
static struct policy *
policy(const char *rules)
{
	static const struct conf_world world = { no_read, NULL, NULL };
	struct text yaml = { 0 }, errors = { 0 };
	struct policy *p;
	struct conf *c;

	text_printf(&yaml, "listen: [{name: gate, mode: transparent, "
	    "address: \"[::]:8443\"}]\n"
	    "lists: {some: /some}\n"
	    "groups: [{name: lab, members: [\"@some\", 10.9.0.0/16]}]\n"
	    "devices: [{name: one, inside: a0, outside: a1}]\n"
	    "chains: [{name: c, slots: [{name: s, devices: one}]}]\n"
	    "rules:\n%s", rules);
	if (conf_parse_in(&world, "c.yaml", yaml.s, yaml.len, &c, &errors) != 0)
		ck_abort_msg("%s", errors.s);
	p = policy_new(c);
	conf_unref(c);
	text_free(&yaml);
	return p;
}

/* Facts end with NULL. Returns what told_explain() does. */
static int
explained(const char *rules, const char *const *facts, struct text *out)
{
	struct policy *p = policy(rules);
	struct told *t = told_new();
	struct verdict v;
	int rv;

	text_clear(out);
	for (; *facts != NULL; facts++)
		if (told_take(t, *facts, out) != 0)
			ck_abort_msg("%s", out->s);
	rv = told_explain(t, p, &v, out);
	told_free(t);
	policy_unref(p);
	return rv;
}

/* The line of facts, without the time, which is never the first. */
static void
facts_are(const char *const *facts, const char *want)
{
	struct text out = { 0 };
	char *line, *time, *end;

	ck_assert_int_eq(explained("  - {name: r, action: decrypt}\n", facts,
	    &out), 0);
	line = strtok(out.s, "\n");
	time = strstr(line, ", time \"");
	ck_assert_ptr_nonnull(time);
	end = strchr(time + 8, '"') + 1;
	memmove(time, end, strlen(end) + 1);
	ck_assert_str_eq(line, want);
	text_free(&out);
}

TEST(a_url_says_protocol_port_and_name)
{
	static const char *const tls[] = { "https://me@WWW.Example.com:8443/a",
	    NULL };
	static const char *const plain[] = { "http://www.example.com?x=y",
	    NULL };
	static const char *const six[] = { "https://[2001:db8::1]/", NULL };

	facts_are(tls, "facts: protocol \"tls\", port \"8443\", sni "
	    "\"www.example.com\", host \"www.example.com\", site "
	    "\"www.example.com\"");
	facts_are(plain, "facts: protocol \"http\", port \"80\", host "
	    "\"www.example.com\", site \"www.example.com\"");
	facts_are(six, "facts: protocol \"tls\", port \"443\"");
}
END

TEST(facts_that_only_tls_has_say_tls)
{
	static const char *const alpn[] = { "alpn=h2,http/1.1", NULL };
	static const char *const cert[] = { "issuer=CN=R3, O=Example",
	    "incomplete=yes", NULL };
	static const char *const plain[] = { "protocol=smtp",
	    "time=2026-11-28T22:15:00+01:00", NULL };
	struct text out = { 0 };

	facts_are(alpn, "facts: protocol \"tls\", alpn \"h2,http/1.1\"");
	facts_are(cert, "facts: protocol \"tls\", certificate status "
	    "\"untrusted\", certificate issuer \"CN=R3, O=Example\", "
	    "incomplete");
	facts_are(plain, "facts: protocol \"smtp\"");
	ck_assert_int_eq(explained("  - {name: t, time: sat 22:00-22:30 UTC, "
	    "action: bypass}\n  - {name: u, time: sat 21:00-21:30 UTC, action: "
	    "block}\n  - {name: e, action: reset}\n", plain, &out), 0);
	ck_assert_msg(strstr(out.s, "verdict: block rule: u\n") != NULL, "%s",
	    out.s);
	text_free(&out);
}
END

TEST(what_is_no_fact_is_told_with_what_is_right)
{
	static const struct { const char *arg, *why; } cases[] = {
		{ "port=0", "\"port=0\": write a number from 1 to 65535" },
		{ "port=", "\"port=\": write a number from 1 to 65535" },
		{ "client=x", "\"client=x\": write an address such as "
		    "10.0.0.7" },
		{ "alpn=h2,", "\"alpn=h2,\": write names with commas, as in "
		    "h2,http/1.1" },
		{ "late=perhaps", "\"late=perhaps\": write yes or no" },
		{ "country=DEU", "\"country=DEU\": write two letters such as "
		    "DE, or unknown" },
		{ "time=22:15", "\"time=22:15\": write 2026-11-28T22:15Z or "
		    "2026-11-28T22:15:00+01:00" },
		{ "https://a b/", "\"https://a b/\": write a URL such as "
		    "https://www.example.com/" },
		{ "https://a:0/", "\"https://a:0/\": write a URL such as "
		    "https://www.example.com/" },
	};
	struct told *t = told_new();
	struct text why = { 0 };
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		text_clear(&why);
		ck_assert_int_eq(told_take(t, cases[i].arg, &why), ERR_FORMAT);
		ck_assert_str_eq(why.s, cases[i].why);
	}
	text_clear(&why);
	ck_assert_int_eq(told_take(t, "clients=10.0.0.7", &why), ERR_FORMAT);
	ck_assert_msg(strncmp(why.s, "\"clients=10.0.0.7\" is not a fact; "
	    "write a URL, or client=, ", 59) == 0, "%s", why.s);
	ck_assert_int_eq(told_begins("client=10.0.0.7"), 1);
	ck_assert_int_eq(told_begins("HTTP://x/"), 1);
	ck_assert_int_eq(told_begins("client"), 0);
	ck_assert_int_eq(told_begins("O=Example"), 0);
	text_free(&why);
	told_free(t);
}
END

TEST(a_group_stands_for_a_member)
{
	static const char *const ends[] = { "from=lab", "to=10.8.0.1", NULL };
	static const char *const none[] = { "from=lap", NULL };
	static const char *const nobody[] = { "listener=door", NULL };
	struct text out = { 0 };

	facts_are(ends, "facts: client \"10.9.0.0\", server \"10.8.0.1\", "
	    "group \"10.9.0.0\"");
	ck_assert_int_eq(explained("  - {name: r, action: block}\n", none,
	    &out), ERR_NOTFOUND);
	ck_assert_str_eq(out.s, "no group \"lap\" in c.yaml, and it is no "
	    "address");
	ck_assert_int_eq(explained("  - {name: r, action: block}\n", nobody,
	    &out), ERR_NOTFOUND);
	ck_assert_str_eq(out.s, "no listener \"door\" in c.yaml");
	text_free(&out);
}
END

TEST(the_devices_are_told_before_the_verdict)
{
	static const char *const tls[] = { "sni=a.example",
	    "time=2026-11-28T22:15Z", NULL };
	static const char *const smtp[] = { "protocol=http",
	    "time=2026-11-28T22:15Z", NULL };
	static const char rule[] = "  - {name: r, action: decrypt, chain: c}\n";
	struct text out = { 0 };

	ck_assert_int_eq(explained(rule, tls, &out), 0);
	ck_assert_msg(strstr(out.s, "\nchain c: s (one)\n"
	    "verdict: decrypt rule: r\n") != NULL, "%s", out.s);
	ck_assert_int_eq(explained(rule, smtp, &out), 0);
	ck_assert_msg(strstr(out.s, "\nchain c: not used: \"also\" does not "
	    "have such sessions\nverdict: decrypt rule: r\n") != NULL, "%s",
	    out.s);
	text_free(&out);
}
END

SUITE("told", a_url_says_protocol_port_and_name,
    facts_that_only_tls_has_say_tls,
    what_is_no_fact_is_told_with_what_is_right, a_group_stands_for_a_member,
    the_devices_are_told_before_the_verdict)
