/*
 * src/net/names.c and resolver.c, against a name server on the wire.
 */
#include "net/names.h"

#include <event2/event.h>

#include "clock.h"
#include "netns.h"
#include "dns.h"
#include "test.h"
#include "util/err.h"

static struct event_base	*base;
static struct names		*names;
static struct dns		 dns;

static const struct dns_row rows[] = {
	{ "both.test", DNS_A, "192.0.2.1 192.0.2.2", 60 },
	{ "both.test", DNS_AAAA, "2001:db8::1", 60 },
	{ "four.test", DNS_A, "192.0.2.4", 60 },
	{ "four.test", DNS_AAAA, "", 60 },
	{ "brief.test", DNS_A, "192.0.2.5", 0 },
	{ "brief.test", DNS_AAAA, "", 0 },
	{ "half.test", DNS_A, "192.0.2.6", 60 },
	{ "half.test", DNS_AAAA, NULL, 60 },
	{ "silent.test", DNS_A, NULL, 0 },
	{ "silent.test", DNS_AAAA, NULL, 0 },
	{ ".mute.test", DNS_A, NULL, 0 },
	{ ".mute.test", DNS_AAAA, NULL, 0 },
	{ "many.test", DNS_A, "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 "
	    "10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9 10.0.0.10 10.0.0.11 "
	    "10.0.0.12 10.0.0.13 10.0.0.14 10.0.0.15 10.0.0.16 10.0.0.17 "
	    "10.0.0.18", 60 },
	{ "many.test", DNS_AAAA, "", 60 },
	{ "hosted.test", DNS_AAAA, "2001:db8::bad", 60 },
	{ NULL, 0, NULL, 0 },
};

struct told {
	struct names_found	f;
	int			times;
	int			wait;	/* leave the loop at this many */
};

static void
start(void)
{
	netns(CLONE_NEWNS);
	netns_file("/etc/hosts", "127.0.0.1 localhost\n10.1.1.1 Hosted.test\n");
	base = event_base_new();
	dns_start(&dns, base, 5353, rows);
	names = names_new(base);
	ck_assert_int_eq(names_set_servers(names, "127.0.0.1:5353"), 0);
}

static void
stop(void)
{
	names_free(names);
	dns_stop(&dns);
	event_base_free(base);
}

static void
tell(void *arg, const struct names_found *f)
{
	struct told *t = arg;

	t->f = *f;
	t->times++;
	if (t->times == t->wait || (f->done4 && f->done6))
		event_base_loopbreak(base);
}

static struct names_found
ask(const char *name)
{
	struct told t = { .times = 0 };
	int err;

	ck_assert_ptr_nonnull(names_ask(names, name, NULL, tell, &t, &err));
	ck_assert_int_eq(t.times, 0);
	event_base_dispatch(base);
	ck_assert_int_gt(t.times, 0);
	return t.f;
}

TEST(a_and_aaaa_are_asked_together)
{
	struct names_found f;
	char s[ADDR_STRLEN];

	start();
	f = ask("Both.Test");
	ck_assert_int_eq(dns.asked, 2);
	ck_assert_uint_eq(f.n4, 2);
	ck_assert_uint_eq(f.n6, 1);
	ck_assert_int_eq(f.err, 0);
	ck_assert_str_eq(addr_str(&f.v6[0], s), "[2001:db8::1]:0");
	stop();
}
END

TEST(an_answer_is_kept_for_its_ttl)
{
	start();
	ask("both.test");
	ask("BOTH.test.");
	ck_assert_int_eq(dns.asked, 2);
	ask("brief.test");
	ck_assert_int_eq(dns.asked, 4);
	clock_ahead = 2;
	ask("brief.test");
	ck_assert_int_eq(dns.asked, 6);
	ask("both.test");
	ck_assert_int_eq(dns.asked, 6);
	stop();
	clock_ahead = 0;	/* check measures how long this took */
}
END

TEST(what_is_not_there_is_kept_for_a_short_time)
{
	struct names_found f;

	start();
	f = ask("none.test");
	ck_assert_int_eq(f.err, ERR_NOTFOUND);
	ck_assert_uint_eq(f.n4 + f.n6, 0);
	ask("none.test");
	ck_assert_int_eq(dns.asked, 2);
	stop();
}
END

TEST(many_who_ask_share_one_query)
{
	struct told t[100] = { { .times = 0 } };
	int i, err;

	start();
	for (i = 0; i < 100; i++)
		ck_assert_ptr_nonnull(names_ask(names, "four.test", NULL, tell,
		    &t[i], &err));
	while (!t[99].f.done4 || !t[99].f.done6)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(dns.asked, 2);
	ck_assert_uint_eq(t[0].f.n4, 1);
	stop();
}
END

TEST(one_family_does_not_wait_for_the_other)
{
	struct told t = { .wait = 1 };
	struct names_ask *a;
	int err;

	start();
	a = names_ask(names, "half.test", NULL, tell, &t, &err);
	ck_assert_ptr_nonnull(a);
	event_base_dispatch(base);
	ck_assert_uint_eq(t.f.n4, 1);
	ck_assert_int_eq(t.f.done6, 0);
	names_cancel(a);
	stop();
}
END

TEST(a_silent_server_is_a_timeout)
{
	struct names_found f;

	start();
	f = ask("silent.test");
	ck_assert_int_eq(f.err, ERR_TIMEOUT);
	ck_assert_int_eq(dns.asked, 6);
	stop();
}
END

TEST(addresses_are_bounded)
{
	start();
	ck_assert_uint_eq(ask("many.test").n4, NAMES_EACH);
	stop();
}
END

TEST(etc_hosts_answers_alone)
{
	struct names_found f;
	char s[ADDR_STRLEN];

	start();
	f = ask("hosted.test");
	ck_assert_uint_eq(f.n4, 1);
	ck_assert_uint_eq(f.n6, 0);
	ck_assert_str_eq(addr_ip_str(&f.v4[0], s), "10.1.1.1");
	f = ask("localhost");
	ck_assert_uint_ge(f.n4 + f.n6, 1);
	ck_assert_int_eq(dns.asked, 0);
	stop();
}
END

/* As a name server's port is 53 there. */
static void
start_by_resolv_conf(const char *text)
{
	netns(CLONE_NEWNS);
	netns_file("/etc/hosts", "");
	netns_file("/etc/resolv.conf", text);
	base = event_base_new();
	dns_start(&dns, base, 53, rows);
	names = names_new(base);
}

TEST(a_short_name_is_tried_in_the_search_domains)
{
	int before;

	start_by_resolv_conf("nameserver 127.0.0.1\nsearch test\n");
	ck_assert_uint_eq(ask("four").n4, 1);
	before = dns.asked;
	ck_assert_int_eq(ask("four.nowhere").err, ERR_NOTFOUND);
	ck_assert_int_eq(dns.asked, before + 2);
	stop();
}
END

TEST(a_changed_resolv_conf_is_read_again)
{
	start_by_resolv_conf("nameserver 127.0.0.9\n");
	put_file("/etc/resolv.conf", "nameserver 127.0.0.1\n# changed\n");
	clock_ahead = 6;
	ck_assert_uint_eq(ask("four.test").n4, 1);
	stop();
	clock_ahead = 0;
}
END

TEST(what_is_no_host_name_is_refused)
{
	static const char *const bad[] = { "", ".", "a..b", "a b", "a\\.b",
	    "a/b", "b\xc3\xbc.test", ".test" };
	struct told t;
	char label[80];
	size_t i;
	int err;

	start();
	memset(label, 'a', 64);
	label[64] = '\0';
	ck_assert_ptr_null(names_ask(names, label, NULL, tell, &t, &err));
	ck_assert_int_eq(err, ERR_FORMAT);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_ptr_null(names_ask(names, bad[i], NULL, tell, &t, &err));
		ck_assert_int_eq(err, ERR_FORMAT);
	}
	stop();
}
END

TEST(ten_thousand_names_stay_within_bounds)
{
	char name[64];
	struct told t = { .wait = -1 };
	struct names_ask *a;
	int i, err, full = 0;

	start();
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%d.silent.test", i);
		if ((a = names_ask(names, name, NULL, tell, &t, &err)) != NULL)
			names_cancel(a);
		else
			full += err == ERR_LIMIT;
	}
	ck_assert_int_eq(full, 2000 - 1024);
	for (i = 0; i < 8000; i++) {
		snprintf(name, sizeof(name), "m%d.test", i);
		if (names_ask(names, name, NULL, tell, &t, &err) != NULL)
			event_base_loop(base, EVLOOP_ONCE);
		else
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
	stop();
}
END

/* So many names that nobody answers; how many were asked for. */
static int
ask_silent(const char *client, int many)
{
	struct told t = { .wait = -1 };
	struct names_ask *a;
	static int nth;
	char name[64];
	struct addr from;
	int i, err, n = 0;

	ck_assert_int_eq(addr_parse_ip(&from, client), 0);
	for (i = 0; i < many; i++) {
		snprintf(name, sizeof(name), "n%d.mute.test", nth++);
		a = names_ask(names, name, &from, tell, &t, &err);
		if (a == NULL)
			ck_assert_int_eq(err, ERR_LIMIT);
		n += a != NULL;
		if (a != NULL)		/* the query goes on */
			names_cancel(a);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	return n;
}

static int
ask_for(const char *client, const char *name)
{
	struct told t = { .times = 0 };
	struct addr from;
	int err;

	addr_parse_ip(&from, client);
	if (names_ask(names, name, &from, tell, &t, &err) == NULL)
		return err;
	while (!t.f.done4 || !t.f.done6)
		event_base_loop(base, EVLOOP_ONCE);
	return t.f.n4 > 0 ? (int)t.f.n4 : t.f.err;
}

TEST(one_client_does_not_take_all_of_the_resolver)
{
	start();
	ck_assert_int_eq(ask_silent("10.0.0.1", 1100), 128);
	ck_assert_int_eq(ask_for("10.0.0.2", "four.test"), 1);
	ck_assert_int_eq(ask_for("10.0.0.1", "four.test"), 1);	/* kept */
	ck_assert_int_eq(ask_for("10.0.0.1", "both.test"), ERR_LIMIT);
	/* A client has all of its /64. */
	ck_assert_int_eq(ask_silent("2001:db8::1", 100), 100);
	ck_assert_int_eq(ask_silent("2001:db8::2:2", 100), 28);
	stop();
}
END

TEST(nor_do_many_clients)
{
	char client[32];
	int i, n = 0;

	start();
	for (i = 1; i < 40; i++) {
		snprintf(client, sizeof(client), "10.0.%d.1", i);
		n += ask_silent(client, 200);
	}
	ck_assert_int_ge(n, 1024);
	ck_assert_int_le(n, 4096);
	ck_assert_int_eq(ask_for("10.9.9.9", "four.test"), 1);
	stop();
}
END

TEST(a_changed_hosts_file_is_read_again)
{
	start();
	ck_assert_int_eq(ask_for("10.0.0.2", "hosted.test"), 1);
	put_file("/etc/hosts", "# other\n10.1.1.2\tfirst.test second.test #no\n"
	    "10.1.1.3 second.test\nfd00::1 second.test\nnonsense\n10.1.1.4\n");
	ck_assert_int_eq(ask_for("10.0.0.2", "first.test"), 1);
	ck_assert_int_eq(ask_for("10.0.0.2", "second.test"), 2);
	put_file("/etc/hosts", "10.1.1.2 third.test\n10.1.1.5 x.third.test\n");
	ck_assert_int_eq(ask_for("10.0.0.2", "third.test"), 1);
	ck_assert_int_eq(ask_for("10.0.0.2", "x.localhost"), 1);
	ck_assert_int_eq(dns.asked, 0);
	stop();
}
END

TEST(freed_with_queries_out_nothing_is_told)
{
	struct told t = { .times = 0 };
	struct names_ask *a;
	int err;

	start();
	a = names_ask(names, "silent.test", NULL, tell, &t, &err);
	event_base_loop(base, EVLOOP_ONCE);
	names_cancel(a);
	stop();
	ck_assert_int_eq(t.times, 0);
}
END

SUITE("names", a_and_aaaa_are_asked_together, an_answer_is_kept_for_its_ttl,
    what_is_not_there_is_kept_for_a_short_time, many_who_ask_share_one_query,
    one_family_does_not_wait_for_the_other, a_silent_server_is_a_timeout,
    addresses_are_bounded, etc_hosts_answers_alone,
    one_client_does_not_take_all_of_the_resolver, nor_do_many_clients,
    a_changed_hosts_file_is_read_again,
    a_short_name_is_tried_in_the_search_domains,
    a_changed_resolv_conf_is_read_again,
    what_is_no_host_name_is_refused, ten_thousand_names_stay_within_bounds,
    freed_with_queries_out_nothing_is_told)
