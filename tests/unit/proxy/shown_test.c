/*
 * proxy/shown: the ports of streams.
 */
#include "test.h"

#include <string.h>

#include "proxy/shown.h"
#include "util/mem.h"

static struct addr
address(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return a;
}

static struct shown *
session(const char *client)
{
	struct addr c = address(client), s = address("198.51.100.2:80");

	return shown_new(&c, &s);
}

TEST(no_two_streams_of_a_pair_have_one_port)
{
	struct shown *s[8];
	char *used = xcalloc(65536, 1);
	unsigned i, k;
	uint16_t port;

	for (i = 0; i < 8; i++)
		s[i] = session("192.0.2.1:4000");
	for (k = 0; k < 3000; k++)
		for (i = 0; i < 8; i++) {
			port = shown_open(s[i], 2 * k + 1);
			ck_assert_uint_ge(port, SHOWN_PORT_MIN);
			ck_assert_uint_le(port, SHOWN_PORT_MAX);
			ck_assert(!used[port]);
			used[port] = 1;
		}
	for (k = 0; k < 3000; k++)
		for (i = 0; i < 8; i++)
			shown_close(s[i], 2 * k + 1);
	for (i = 0; i < 8; i++)
		shown_free(s[i]);
	free(used);
}
END

TEST(a_long_stream_keeps_its_port_from_all_others)
{
	struct shown *s = session("192.0.2.1:4000");
	struct shown *t = session("192.0.2.1:4001");
	uint16_t port = shown_open(s, 1);
	unsigned i;

	for (i = 1; i < 100000; i++) {
		ck_assert_uint_ne(shown_open(i % 2 ? s : t, 2 * i + 1), port);
		shown_close(i % 2 ? s : t, 2 * i + 1);
	}
	shown_close(s, 1);
	shown_free(s);
	shown_free(t);
}
END

TEST(all_mirrors_of_a_session_show_a_stream_with_one_port)
{
	struct shown *s = session("192.0.2.1:4000");
	uint16_t port = shown_open(s, 5);

	ck_assert_uint_eq(shown_open(s, 5), port);
	shown_close(s, 5);
	shown_close(s, 5);
	/* The last mirror may come when the first is done. */
	ck_assert_uint_eq(shown_open(s, 5), port);
	shown_close(s, 5);
	shown_free(s);
}
END

TEST(the_ends_of_a_stream_are_known_for_the_log)
{
	struct shown *s = session("192.0.2.1:4000");
	struct addr client, server, want = address("192.0.2.1:1");

	ck_assert_int_eq(shown_ends(NULL, 5, &client, &server), 0);
	ck_assert_int_eq(shown_ends(s, 5, &client, &server), 0);
	addr_set_port(&want, shown_open(s, 5));
	ck_assert_int_eq(shown_ends(s, 5, &client, &server), 1);
	ck_assert(addr_eq(&client, &want));
	ck_assert_uint_eq(addr_port(&server), 80);
	shown_close(s, 5);
	ck_assert_int_eq(shown_ends(s, 5, &client, &server), 1);
	ck_assert(addr_eq(&client, &want));
	shown_free(s);
}
END

TEST(streams_that_are_over_are_forgotten_in_time)
{
	struct shown *s = session("192.0.2.1:4000");
	struct addr client, server;
	unsigned i;

	for (i = 0; i < 100000; i++) {
		ck_assert_uint_ne(shown_open(s, 2 * i + 1), 0);
		if (i != 7)
			shown_close(s, 2 * i + 1);
	}
	ck_assert_int_eq(shown_ends(s, 1, &client, &server), 0);
	ck_assert_int_eq(shown_ends(s, 15, &client, &server), 1);
	ck_assert_int_eq(shown_ends(s, 199999 - 400, &client, &server), 1);
	shown_close(s, 15);
	shown_free(s);
}
END

TEST(ids_go_up_and_are_bounded)
{
	struct shown *s = session("192.0.2.1:4000");
	unsigned i;

	ck_assert_uint_ne(shown_open(s, 9), 0);
	ck_assert_uint_eq(shown_open(s, 7), 0);
	for (i = 1; i < 4096; i++)
		ck_assert_uint_ne(shown_open(s, 2 * i + 9), 0);
	ck_assert_uint_eq(shown_open(s, 2 * i + 9), 0);
	shown_close(s, 9);
	ck_assert_uint_ne(shown_open(s, 2 * i + 9), 0);
	for (i = 1; i <= 4096; i++)
		shown_close(s, 2 * i + 9);
	shown_free(s);
}
END

TEST(a_pair_gives_all_its_ports_and_no_more)
{
	struct shown *s[8];
	unsigned i, n = 0;

	for (i = 0; i < 8; i++) {
		s[i] = session("192.0.2.1:4000");
		while (n < (i + 1) * 4000 &&
		    shown_open(s[i], 2 * n + 1) != 0)
			n++;
	}
	ck_assert_uint_eq(n, SHOWN_PORT_MAX - SHOWN_PORT_MIN + 1);
	shown_close(s[0], 1);
	ck_assert_uint_ne(shown_open(s[7], 2 * n + 1), 0);
	shown_close(s[7], 2 * n + 1);
	for (i = 1; i < n; i++)
		shown_close(s[i / 4000], 2 * i + 1);
	for (i = 0; i < 8; i++)
		shown_free(s[i]);
}
END

SUITE("shown", no_two_streams_of_a_pair_have_one_port,
    a_long_stream_keeps_its_port_from_all_others,
    all_mirrors_of_a_session_show_a_stream_with_one_port,
    the_ends_of_a_stream_are_known_for_the_log,
    streams_that_are_over_are_forgotten_in_time, ids_go_up_and_are_bounded,
    a_pair_gives_all_its_ports_and_no_more)
