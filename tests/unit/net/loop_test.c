/*
 * The workers' event base is fair: what is busy all the time does not keep
 * others from their turn. Told by counting callbacks, not by time.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "test.h"

#define BUSY	200

static struct event_base *base;
static struct event	 busy[BUSY];
static unsigned		 ran[BUSY];
static unsigned long	 turns;		/* of all that are busy */
static unsigned long	 enough;	/* then the loop ends; 0: never */

/* A session that always has more to do, as session_soon() has it run again. */
static void
always(evutil_socket_t fd, short what, void *arg)
{
	struct event *ev = arg;

	ran[ev - busy]++;
	event_active(ev, EV_TIMEOUT, 0);
	if (++turns == enough)
		event_base_loopbreak(base);
}

/* One whose socket is always ready. */
static void
ready(evutil_socket_t fd, short what, void *arg)
{
	struct event *ev = arg;

	turns++;
	ran[ev - busy]++;
}

static void
newcomer(evutil_socket_t fd, short what, void *arg)
{
	*(unsigned long *)arg = turns;
	event_base_loopbreak(base);
}

/* A new connection comes; after how many turns of the busy is it seen? */
static unsigned long
wait_for_newcomer(void)
{
	struct event ev;
	unsigned long seen = 0;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	event_assign(&ev, base, fd[0], EV_READ, newcomer, &seen);
	event_add(&ev, NULL);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	turns = 0;
	event_base_dispatch(base);
	close(fd[0]);
	close(fd[1]);
	return seen;
}

TEST(sessions_that_make_themselves_ready_let_others_in)
{
	int i;

	ck_assert_ptr_nonnull(base = loop_new());
	for (i = 0; i < BUSY; i++) {
		evtimer_assign(&busy[i], base, always, &busy[i]);
		event_active(&busy[i], EV_TIMEOUT, 0);
	}
	ck_assert_uint_le(wait_for_newcomer(), BUSY + LOOP_TURN);
}
END

TEST(sessions_whose_sockets_are_ready_let_others_in)
{
	int fd[2], i;

	ck_assert_ptr_nonnull(base = loop_new());
	for (i = 0; i < BUSY; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		ck_assert_int_eq(write(fd[1], "x", 1), 1);
		event_assign(&busy[i], base, fd[0], EV_READ | EV_PERSIST,
		    ready, &busy[i]);
		event_add(&busy[i], NULL);
	}
	ck_assert_uint_le(wait_for_newcomer(), 2 * BUSY + LOOP_TURN);
}
END

TEST(all_that_are_busy_get_the_same)
{
	int i;

	ck_assert_ptr_nonnull(base = loop_new());
	for (i = 0; i < BUSY; i++) {
		evtimer_assign(&busy[i], base, always, &busy[i]);
		event_active(&busy[i], EV_TIMEOUT, 0);
	}
	enough = 100 * BUSY;
	event_base_dispatch(base);
	for (i = 0; i < BUSY; i++)
		ck_assert_uint_eq(ran[i], 100);
}
END

SUITE("loop", sessions_that_make_themselves_ready_let_others_in,
    sessions_whose_sockets_are_ready_let_others_in,
    all_that_are_busy_get_the_same)
