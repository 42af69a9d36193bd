/*
 * Hops: how an end of a direction passes a device, which knows only FIN.
 */
#include "ends.h"
#include "stream/node.h"

#define CLIENT	peer[0]
#define INSIDE	peer[1]
#define OUTSIDE	peer[2]
#define SERVER	peer[3]

/* What an end of the row was told, as a peer that speaks TLS would hear it. */
static enum end	 told[2];	/* client, server */
static enum end	 says_end[2];	/* what its reads end with, once it is told */

static ssize_t
outer_read(void *arg, uint8_t *p, size_t len, enum end *how)
{
	struct sock *s = arg;
	enum end *e = &says_end[s == &end[3].sock];
	ssize_t n = transport_plain.read(s, p, len, how);

	if (n != ERR_AGAIN || *e == END_NONE)
		return n;
	*how = *e;
	*e = END_NONE;
	return ERR_EOF;
}

static int
outer_shut(void *arg, enum end how)
{
	told[arg == &end[3].sock] = how;
	return 0;
}

static ssize_t
outer_write(void *arg, const uint8_t *p, size_t len)
{
	return transport_plain.write(arg, p, len);
}

static int
outer_flush(void *arg)
{
	return 0;
}

static int
outer_pending(void *arg)
{
	return says_end[arg == &end[3].sock] != END_NONE;
}

static void
outer_free(void *arg)
{
}

static const struct transport_ops outer = {
	.read = outer_read,
	.write = outer_write,
	.flush = outer_flush,
	.shut = outer_shut,
	.pending = outer_pending,
	.free = outer_free,
};

static void
begin(void)
{
	memset(told, 0, sizeof(told));
	memset(says_end, 0, sizeof(says_end));
	ends_open(2);
	conn_transport(&end[0], &outer, &end[0].sock);
	conn_transport(&end[3], &outer, &end[3].sock);
	node_hop(&end[1], &end[2]);
}

/* The device passes on a FIN. */
static void
passes_end(int from, int to)
{
	char c;

	ck_assert_int_eq(read(from, &c, 1), 0);
	shutdown(to, SHUT_WR);
	settle();
}

static void
client_ends(enum end how)
{
	says_end[0] = how;
	settle();
}

TEST(a_close_notify_is_one_behind_the_device)
{
	begin();
	client_ends(END_NOTIFY);
	ck_assert_int_eq(told[1], END_NONE);
	passes_end(INSIDE, OUTSIDE);
	ck_assert_int_eq(told[1], END_NOTIFY);
	client_ends(END_FIN);
	ck_assert_int_eq(told[1], END_FIN);
	ends_close();
}
END

TEST(a_fin_without_close_notify_stays_without_it)
{
	begin();
	client_ends(END_FIN);
	passes_end(INSIDE, OUTSIDE);
	ck_assert_int_eq(wire[1].flow[DIR_UP].notify, 0);
	ck_assert_int_eq(told[1], END_FIN);
	ends_close();
}
END

TEST(a_close_notify_and_a_fin_before_the_device_passes_either)
{
	begin();
	client_ends(END_NOTIFY);
	client_ends(END_FIN);
	passes_end(INSIDE, OUTSIDE);
	ck_assert_int_eq(wire[1].flow[DIR_UP].notify, 1);
	ck_assert_int_eq(told[1], END_FIN);
	ends_close();
}
END

TEST(what_a_device_ends_itself_ends_in_order)
{
	begin();
	says(INSIDE, "no");
	shutdown(INSIDE, SHUT_WR);
	settle();
	hears(CLIENT, "no");
	ck_assert_int_eq(wire[0].flow[DIR_DOWN].notify, 1);
	ck_assert_int_eq(told[0], END_FIN);
	ck_assert_int_eq(told[1], END_NONE);
	ends_close();
}
END

TEST(each_direction_ends_by_itself)
{
	begin();
	client_ends(END_NOTIFY);
	passes_end(INSIDE, OUTSIDE);
	says(SERVER, "more");
	hears(INSIDE, "");
	says(INSIDE, "more");
	hears(CLIENT, "more");
	ck_assert_int_eq(told[0], END_NONE);
	ends_close();
}
END

SUITE("hop", a_close_notify_is_one_behind_the_device,
    a_fin_without_close_notify_stays_without_it,
    a_close_notify_and_a_fin_before_the_device_passes_either,
    what_a_device_ends_itself_ends_in_order, each_direction_ends_by_itself)
