/*
 * Connections: the owner hears of each event; what no event announces is
 * looked at again; and streams of small reads are batched.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "net/conn.h"
#include "net/sock.h"
#include "test.h"
#include "util/err.h"

static struct event_base *base;
static struct revisits	 revisits;
static struct conn	 ends[2], *conn;
static int		 peer;
static unsigned		 events;

static void
told(void *owner, struct conn *c)
{
	ck_assert_ptr_eq(owner, &events);
	events++;
}

/* A connection over loopback, whose owner does nothing. */
static void
setup(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&a, &len), 0);
	clock_stop();		/* ticks come when a test says so */
	peer = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(peer, (struct sockaddr *)&a, len), 0);
	base = event_base_new();
	revisits_init(&revisits, base);
	conn = &ends[0];
	conn_clear(conn, &revisits, told, &events);
	conn_open(conn, accept(l, NULL, NULL));
	close(l);
}

static void
end(void)
{
	conn_close(conn, 0);
	ck_assert(revisit_empty(&revisits.batch.list));
	ck_assert(revisit_empty(&revisits.sweep.list));
	event_del(&revisits.batch.timer);
	event_del(&revisits.sweep.timer);
	event_base_free(base);
	close(peer);
}

/* Let what is ready come, and the next tick of the batch or the sweep. */
static void
tick(struct revisit_round *r)
{
	ck_assert_int_eq(evtimer_pending(&r->timer, NULL) != 0, 1);
	event_active(&r->timer, EV_TIMEOUT, 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* n small reads in a row. */
static void
run(unsigned n)
{
	while (n-- > 0)
		conn_heard(conn, 100, 0);
}

static int
lowat(void)
{
	socklen_t len = sizeof(int);
	int n = 0;

	getsockopt(conn->sock.fd, SOL_SOCKET, SO_RCVLOWAT, &n, &len);
	return n;
}

TEST(a_run_of_small_reads_is_a_stream)
{
	unsigned i;

	setup();
	for (i = 1; i < 64; i++) {
		run(1);
		ck_assert_int_eq(lowat(), 1);
	}
	run(1);
	ck_assert_int_eq(lowat(), CONN_SMALL);
	end();
}
END

TEST(a_slow_one_is_none)
{
	setup();
	run(1);
	conn->since -= 17;	/* it began that long ago */
	run(63);
	ck_assert_int_eq(lowat(), 1);
	/* and the next run begins anew */
	run(64);
	ck_assert_int_eq(lowat(), CONN_SMALL);
	end();
}
END

TEST(what_is_less_is_looked_at_at_the_next_tick)
{
	setup();
	run(64);
	event_base_loop(base, EVLOOP_NONBLOCK);	/* its first edge */
	conn->sock.readable = 0;
	ck_assert_int_eq(write(peer, "x", 1), 1);
	event_base_loop(base, EVLOOP_NONBLOCK);	/* which wakes nobody */
	ck_assert_int_eq(conn->sock.readable, 0);
	tick(&revisits.batch);
	ck_assert_int_eq(conn->sock.readable, 1);
	ck_assert_int_eq(conn->batched, 1);
	/* nobody heard any more than that until the next: it is over */
	tick(&revisits.batch);
	ck_assert_int_eq(conn->batched, 0);
	ck_assert_int_eq(lowat(), 1);
	ck_assert_int_eq(evtimer_pending(&revisits.batch.timer, NULL), 0);
	end();
}
END

TEST(who_fills_it_stays)
{
	int i;

	setup();
	run(64);
	for (i = 0; i < 5; i++) {
		conn->heard = 1;
		tick(&revisits.batch);
		ck_assert_int_eq(conn->batched, 1);
	}
	end();
}
END

TEST(an_end_wakes_at_once)
{
	setup();
	run(64);
	event_base_loop(base, EVLOOP_NONBLOCK);
	conn->sock.readable = 0;
	close(peer);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(conn->sock.readable, 1);
	ck_assert_int_eq(conn->sock.hup, 1);
	peer = -1;
	end();
}
END

TEST(a_connection_moves_as_it_was)
{
	setup();
	run(64);
	conn->sock.readable = 0;
	conn->sock.hup = 1;
	conn_clear(&ends[1], &revisits, told, &events);
	conn_move(&ends[1], conn);
	ck_assert_int_eq(conn->sock.fd, -1);
	conn = &ends[1];
	ck_assert_int_eq(lowat(), 1);
	ck_assert_int_eq(conn->sock.readable, 0);
	ck_assert_int_eq(conn->sock.hup, 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(events, 1);
	end();
}
END

TEST(who_speaks_after_the_other_begins_a_new_run)
{
	setup();
	run(63);
	conn_heard(conn, 100, 1);
	run(62);
	ck_assert_int_eq(lowat(), 1);
	run(1);
	ck_assert_int_eq(lowat(), CONN_SMALL);
	end();
}
END

TEST(a_large_read_ends_the_run)
{
	setup();
	run(63);
	conn_heard(conn, CONN_SMALL, 0);
	run(63);
	ck_assert_int_eq(lowat(), 1);
	end();
}
END

/* Read what there is, as an owner would; the owner's event is over. */
static void
read_short(void)
{
	char buf[100];

	ck_assert_int_gt(sock_recv(&conn->sock, buf, sizeof(buf)), 0);
	ck_assert_int_eq(conn->sock.thin, 1);
	conn_note(conn);
}

TEST(behind_a_short_read_it_is_looked_at_once_more)
{
	char buf[100];

	setup();
	event_base_loop(base, EVLOOP_NONBLOCK);	/* its first edge */
	ck_assert_int_eq(write(peer, "x", 1), 1);
	event_base_loop(base, EVLOOP_ONCE);
	read_short();
	events = 0;
	sock_reset(peer);
	peer = -1;
	event_del(&conn->ev);		/* no edge tells of it */
	tick(&revisits.sweep);
	ck_assert_uint_eq(events, 1);
	ck_assert_int_eq(conn->sock.readable, 1);
	ck_assert_int_eq(sock_recv(&conn->sock, buf, 1), ERR_SYS);
	end();
}
END

TEST(what_was_read_since_is_not_looked_at)
{
	setup();
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(write(peer, "x", 1), 1);
	event_base_loop(base, EVLOOP_ONCE);
	read_short();
	events = 0;
	sock_look(&conn->sock);		/* something else did */
	tick(&revisits.sweep);
	ck_assert_uint_eq(events, 0);
	ck_assert(!visit_is_due(&conn->visit));
	end();
}
END

TEST(urgent_data_stops_no_read_for_good)
{
	int on = 1;
	char buf[100];

	setup();
	setsockopt(conn->sock.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(write(peer, "ab", 2), 2);
	ck_assert_int_eq(send(peer, "!", 1, MSG_OOB), 1);
	ck_assert_int_eq(write(peer, "cd", 2), 2);
	event_base_loop(base, EVLOOP_ONCE);
	read_short();
	event_del(&conn->ev);
	tick(&revisits.sweep);
	ck_assert_int_eq(conn->sock.readable, 1);
	ck_assert_int_eq(conn->sock.marks, 1);
	ck_assert_int_eq(sock_recv(&conn->sock, buf, sizeof(buf)), 3);
	ck_assert_int_eq(conn->sock.thin, 0);
	end();
}
END

SUITE("conn", a_run_of_small_reads_is_a_stream, a_slow_one_is_none,
    what_is_less_is_looked_at_at_the_next_tick, who_fills_it_stays,
    an_end_wakes_at_once, a_connection_moves_as_it_was,
    who_speaks_after_the_other_begins_a_new_run, a_large_read_ends_the_run,
    behind_a_short_read_it_is_looked_at_once_more,
    what_was_read_since_is_not_looked_at,
    urgent_data_stops_no_read_for_good)
