/*
 * admin/failures and admin/top: bounded tables of what sessions were like.
 */
#include "admin/failures.h"
#include "admin/top.h"

#include <string.h>

#include "proxy/record.h"
#include "util/log.h"

#include "test.h"

#define AT_ONCE	8

/* No more than AT_ONCE of them are in use at a time. */
static struct record
session(const char *client, const char *site, const char *reason)
{
	static const struct verdict verdict;
	static struct facts facts[AT_ONCE];
	static char names[AT_ONCE][32];
	static unsigned n;
	struct facts *f = &facts[n % AT_ONCE];
	struct record r = { .facts = f, .verdict = &verdict };
	char addr[64];

	snprintf(addr, sizeof(addr), "%s:1", client);
	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(addr_parse(&f->client, addr), 0);
	ck_assert_int_eq(addr_parse(&f->server, "203.0.113.1:443"), 0);
	snprintf(names[n % AT_ONCE], sizeof(names[0]), "%s", site);
	f->sni = names[n++ % AT_ONCE];
	snprintf(r.reason, sizeof(r.reason), "%s", reason);
	log_level = -1;
	return r;
}

static const json_t *
row(const json_t *all, size_t i)
{
	return json_array_get(json_object_get(all, "failures"), i);
}

#define ck_text(o, key, want)						\
	ck_assert_str_eq(json_string_value(json_object_get((o), (key))), want)
#define ck_number(o, key, want)						\
	ck_assert_int_eq(json_integer_value(json_object_get((o), (key))), want)

TEST(failures_are_told_by_site_and_reason)
{
	struct failures *f = failures_new("trust it");
	struct record r[] = {
		session("10.0.0.1", "a.test", "handshake with client: "
		    "unknown_ca"),
		session("10.0.0.2", "a.test", "handshake with client: "
		    "unknown_ca"),
		session("10.0.0.1", "b.a.test", "connect: timed out"),
		session("10.0.0.1", "ba.test", "client closed"),
		session("10.0.0.1", "bad.test", "client closed"),
	};
	struct facts bad = *r[4].facts;
	json_t *o;
	size_t i;

	bad.verify = VERIFY_EXPIRED;
	bad.verify_text = "certificate has expired";
	r[4].facts = &bad;
	for (i = 0; i < 5; i++)
		failures_note(f, &r[i]);
	o = failures_json(f, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "failures")), 3);
	ck_text(row(o, 0), "site", "bad.test");
	ck_text(row(o, 0), "reason", "untrusted server: certificate has "
	    "expired");
	ck_number(row(o, 2), "count", 2);
	ck_text(row(o, 2), "client", "10.0.0.2");
	json_decref(o);
	o = failures_json(f, "A.test");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "failures")), 2);
	json_decref(o);
	failures_free(f);
}
END

TEST(one_client_does_not_fill_the_table_of_failures)
{
	struct failures *f = failures_new("trust it");
	struct record r = session("10.0.0.9", "kept.test", "connect: refused");
	char name[32];
	json_t *o;
	int i;

	failures_note(f, &r);
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d.test", i);
		r = session("10.0.0.1", name, "connect: refused");
		failures_note(f, &r);
	}
	o = failures_json(f, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "failures")),
	    512);
	json_decref(o);
	o = failures_json(f, "kept.test");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "failures")), 1);
	json_decref(o);
	failures_free(f);
}
END

TEST(the_largest_stay_at_the_top_of_a_full_table)
{
	struct top *t = top_new();
	struct record r = session("10.0.0.9", "large.test", "");
	char name[32];
	json_t *o;
	int i;

	r.bytes[1] = 1000000;
	top_add(t, &r, 100);
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "%d.test", i);
		r = session("10.0.0.1", name, "");
		r.bytes[0] = 10;
		top_add(t, &r, 100);
	}
	o = top_json(t, TOP_SITE, 100, TOP_SHOWN);
	ck_assert_uint_eq(json_array_size(o), TOP_SHOWN);
	ck_text(json_array_get(o, 0), "site", "large.test");
	json_decref(o);
	o = top_json(t, TOP_CLIENT, 100, TOP_SHOWN);
	ck_assert_uint_eq(json_array_size(o), 2);
	ck_text(json_array_get(o, 1), "client", "10.0.0.1");
	ck_number(json_array_get(o, 1), "sessions", 2000);
	ck_number(json_array_get(o, 1), "toserver", 20000);
	json_decref(o);
	top_free(t);
}
END

TEST(what_is_older_than_two_windows_is_forgotten)
{
	struct top *t = top_new(), *sum = top_new();
	struct record r = session("10.0.0.9", "x.test", "");
	json_t *o;

	top_add(t, &r, 100);
	top_merge(sum, t, TOP_CLIENT, 100 + TOP_WINDOW);
	o = top_json(sum, TOP_CLIENT, 100 + TOP_WINDOW, TOP_SHOWN);
	ck_assert_uint_eq(json_array_size(o), 1);
	json_decref(o);
	o = top_json(t, TOP_CLIENT, 100 + 2 * TOP_WINDOW, TOP_SHOWN);
	ck_assert_uint_eq(json_array_size(o), 0);
	json_decref(o);
	ck_assert_int_eq(top_by("rule"), TOP_RULE);
	ck_assert_int_eq(top_by("weather"), TOP_MAX);
	top_free(t);
	top_free(sum);
}
END

SUITE("lately", failures_are_told_by_site_and_reason,
    one_client_does_not_fill_the_table_of_failures,
    the_largest_stay_at_the_top_of_a_full_table,
    what_is_older_than_two_windows_is_forgotten)
