/*
 * The inside end of an attempt.
 */
#include "chain/through.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain/through_server.h"
#include "chain/zone.h"
#include "net/sock.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define RETRY_US	5000	/* while there is no socket */
#define HEAD		4096	/* of an answer, at most, as a device may add */

struct through {
	struct through_want want;
	struct event_base *base;
	int		 fd;
	struct event	*io, *timer, *retry;
	uint64_t	 began;		/* us */
	int		 connected;
	char		 out[256];
	size_t		 outlen, sent;
	char		*in;
	size_t		 room, got;
};

static void	through_begin(struct through *);

static void
through_free(struct through *t)
{
	if (t->io != NULL)
		event_free(t->io);
	if (t->timer != NULL)
		event_free(t->timer);
	if (t->retry != NULL)
		event_free(t->retry);
	if (t->fd >= 0)
		close(t->fd);
	free(t->in);
	free(t);
}

static void
through_done(struct through *t, int came)
{
	void (*done)(void *, int, uint64_t) = t->want.done;
	uint64_t us = clock_us() - t->began;
	void *arg = t->want.arg;

	through_free(t);
	done(arg, came, us);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	through_done(arg, 0);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	through_begin(arg);
}

/* Unique, so that an answer to another attempt is not taken for this one's. */
static void
through_text(struct through *t)
{
	int n;

	if (t->want.body != NULL)
		n = snprintf(t->out, sizeof(t->out), "GET /must-block "
		    "HTTP/1.1\r\nHost: probe.invalid\r\nConnection: close\r\n"
		    "\r\n");
	else
		n = snprintf(t->out, sizeof(t->out), "clearspan probe %016llx"
		    "%-*s", (unsigned long long)t->began, THROUGH_ECHO, "");
	t->outlen = t->want.body != NULL ? (size_t)n : THROUGH_ECHO;
}

/* Whether all is here: 1; -1: it cannot come any more; 0: wait. */
static int
through_look(const struct through *t)
{
	if (t->want.body != NULL) {
		if (memmem(t->in, t->got, t->want.body, t->want.len) != NULL)
			return 1;
		return t->got == t->room ? -1 : 0;
	}
	if (memcmp(t->in, t->out, t->got) != 0)
		return -1;
	return t->got == t->outlen;
}

/* Returns as through_look(). */
static int
through_read(struct through *t)
{
	ssize_t n;
	int come = 0;

	while (come == 0) {
		n = read(t->fd, t->in + t->got, t->room - t->got);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		t->got += (size_t)n;
		come = through_look(t);
	}
	return come;
}

static int
through_write(struct through *t)
{
	ssize_t n;

	if (!t->connected && sock_error(t->fd) != 0)
		return -1;
	t->connected = 1;
	if (t->sent == t->outlen)
		return 0;
	n = send(t->fd, t->out + t->sent, t->outlen - t->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	t->sent += (size_t)n;
	return 0;
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct through *t = arg;
	int come = 0;

	if (what & EV_WRITE)
		come = through_write(t);
	if (come == 0 && t->connected && (what & EV_READ))
		come = through_read(t);
	if (come != 0) {
		through_done(t, come > 0);
		return;
	}
	if (t->sent == t->outlen && (what & EV_WRITE)) {
		event_del(t->io);
		event_assign(t->io, t->base, fd, EV_READ | EV_PERSIST, on_io,
		    t);
		event_add(t->io, NULL);
	}
}

/* If the kernel refuses it is a miss, but later: done() must not come from
 * here. */
static void
through_begin(struct through *t)
{
	static const struct timeval again = { 0, RETRY_US };
	struct addr *from = &t->want.from, *to = &t->want.to;

	t->fd = zone_socket(t->want.zone, ZONE_INSIDE, to->sa.sa_family);
	if (t->fd == ERR_AGAIN)
		event_add(t->retry, &again);
	if (t->fd < 0)
		return;
	sock_nodelay(t->fd);
	if (bind(t->fd, &from->sa, addr_len(from)) != 0 ||
	    (connect(t->fd, &to->sa, addr_len(to)) != 0 &&
	    errno != EINPROGRESS)) {
		close(t->fd);
		t->fd = ERR_SYS;
		return;
	}
	t->io = event_new(t->base, t->fd, EV_READ | EV_WRITE | EV_PERSIST,
	    on_io, t);
	event_add(t->io, NULL);
}

struct through *
through_start(struct event_base *base, const struct through_want *w)
{
	struct timeval tv = clock_timeval(w->timeout);
	struct through *t = xcalloc(1, sizeof(*t));

	t->want = *w;
	t->base = base;
	t->fd = -1;
	t->began = clock_us();
	through_text(t);
	t->room = w->body != NULL ? w->len + HEAD : t->outlen;
	t->in = xmalloc(t->room);
	t->timer = event_new(base, -1, 0, on_timeout, t);
	t->retry = event_new(base, -1, 0, on_retry, t);
	event_add(t->timer, &tv);
	through_begin(t);
	return t;
}

void
through_cancel(struct through *t)
{
	if (t != NULL)
		through_free(t);
}
