/*
 * sink/reader: a reader that says something, which nobody wants to know.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <unistd.h>

#include "sink/reader.h"
#include "test.h"

static struct event_base *base;
static struct reader	*reader;
static int		 fd[2];
static unsigned		 gone;

static void
has_gone(void *ctx, struct reader *r)
{
	gone++;
	reader_free(r);
	reader = NULL;
}

static void
setup(void)
{
	static const struct reader_ops ops = { .gone = has_gone };
	int size = 4 << 20;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fd), 0);
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	base = event_base_new();
	reader = reader_new(base, fd[0], NULL, 0, &ops, NULL);
}

static void
end(void)
{
	if (reader != NULL)
		reader_free(reader);
	event_base_free(base);
	close(fd[1]);
}

/* How much of what it said is still to be read. */
static int
unread(void)
{
	int n = 0;

	ck_assert_int_eq(ioctl(fd[0], FIONREAD, &n), 0);
	return n;
}

/* Others have their turn in between, and all of it is read in the end. */
TEST(a_reader_that_talks_is_heard_a_little_in_each_turn)
{
	static const uint8_t words[16384];
	int said, turns;

	setup();
	while (write(fd[1], words, sizeof(words)) > 0)
		;
	said = unread();
	ck_assert_int_gt(said, 100000);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert_int_gt(unread(), said / 2);
	for (turns = 0; unread() > 0; turns++) {
		ck_assert_int_lt(turns, said);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	/* And what it says then, too. */
	ck_assert_int_eq(write(fd[1], words, 1), 1);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(unread(), 0);
	ck_assert_uint_eq(gone, 0);
	end();
}
END

TEST(a_reader_that_ends_its_direction_stays)
{
	int turns;

	setup();
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_int_eq(shutdown(fd[1], SHUT_WR), 0);
	for (turns = 0; turns < 10; turns++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert_int_eq(unread(), 0);
	ck_assert_uint_eq(gone, 0);
	end();
}
END

SUITE("reader", a_reader_that_talks_is_heard_a_little_in_each_turn,
    a_reader_that_ends_its_direction_stays)
