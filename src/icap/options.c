/*
 * One OPTIONS after another, each on a connection of the pool's. With
 * `options: off` a probe only connects.
 */
#include "icap/options.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

struct icap_ask {
	struct icap_asks *asks;
	struct icap_server *server;
	struct icap_conn *conn;
	struct event	 timer;
	struct text	 out;
	size_t		 out_off;
	size_t		 scanned;
};

static void
ask_free(struct icap_ask *a)
{
	a->asks->v[a->server->index] = NULL;
	event_del(&a->timer);
	text_free(&a->out);
	free(a);
}

/* It is answered (offer), or not (why). keep: the connection can be used. */
static void
ask_end(struct icap_ask *a, struct icap_offer *offer, enum icap_fault fault,
    const char *why, int keep)
{
	struct icap_server *v = a->server;

	if (keep)
		icap_pool_put(a->asks->pool, a->conn);
	else
		icap_pool_close(a->asks->pool, a->conn, 0);
	ask_free(a);
	icap_asked(v, offer, fault, why);
	icap_offer_free(offer);
}

/* A whole head of an answer. */
static void
ask_read(struct icap_ask *a, const struct icap_head *h)
{
	struct icap_offer *o;
	char why[64];

	if (h->status != 200) {
		snprintf(why, sizeof(why), "OPTIONS: status %d", h->status);
		ask_end(a, NULL, h->status >= 400 && h->status < 500 ?
		    ICAP_F_NO_SERVICE : ICAP_F_NONE, why, 0);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->refs = 1;
	if (icap_options_read(&o->o, h) != 0) {
		free(o);
		ask_end(a, NULL, ICAP_F_NONE, "OPTIONS: no method", 0);
		return;
	}
	icap_conn_used(a->conn, h->len);
	/* Nobody needs an opt-body; it goes with the connection. */
	ask_end(a, o, ICAP_F_NONE, NULL, !h->close && h->body == ICAP_NONE &&
	    h->hdr_len == 0 && a->conn->in_len == 0);
}

static void
ask_write(struct icap_ask *a)
{
	struct iovec v;
	ssize_t n;

	while (a->out_off < a->out.len) {
		v.iov_base = a->out.s + a->out_off;
		v.iov_len = a->out.len - a->out_off;
		if ((n = icap_conn_write(a->conn, &v, 1)) <= 0)
			break;		/* the reader will see why */
		a->out_off += (size_t)n;
	}
	a->conn->ops->flush(a->conn->tp);
}

static void
ask_event(void *arg)
{
	struct icap_ask *a = arg;
	struct icap_head *h = &a->asks->pool->env.head;
	struct icap_conn *c = a->conn;
	ssize_t n;
	int rv;

	ask_write(a);
	while ((n = icap_conn_fill(c)) > 0)
		;
	h->scanned = a->scanned;
	rv = c->in_len == 0 ? ERR_SHORT :
	    icap_response(h, ICAP_OPTIONS, c->in + c->in_off, c->in_len);
	a->scanned = h->scanned;
	if (rv == 0)
		ask_read(a, h);
	else if (rv != ERR_SHORT)
		ask_end(a, NULL, ICAP_F_NONE,
		    h->why != NULL ? h->why : "malformed", 0);
	else if (n != ERR_AGAIN)
		ask_end(a, NULL, ICAP_F_NONE, "OPTIONS: no answer", 0);
}

static void
ask_opened(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_ask *a = arg;
	const struct icap_service *s = a->server->service;
	struct icap_request q = {
		.method = ICAP_OPTIONS,
		.uri = a->server->url,
		.host = a->server->authority,
		.preview = -1,
		.fields = s->fields.s,
	};

	if (fault != ICAP_F_NONE) {
		ask_end(a, NULL, fault == ICAP_F_TLS || fault == ICAP_F_DNS ?
		    fault : ICAP_F_NONE, why, 0);
		return;
	}
	if (!s->conf->options) {
		ask_end(a, NULL, ICAP_F_NONE, NULL, 1);
		return;
	}
	icap_put_request(&a->out, &q);
	ask_event(a);
}

static void
ask_timeout(evutil_socket_t fd, short what, void *arg)
{
	ask_end(arg, NULL, ICAP_F_NONE, "OPTIONS: timed out", 0);
}

static const struct icap_conn_user ask_user = { ask_opened, ask_event };

/* Beyond the limit when need be: one that is down holds none else. */
static void
ask_start(struct icap_asks *asks, struct icap_server *v)
{
	const struct conf_icap *conf = v->service->conf;
	uint64_t ms = conf->connect_timeout + conf->first_byte_timeout;
	struct timeval tv = { (time_t)(ms / 1000),
	    (suseconds_t)(ms % 1000 * 1000) };
	struct icap_ask *a = xcalloc(1, sizeof(*a));

	a->asks = asks;
	a->server = v;
	asks->v[v->index] = a;
	event_assign(&a->timer, asks->pool->env.base, -1, 0, ask_timeout, a);
	event_add(&a->timer, &tv);
	a->conn = icap_pool_get(asks->pool, v, 1);
	icap_conn_own(a->conn, &ask_user, a);
	if (a->conn->open)
		ask_opened(a, ICAP_F_NONE, NULL);
}

void
icap_asks_init(struct icap_asks *asks, struct icap_pool *pool)
{
	asks->pool = pool;
	asks->v = xcalloc(pool->env.service->n + 1, sizeof(struct icap_ask *));
}

void
icap_asks_tick(struct icap_asks *asks)
{
	struct icap_service *s = asks->pool->env.service;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (asks->v[i] == NULL && icap_due(&s->servers[i]))
			ask_start(asks, &s->servers[i]);
}

void
icap_asks_done(struct icap_asks *asks)
{
	struct icap_ask *a;
	size_t i;

	for (i = 0; i < asks->pool->env.service->n; i++) {
		if ((a = asks->v[i]) == NULL)
			continue;
		icap_unasked(a->server);
		icap_pool_close(asks->pool, a->conn, 0);
		ask_free(a);
	}
	free(asks->v);
}
