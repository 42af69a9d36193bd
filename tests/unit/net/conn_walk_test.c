/*
 * Connections that are looked at again, all in one turn, while their owners
 * end others, themselves or come again: what once kept a worker in one turn
 * for ever. Both rounds: the sweep (thin), the batch.
 */
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"
#include "test.h"

#define N	5

static struct event_base *base;
static struct revisits	 revisits;
static struct conn	 conns[N], spare;
static int		 peers[N], batch;
static unsigned		 looks, seen[N];
static void		(*then)(struct conn *);

static void
told(void *owner, struct conn *c)
{
	if (then == NULL || c == &spare)
		return;
	seen[c - conns]++;
	ck_assert_uint_le(++looks, N);	/* or it goes on for ever */
	then(c);
}

static int
is_due(const struct conn *c)
{
	return visit_is_due(&c->visit);
}

/* As after a short read; or as a stream of small ones. */
static void
come_again(struct conn *c)
{
	if (batch && !c->batched)
		while (!c->batched)
			conn_heard(c, 100, 0);
	c->heard = 1;
	c->sock.thin = 1;
}

static void
setup(int batched)
{
	int fd[2], i;

	batch = batched;
	base = event_base_new();
	revisits_init(&revisits, base);
	conn_clear(&spare, &revisits, told, NULL);
	for (i = 0; i < N; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		conn_clear(&conns[i], &revisits, told, NULL);
		conn_open(&conns[i], fd[0]);
		peers[i] = fd[1];
	}
	event_base_loop(base, EVLOOP_NONBLOCK);	/* their first edges */
	for (i = 0; i < N; i++) {
		come_again(&conns[i]);
		conn_note(&conns[i]);
		ck_assert(is_due(&conns[i]));
	}
}

static void
end(void)
{
	int i;

	then = NULL;
	conn_close(&spare, 0);
	for (i = 0; i < N; i++) {
		conn_close(&conns[i], 0);
		close(peers[i]);
	}
	ck_assert(revisit_empty(&revisits.batch.list));
	ck_assert(revisit_empty(&revisits.sweep.list));
	event_del(&revisits.batch.timer);
	event_del(&revisits.sweep.timer);
	event_base_free(base);
}

/* One turn; how many were looked at in it. */
static unsigned
turn(void (*what)(struct conn *))
{
	looks = 0;
	memset(seen, 0, sizeof(seen));
	then = what;
	do			/* a socket's first edges may come before it */
		event_base_loop(base, EVLOOP_ONCE);
	while (looks == 0);
	return looks;
}

static void
end_last(struct conn *c)
{
	conn_close(&conns[N - 1], 0);
	if (c != &conns[N - 1])
		come_again(c);
}

static void
end_next(struct conn *c)
{
	if (c != &conns[N - 1])
		conn_close(c + 1, 0);
	come_again(c);
}

static void
end_itself(struct conn *c)
{
	conn_close(c, 0);
}

static void
end_all(struct conn *c)
{
	int i;

	for (i = 0; i < N; i++)
		conn_close(&conns[i], 0);
}

/* As when a session goes to another server over the same connection. */
static void
move_away(struct conn *c)
{
	if (c == &conns[0])
		conn_move(&spare, c);
	else
		come_again(c);
}

static void
last_ends(int batched)
{
	setup(batched);
	ck_assert_uint_eq(turn(end_last), N - 1);
	ck_assert_uint_eq(seen[N - 1], 0);
	ck_assert(is_due(&conns[0]));
	/* And again, now without a last that could be met. */
	ck_assert_uint_eq(turn(end_last), N - 1);
	end();
}

static void
next_ends(int batched)
{
	setup(batched);
	ck_assert_uint_eq(turn(end_next), 3);
	ck_assert_uint_eq(seen[1] + seen[3], 0);
	ck_assert_uint_eq(turn(end_next), 3);
	end();
}

TEST(the_last_ends_and_the_others_come_again)
{
	last_ends(0);
	last_ends(1);
}
END

TEST(the_next_ends_and_itself_comes_again)
{
	next_ends(0);
	next_ends(1);
}
END

static void
all_end(int batched)
{
	setup(batched);
	ck_assert_uint_eq(turn(end_itself), N);
	end();
	setup(batched);
	ck_assert_uint_eq(turn(end_all), 1);
	end();
}

TEST(itself_or_all_end)
{
	all_end(0);
	all_end(1);
}
END

TEST(itself_moves_to_another)
{
	setup(0);
	ck_assert_uint_eq(turn(move_away), N);
	ck_assert_uint_eq(turn(come_again), N - 1);
	ck_assert_int_eq(conns[0].sock.fd, -1);
	end();
}
END

SUITE("conn_walk", the_last_ends_and_the_others_come_again,
    the_next_ends_and_itself_comes_again, itself_or_all_end,
    itself_moves_to_another)
