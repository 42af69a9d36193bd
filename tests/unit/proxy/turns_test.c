/*
 * Turns for handshakes: no client and no server has them all, and what has
 * stalled gives way.
 */
#include <string.h>

#include "proxy/turns.h"
#include "test.h"

#define MAX	8

static struct turns	 turns;
static struct turn	 turn[64];
static uint64_t		 now;

static struct addr
ip(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse_ip(&a, s), 0);
	return a;
}

static void
setup(void)
{
	memset(turn, 0, sizeof(turn));
	turns_init(&turns, MAX, 1);
	now = 1000000;
}

static int
ask(int i, const char *client, const char *server)
{
	struct addr c = ip(client), s = ip(server);

	return turns_ask(&turns, &turn[i], &c, &s, now);
}

static struct turn *
end(int i)
{
	return turns_end(&turns, &turn[i], now);
}

/* i's stalled handshake gives way to it, by number; -1: none does. */
static int
stalled(int i)
{
	struct turn *t = turns_stalled(&turns, &turn[i], now);

	return t == NULL ? -1 : (int)(t - turn);
}

TEST(one_client_has_half)
{
	char server[] = "192.0.2.0";
	int i;

	setup();
	for (i = 0; i < MAX; i++) {
		server[8] = (char)('0' + i);
		ck_assert_int_eq(ask(i, "10.0.0.1", server), i < MAX / 2);
	}
	ck_assert_int_eq(ask(MAX, "10.0.0.2", "192.0.2.1"), 1);
	/* It has its turn when one of its own is over, not another's. */
	ck_assert_ptr_null(end(MAX));
	ck_assert_ptr_eq(end(0), &turn[MAX / 2]);
	ck_assert_int_eq(turn[MAX / 2].state, TURN_HAS);
}
END

TEST(one_server_has_half)
{
	char client[] = "10.0.0.0";
	int i;

	setup();
	for (i = 0; i < MAX; i++) {
		client[7] = (char)('0' + i);
		ck_assert_int_eq(ask(i, client, "192.0.2.1"), i < MAX / 2);
	}
	ck_assert_int_eq(ask(MAX, "10.0.0.1", "192.0.2.2"), 1);
}
END

TEST(an_ipv6_client_is_its_network)
{
	int i;

	setup();
	for (i = 0; i < MAX / 2; i++)
		ck_assert_int_eq(ask(i, i % 2 ? "2001:db8::1" :
		    "2001:db8::ffff:2", i % 2 ? "192.0.2.1" : "192.0.2.2"), 1);
	ck_assert_int_eq(ask(i, "2001:db8::3", "192.0.2.3"), 0);
	ck_assert_int_eq(ask(i + 1, "2001:db8:0:1::3", "192.0.2.3"), 1);
}
END

/* All are taken, each by another client with another server. */
static void
fill(void)
{
	char client[] = "10.0.0.0", server[] = "192.0.2.0";
	int i;

	for (i = 0; i < MAX; i++, now += 10) {
		client[7] = server[8] = (char)('0' + i);
		ck_assert_int_eq(ask(i, client, server), 1);
	}
}

TEST(the_oldest_that_has_stalled_gives_way)
{
	setup();
	fill();
	ck_assert_int_eq(ask(MAX, "10.0.1.1", "192.0.2.99"), 0);
	ck_assert_int_eq(stalled(MAX), -1);	/* none is old yet */
	now = 1000000 + TURNS_STALLED_MS;
	ck_assert_int_eq(stalled(MAX), 0);
	ck_assert_ptr_eq(end(0), &turn[MAX]);
	ck_assert_int_eq(stalled(MAX), -1);	/* it has its turn */
}
END

TEST(who_has_a_full_share_makes_only_its_own_give_way)
{
	int i;

	setup();
	ck_assert_int_eq(ask(20, "10.0.0.9", "192.0.2.9"), 1);
	for (i = 0; i < MAX / 2; i++)
		ck_assert_int_eq(ask(i, "10.0.0.1", i % 2 ? "192.0.2.1" :
		    "192.0.2.2"), 1);
	ck_assert_int_eq(ask(30, "10.0.0.1", "192.0.2.3"), 0);
	now += TURNS_STALLED_MS;
	ck_assert_int_eq(stalled(30), 0);	/* not 20, though older */
}
END

TEST(they_wait_in_a_row)
{
	setup();
	fill();
	ck_assert_int_eq(ask(20, "10.0.1.1", "192.0.2.51"), 0);
	ck_assert_int_eq(ask(21, "10.0.1.2", "192.0.2.52"), 0);
	ck_assert_int_eq(ask(22, "10.0.1.3", "192.0.2.53"), 0);
	ck_assert_ptr_null(end(21));		/* it went away */
	ck_assert_ptr_eq(end(3), &turn[20]);
	ck_assert_ptr_eq(end(4), &turn[22]);
	ck_assert_ptr_null(end(5));
	ck_assert_uint_eq(turns.n, MAX - 1);
}
END

TEST(a_page_takes_a_turn_though_there_is_no_room)
{
	struct addr c = ip("10.0.1.1"), s = ip("192.0.2.51");

	setup();
	fill();
	turns_take(&turns, &turn[20], &c, &s, now);
	turns_take(&turns, &turn[20], &c, &s, now);
	ck_assert_uint_eq(turns.n, MAX + 1);
	ck_assert_int_eq(ask(21, "10.0.1.2", "192.0.2.52"), 0);
	ck_assert_ptr_null(end(20));		/* there are MAX still */
	ck_assert_ptr_eq(end(0), &turn[21]);
}
END

/* Those without room in front of it do not hide who has it for ever. */
TEST(many_that_have_no_room_do_not_keep_others_from_theirs)
{
	static struct turn many[1000];
	struct addr c = ip("10.0.0.1"), s = ip("192.0.2.1");
	size_t i;

	setup();
	for (i = 0; i < 1000; i++)
		turns_ask(&turns, &many[i], &c, &s, now);
	for (i = 0; i < MAX / 2; i++)
		ck_assert_int_eq(ask((int)i, "10.0.2.1", "192.0.2.99"), 1);
	ck_assert_int_eq(ask(40, "10.0.2.2", "192.0.2.98"), 0);
	ck_assert_ptr_null(end(0));
	/* It looks by itself, too. */
	ck_assert_int_eq(ask(40, "10.0.2.2", "192.0.2.98"), 1);
}
END

TEST(with_one_at_a_time_each_has_its_turn)
{
	setup();
	turns_init(&turns, 1, 1);
	ck_assert_int_eq(ask(0, "10.0.0.1", "192.0.2.1"), 1);
	ck_assert_int_eq(ask(1, "10.0.0.1", "192.0.2.1"), 0);
	ck_assert_ptr_eq(end(0), &turn[1]);
}
END

SUITE("turns", one_client_has_half, one_server_has_half,
    an_ipv6_client_is_its_network, the_oldest_that_has_stalled_gives_way,
    who_has_a_full_share_makes_only_its_own_give_way, they_wait_in_a_row,
    a_page_takes_a_turn_though_there_is_no_room,
    many_that_have_no_room_do_not_keep_others_from_theirs,
    with_one_at_a_time_each_has_its_turn)
