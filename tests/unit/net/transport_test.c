/*
 * src/net/transport.c: reading a socket on which urgent data comes.
 */
#include "net/transport.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"
#include "netns.h"
#include "test.h"
#include "util/err.h"

static struct sock sock;	/* where the bytes arrive */
static int peer;

static void
connected(void)
{
	struct addr a, from;
	struct pollfd p = { .events = POLLIN };
	int no;

	netns(0);
	ck_assert_int_eq(addr_parse(&a, "127.0.0.1:7"), 0);
	p.fd = sock_listen(&a, 0, 0, &no);
	ck_assert_int_ge(p.fd, 0);
	peer = sock_connect(&a, NULL);
	ck_assert_int_ge(peer, 0);
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	memset(&sock, 0, sizeof(sock));
	sock.fd = sock_accept(p.fd, &from);
	ck_assert_int_ge(sock.fd, 0);
	close(p.fd);
	sock_look(&sock);
}

/* Loopback delivers within the call. */
static void
say(const char *s, int flags)
{
	ck_assert_int_eq(send(peer, s, strlen(s), flags), (int)strlen(s));
}

static void
got(const char *want)
{
	char buf[64];
	ssize_t n = sock_recv(&sock, buf, sizeof(buf));

	ck_assert_int_eq(n, (int)strlen(want));
	ck_assert_mem_eq(buf, want, (size_t)n);
}

TEST(a_read_that_stops_at_urgent_data_is_found_out)
{
	connected();
	say("one", 0);
	say("two!", MSG_OOB);
	say("three", 0);
	got("onetwo");
	ck_assert_int_eq(sock.thin, 1);
	sock_mark(&sock);
	ck_assert_int_eq(sock.marks, 1);
	got("!three");
	ck_assert_int_eq(sock.thin, 0);
}
END

TEST(a_read_of_all_there_is_finds_no_urgent_data)
{
	connected();
	say("one", 0);
	got("one");
	ck_assert_int_eq(sock.thin, 1);
	sock_mark(&sock);
	ck_assert_int_eq(sock.marks, 0);
}
END

/* On kernels before 6.9 only what lies before it. */
TEST(a_look_ahead_goes_past_urgent_data)
{
	int off = -1, old;
	char buf[64];
	ssize_t n;

	connected();
	old = setsockopt(sock.fd, SOL_SOCKET, SO_PEEK_OFF, &off,
	    sizeof(off)) == -1;
	say("one!", MSG_OOB);
	say("two", 0);
	n = sock_peek(&sock, buf, 6);
	ck_assert_int_eq(n, old ? 3 : 6);
	ck_assert_mem_eq(buf, "one!tw", (size_t)n);
	n = sock_peek(&sock, buf, sizeof(buf));
	ck_assert_int_eq(n, old ? 3 : 7);
	ck_assert_mem_eq(buf, "one!two", (size_t)n);
	ck_assert_int_eq(sock.marks, 1);
	got("one");
	got("!two");
	ck_assert_int_eq(sock_peek(&sock, buf, sizeof(buf)), -1);
}
END

SUITE("transport", a_read_that_stops_at_urgent_data_is_found_out,
    a_read_of_all_there_is_finds_no_urgent_data,
    a_look_ahead_goes_past_urgent_data)
