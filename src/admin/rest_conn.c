/*
 * A connection of REST: requests of HTTP/1 one after the other, on libevent's
 * bufferevents, with TLS or without. libevent's own server of HTTP bounds
 * neither connections nor the time of a whole request, and would read a body
 * before anybody has seen the head; what reads heads here is that which reads
 * those of clients (codec/http).
 */
#include "admin/rest_conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/http1.h"
#include "util/err.h"
#include "util/mem.h"

struct rest_conn {
	TAILQ_ENTRY(rest_conn) link;
	struct rest_listener *l;
	struct bufferevent *bev;
	struct event	*timer;
	struct addr	 peer;
	enum rest_phase	 phase;
	size_t		 scanned;	/* of a head */
	struct http1_body framing;
	struct text	 body;
	int		 whole;		/* the body has been read */
	int		 keep;		/* another request may follow */
	struct rest_request *req;	/* HEADING to ASKED; or NULL */
};

/* How long each phase may last in all, in seconds: who sends a byte now and
 * then gains nothing. */
static const int lasts[] = {
	[REST_IDLE] = 30, [REST_HEADING] = 10, [REST_READING] = 30,
	[REST_ASKED] = 60, [REST_WRITING] = 30, [REST_CLOSING] = 10,
	[REST_LINGERING] = 2
};

static void	conn_step(struct rest_conn *);

static void
conn_phase(struct rest_conn *c, enum rest_phase phase)
{
	struct timeval tv = { lasts[phase], 0 };

	c->phase = phase;
	evtimer_add(c->timer, &tv);
	TAILQ_REMOVE(&c->l->conns, c, link);
	TAILQ_INSERT_TAIL(&c->l->conns, c, link);
	if (phase == REST_ASKED || phase == REST_WRITING ||
	    phase == REST_CLOSING)
		bufferevent_disable(c->bev, EV_READ);
	else
		bufferevent_enable(c->bev, EV_READ);
}

SSL *
rest_conn_ssl(const struct rest_conn *c)
{
	return bufferevent_openssl_get_ssl(c->bev);
}

struct rest_listener *
rest_conn_listener(const struct rest_conn *c)
{
	return c->l;
}

/* For what its peer sends, without having been let in. */
static int
conn_waits(const struct rest_conn *c)
{
	return c->phase == REST_IDLE || c->phase == REST_HEADING ||
	    c->phase == REST_LINGERING;
}

static void
request_free(struct rest_request *r)
{
	if (r == NULL)
		return;
	free((void *)(uintptr_t)r->head);
	free(r->name);
	text_free(&r->bytes);
	text_free(&r->words);
	text_free(&r->fields);
	text_free(&r->content);
	free(r);
}

/* "close notify", so that the peer knows that nothing was cut off. */
static void
conn_shut(struct rest_conn *c)
{
	SSL *ssl = rest_conn_ssl(c);

	if (ssl != NULL && SSL_is_init_finished(ssl))
		SSL_shutdown(ssl);
}

void
rest_conn_free(struct rest_conn *c)
{
	TAILQ_REMOVE(&c->l->conns, c, link);
	c->l->nconns--;
	if (c->phase != REST_LINGERING)
		conn_shut(c);
	if (c->req != NULL && c->phase == REST_ASKED)
		c->req->conn = NULL;	/* who has it frees it */
	else
		request_free(c->req);
	event_free(c->timer);
	bufferevent_free(c->bev);
	text_free(&c->body);
	free(c);
}

void
rest_conn_end(struct rest_conn *c)
{
	c->keep = 0;
	if (conn_waits(c))
		rest_conn_free(c);
}

void
rest_conn_end_all(struct rest_listener *l)
{
	struct rest_conn *c, *next;

	for (c = TAILQ_FIRST(&l->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		rest_conn_end(c);
	}
}

struct rest_conn *
rest_conn_next(const struct rest_listener *l)
{
	struct rest_conn *c;

	TAILQ_FOREACH(c, &l->conns, link)
		if (conn_waits(c))
			return c;
	return NULL;
}

/* A request that could not be read is answered all the same. */
static struct rest_request *
request_new(struct rest_conn *c)
{
	struct rest_request *r = xcalloc(1, sizeof(*r));

	r->env = c->l->rest->env;
	r->mail = c->l->rest->mail;
	r->sensor = c->l->sensor;
	r->query = "";
	r->peer = c->peer;
	r->tls = c->l->ctx != NULL;
	r->conn = c;
	c->req = r;
	c->whole = c->keep = 0;
	return r;
}

static void
refuse(struct rest_conn *c, int status, const char *why)
{
	if (c->req == NULL)
		request_new(c);
	c->keep = 0;
	c->l->rest->ops->refuse(c->req, status, why != NULL ? why :
	    "the request cannot be read");
}

/* The head is whole: let it in, and then its body. */
static void
conn_begin(struct rest_conn *c, const struct http_text *t, const char *data)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct rest_request *r = request_new(c);

	r->head = http_keep(&t->head, data, t->len, &r->bytes);
	http1_body_init(&c->framing, t, t->head.method);
	c->whole = c->framing.kind == HTTP1_NONE;
	c->keep = http1_keeps_alive(&t->head);
	text_clear(&c->body);
	c->scanned = 0;
	evbuffer_drain(bufferevent_get_input(c->bev), t->len);
	conn_phase(c, REST_READING);
	if (!c->l->rest->ops->admit(r))
		return;
	if (r->head->length > (int64_t)REST_BODY)
		refuse(c, 413, "a body may have 1 MiB at the most");
	else if (!c->whole && http_has_token(r->head, "Expect",
	    "100-continue"))
		bufferevent_write(c->bev, go_on, sizeof(go_on) - 1);
}

/* Returns whether to go on. */
static int
conn_head(struct rest_conn *c)
{
	static struct http_text t;	/* it is long, and used only here */
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	const char *data;
	int rv;

	if (len == 0)
		return 0;
	if (c->phase == REST_IDLE)
		conn_phase(c, REST_HEADING);
	data = (const char *)evbuffer_pullup(in, -1);
	t.scanned = c->scanned;
	t.why = NULL;
	rv = http_request(&t, data, len);
	c->scanned = t.scanned;
	if (rv == 0 && t.len <= REST_HEAD) {
		conn_begin(c, &t, data);
		return 1;
	}
	if (rv == 0 || rv == ERR_LIMIT || (rv == ERR_SHORT &&
	    len >= REST_HEAD))
		refuse(c, 431, "the head is too long");
	else if (rv != ERR_SHORT)
		refuse(c, 400, t.why);
	return 0;
}

static void
conn_ask(struct rest_conn *c)
{
	struct rest_request *r = c->req;

	c->whole = 1;
	r->content = c->body;
	memset(&c->body, 0, sizeof(c->body));
	text_add(&r->content, "", 0);
	r->body = r->content.s;
	r->len = r->content.len;
	conn_phase(c, REST_ASKED);
	c->l->rest->ops->run(r);
}

/* Returns whether to go on. */
static int
conn_body(struct rest_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct slice data, part;
	int rv = 0;

	if (!c->whole) {
		data = slice_of(evbuffer_pullup(in, -1),
		    evbuffer_get_length(in));
		while ((rv = http1_body_next(&c->framing, &data, &part)) == 1 &&
		    c->body.len + part.len <= REST_BODY)
			text_add(&c->body, part.p, part.len);
		evbuffer_drain(in, evbuffer_get_length(in) - data.len);
	}
	if (rv == 1)
		refuse(c, 413, "a body may have 1 MiB at the most");
	else if (rv == ERR_FORMAT)
		refuse(c, 400, c->framing.why);
	else if (rv == 0)
		conn_ask(c);
	return 0;
}

/* Nothing here frees the connection. */
static void
conn_step(struct rest_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	if ((c->phase == REST_IDLE || c->phase == REST_HEADING) &&
	    !conn_head(c))
		return;
	if (c->phase == REST_READING)
		conn_body(c);
	else if (c->phase == REST_LINGERING)
		evbuffer_drain(in, evbuffer_get_length(in));
}

static void
conn_readable(struct bufferevent *bev, void *arg)
{
	conn_step(arg);
}

/* The peer may still be sending: to close would reset it, and the answer might
 * be lost. */
static void
conn_linger(struct rest_conn *c)
{
	conn_shut(c);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	conn_phase(c, REST_LINGERING);
	conn_step(c);
}

static void
conn_written(struct bufferevent *bev, void *arg)
{
	struct rest_conn *c = arg;

	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->phase == REST_CLOSING || (c->phase == REST_WRITING &&
	    !c->keep)) {
		conn_linger(c);
	} else if (c->phase == REST_WRITING) {
		conn_phase(c, REST_IDLE);
		conn_step(c);
	}
}

static void
conn_event(struct bufferevent *bev, short what, void *arg)
{
	if ((what & BEV_EVENT_CONNECTED) == 0)
		rest_conn_free(arg);
}

static void
conn_late(evutil_socket_t fd, short what, void *arg)
{
	struct rest_conn *c = arg;

	if (c->phase == REST_HEADING || c->phase == REST_READING)
		refuse(c, 408, "the request did not come in time");
	else
		rest_conn_free(c);
}

void
rest_conn_new(struct rest_listener *l, int fd, const struct addr *peer)
{
	struct event_base *base = l->rest->env->base;
	struct rest_conn *c;
	struct bufferevent *bev;
	SSL *ssl = l->ctx != NULL ? SSL_new(l->ctx) : NULL;

	if (ssl != NULL)
		bev = bufferevent_openssl_socket_new(base, fd, ssl,
		    BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	else
		bev = l->ctx == NULL ? bufferevent_socket_new(base, fd,
		    BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (bev == NULL) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->l = l;
	c->bev = bev;
	c->peer = *peer;
	c->timer = evtimer_new(base, conn_late, c);
	if (ssl != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	bufferevent_setcb(bev, conn_readable, conn_written, conn_event, c);
	/* A head must fit; of a body so much at a time. */
	bufferevent_setwatermark(bev, EV_READ, 0, 2 * REST_HEAD);
	TAILQ_INSERT_TAIL(&l->conns, c, link);
	l->nconns++;
	bufferevent_enable(bev, EV_WRITE);
	conn_phase(c, REST_IDLE);
}

static const char *
status_words(int status)
{
	static const struct {
		int		 status;
		const char	*words;
	} v[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 303, "See Other" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" }
	};
	size_t i;

	for (i = 0; i < NELEM(v); i++)
		if (v[i].status == status)
			return v[i].words;
	return "Other";
}

/* Fields that each answer has, unless the handler has given another value. */
static void
put_fields(struct text *t, const struct text *given)
{
	static const struct {
		const char	*name, *value;
	} v[] = {
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy", "default-src 'none'; "
		    "frame-ancestors 'none'" }
	};
	char *name;
	size_t i;

	for (i = 0; i < NELEM(v); i++) {
		name = xasprintf("\n%s:", v[i].name);
		if (given->s == NULL || strstr(given->s, name) == NULL)
			text_printf(t, "%s: %s\r\n", v[i].name, v[i].value);
		free(name);
	}
	if (given->len > 1)		/* it begins with a newline */
		text_add(t, given->s + 1, given->len - 1);
}

void
rest_conn_answer(struct rest_request *r, int status, const char *type,
    const void *body, size_t len)
{
	struct rest_conn *c = r->conn;
	struct evbuffer *out;
	struct text t = { 0 };

	if (c == NULL) {
		request_free(r);
		return;
	}
	out = bufferevent_get_output(c->bev);
	c->keep &= c->whole;
	text_printf(&t, "HTTP/1.1 %d %s\r\n", status, status_words(status));
	if (type != NULL)
		text_printf(&t, "Content-Type: %s\r\n", type);
	if (status != 204)
		text_printf(&t, "Content-Length: %zu\r\n", len);
	put_fields(&t, &r->fields);
	text_printf(&t, "Connection: %s\r\n\r\n", c->keep ? "keep-alive" :
	    "close");
	evbuffer_add(out, t.s, t.len);
	if (r->head == NULL || !slice_eq(r->head->method, "HEAD"))
		evbuffer_add(out, body, len);
	text_free(&t);
	c->req = NULL;
	request_free(r);
	conn_phase(c, c->keep ? REST_WRITING : REST_CLOSING);
}
