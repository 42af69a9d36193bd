/*
 * Streams of small reads: when the kernel is asked to wait for more, and that
 * what is less is seen all the same.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/inner.h"
#include "test.h"

static struct worker	 w;
static struct session	 session;
static int		 peer;
static struct conn	*conn;

/* A session that does nothing at its events, with one connection. */
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
	peer = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(peer, (struct sockaddr *)&a, len), 0);
	memset(&w, 0, sizeof(w));
	memset(&session, 0, sizeof(session));
	w.base = event_base_new();
	revisit_init(&w.thin);
	revisit_init(&w.batched);
	evtimer_assign(&w.batch, w.base, batch_run, &w);
	session.worker = &w;
	session.phase = PHASE_OVER;
	conn = &session.client;
	conn_clear(conn, &session);
	conn_clear(&session.server, &session);
	conn_open(conn, accept(l, NULL, NULL));
	close(l);
}

static void
end(void)
{
	conn_close(conn, 0);
	ck_assert(revisit_empty(&w.batched));
	event_del(&w.batch);
	event_base_free(w.base);
	close(peer);
}

/* A run of small reads has come so far, and an event is over. */
static void
run(unsigned n)
{
	conn->run = n;
	conn->heard = 1;
	batch_note(conn);
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
		run(i);
		ck_assert_int_eq(lowat(), 1);
	}
	run(i);
	ck_assert_int_eq(lowat(), CONN_SMALL);
	end();
}
END

TEST(a_slow_one_is_none)
{
	setup();
	run(1);
	conn->since -= 17;	/* it began that long ago */
	run(64);
	ck_assert_int_eq(lowat(), 1);
	/* and the next run begins anew */
	run(1);
	run(64);
	ck_assert_int_eq(lowat(), CONN_SMALL);
	end();
}
END

TEST(what_is_less_is_looked_at_at_the_next_tick)
{
	setup();
	run(1);
	run(64);
	event_base_loop(w.base, EVLOOP_NONBLOCK);	/* its first edge */
	conn->sock.readable = 0;
	ck_assert_int_eq(write(peer, "x", 1), 1);
	event_base_loop(w.base, EVLOOP_ONCE);
	ck_assert_int_eq(conn->sock.readable, 1);
	ck_assert_int_eq(visit_is_due(&conn->batch), 1);
	/* nobody heard any more than that until the next: it is over */
	event_base_loop(w.base, EVLOOP_ONCE);
	ck_assert_int_eq(visit_is_due(&conn->batch), 0);
	ck_assert_int_eq(lowat(), 1);
	ck_assert_int_eq(evtimer_pending(&w.batch, NULL), 0);
	end();
}
END

TEST(who_fills_it_stays)
{
	int i;

	setup();
	run(1);
	run(64);
	for (i = 0; i < 5; i++) {
		conn->heard = 1;
		event_base_loop(w.base, EVLOOP_ONCE);
		ck_assert_int_eq(visit_is_due(&conn->batch), 1);
	}
	end();
}
END

TEST(an_end_wakes_at_once)
{
	setup();
	run(1);
	run(64);
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	evtimer_del(&w.batch);
	conn->sock.readable = 0;
	close(peer);
	event_base_loop(w.base, EVLOOP_ONCE);
	ck_assert_int_eq(conn->sock.readable, 1);
	ck_assert_int_eq(conn->sock.hup, 1);
	peer = -1;
	end();
}
END

TEST(a_descriptor_handed_on_is_as_it_was)
{
	socklen_t len = sizeof(int);
	int fd, n = 0;

	setup();
	run(1);
	run(64);
	fd = conn_release(conn);
	getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n, &len);
	ck_assert_int_eq(n, 1);
	close(fd);
	end();
}
END

SUITE("batch", a_run_of_small_reads_is_a_stream, a_slow_one_is_none,
    what_is_less_is_looked_at_at_the_next_tick, who_fills_it_stays,
    an_end_wakes_at_once, a_descriptor_handed_on_is_as_it_was)
