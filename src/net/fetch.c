/*
 * Dial, write the request, read until the answer is whole.
 */
#include "net/fetch.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/hostname.h"
#include "codec/http1.h"
#include "net/dial.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

#define HEAD_MAX	(16 * 1024)	/* bytes of an answer's head */

struct fetch {
	struct event_base *base;
	size_t		 max;
	fetch_done	 done;
	void		*arg;
	struct dial	*dial;
	int		 fd;
	struct event	 ev, timer;
	struct text	 request;
	size_t		 sent;
	struct text	 in;		/* the answer, up to its head's end */
	struct http_text *head;
	struct http1_body body;
	int		 has_head;	/* so the body is followed */
	struct text	 content;
};

static void
fetch_free(struct fetch *f)
{
	dial_cancel(f->dial);
	event_del(&f->timer);
	if (f->fd != -1) {
		event_del(&f->ev);
		close(f->fd);
	}
	text_free(&f->request);
	text_free(&f->in);
	text_free(&f->content);
	free(f->head);
	free(f);
}

void
fetch_cancel(struct fetch *f)
{
	if (f != NULL)
		fetch_free(f);
}

static void
fetch_failed(struct fetch *f, const char *why)
{
	f->done(f->arg, NULL, 0, why);
	fetch_free(f);
}

/* Read the head. 0: it is there, and content may follow; or ERR_SHORT, or
 * another with *why. */
static int
fetch_head(struct fetch *f, const char **why)
{
	int rv = http_response(f->head, f->in.s, f->in.len);

	if (rv == ERR_SHORT && f->in.len < HEAD_MAX)
		return rv;
	*why = "its head cannot be read";
	if (rv != 0)
		return ERR_FORMAT;
	*why = "its status is not 200";
	if (f->head->head.status != 200)
		return ERR_FORMAT;
	f->has_head = 1;
	http1_body_init(&f->body, f->head, slice_of("GET", 3));
	return 0;
}

/* Take content. 0: it is whole; or as fetch_head(). */
static int
fetch_content(struct fetch *f, struct slice in, const char **why)
{
	struct slice part;
	int rv;

	while ((rv = http1_body_next(&f->body, &in, &part)) == 1) {
		if (part.len > f->max - f->content.len) {
			*why = "it is too long";
			return ERR_LIMIT;
		}
		text_add(&f->content, part.p, part.len);
	}
	*why = f->body.why;
	return rv;
}

/* More of the answer; n 0: its end. As fetch_head(). */
static int
fetch_take(struct fetch *f, const char *data, size_t n, const char **why)
{
	size_t head;
	int rv;

	*why = "it was cut off";
	if (n == 0)
		return f->has_head ? http1_body_eof(&f->body) : ERR_SHORT;
	if (f->has_head)
		return fetch_content(f, slice_of(data, n), why);
	text_add(&f->in, data, n);
	if ((rv = fetch_head(f, why)) != 0)
		return rv;
	head = f->head->len;
	return fetch_content(f, slice_of(f->in.s + head, f->in.len - head),
	    why);
}

static void
fetch_read(struct fetch *f, const char *data, size_t n)
{
	const char *why;
	int rv = fetch_take(f, data, n, &why);

	if (rv == ERR_SHORT && n > 0)
		return;
	if (rv != 0) {
		fetch_failed(f, why);
		return;
	}
	f->done(f->arg, (const uint8_t *)f->content.s, f->content.len, NULL);
	fetch_free(f);
}

/* Write the rest of the request. 0 or ERR_SYS. */
static int
fetch_write(struct fetch *f)
{
	ssize_t n = send(f->fd, f->request.s + f->sent,
	    f->request.len - f->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN ? 0 : ERR_SYS;
	f->sent += (size_t)n;
	return 0;
}

static void
fetch_readable(evutil_socket_t fd, short what, void *arg)
{
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0 && errno != EAGAIN)
		fetch_failed(arg, strerror(errno));
	else if (n >= 0)
		fetch_read(arg, buf, (size_t)n);
}

static void
fetch_writable(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *f = arg;

	if (fetch_write(f) != 0) {
		fetch_failed(f, strerror(errno));
		return;
	}
	if (f->sent < f->request.len)
		return;
	event_del(&f->ev);
	event_assign(&f->ev, f->base, fd, EV_READ | EV_PERSIST,
	    fetch_readable, f);
	event_add(&f->ev, NULL);
}

static void
fetch_connected(void *arg, int fd, const struct addr *to, const char *why)
{
	struct fetch *f = arg;

	f->dial = NULL;
	if (fd < 0) {
		fetch_failed(f, why);
		return;
	}
	f->fd = fd;
	event_assign(&f->ev, f->base, fd, EV_WRITE | EV_PERSIST,
	    fetch_writable, f);
	event_add(&f->ev, NULL);
}

static void
fetch_late(evutil_socket_t fd, short what, void *arg)
{
	fetch_failed(arg, "timed out");
}

/* The host to dial, and the request. 0 or ERR_FORMAT. */
static int
fetch_request(const char *url, char host[HOSTNAME_MAX + 1], struct text *out)
{
	struct http_url u;

	if (http_absolute(slice_of(url, strlen(url)), &u) != 0 ||
	    !slice_is(u.scheme, "http") || u.port != 80 || u.v6 ||
	    hostname_copy(host, u.host.p, u.host.len) != 0)
		return ERR_FORMAT;
	text_printf(out, "GET %s%.*s HTTP/1.1\r\nHost: %s\r\n"
	    "Accept: */*\r\nConnection: close\r\n\r\n",
	    u.path.len > 0 && u.path.p[0] == '/' ? "" : "/",
	    (int)u.path.len, u.path.p != NULL ? u.path.p : "", host);
	return 0;
}

struct fetch *
fetch_start(struct event_base *base, struct names *names,
    const struct fetch_want *want, fetch_done done, void *arg)
{
	struct timeval tv = clock_timeval(want->timeout);
	char host[HOSTNAME_MAX + 1];
	struct dial_want dial = {
		.host = host, .port = 80, .timeout = want->timeout,
		.allow = want->allow, .arg = want->arg
	};
	struct text request = { 0 };
	struct fetch *f;

	if (fetch_request(want->url, host, &request) != 0)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	f->base = base;
	f->max = want->max;
	f->done = done;
	f->arg = arg;
	f->fd = -1;
	f->request = request;
	f->head = xcalloc(1, sizeof(*f->head));
	text_puts(&f->content, "");
	evtimer_assign(&f->timer, base, fetch_late, f);
	evtimer_add(&f->timer, &tv);
	f->dial = dial_start(base, names, &dial, fetch_connected, f);
	return f;
}
