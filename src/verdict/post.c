/*
 * Connect, write the request, read the answer.
 */
#include "verdict/post.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "codec/http1.h"
#include "codec/template.h"
#include "tls/outward.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

#define HEAD_MAX	(64 * 1024)	/* bytes of an answer's head */
#define BODY_MAX	(256 * 1024)	/* that are waited for */

struct post {
	struct outward	*out;
	post_done	 done;
	void		*arg;
	struct event	 timer;
	struct text	 request;
	char		*method;
	struct text	 in;		/* the answer, up to its head's end */
	struct http_text *head;
	struct http1_body body;
	int		 status;	/* 0: the head is not there */
	struct text	 said;
};

void
post_cancel(struct post *p)
{
	if (p == NULL)
		return;
	outward_free(p->out);
	event_del(&p->timer);
	text_free(&p->request);
	text_free(&p->in);
	text_free(&p->said);
	free(p->head);
	free(p->method);
	free(p);
}

static void
finish(struct post *p, int status, const char *why)
{
	post_done done = p->done;
	void *arg = p->arg;
	struct text said = { 0 };

	text_puts(&said, "");
	template_clean(&said, why);
	post_cancel(p);
	done(arg, status, said.s);
	text_free(&said);
}

/* With an answer, what comes of its body does not matter. */
static void
over(struct post *p, const char *why)
{
	if (p->status != 0)
		finish(p, p->status, p->said.s != NULL ? p->said.s : "");
	else
		finish(p, 0, why);
}

static void
late(evutil_socket_t fd, short what, void *arg)
{
	over(arg, "no answer in time");
}

/* Whether the body is over. */
static int
body(struct post *p, struct slice in)
{
	struct slice part;
	size_t room;
	int rv;

	while ((rv = http1_body_next(&p->body, &in, &part)) == 1) {
		room = POST_SAID - p->said.len;
		text_add(&p->said, part.p, part.len < room ? part.len : room);
	}
	return rv != ERR_SHORT || p->body.payload > BODY_MAX;
}

/* Bytes of the head, and perhaps of what follows it. */
static void
head(struct post *p, const char *data, size_t n)
{
	int rv;

	text_add(&p->in, data, n);
	while ((rv = http_response(p->head, p->in.s, p->in.len)) == 0 &&
	    p->head->head.status < 200) {	/* RFC 9110, 15.2 */
		n = p->in.len - p->head->len;
		memmove(p->in.s, p->in.s + p->head->len, n + 1);
		p->in.len = n;
		memset(p->head, 0, sizeof(*p->head));
	}
	if (rv == ERR_SHORT && p->in.len < HEAD_MAX)
		return;
	if (rv != 0) {
		finish(p, 0, "it does not answer in HTTP");
		return;
	}
	p->status = p->head->head.status;
	http1_body_init(&p->body, p->head, slice_of(p->method,
	    strlen(p->method)));
	if (body(p, slice_of(p->in.s + p->head->len,
	    p->in.len - p->head->len)))
		over(p, "");
}

static void
heard(void *arg, const char *data, size_t n)
{
	struct post *p = arg;

	if (n == 0)
		over(p, "it has closed the connection without an answer");
	else if (p->status == 0)
		head(p, data, n);
	else if (body(p, slice_of(data, n)))
		over(p, "");
}

static void
failed(void *arg, const char *why)
{
	over(arg, why);
}

static void
ready(void *arg)
{
	struct post *p = arg;

	outward_write(p->out, p->request.s, p->request.len);
}

/* Host has the port unless it is the scheme's (RFC 9110, 7.2). */
static void
write_request(struct text *t, const struct post_want *w)
{
	int v6 = strchr(w->host, ':') != NULL;

	text_printf(t, "%s %s HTTP/1.1\r\nHost: %s%s%s", w->method, w->path,
	    v6 ? "[" : "", w->host, v6 ? "]" : "");
	if (w->port != (w->ctx != NULL ? 443 : 80))
		text_printf(t, ":%u", w->port);
	text_puts(t, "\r\n");
	text_add(t, w->fields.p, w->fields.len);
	if (w->body.len > 0 || strcmp(w->method, "GET") != 0)
		text_printf(t, "Content-Length: %zu\r\n", w->body.len);
	text_puts(t, "Connection: close\r\n\r\n");
	text_add(t, w->body.p, w->body.len);
}

struct post *
post_start(struct event_base *base, struct names *names,
    const struct post_want *want, post_done done, void *arg)
{
	static const struct outward_ops ops = { ready, heard, failed };
	struct outward_want to = { want->host, want->port, want->ctx,
	    want->timeout };
	struct timeval tv = clock_timeval(want->timeout);
	struct post *p = xcalloc(1, sizeof(*p));

	p->done = done;
	p->arg = arg;
	p->method = xstrdup(want->method);
	p->head = xcalloc(1, sizeof(*p->head));
	write_request(&p->request, want);
	evtimer_assign(&p->timer, base, late, p);
	evtimer_add(&p->timer, &tv);
	p->out = outward_start(base, names, &to, &ops, p);
	return p;
}
