/*
 * Hops over loopback: what a device would pass on comes to a listener with the
 * server's address, as in an outside zone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "chain/hop.h"
#include "net/mailbox.h"
#include "net/sock.h"
#include "test.h"
#include "util/err.h"

#define DEVICE	7

static struct event_base *base;
static struct mailbox	*mailbox[2];
static struct joins	*joins;
static struct hop_seat	*seat[2];
static struct addr	 client, server;
static int		 listener;
static int		 sockets;	/* that were asked for */
static int		 none;		/* of them that there are not */
static int		 changes, slows;

static int
zone(struct zone *z, enum zone_side side, int family)
{
	int on = 1, fd;

	ck_assert_ptr_eq(z, &sockets);
	if (++sockets <= none)
		return ERR_AGAIN;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

static void
changed(void *owner)
{
	changes++;
}

/* A loopback address with a port that is free. */
static int
any(struct addr *a, int listens)
{
	socklen_t len = sizeof(a->in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memset(a, 0, sizeof(*a));
	ck_assert_int_eq(addr_parse(a, "127.0.0.1:0"), 0);
	ck_assert_int_eq(bind(fd, &a->sa, addr_len(a)), 0);
	ck_assert_int_eq(getsockname(fd, &a->sa, &len), 0);
	if (listens)
		ck_assert_int_eq(listen(fd, 16), 0);
	return fd;
}

static void
begin(void)
{
	int i;

	base = event_base_new();
	joins = joins_new();
	for (i = 0; i < 2; i++) {
		mailbox[i] = mailbox_new(base);
		seat[i] = hop_attach(joins, base, mailbox[i]);
	}
	listener = any(&server, 1);
	close(any(&client, 0));
	sockets = none = changes = slows = 0;
}

static void
finish(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		hop_detach(seat[i]);
		mailbox_free(mailbox[i]);
	}
	joins_free(joins);
	close(listener);
	event_base_free(base);
}

static void
slow(void *owner)
{
	slows++;
}

static struct hop *
hop(void)
{
	const struct hop_want want = {
		.exit = DEVICE, .socket = zone, .zone = (struct zone *)&sockets,
		.client = client, .server = server, .changed = changed,
		.slow = slow,
	};

	return hop_begin(seat[0], &want);
}

/* The outside end arrives at that worker; returns whether it was awaited. */
static int
arrives(int worker, uint64_t device)
{
	struct addr peer;
	int fd;

	while ((fd = sock_accept(listener, &peer)) == ERR_AGAIN)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	return hop_arrived(seat[worker], device, fd, &peer);
}

static void
until_known(const struct hop *h)
{
	while (hop_state(h) == HOP_WAIT || changes == 0)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(changes, 1);
}

/* Bytes written to one end of a hop come out of the other. */
static void
joined(struct hop *h)
{
	int in = hop_take(h, 0), out = hop_take(h, 1);
	char c;

	ck_assert_int_eq(write(in, "x", 1), 1);
	while (read(out, &c, 1) != 1)
		ck_assert_int_eq(errno, EAGAIN);
	close(in);
	close(out);
}

TEST(an_outside_end_comes_to_its_own_worker)
{
	struct hop *h;

	begin();
	h = hop();
	ck_assert_int_eq(arrives(0, DEVICE), 1);
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_READY);
	ck_assert_uint_gt(hop_us(h), 0);
	joined(h);
	hop_free(h);
	finish();
}
END

TEST(an_outside_end_at_another_worker_is_sent_on)
{
	struct hop *h;

	begin();
	h = hop();
	ck_assert_int_eq(arrives(1, DEVICE), 1);
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_READY);
	joined(h);
	hop_free(h);
	finish();
}
END

TEST(what_nobody_waits_for_is_reset)
{
	struct hop *h;
	char c;
	int fd;

	begin();
	h = hop();
	ck_assert_int_eq(arrives(0, DEVICE + 1), 0);
	until_known(h);
	ck_assert_int_ne(hop_state(h), HOP_READY);
	hop_free(h);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, &server.sa, addr_len(&server)), 0);
	ck_assert_int_eq(arrives(1, DEVICE), 0);
	ck_assert_int_eq(read(fd, &c, 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(fd);
	finish();
}
END

TEST(a_hop_that_went_while_its_end_was_under_way_leaves_nothing)
{
	struct hop *h;

	begin();
	h = hop();
	ck_assert_int_eq(arrives(1, DEVICE), 1);
	hop_free(h);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(changes, 0);
	finish();
}
END

TEST(a_refused_connection_is_rejected)
{
	struct hop *h;

	begin();
	close(listener);
	listener = -1;
	h = hop();
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_REJECTED);
	hop_free(h);
	finish();
}
END

TEST(a_socket_that_is_late_is_waited_for)
{
	struct hop *h;

	begin();
	none = 3;
	h = hop();
	ck_assert_int_eq(arrives(0, DEVICE), 1);
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_READY);
	ck_assert_int_eq(sockets, 4);
	hop_free(h);
	finish();
}
END

TEST(a_worker_that_is_late_is_no_verdict)
{
	struct timeval late = { 1, 700000 };
	struct hop *h;

	begin();
	h = hop();
	event_base_loopexit(base, &late);
	event_base_dispatch(base);
	ck_assert_int_eq(hop_state(h), HOP_WAIT);
	ck_assert_int_eq(slows, 1);
	ck_assert_int_eq(arrives(0, DEVICE), 1);
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_READY);
	hop_free(h);
	finish();
}
END

TEST(without_any_socket_it_is_busy)
{
	struct hop *h;

	begin();
	none = 1 << 20;
	h = hop();
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_BUSY);
	ck_assert_int_lt(sockets, 100);
	hop_free(h);
	finish();
}
END

TEST(addresses_of_two_families_do_not_fit_a_hop)
{
	struct hop *h;

	begin();
	ck_assert_int_eq(addr_parse(&server, "[::1]:443"), 0);
	h = hop();
	ck_assert_int_eq(changes, 0);
	until_known(h);
	ck_assert_int_eq(hop_state(h), HOP_UNREACHED);
	hop_free(h);
	finish();
}
END

SUITE("hop", an_outside_end_comes_to_its_own_worker,
    an_outside_end_at_another_worker_is_sent_on,
    what_nobody_waits_for_is_reset,
    a_hop_that_went_while_its_end_was_under_way_leaves_nothing,
    a_refused_connection_is_rejected, a_socket_that_is_late_is_waited_for,
    a_worker_that_is_late_is_no_verdict, without_any_socket_it_is_busy,
    addresses_of_two_families_do_not_fit_a_hop)
