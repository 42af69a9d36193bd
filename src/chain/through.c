/*
 * The inside end of an attempt.
 */
#include "chain/through.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define RETRY_US	5000	/* while there is no socket */
#define HEAD		4096	/* of an answer, at most, as a device may add */

struct through {
	struct through_want want;
	struct event_base *base;
	struct bufferevent *bev;	/* or NULL: not yet */
	struct event	 timer, retry;
	uint64_t	 began;		/* us */
	char		 echo[THROUGH_ECHO + 1];
};

static void	through_begin(struct through *);

void
through_cancel(struct through *t)
{
	if (t == NULL)
		return;
	if (t->bev != NULL)
		bufferevent_free(t->bev);
	event_del(&t->timer);
	event_del(&t->retry);
	free(t);
}

static void
through_done(struct through *t, int came)
{
	struct through_want want = t->want;
	uint64_t us = clock_us() - t->began;

	through_cancel(t);
	want.done(want.arg, came, us);
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

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct through *t = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = evbuffer_get_length(in);

	if (t->want.body == NULL && n >= THROUGH_ECHO)
		through_done(t, memcmp(evbuffer_pullup(in, THROUGH_ECHO),
		    t->echo, THROUGH_ECHO) == 0);
	else if (t->want.body != NULL && evbuffer_search(in, t->want.body,
	    t->want.len, NULL).pos >= 0)
		through_done(t, 1);
	else if (t->want.body != NULL && n > t->want.len + HEAD)
		through_done(t, 0);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	if (!(what & BEV_EVENT_CONNECTED))
		through_done(arg, 0);
}

/* An echo is unique, so that an answer to another attempt is not taken for this
 * one's. */
static void
through_say(struct through *t)
{
	if (t->want.body != NULL) {
		evbuffer_add_printf(bufferevent_get_output(t->bev), "GET "
		    "/must-block HTTP/1.1\r\nHost: probe.invalid\r\n"
		    "Connection: close\r\n\r\n");
		return;
	}
	snprintf(t->echo, sizeof(t->echo), "clearspan probe %016llx%32s",
	    (unsigned long long)t->began, "");
	bufferevent_write(t->bev, t->echo, THROUGH_ECHO);
}

/* If the kernel refuses it is a miss, but later: done() must not come from
 * here. */
static void
through_begin(struct through *t)
{
	static const struct timeval again = { 0, RETRY_US };
	struct addr *from = &t->want.from, *to = &t->want.to;
	int fd = zone_socket(t->want.zone, ZONE_INSIDE, to->sa.sa_family);

	if (fd == ERR_AGAIN)
		event_add(&t->retry, &again);
	if (fd < 0)
		return;
	t->bev = bufferevent_socket_new(t->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(t->bev, on_read, NULL, on_event, t);
	bufferevent_enable(t->bev, EV_READ | EV_WRITE);
	through_say(t);
	if (bind(fd, &from->sa, addr_len(from)) == 0)
		bufferevent_socket_connect(t->bev, &to->sa,
		    (int)addr_len(to));
}

struct through *
through_start(struct event_base *base, const struct through_want *w)
{
	struct timeval tv = clock_timeval(w->timeout);
	struct through *t = xcalloc(1, sizeof(*t));

	t->want = *w;
	t->base = base;
	t->began = clock_us();
	evtimer_assign(&t->timer, base, on_timeout, t);
	evtimer_assign(&t->retry, base, on_retry, t);
	event_add(&t->timer, &tv);
	through_begin(t);
	return t;
}
