/*
 * src/net/sock.c: listening, accepting, where a client wanted to go.
 */
#include "net/sock.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

#include "netns.h"
#include "test.h"
#include "util/err.h"

static struct addr
at(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return a;
}

static int
listen_at(const char *s)
{
	struct addr a = at(s);
	int no, fd = sock_listen(&a, 0, 1, &no);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(no, 0);
	return fd;
}

static int
wait_for(int fd, int what)
{
	struct pollfd p = { .fd = fd, .events = (short)what };

	return poll(&p, 1, 3000);
}

static int
accept_at(int fd, struct addr *peer)
{
	ck_assert_int_eq(wait_for(fd, POLLIN), 1);
	return sock_accept(fd, peer);
}

static int
connect_to(const char *s)
{
	struct addr a = at(s);
	int fd = sock_connect(&a, NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

TEST(a_connection_is_accepted_without_blocking)
{
	struct addr peer;
	int l, c, s;

	netns(0);
	l = listen_at("127.0.0.1:8443");
	ck_assert_int_eq(sock_accept(l, &peer), ERR_AGAIN);
	c = connect_to("127.0.0.1:8443");
	s = accept_at(l, &peer);
	ck_assert_int_ge(s, 0);
	ck_assert_int_eq(wait_for(c, POLLOUT), 1);
	ck_assert_int_eq(sock_error(c), 0);
	ck_assert_int_ne(fcntl(s, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(s, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(c, F_GETFL) & O_NONBLOCK, 0);
	sock_nodelay(s);
	sock_reset(s);
	ck_assert_int_eq(wait_for(c, POLLIN), 1);
	ck_assert_int_eq(sock_error(c), ECONNRESET);
}
END

static int
keeps_urgent(int fd)
{
	socklen_t len = sizeof(int);
	int on = -1;

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, &len),
	    0);
	return on;
}

TEST(urgent_bytes_stay_in_the_stream_of_both_ends)
{
	struct addr peer;
	int l, c, s;

	netns(0);
	l = listen_at("127.0.0.1:8443");
	c = connect_to("127.0.0.1:8443");
	s = accept_at(l, &peer);
	ck_assert_int_eq(keeps_urgent(c), 1);
	ck_assert_int_eq(keeps_urgent(s), 1);
}
END

TEST(two_workers_listen_on_one_port)
{
	netns(0);
	listen_at("127.0.0.1:8443");
	listen_at("127.0.0.1:8443");
}
END

TEST(a_dual_stack_listener_folds_its_ipv4_clients)
{
	char s[ADDR_STRLEN];
	struct addr peer, dst;
	int l, fd, redirected;

	netns(0);
	l = listen_at("[::]:8443");
	connect_to("127.0.0.1:8443");
	fd = accept_at(l, &peer);
	ck_assert_int_eq(peer.sa.sa_family, AF_INET);
	ck_assert_int_eq(sock_original(fd, &dst, &redirected), 0);
	ck_assert_str_eq(addr_str(&dst, s), "127.0.0.1:8443");
	ck_assert_int_eq(redirected, 0);
}
END

TEST(v6only_leaves_ipv4_alone)
{
	struct addr a;
	int fd;

	netns(0);
	a = at("[::]:8443");
	ck_assert_int_ge(sock_listen(&a, 1, 0, NULL), 0);
	fd = connect_to("127.0.0.1:8443");
	ck_assert_int_eq(wait_for(fd, POLLOUT), 1);
	ck_assert_int_eq(sock_error(fd), ECONNREFUSED);
}
END

TEST(without_descriptors_accept_says_limit)
{
	struct rlimit none, old;
	struct addr peer;
	int l, rv;

	netns(0);
	l = listen_at("127.0.0.1:8443");
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = (rlim_t)connect_to("127.0.0.1:8443") + 1;
	ck_assert_int_eq(wait_for(l, POLLIN), 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	rv = sock_accept(l, &peer);
	setrlimit(RLIMIT_NOFILE, &old);
	ck_assert_int_eq(rv, ERR_LIMIT);
	ck_assert_int_ge(sock_accept(l, &peer), 0);
}
END

static void
original_is(int l, const char *to, int redirect)
{
	char s[ADDR_STRLEN];
	struct addr peer, dst;
	int redirected, c = connect_to(to), fd = accept_at(l, &peer);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sock_original(fd, &dst, &redirected), 0);
	ck_assert_str_eq(addr_str(&dst, s), to);
	ck_assert_int_eq(redirected, redirect);
	close(fd);
	close(c);
}

TEST(redirect_keeps_the_destination)
{
	int l;

	netns(0);
	sh("nft 'table inet t { chain o { type nat hook output priority -100;"
	    " tcp dport 443 redirect to :8443; }; }'");
	l = listen_at("[::]:8443");
	original_is(l, "127.0.0.1:443", 1);
	original_is(l, "[::1]:443", 1);
	original_is(l, "127.0.0.1:8443", 0);
	original_is(l, "[::1]:8443", 0);
	close(l);
	l = listen_at("0.0.0.0:8443");
	original_is(l, "127.0.0.1:443", 1);
}
END

TEST(tproxy_keeps_the_destination)
{
	int l;

	netns(0);
	sh("ip route add default dev lo; ip -6 route add default dev lo\n"
	    "ip addr add 10.0.0.1/32 dev lo; ip addr add fd00::1/128 dev lo\n"
	    "for v in -4 -6; do ip $v rule add fwmark 1 lookup 100\n"
	    "ip $v route add local default dev lo table 100; done\n"
	    "nft 'table inet t {"
	    " chain o { type route hook output priority mangle;"
	    "  tcp dport 443 meta mark set 1; };"
	    " chain p { type filter hook prerouting priority mangle;"
	    "  meta mark 1 meta l4proto tcp tproxy to :8443; }; }'");
	l = listen_at("[::]:8443");
	original_is(l, "192.0.2.1:443", 0);
	original_is(l, "[2001:db8::1]:443", 0);
}
END

TEST(a_port_in_use_gives_way_to_another)
{
	struct addr from, to, peer;
	int l, a, b;

	netns(0);
	sh("ip route add local 198.51.100.0/24 dev lo");
	l = listen_at("127.0.0.1:443");
	to = at("127.0.0.1:443");
	from = at("198.51.100.7:4000");
	a = sock_connect(&to, &from);
	accept_at(l, &peer);
	ck_assert(addr_eq(&peer, &from));
	b = sock_connect(&to, &from);
	ck_assert_int_ge(a, 0);
	ck_assert_int_ge(b, 0);
	accept_at(l, &peer);
	ck_assert_int_ne(addr_port(&peer), 4000);
	addr_set_port(&peer, 4000);
	ck_assert(addr_eq(&peer, &from));
}
END

TEST(the_descriptor_limit_goes_up)
{
	struct rlimit low = { .rlim_cur = 64, .rlim_max = 128 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	ck_assert_uint_eq(sock_raise_nofile(0), 128);
	ck_assert_uint_ge(sock_raise_nofile(4096), 128);
}
END

SUITE("sock", a_connection_is_accepted_without_blocking,
    urgent_bytes_stay_in_the_stream_of_both_ends,
    two_workers_listen_on_one_port, a_dual_stack_listener_folds_its_ipv4_clients,
    v6only_leaves_ipv4_alone, without_descriptors_accept_says_limit,
    redirect_keeps_the_destination, tproxy_keeps_the_destination,
    a_port_in_use_gives_way_to_another, the_descriptor_limit_goes_up)
