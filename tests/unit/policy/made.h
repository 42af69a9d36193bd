/*
 * What the tests of policy share: policies made of a few rules, with a list
 * "banks" that a test may set.
 */
#ifndef MADE_H
#define MADE_H

#include <string.h>

#include "../mmdb.h"
#include "policy/policy.h"
#include "test.h"

static const char *made_list = "bank.example\n*.only-below.example\n"
    "198.51.100.0/24\n";

static const char *made_feed =		/* under `categories:` */
    "shop.example shopping\nmail.shop.example webmail,shopping\n"
    "!jobs.shop.example shopping\n=one.example adult\n"
    "198.51.100.0/24 adult\n*.cdn.example ads; trackers\n";

static int
made_read(const char *path, size_t max, struct text *out)
{
	struct mmdb m = { 0 };

	if (strcmp(path, "/geo") == 0) {
		mmdb_add(&m, "192.0.2.0/24", "DE");
		mmdb_add(&m, "2001:db8::/32", "SE");
		mmdb_write(&m, out);
		return 0;
	}
	text_puts(out, strstr(path, "feed") != NULL ? made_feed : made_list);
	return 0;
}

/* A policy of these rules, then "default", which decrypts; and what stands
 * before the rules. */
static inline struct policy *
made_with(const char *before, const char *yaml)
{
	static const struct conf_world world = { made_read, NULL, NULL };
	struct text t = { 0 }, errors = { 0 };
	struct policy *p;
	struct conf *c;

	text_printf(&t, "listen: [{name: gate, mode: transparent, "
	    "address: \"[::]:8443\"}]\nlists: {banks: /banks}\n"
	    "categories: [/feed]\n%srules:\n%s"
	    "  - {name: default, action: decrypt}\n"
	    "geo: {database: /geo}\n", before, yaml);
	if (conf_parse_in(&world, "c.yaml", t.s, t.len, &c, &errors) != 0)
		ck_abort_msg("%s", errors.s);
	p = policy_new(c);
	conf_unref(c);
	text_free(&t);
	return p;
}

static inline struct policy *
made(const char *yaml)
{
	return made_with("", yaml);
}

/* The name of the rule that decides. */
static inline const char *
decides(const struct policy *p, const struct facts *f)
{
	struct verdict v;

	policy_decide(p, f, &v);
	return v.rule->name;
}

#endif
