/*
 * The pump: what is read, and what is left alone.
 */
#include "stream/pump.h"

#include <event2/event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static struct pool		 pool;
static _Atomic uint64_t		 held;
static uint64_t			 passed;
static struct conn		 end[2];	/* the wire's */
static struct wire	 wire;
static struct row	 row;
static struct revisits	 revisits;
static int			 client, server;	/* the peers' ends */

static void
told(void *owner, struct conn *c)
{
}

static void
setup_conn(struct conn *c, int *peer)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fd), 0);
	c->sock.fd = fd[0];
	c->sock.readable = c->sock.writable = 1;
	*peer = fd[1];
}

static void
setup(void)
{
	revisits_init(&revisits, event_base_new());
	budget_limit(4 * POOL_BUF);
	pool_init(&pool, &held);
	conn_clear(&end[0], &revisits, told, NULL);
	conn_clear(&end[1], &revisits, told, NULL);
	wire_init(&wire, &end[0], &end[1], &pool, NULL, NULL);
	wire.flow[DIR_UP].wire.passed = &passed;
	memset(&row, 0, sizeof(row));
	row.wire = &wire;
	row.n = 1;
	setup_conn(&end[0], &client);
	setup_conn(&end[1], &server);
}

static int
unread(const struct conn *c)
{
	int n = 0;

	ioctl(c->sock.fd, FIONREAD, &n);
	return n;
}

TEST(bytes_and_the_end_pass)
{
	struct pump_why why;
	char buf[8];

	setup();
	ck_assert_int_eq(write(client, "hello", 5), 5);
	shutdown(client, SHUT_WR);
	end[0].sock.hup = 1;	/* as the event would say */
	ck_assert_int_eq(pump(&row, &why), PUMP_WAIT);
	ck_assert_int_eq(read(server, buf, sizeof(buf)), 5);
	ck_assert_int_eq(read(server, buf, sizeof(buf)), 0);
	shutdown(server, SHUT_WR);
	sock_look(&end[1].sock);
	ck_assert_int_eq(pump(&row, &why), PUMP_DONE);
	ck_assert_uint_eq(passed, 5);
}
END

/* What got less than it asked for is asked again after an event, no sooner:
 * net/conn.c sees to the RST that may be behind it. */
TEST(a_short_read_is_the_last_until_an_event)
{
	struct pump_why why;
	char buf[8];

	setup();
	ck_assert_int_eq(write(client, "hello", 5), 5);
	ck_assert_int_eq(pump(&row, &why), PUMP_WAIT);
	ck_assert_int_eq(end[0].sock.thin, 1);
	ck_assert_int_eq(write(client, "again", 5), 5);
	ck_assert_int_eq(pump(&row, &why), PUMP_WAIT);
	ck_assert_int_eq(read(server, buf, sizeof(buf)), 5);
	sock_look(&end[0].sock);
	ck_assert_int_eq(pump(&row, &why), PUMP_WAIT);
	ck_assert_int_eq(read(server, buf, sizeof(buf)), 5);
}
END

/* It may send for ever: reading that away would hold up all others. */
TEST(what_a_tap_has_cut_off_is_not_read)
{
	static char much[20000];
	struct pump_why why;

	setup();
	flow_finish(&wire.flow[DIR_DOWN]);
	ck_assert_int_eq(write(server, much, sizeof(much)), sizeof(much));
	ck_assert_int_eq(pump(&row, &why), PUMP_WAIT);
	ck_assert_int_eq(unread(&end[1]), sizeof(much));
}
END

/* A connection that is closed breaks nothing (its readiness went with it). */
TEST(a_closed_source_is_not_asked)
{
	struct pump_why why;

	setup();
	event_assign(&end[0].ev, revisits.base, end[0].sock.fd, EV_READ,
	    NULL, NULL);
	conn_close(&end[0], 0);
	wire.flow[DIR_UP].end_in = END_FIN;
	ck_assert_int_eq(pump(&row, &why), PUMP_WAIT);
}
END

SUITE("pump", bytes_and_the_end_pass,
    a_short_read_is_the_last_until_an_event,
    what_a_tap_has_cut_off_is_not_read,
    a_closed_source_is_not_asked)
