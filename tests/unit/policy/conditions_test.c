/*
 * One condition after the other.
 */
#include <stdio.h>
#include <time.h>

#include "conf/contained.h"
#include "conf/segment.h"
#include "made.h"
#include "policy/explain.h"
#include "util/mem.h"

/* Whether a window has a time of UTC. */
static int
in_window(const char *window, const char *when)
{
	char yaml[128];
	struct tm tm = { 0 };
	struct facts f = { .port = 1 };
	struct policy *p;
	int has;

	ck_assert_ptr_nonnull(strptime(when, "%Y-%m-%d %H:%M", &tm));
	f.now = timegm(&tm);
	snprintf(yaml, sizeof(yaml), "  - {name: r, time: %s, "
	    "action: block}\n", window);
	p = made(yaml);
	has = strcmp(decides(p, &f), "r") == 0;
	policy_unref(p);
	return has;
}

TEST(windows_of_time)
{
	static const struct {
		const char *window, *when;
		int has;
	} cases[] = {		/* 2026-11-28 is a Saturday */
		{ "08:00-18:00 UTC", "2026-11-28 08:00", 1 },
		{ "08:00-18:00 UTC", "2026-11-28 18:00", 0 },
		{ "08:00-18:00 UTC", "2026-11-28 07:59", 0 },
		{ "mon-fri 08:00-18:00 UTC", "2026-11-28 12:00", 0 },
		{ "\"sat,sun UTC\"", "2026-11-28 00:00", 1 },
		{ "\"sat,sun UTC\"", "2026-11-30 00:00", 0 },
		{ "fri-mon UTC", "2026-11-30 23:59", 1 },
		{ "fri-mon UTC", "2026-12-01 00:00", 0 },
		{ "fri 22:00-06:00 UTC", "2026-11-27 21:59", 0 },
		{ "fri 22:00-06:00 UTC", "2026-11-27 22:00", 1 },
		{ "fri 22:00-06:00 UTC", "2026-11-28 05:59", 1 },
		{ "fri 22:00-06:00 UTC", "2026-11-28 06:00", 0 },
		{ "fri 22:00-06:00 UTC", "2026-11-27 05:00", 0 },
		{ "22:00-24:00 UTC", "2026-11-27 23:59", 1 },
		{ "22:00-24:00 UTC", "2026-11-28 00:00", 0 },
		{ "[\"sun UTC\", 10:00-11:00 UTC]", "2026-11-28 10:30", 1 },
		{ "[\"sun UTC\", 10:00-11:00 UTC]", "2026-11-29 12:30", 1 },
	};
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		ck_assert_msg(in_window(cases[i].window, cases[i].when) ==
		    cases[i].has, "%s, %s", cases[i].window, cases[i].when);
}
END

/* What explain makes of it, but for the last line. */
static void
explained(const struct policy *p, const struct facts *f, const char *want)
{
	struct text t = { 0 };
	struct verdict v;

	policy_explain(p, f, &v, &t);
	ck_assert_msg(strstr(t.s, want) != NULL, "%s", t.s);
	text_free(&t);
}

TEST(categories_are_what_the_feeds_say)
{
	static const struct { const char *site, *has; } cases[] = {
		{ "shop.example", "shopping" },
		{ "www.shop.example", "shopping" },
		{ "mail.shop.example", "shopping,webmail" },
		{ "jobs.shop.example", "unknown" },
		{ "one.example", "adult" },
		{ "www.one.example", "unknown" },
		{ "198.51.100.9", "adult" },
		{ "203.0.113.9", "unknown" },
		{ "cdn.example", "unknown" },
		{ "A.CDN.example.", "ads,trackers" },
		{ NULL, "unknown" },
	};
	struct policy *p = made(
	    "  - {name: a, category: [adult, trackers], action: block}\n"
	    "  - {name: s, category: shopping, not: {category: webmail}, "
	    "action: bypass}\n"
	    "  - {name: u, category: Unknown, action: reset}\n");
	struct facts f = { .protocol = PROTO_TLS };
	struct text t = { 0 };
	const char *has;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		f.sni = cases[i].site;
		has = cases[i].has;
		text_clear(&t);
		policy_categories(p, &f, &t);
		ck_assert_str_eq(t.s, has);
		ck_assert_msg(strcmp(decides(p, &f),
		    strstr(has, "adult") || strstr(has, "trackers") ? "a" :
		    strcmp(has, "shopping") == 0 ? "s" :
		    strcmp(has, "unknown") == 0 ? "u" : "default") == 0,
		    "%s", cases[i].site);
	}
	f.category = "ads,adult";	/* as explain is told */
	ck_assert_str_eq(decides(p, &f), "a");
	text_free(&t);
	policy_unref(p);
}
END

TEST(a_category_is_known_when_the_name_is)
{
	struct policy *p = made(
	    "  - {name: u, category: unknown, action: block}\n"
	    "  - {name: s, category: shopping, action: block}\n"
	    "  - {name: p, port: 443, action: block}\n");
	struct facts f = { .port = 443 };
	struct text t = { 0 };
	struct verdict v;

	ck_assert_str_eq(decides(p, &f), "p");
	policy_categories(p, &f, &t);
	ck_assert_uint_eq(t.len, 0);
	ck_assert_int_eq(policy_by_request(p), 1);
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	explained(p, &f, "rule u (c.yaml:5): no match by the hello: category "
	    "is not known, and must be in unknown\n");
	f.protocol = PROTO_TLS;
	f.sni = "mail.shop.example";
	explained(p, &f, "category \"shopping,webmail\"");
	explained(p, &f, "rule u (c.yaml:5): no match by the hello: category "
	    "\"shopping,webmail\" is not in unknown\n");
	f.request = "one.example";
	ck_assert_str_eq(decides(p, &f), "p");
	f.request = "two.example";
	ck_assert_str_eq(decides(p, &f), "u");
	policy_unref(p);
	p = made("  - {name: b, category: [adult, unknown], action: "
	    "bypass}\n");
	f.request = NULL;
	f.sni = "two.example";
	ck_assert_str_eq(decides(p, &f), "b");
	ck_assert_int_eq(policy_bypasses_any(p, &f), 0);
	text_free(&t);
	policy_unref(p);
}
END

TEST(the_country_of_the_server)
{
	static const struct { const char *server, *rule, *fact; } cases[] = {
		{ "192.0.2.1", "a", "\"DE\"" },
		{ "2001:db8::1", "b", "\"SE\"" },
		{ "203.0.113.1", "c", "\"unknown\"" },
	};
	struct policy *p = made(
	    "  - {name: a, country: [CH, DE], action: block}\n"
	    "  - {name: b, not: {country: [unknown, FR]}, country: SE, "
	    "action: block}\n"
	    "  - {name: c, country: unknown, action: block}\n"
	    "  - {name: d, country: ZA, action: block}\n");
	struct facts f = { .protocol = PROTO_TLS, .port = 443 };
	struct addr server;
	struct verdict v;
	size_t i;

	explained(p, &f, "rule a (c.yaml:5): no match by the connection: "
	    "country is not known, and must be in CH, DE\n");
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	for (i = 0; i < NELEM(cases); i++) {
		addr_parse_ip(&server, cases[i].server);
		policy_server(p, &f, &server);
		ck_assert_str_eq(decides(p, &f), cases[i].rule);
		explained(p, &f, cases[i].fact);
	}
	policy_unref(p);
}
END

TEST(contained_clients_have_what_their_profile_allows)
{
	struct policy *p = made_with("quarantines: [{name: all}, "
	    "{name: some, allow: [\"@banks\", open.example]}]\n",
	    "  - {name: open, site: open.example, action: bypass}\n");
	struct facts f = { .port = 443 };
	struct verdict v;

	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	f.contained = "all";
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	ck_assert_str_eq(v.rule->name, "quarantine all");
	f.contained = "some";		/* the name is still to come */
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	f.protocol = PROTO_TLS;
	ck_assert_str_eq(decides(p, &f), "quarantine some");
	f.sni = "www.bank.example";
	ck_assert_str_eq(decides(p, &f), "default");
	f.sni = "open.example";
	ck_assert_str_eq(decides(p, &f), "open");
	f.sni = "evil.example";
	ck_assert_str_eq(decides(p, &f), "quarantine some");
	/* A request under another name than the hello's. */
	f.sni = "www.bank.example";
	policy_decide(p, &f, &v);
	ck_assert_int_eq(policy_request(p, &f, &v, "evil.example", &v),
	    REQUEST_REFUSED);
	f.contained = conf_quarantine_gone.name;
	ck_assert_str_eq(decides(p, &f), "quarantine (none)");
	f.contained = NULL;
	ck_assert_str_eq(decides(p, &f), "default");
	policy_unref(p);
}
END

TEST(the_mac_address_of_the_client)
{
	struct policy *p = made(
	    "  - {name: a, mac: [02-00-5E-00-00-07, 02:00:aa:00:00:01], "
	    "action: block}\n"
	    "  - {name: b, mac: \"02:00:5e:*\", "
	    "not: {mac: \"02:00:5e:00:00:ff\"}, action: block}\n");
	struct facts f = { .protocol = PROTO_TLS };
	struct verdict v;

	explained(p, &f, "rule a (c.yaml:5): no match by the connection: mac "
	    "is not known (a client behind another router has none), and must "
	    "be in 02:00:5e:00:00:07, 02:00:aa:00:00:01\n");
	f.mac_known = 1;
	memcpy(f.mac, "\x02\x00\x5e\x00\x00\x07", MAC_LEN);
	ck_assert_str_eq(decides(p, &f), "a");
	f.protocol = PROTO_UNKNOWN;	/* it is known before all else */
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	f.mac[5] = 8;
	ck_assert_str_eq(decides(p, &f), "b");
	f.mac[5] = 0xff;
	ck_assert_str_eq(decides(p, &f), "default");
	explained(p, &f, "mac \"02:00:5e:00:00:ff\"");
	policy_unref(p);
}
END

TEST(groups_and_tags_of_the_client)
{
	struct policy *p = made_with("groups:\n"
	    "  - {name: web, members: [10.1.0.0/24, \"tag:web\"]}\n"
	    "  - {name: phones, members: \"02:00:5E:*\"}\n"
	    "  - {name: db, members: [10.2.0.7, \"2001:db8::/64\"]}\n",
	    "  - {name: a, group: [web, phones], action: block}\n"
	    "  - {name: b, tag: [infected, odd], not: {group: db}, "
	    "action: block}\n");
	struct facts f = { .protocol = PROTO_TLS };

	explained(p, &f, "no match by the connection: "
	    "group is not known, and must be in web, phones\n");
	ck_assert_int_eq(addr_parse_ip(&f.client, "10.1.0.9"), 0);
	ck_assert_str_eq(decides(p, &f), "a");
	ck_assert_int_eq(addr_parse_ip(&f.client, "10.2.0.7"), 0);
	ck_assert_str_eq(decides(p, &f), "default");
	explained(p, &f, "group \"10.2.0.7\" is not in web, phones");
	explained(p, &f, "tag is not known (the client has none), and must be "
	    "in infected, odd");
	f.tags = "web";
	ck_assert_str_eq(decides(p, &f), "a");
	f.tags = "webs,we";
	ck_assert_str_eq(decides(p, &f), "default");
	f.tags = "infected";
	ck_assert_str_eq(decides(p, &f), "default");	/* in db */
	ck_assert_int_eq(addr_parse_ip(&f.client, "2001:db8:0:1::7"), 0);
	f.tags = "a,infected";
	ck_assert_str_eq(decides(p, &f), "b");
	f.mac_known = 1;
	memcpy(f.mac, "\x02\x00\x5e\x00\x00\x07", MAC_LEN);
	ck_assert_str_eq(decides(p, &f), "a");
	explained(p, &f, "group");
	policy_unref(p);
}
END

/* What is done, and by which rule. */
static const char *
does(struct policy *p, const struct facts *f)
{
	static char said[100];
	struct verdict v;

	policy_decide(p, f, &v);
	snprintf(said, sizeof(said), "%s by %s", conf_action_str(v.action),
	    v.rule->name);
	return said;
}

static const char *
segmented(struct policy *p, const struct facts *f)
{
	const struct conf_segment *s = policy_segment(p, f);

	return s != NULL ? s->name : "none";
}

static void
ends(struct facts *f, const char *from, const char *to, uint16_t port)
{
	memset(f, 0, sizeof(*f));
	f->protocol = PROTO_TLS;
	ck_assert_int_eq(addr_parse_ip(&f->client, from), 0);
	if (to != NULL)
		ck_assert_int_eq(addr_parse_ip(&f->server, to), 0);
	f->port = port;
}

TEST(segments_decide_before_the_rules)
{
	struct policy *p = made_with(
	    "groups:\n"
	    "  - {name: web, members: [10.1.0.0/24, \"tag:web\"]}\n"
	    "  - {name: app, members: [10.2.0.0/24]}\n"
	    "  - {name: db, members: [10.3.0.0/24, \"02:00:5e:*\"]}\n"
	    "segments:\n"
	    "  - {from: web, to: app, port: [443, 8000-8010], "
	    "action: decrypt}\n"
	    "  - {from: app, to: db, port: 22, action: reset, name: no-ssh}\n"
	    "  - {from: app, to: db, action: bypass}\n"
	    "  - {from: app, to: db, action: allow, name: never}\n"
	    "  - {from: db, to: any, port: 443, action: decrypt}\n"
	    "segments-default: deny\n"
	    "endpoints: {inside: [10.8.0.0/16]}\n",
	    "  - {name: bank, server: 10.3.0.9, action: bypass}\n"
	    "  - {name: bad, server: 10.2.0.66, action: block}\n"
	    "  - {name: must, server: 10.3.0.8, action: decrypt, "
	    "must-decrypt: yes}\n");
	struct facts f;
	struct verdict v;

	ends(&f, "10.1.0.2", "10.2.0.2", 443);
	ck_assert_str_eq(does(p, &f), "decrypt by default");
	ck_assert_str_eq(segmented(p, &f), "web to app");
	f.port = 8010;
	ck_assert_str_eq(segmented(p, &f), "web to app");
	f.port = 8011;
	ck_assert_str_eq(does(p, &f), "block by segments-default");
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	f.port = 0;		/* ping */
	ck_assert_str_eq(segmented(p, &f), "segments-default");
	ends(&f, "10.2.0.2", "10.3.0.2", 22);
	ck_assert_str_eq(does(p, &f), "reset by segment no-ssh");
	f.port = 443;
	ck_assert_str_eq(does(p, &f), "bypass by default");
	ck_assert_int_eq(policy_bypasses(p, &f), 1);
	ends(&f, "10.2.0.2", "10.3.0.8", 443);
	ck_assert_str_eq(does(p, &f), "decrypt by must");
	ends(&f, "10.3.0.1", "10.3.0.9", 443);
	ck_assert_str_eq(does(p, &f), "decrypt by bank");
	ends(&f, "10.1.0.2", "10.2.0.66", 443);
	ck_assert_str_eq(does(p, &f), "block by bad");
	/* Who is in no group. */
	ends(&f, "192.0.2.1", "10.2.0.2", 443);
	ck_assert_str_eq(does(p, &f), "block by segments-default");
	f.tags = "other,web";
	ck_assert_str_eq(does(p, &f), "decrypt by default");
	ends(&f, "10.1.0.2", "10.8.0.1", 443);
	ck_assert_str_eq(does(p, &f), "block by segments-default");
	ends(&f, "10.1.0.2", "192.0.2.1", 443);
	ck_assert_str_eq(segmented(p, &f), "none");
	ck_assert_str_eq(does(p, &f), "decrypt by default");
	f.server_mac_known = 1;
	memcpy(f.server_mac, "\x02\x00\x5e\x00\x00\x07", MAC_LEN);
	ck_assert_str_eq(segmented(p, &f), "segments-default");
	policy_unref(p);
}
END

TEST(segments_wait_for_the_servers_address)
{
	struct policy *p = made_with(
	    "groups: [{name: db, members: [10.3.0.0/24]}]\n"
	    "segments: [{from: any, to: db, port: 443, action: decrypt}]\n"
	    "segments-default: deny\n",
	    "  - {name: all, action: bypass, port: 443}\n");
	struct facts f;
	struct verdict v;

	ends(&f, "10.1.0.2", NULL, 443);
	ck_assert_int_eq(policy_bypasses(p, &f), 0);
	f.port = 22;
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	ck_assert_int_eq(addr_parse_ip(&f.server, "10.3.0.2"), 0);
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	/* An upstream proxy's address is not the server's. */
	f.proxied = 1;
	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	policy_unref(p);
}
END

SUITE("conditions", segments_decide_before_the_rules,
    segments_wait_for_the_servers_address, groups_and_tags_of_the_client,
    the_mac_address_of_the_client, the_country_of_the_server,
    contained_clients_have_what_their_profile_allows,
    categories_are_what_the_feeds_say,
    a_category_is_known_when_the_name_is, windows_of_time)
