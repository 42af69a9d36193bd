/*
 * One hop after the other: dial it, and if it is a proxy, ask it. Its answer is
 * looked at where it is, in the socket, and only what is the proxy's is taken
 * out: a server may have begun to speak behind it.
 */
#include "net/via.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

struct via {
	struct event_base *base;
	struct names	*names;
	struct via_want	 want;
	struct addr	 from, client;	/* what want.dial refers to */
	char		*host, *name, *other;
	struct via_proxy *hops[VIA_HOPS];	/* in the order of trying */
	size_t		 n, at;
	via_done	 done;
	void		*arg;
	struct dial	*dial;
	struct upproxy	 ask;		/* its host is name or text */
	char		 text[ADDR_STRLEN];
	struct addr	 to;
	char		 said[256];	/* what each hop died of */
	int		 fd;		/* of the proxy asked; or -1 */
	int		 closed;	/* it has sent its last */
	struct event	 ev, late;
};

static void	via_hop(struct via *);

/* The proxies that failed lately come last. */
static void
via_order(struct via *v, const struct via_want *want)
{
	uint64_t now = clock_ms();
	size_t i, pass, n = want->n < VIA_HOPS ? want->n : VIA_HOPS;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < n; i++) {
			struct via_proxy *p = want->hops[i];
			int failed = p != NULL && p->failed != 0 &&
			    now - p->failed < VIA_FAILED_MS;

			if (failed == (int)pass)
				v->hops[v->n++] = p;
		}
	if (v->n == 0)
		v->n = 1;	/* straight */
}

/* Close what the hop has. */
static void
via_close(struct via *v)
{
	dial_cancel(v->dial);
	v->dial = NULL;
	event_del(&v->late);
	if (v->fd == -1)
		return;
	event_del(&v->ev);
	close(v->fd);
	v->fd = -1;
}

void
via_cancel(struct via *v)
{
	if (v == NULL)
		return;
	via_close(v);
	free(v->host);
	free(v->name);
	free(v->other);
	free(v);
}

static void
via_finish(struct via *v, int fd, const struct addr *to, const char *why)
{
	const struct via_proxy *by = v->hops[v->at];
	via_done done = v->done;
	void *arg = v->arg;
	struct addr at;
	int e = errno;

	if (to != NULL)
		at = *to;
	via_cancel(v);
	errno = e;
	done(arg, fd, to != NULL ? &at : NULL, by, why);
}

/* This hop leads nowhere. dead: it is the proxy's fault. */
static void
via_failed(struct via *v, int err, const char *why, int dead)
{
	static struct log_gate gate;
	struct via_proxy *p = v->hops[v->at];
	size_t n = strlen(v->said);
	char text[sizeof(v->said)];
	int held, e = errno;

	via_close(v);
	snprintf(v->said + n, sizeof(v->said) - n, "%s%s%s%s%s",
	    n > 0 ? "; " : "", p != NULL ? "upstream proxy " : "",
	    p != NULL ? p->name : "", p != NULL ? ": " : "", why);
	if (dead && p != NULL) {
		p->failed = clock_ms();
		if (log_gate(&gate, &held))
			log_warn("upstream proxy %s: %s (%d more like it not "
			    "shown)", p->name, why, held);
	}
	if (v->at + 1 < v->n && err != ERR_DENIED && err != ERR_LIMIT &&
	    err != ERR_FORMAT) {
		v->at++;
		via_hop(v);
		return;
	}
	snprintf(text, sizeof(text), "%s", v->said);
	errno = e;
	via_finish(v, err, NULL, text);
}

/* The proxy's word on the server: no other one is asked. */
static void
via_refused(struct via *v)
{
	char text[256];

	snprintf(text, sizeof(text), "upstream proxy %s: %s",
	    v->hops[v->at]->name, v->ask.why);
	v->hops[v->at]->failed = 0;
	errno = 0;
	via_finish(v, v->ask.timed_out ? ERR_TIMEOUT : ERR_SYS, NULL, text);
}

static void
via_open(struct via *v)
{
	int fd = v->fd;

	v->hops[v->at]->failed = 0;
	event_del(&v->ev);
	v->fd = -1;
	via_finish(v, fd, &v->to, NULL);
}

/* The socket's buffer is empty, so it fits. 0 or ERR_SYS. */
static int
via_say(struct via *v, struct text *t)
{
	ssize_t n = t->len == 0 ? 0 : send(v->fd, t->s, t->len, MSG_NOSIGNAL);
	size_t len = t->len;

	OPENSSL_cleanse(t->s, t->len);
	text_free(t);
	return n == (ssize_t)len ? 0 : ERR_SYS;
}

static int
via_take(struct via *v, size_t n)
{
	uint8_t buf[1024];
	ssize_t got;

	for (; n > 0; n -= (size_t)got) {
		got = recv(v->fd, buf, n < sizeof(buf) ? n : sizeof(buf), 0);
		if (got <= 0)
			return ERR_SYS;
	}
	return 0;
}

/* Read one answer. ERR_AGAIN: there may be another one. */
static int
via_answer(struct via *v, const char **why)
{
	uint8_t buf[UPPROXY_HEAD_MAX];
	struct text out = { 0 };
	size_t used;
	ssize_t n;
	int rv;

	n = recv(v->fd, buf, sizeof(buf), MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return ERR_SHORT;
	if (n == -1) {
		*why = strerror(errno);
		return ERR_SYS;
	}
	*why = v->ask.why;
	rv = upproxy_read(&v->ask, buf, (size_t)n, &used, &out);
	if ((rv == 0 || rv == ERR_AGAIN) && (via_take(v, used) != 0 ||
	    via_say(v, &out) != 0))
		rv = ERR_EOF;
	if (rv == ERR_SHORT && (n == 0 || v->closed))
		rv = ERR_EOF;
	if (rv == ERR_EOF)
		*why = "it closed the connection";
	text_free(&out);
	return rv;
}

static void
via_event(evutil_socket_t fd, short what, void *arg)
{
	struct via *v = arg;
	const char *why = "";
	int rv;

	v->closed |= (what & EV_CLOSED) != 0;
	while ((rv = via_answer(v, &why)) == ERR_AGAIN)
		continue;
	if (rv == 0)
		via_open(v);
	else if (rv == ERR_DENIED)
		via_refused(v);
	else if (rv != ERR_SHORT) {
		errno = 0;
		via_failed(v, ERR_SYS, why, 1);
	}
}

static void
via_late(evutil_socket_t fd, short what, void *arg)
{
	via_failed(arg, ERR_TIMEOUT, "it did not answer in time", 0);
}

/* The proxy is connected: ask it. */
static void
via_ask(struct via *v)
{
	struct timeval tv = clock_timeval(v->want.dial.timeout);
	struct via_proxy *p = v->hops[v->at];
	struct text out = { 0 };

	memset(&v->ask, 0, sizeof(v->ask));
	v->closed = 0;
	v->ask.kind = p->kind;
	v->ask.auth = p->auth;
	v->ask.host = v->name != NULL ? v->name :
	    addr_ip_str(&v->want.dial.addr, v->text);
	v->ask.port = v->name != NULL ? v->want.dial.port :
	    addr_port(&v->want.dial.addr);
	event_assign(&v->ev, v->base, v->fd, EV_READ | EV_CLOSED | EV_ET |
	    EV_PERSIST, via_event, v);
	event_add(&v->ev, NULL);
	evtimer_add(&v->late, &tv);
	if (upproxy_begin(&v->ask, &out) != 0) {
		text_free(&out);
		errno = 0;
		via_failed(v, ERR_FORMAT, v->ask.why, 0);
	} else if (via_say(v, &out) != 0) {
		via_failed(v, ERR_SYS, "it closed the connection", 1);
	}
}

static void
via_dialled(void *arg, int fd, const struct addr *to, const char *why)
{
	struct via *v = arg;

	v->dial = NULL;
	if (fd < 0) {
		via_failed(v, fd, why, fd != ERR_LIMIT && fd != ERR_DENIED);
		return;
	}
	v->to = *to;
	if (v->hops[v->at] == NULL) {
		via_finish(v, fd, to, NULL);
		return;
	}
	v->fd = fd;
	sock_nodelay(fd);
	via_ask(v);
}

/* An address that the proxy would get: may it be reached? */
static int
via_denied(const struct via *v)
{
	struct addr ip = v->want.dial.addr;

	if (v->want.dial.allow == NULL)
		return 0;
	if (v->name != NULL) {
		if (addr_parse_ip(&ip, v->name) != 0)
			return 0;
		addr_set_port(&ip, v->want.dial.port);
	}
	return v->want.dial.allow(v->want.dial.arg, &ip) != 0;
}

static void
via_refuse(evutil_socket_t fd, short what, void *arg)
{
	via_finish(arg, ERR_DENIED, NULL, "destination not allowed");
}

/* Dial the next hop. Nothing is told before an event. */
static void
via_hop(struct via *v)
{
	struct via_proxy *p = v->hops[v->at];
	struct dial_want want = v->want.dial;

	if (p != NULL && via_denied(v)) {
		evtimer_assign(&v->late, v->base, via_refuse, v);
		event_active(&v->late, EV_TIMEOUT, 0);
		return;
	}
	if (p != NULL) {
		want.host = p->host;
		want.port = p->port;
		want.from = NULL;
		want.other = NULL;
		want.allow = v->want.allow_proxy;
	}
	v->dial = dial_start(v->base, v->names, &want, via_dialled, v);
}

struct via *
via_start(struct event_base *base, struct names *names,
    const struct via_want *want, via_done done, void *arg)
{
	struct via *v = xcalloc(1, sizeof(*v));
	struct dial_want *d = &v->want.dial;

	v->base = base;
	v->names = names;
	v->want = *want;
	v->done = done;
	v->arg = arg;
	v->fd = -1;
	if (d->host != NULL)
		d->host = v->host = xstrdup(d->host);
	if (want->name != NULL)
		v->name = xstrdup(want->name);
	if (d->other != NULL)
		d->other = v->other = xstrdup(d->other);
	if (d->from != NULL) {
		v->from = *d->from;
		d->from = &v->from;
	}
	if (d->client != NULL) {
		v->client = *d->client;
		d->client = &v->client;
	}
	via_order(v, want);
	evtimer_assign(&v->late, base, via_late, v);
	via_hop(v);
	return v;
}
