/*
 * Dialling: the race of RFC 8305 between the addresses of a name. This file
 * has the order and the bounds; net/names finds the addresses, and net/sock
 * talks to the kernel.
 *
 * dial_step() moves a dial: it starts the tries that are due, and ends the
 * dial when no try is under way and no address can follow. Only events run it.
 */
#include "net/dial.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define DIAL_TRIES	8	/* addresses tried */
#define ANSWER_DELAY	50	/* ms IPv4 waits for the AAAA (RFC 8305, 3) */
#define OTHER_MS	1000	/* that a failed address waits for DNS */

struct try {
	struct dial	*dial;
	struct addr	 to;
	struct event	 ev;
	int		 fd;		/* -1 when it is over */
};

struct dial {
	struct event_base	*base;
	struct dial_want	 want;		/* host is not kept */
	char			*other;		/* not asked for yet, or NULL */
	uint64_t		 asked;		/* ms, when it was */
	struct addr		 from;
	dial_done		 done;
	void			*arg;
	struct names		*names;
	struct names_ask	*ask;		/* NULL once all are known */
	struct names_found	 found;
	size_t			 used6;		/* tried of found.v6 */
	size_t			 used4;
	struct try		 tries[DIAL_TRIES];
	size_t			 ntries;
	size_t			 open;		/* tries under way */
	struct event		 step;		/* the next thing to do */
	struct event		 deadline;
	int			 err;		/* why the last try failed */
	int			 sys;		/* errno, with ERR_SYS */
	const char		*why;		/* the reason, without errno */
};

static void
dial_in(struct event *ev, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	event_add(ev, &tv);
}

static void
try_close(struct try *t)
{
	if (t->fd < 0)
		return;
	event_del(&t->ev);
	close(t->fd);
	t->fd = -1;
	t->dial->open--;
}

void
dial_cancel(struct dial *d)
{
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < d->ntries; i++)
		try_close(&d->tries[i]);
	if (d->ask != NULL)
		names_cancel(d->ask);
	event_del(&d->step);
	event_del(&d->deadline);
	free(d->other);
	free(d);
}

static void
dial_finish(struct dial *d, int fd, const struct addr *to, const char *why)
{
	dial_done done = d->done;
	void *arg = d->arg;
	int sys = d->sys;
	struct addr at;

	if (to != NULL)
		at = *to;
	dial_cancel(d);
	errno = sys;
	done(arg, fd, to != NULL ? &at : NULL, why);
}

/* The kernel's text as the middle of a sentence. */
static void
dial_fail(struct dial *d)
{
	char text[128];

	if (d->why == NULL) {
		snprintf(text, sizeof(text), "%s", strerror(d->sys));
		if (text[0] != '\0' && islower((unsigned char)text[1]))
			text[0] = (char)tolower((unsigned char)text[0]);
	} else {
		snprintf(text, sizeof(text), "%s", d->why);
	}
	dial_finish(d, d->err, NULL, text);
}

/*
 * Keep the last failure that says something about the server, so that a
 * missing IPv6 route does not hide a refused IPv4 connection.
 */
static void
dial_failed(struct dial *d, int err, int sys, const char *why)
{
	if (d->err != 0 && err == ERR_SYS && (sys == ENETUNREACH ||
	    sys == EADDRNOTAVAIL || sys == EAFNOSUPPORT))
		return;
	d->err = err;
	d->sys = sys;
	d->why = why;
}

static int
out_of_room(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

static void
dial_late(int fd, short what, void *arg)
{
	struct dial *d = arg;
	char text[64];
	uint64_t ms = d->want.timeout;

	if (ms % 1000 == 0)
		snprintf(text, sizeof(text), "timed out after %llus",
		    (unsigned long long)ms / 1000);
	else
		snprintf(text, sizeof(text), "timed out after %llums",
		    (unsigned long long)ms);
	d->sys = ETIMEDOUT;
	dial_finish(d, ERR_TIMEOUT, NULL, text);
}

static void
try_ready(int fd, short what, void *arg)
{
	struct try *t = arg;
	struct dial *d = t->dial;
	int e = sock_error(fd);

	if (e != 0) {
		try_close(t);
		dial_failed(d, ERR_SYS, e, NULL);
		event_active(&d->step, EV_TIMEOUT, 0);
		return;
	}
	event_del(&t->ev);
	t->fd = -1;
	d->open--;
	dial_finish(d, fd, &t->to, NULL);
}

/* Returns 0 when the try is under way. */
static int
dial_try(struct dial *d, const struct addr *to)
{
	struct try *t = &d->tries[d->ntries];
	const struct addr *from = NULL;
	int rv;

	if (d->want.allow != NULL &&
	    (rv = d->want.allow(d->want.arg, to)) != 0) {
		if (d->err == 0 || d->want.other == NULL)
			dial_failed(d, rv < 0 ? rv : ERR_DENIED, EACCES,
			    "destination not allowed");
		return rv;
	}
	if (d->from.sa.sa_family == to->sa.sa_family)
		from = &d->from;
	d->ntries++;
	t->dial = d;
	t->to = *to;
	if ((t->fd = sock_connect(to, from)) < 0) {
		dial_failed(d, out_of_room(errno) ? ERR_LIMIT : ERR_SYS,
		    errno, NULL);
		t->fd = -1;
		return ERR_SYS;
	}
	d->open++;
	event_assign(&t->ev, d->base, t->fd, EV_WRITE, try_ready, t);
	event_add(&t->ev, NULL);
	return 0;
}

/* The next known address: IPv6 first, then alternating (RFC 8305, 4). */
static const struct addr *
dial_next(struct dial *d)
{
	int have6 = d->used6 < d->found.n6, have4 = d->used4 < d->found.n4;

	if (d->ntries == DIAL_TRIES)
		return NULL;
	if (have6 && (d->used6 <= d->used4 || !have4))
		return &d->found.v6[d->used6++];
	if (have4)
		return &d->found.v4[d->used4++];
	return NULL;
}

/* Only the family that the address is not of is taken from the name. */
static void
dial_told_other(void *arg, const struct names_found *found)
{
	struct dial *d = arg;

	if (d->want.addr.sa.sa_family == AF_INET6) {
		memcpy(d->found.v4, found->v4, sizeof(d->found.v4));
		d->found.n4 = found->n4;
	} else {
		memcpy(d->found.v6, found->v6, sizeof(d->found.v6));
		d->found.n6 = found->n6;
	}
	if (found->done4 && found->done6)
		d->ask = NULL;
	event_active(&d->step, EV_TIMEOUT, 0);
}

static void
dial_ask_other(struct dial *d)
{
	char *name = d->other;
	int err;

	d->other = NULL;
	d->asked = clock_ms();
	if (d->names != NULL)
		d->ask = names_ask(d->names, name, d->want.client,
		    dial_told_other, d, &err);
	free(name);
}

/* Whether the other addresses of the name have been waited for long enough. */
static int
dial_waited(const struct dial *d)
{
	return d->asked != 0 && clock_ms() - d->asked >= OTHER_MS;
}

static void
dial_step(int fd, short what, void *arg)
{
	struct dial *d = arg;
	const struct addr *next;
	struct addr to;

	while ((next = dial_next(d)) != NULL) {
		to = *next;
		if (d->want.host != NULL)
			addr_set_port(&to, d->want.port);
		else
			addr_set_port(&to, addr_port(&d->want.addr));
		if (dial_try(d, &to) == 0) {
			dial_in(&d->step, DIAL_NEXT_MS);
			return;
		}
	}
	if (d->other != NULL)
		dial_ask_other(d);
	if (d->open > 0)
		return;
	if (d->ask == NULL || dial_waited(d))
		dial_fail(d);
	else if (d->asked != 0)
		dial_in(&d->step, OTHER_MS);
}

static const char *
name_why(int err)
{
	switch (err) {
	case ERR_NOTFOUND:
		return "name not found";
	case ERR_TIMEOUT:
		return "name server did not answer";
	case ERR_FORMAT:
		return "not a host name";
	case ERR_LIMIT:
		return "too many names being looked up";
	}
	return "name server failed";
}

static void
dial_told(void *arg, const struct names_found *found)
{
	struct dial *d = arg;
	int first = d->found.n4 + d->found.n6 == 0;

	d->found = *found;
	if (found->done4 && found->done6) {
		d->ask = NULL;
		if (found->n4 + found->n6 == 0)
			dial_failed(d, ERR_NOTFOUND, 0, name_why(found->err));
	} else if (!found->done6) {
		/* IPv4 is there; give the AAAA its head start. */
		dial_in(&d->step, ANSWER_DELAY);
		return;
	}
	/* Tries are under way: addresses that came late wait their turn. */
	if (d->open == 0 || first)
		event_active(&d->step, EV_TIMEOUT, 0);
	else if (!event_pending(&d->step, EV_TIMEOUT, NULL))
		dial_in(&d->step, DIAL_NEXT_MS);
}

static void
dial_addr(struct dial *d, const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		d->found.v6[d->found.n6++] = *a;
	else if (a->sa.sa_family == AF_INET)
		d->found.v4[d->found.n4++] = *a;
	else
		dial_failed(d, ERR_FORMAT, 0, "no address");
	event_active(&d->step, EV_TIMEOUT, 0);
}

struct dial *
dial_start(struct event_base *base, struct names *names,
    const struct dial_want *want, dial_done done, void *arg)
{
	struct dial *d = xcalloc(1, sizeof(*d));
	struct addr a = want->addr;
	int err = ERR_SYS;

	d->base = base;
	d->names = names;
	d->want = *want;
	if (want->other != NULL)
		d->other = xstrdup(want->other);
	d->done = done;
	d->arg = arg;
	if (want->from != NULL)
		d->from = *want->from;
	evtimer_assign(&d->step, base, dial_step, d);
	evtimer_assign(&d->deadline, base, dial_late, d);
	dial_in(&d->deadline, want->timeout);
	if (want->host == NULL || addr_parse_ip(&a, want->host) == 0) {
		dial_addr(d, &a);
		return d;
	}
	if (names != NULL)
		d->ask = names_ask(names, want->host, want->client,
		    dial_told, d, &err);
	if (d->ask == NULL) {
		dial_failed(d, err == ERR_SYS ? ERR_NOTFOUND : err, 0,
		    name_why(err));
		event_active(&d->step, EV_TIMEOUT, 0);
	}
	return d;
}
