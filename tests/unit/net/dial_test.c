/*
 * src/net/dial.c: the race, its bounds, and what it says when it is lost.
 */
#include "net/dial.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <sys/resource.h>
#include <time.h>

#include "netns.h"
#include "dns.h"
#include "net/sock.h"
#include "test.h"
#include "util/err.h"

static struct event_base	*base;
static struct names		*names;
static struct dns		 dns;
static int			 fds;

static const struct dns_row rows[] = {
	{ "both.test", DNS_A, "127.0.0.1", 60 },
	{ "both.test", DNS_AAAA, "::1", 60 },
	{ "dead6.test", DNS_A, "127.0.0.1", 60 },
	{ "dead6.test", DNS_AAAA, "2001:db8::1 2001:db8::2", 60 },
	{ "half.test", DNS_A, "127.0.0.1", 60 },
	{ "half.test", DNS_AAAA, NULL, 60 },
	{ "black.test", DNS_A, "10.9.9.1 10.9.9.2 10.9.9.3 10.9.9.4 10.9.9.5 "
	    "10.9.9.6 10.9.9.7 10.9.9.8", 60 },
	{ "black.test", DNS_AAAA, "2001:db8::1 2001:db8::2 2001:db8::3", 60 },
	{ NULL, 0, NULL, 0 },
};

struct end {
	char		why[128];
	struct addr	to;
	int		fd;
	int		sys;
	int		runs;
	long		ms;
};

static int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
start(void)
{
	netns(0);
	base = event_base_new();
	dns_start(&dns, base, 5353, rows);
	names = names_new(base);
	ck_assert_int_eq(names_set_servers(names, "127.0.0.1:5353"), 0);
	fds = open_fds();
}

static void
stop(void)
{
	names_free(names);
	dns_stop(&dns);
	event_base_free(base);
}

/* What goes there is answered by nobody. */
static void
blackhole(void)
{
	sh("ip link add hole type veth peer name far\n"
	    "ip link set hole up; ip link set far up\n"
	    "ip addr add 10.9.9.254/24 dev hole\n"
	    "ip addr add 2001:db8::fe/64 dev hole nodad\n"
	    "for i in 1 2 3 4 5 6 7 8; do\n"
	    "ip neigh add 10.9.9.$i lladdr 02:00:00:00:00:01 dev hole\n"
	    "ip neigh add 2001:db8::$i lladdr 02:00:00:00:00:01 dev hole\n"
	    "done");
}

static void
done(void *arg, int fd, const struct addr *to, const char *why)
{
	struct end *e = arg;

	e->sys = errno;
	e->fd = fd;
	e->runs++;
	if (to != NULL)
		e->to = *to;
	snprintf(e->why, sizeof(e->why), "%s", why != NULL ? why : "");
	event_base_loopbreak(base);
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct end
dial(const struct dial_want *w)
{
	struct end e = { .runs = 0 };
	long from = now_ms();

	ck_assert_ptr_nonnull(dial_start(base, names, w, done, &e));
	ck_assert_int_eq(e.runs, 0);
	event_base_dispatch(base);
	ck_assert_int_eq(e.runs, 1);
	e.ms = now_ms() - from;
	return e;
}

static struct end
dial_host(const char *host, uint16_t port, uint64_t timeout)
{
	struct dial_want w = { .host = host, .port = port, .timeout = timeout };

	return dial(&w);
}

static int
serve(const char *s)
{
	struct addr a;
	int fd;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	ck_assert_int_ge(fd = sock_listen(&a, 1, 0, NULL), 0);
	fds++;
	return fd;
}

static void
ends_at(struct end e, const char *where)
{
	char s[ADDR_STRLEN];

	ck_assert_msg(e.fd >= 0, "%s", e.why);
	ck_assert_str_eq(addr_str(&e.to, s), where);
	close(e.fd);
	ck_assert_int_eq(open_fds(), fds);
}

static void
ends_with(struct end e, int err, const char *why)
{
	ck_assert_int_eq(e.fd, err);
	ck_assert_str_eq(e.why, why);
	ck_assert_int_eq(open_fds(), fds);
}

TEST(an_address_is_reached)
{
	struct dial_want w = { .timeout = 1000 };

	start();
	serve("127.0.0.1:80");
	ck_assert_int_eq(addr_parse(&w.addr, "127.0.0.1:80"), 0);
	ends_at(dial(&w), "127.0.0.1:80");
	stop();
}
END

TEST(a_numeric_host_needs_no_resolver)
{
	start();
	names_free(names);
	names = NULL;
	fds = open_fds();
	serve("[::1]:80");
	serve("127.0.0.1:80");
	ends_at(dial_host("127.0.0.1", 80, 1000), "127.0.0.1:80");
	ends_at(dial_host("[::1]", 80, 1000), "[::1]:80");
	ends_at(dial_host("::1", 80, 1000), "[::1]:80");
	ends_with(dial_host("name.test", 80, 1000), ERR_NOTFOUND,
	    "name server failed");
	ck_assert_int_eq(dns.asked, 0);
	stop();
}
END

TEST(a_closed_port_is_refused)
{
	struct end e;

	start();
	e = dial_host("127.0.0.1", 81, 1000);
	ends_with(e, ERR_SYS, "connection refused");
	ck_assert_int_eq(e.sys, ECONNREFUSED);
	stop();
}
END

TEST(without_a_route_it_says_so)
{
	start();
	ends_with(dial_host("192.0.2.1", 80, 1000), ERR_SYS,
	    "network is unreachable");
	stop();
}
END

TEST(a_silent_host_times_out)
{
	struct end e;

	start();
	blackhole();
	e = dial_host("10.9.9.1", 80, 1000);
	ends_with(e, ERR_TIMEOUT, "timed out after 1s");
	ck_assert_int_ge(e.ms, 990);
	ends_with(dial_host("10.9.9.1", 80, 150), ERR_TIMEOUT,
	    "timed out after 150ms");
	stop();
}
END

TEST(ipv6_comes_first)
{
	start();
	serve("127.0.0.1:80");
	serve("[::1]:80");
	ends_at(dial_host("both.test", 80, 1000), "[::1]:80");
	stop();
}
END

TEST(a_refused_ipv6_gives_way_at_once)
{
	struct end e;
	int i;

	start();
	serve("127.0.0.1:80");
	/* Not after 250 ms; the machine may be slow, but not each time. */
	for (i = 0; i < 20; i++) {
		e = dial_host("both.test", 80, 10000);
		ends_at(e, "127.0.0.1:80");
		if (e.ms < 200)
			break;
	}
	ck_assert_int_lt(e.ms, 200);
	stop();
}
END

TEST(a_dead_ipv6_gives_way_after_250_ms)
{
	struct end e;
	int i;

	start();
	blackhole();
	serve("127.0.0.1:80");
	for (i = 0; i < 20; i++) {
		e = dial_host("dead6.test", 80, 10000);
		ends_at(e, "127.0.0.1:80");
		ck_assert_int_ge(e.ms, 240);
		if (e.ms < 700)
			break;
	}
	ck_assert_int_lt(e.ms, 700);
	stop();
}
END

TEST(without_an_ipv6_route_ipv4_is_tried_and_its_failure_told)
{
	start();
	ends_with(dial_host("dead6.test", 80, 3000), ERR_SYS,
	    "connection refused");
	stop();
}
END

TEST(ipv4_waits_50_ms_for_a_lost_aaaa)
{
	struct end e;

	start();
	serve("127.0.0.1:80");
	e = dial_host("half.test", 80, 10000);
	fds++;		/* the resolver's: it still hopes for the AAAA */
	ends_at(e, "127.0.0.1:80");
	ck_assert_int_lt(e.ms, 2000);	/* it is asked for longer than that */
	stop();
}
END

static int
count_allowed(void *arg, const struct addr *a)
{
	++*(int *)arg;
	return 0;
}

TEST(eight_addresses_are_tried_at_most)
{
	int tried = 0;
	struct dial_want w = { .host = "black.test", .port = 80,
	    .timeout = 3000, .allow = count_allowed, .arg = &tried };

	start();
	blackhole();
	ends_with(dial(&w), ERR_TIMEOUT, "timed out after 3s");
	ck_assert_int_eq(tried, 8);
	stop();
}
END

static int
only_ipv4(void *arg, const struct addr *a)
{
	return a->sa.sa_family == AF_INET ? 0 : ERR_DENIED;
}

static int
nothing(void *arg, const struct addr *a)
{
	return ERR_DENIED;
}

TEST(a_veto_is_obeyed)
{
	struct dial_want w = { .host = "both.test", .port = 80,
	    .timeout = 1000, .allow = only_ipv4 };

	start();
	serve("127.0.0.1:80");
	serve("[::1]:80");
	ends_at(dial(&w), "127.0.0.1:80");
	w.allow = nothing;
	ends_with(dial(&w), ERR_DENIED, "destination not allowed");
	stop();
}
END

TEST(an_unknown_name_is_not_found)
{
	start();
	ends_with(dial_host("none.test", 80, 1000), ERR_NOTFOUND,
	    "name not found");
	ends_with(dial_host("no name", 80, 1000), ERR_FORMAT,
	    "not a host name");
	stop();
}
END

TEST(a_cancelled_dial_says_nothing)
{
	struct dial_want w = { .host = "dead6.test", .port = 80,
	    .timeout = 30000 };
	struct timeval soon = { .tv_usec = 400000 };
	struct end e = { .runs = 0 };
	struct dial *d;

	start();
	blackhole();
	dial_cancel(dial_start(base, names, &w, done, &e));
	d = dial_start(base, names, &w, done, &e);
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	dial_cancel(d);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(e.runs, 0);
	ck_assert_int_eq(open_fds(), fds);
	stop();
}
END

TEST(without_descriptors_it_says_limit)
{
	struct dial_want w = { .timeout = 1000 };
	struct rlimit none, old;
	struct end e;

	start();
	ck_assert_int_eq(addr_parse(&w.addr, "127.0.0.1:80"), 0);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = (rlim_t)dup(0);
	close((int)none.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &none);
	e = dial(&w);
	setrlimit(RLIMIT_NOFILE, &old);
	ends_with(e, ERR_LIMIT, "too many open files");
	stop();
}
END

TEST(a_dead_address_gives_way_to_the_other_family_of_its_name)
{
	struct dial_want w = { .other = "dead6.test", .timeout = 10000 };
	struct end e;

	start();
	blackhole();
	serve("127.0.0.1:80");
	ck_assert_int_eq(addr_parse(&w.addr, "[2001:db8::1]:80"), 0);
	ends_at(dial(&w), "127.0.0.1:80");
	/* The name's addresses of the same family are not tried. */
	w.timeout = 600;
	w.other = "black.test";
	ck_assert_int_eq(addr_parse(&w.addr, "10.9.9.1:80"), 0);
	ends_with(dial(&w), ERR_TIMEOUT, "timed out after 600ms");
	w.other = "half.test";
	w.timeout = 10000;
	ck_assert_int_eq(addr_parse(&w.addr, "127.0.0.1:81"), 0);
	e = dial(&w);	/* the AAAA is never answered, and still asked for */
	ck_assert_int_eq(e.fd, ERR_SYS);
	ck_assert_str_eq(e.why, "connection refused");
	ck_assert_int_lt(e.ms, 5000);
	stop();
}
END

SUITE("dial", an_address_is_reached, a_numeric_host_needs_no_resolver,
    a_closed_port_is_refused, without_a_route_it_says_so,
    a_silent_host_times_out, ipv6_comes_first,
    a_refused_ipv6_gives_way_at_once, a_dead_ipv6_gives_way_after_250_ms,
    without_an_ipv6_route_ipv4_is_tried_and_its_failure_told,
    ipv4_waits_50_ms_for_a_lost_aaaa, eight_addresses_are_tried_at_most,
    a_veto_is_obeyed, an_unknown_name_is_not_found,
    a_dead_address_gives_way_to_the_other_family_of_its_name,
    a_cancelled_dial_says_nothing, without_descriptors_it_says_limit)
