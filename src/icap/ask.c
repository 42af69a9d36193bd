/*
 * OPTIONS (RFC 3507, 4.10): how a seat asks a server what it can do, when
 * that is due or when a server that is down is probed. With `options: off` a
 * probe only connects. One at a time for each server, whoever the seat is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap/own.h"
#include "util/err.h"
#include "util/mem.h"

struct icap_ask {
	struct icap_seat *seat;
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
	a->seat->asks[a->server->index] = NULL;
	event_del(&a->timer);
	text_free(&a->out);
	free(a);
}

/* It is answered (k), or not (why). keep: the connection can be used. */
static void
ask_end(struct icap_ask *a, struct icap_known *k, enum icap_fault fault,
    const char *why, int keep)
{
	struct icap_server *v = a->server;
	struct icap_conn *c = a->conn;

	ask_free(a);
	if (c != NULL && keep)
		icap_pool_put(c);
	else if (c != NULL)
		icap_conn_close(c, 0);
	icap_asked(v, k, fault, why);
	icap_known_free(k);
}

/* A whole head of an answer. */
static void
ask_read(struct icap_ask *a, const struct icap_head *h)
{
	struct icap_known *k;
	char why[64];

	if (h->status != 200) {
		snprintf(why, sizeof(why), "OPTIONS: status %d", h->status);
		ask_end(a, NULL, h->status >= 400 && h->status < 500 ?
		    ICAP_F_NO_SERVICE : ICAP_F_NONE, why, 0);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->refs = 1;
	if (icap_options_read(&k->o, h) != 0) {
		free(k);
		ask_end(a, NULL, ICAP_F_NONE, "OPTIONS: no method", 0);
		return;
	}
	icap_conn_used(a->conn, h->len);
	/* Nobody needs an opt-body; it goes with the connection. */
	ask_end(a, k, ICAP_F_NONE, NULL, !h->close && h->body == ICAP_NONE &&
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
	struct icap_head *h = &a->seat->head;
	struct icap_conn *c = a->conn;
	ssize_t n;
	int rv;

	ask_write(a);
	while ((n = icap_conn_fill(c, SIZE_MAX)) > 0)
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
	struct icap_request q = {
		.method = ICAP_OPTIONS,
		.uri = a->server->url,
		.host = a->server->authority,
		.preview = -1,
		.fields = a->seat->service->fields.s,
	};

	if (fault != ICAP_F_NONE) {
		a->conn = NULL;
		ask_end(a, NULL, fault == ICAP_F_TLS || fault == ICAP_F_DNS ?
		    fault : ICAP_F_NONE, why, 0);
		return;
	}
	if (!a->seat->service->conf->options) {
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
void
icap_ask_start(struct icap_seat *seat, struct icap_server *v)
{
	const struct conf_icap *conf = seat->service->conf;
	uint64_t ms = conf->connect_timeout + conf->first_byte_timeout;
	struct timeval tv = { (time_t)(ms / 1000),
	    (suseconds_t)(ms % 1000 * 1000) };
	struct icap_ask *a = xcalloc(1, sizeof(*a));

	a->seat = seat;
	a->server = v;
	seat->asks[v->index] = a;
	event_assign(&a->timer, seat->base, -1, 0, ask_timeout, a);
	event_add(&a->timer, &tv);
	if (v->state == ICAP_UP &&
	    (a->conn = icap_pool_get(seat, v, &ask_user, a)) != NULL) {
		ask_opened(a, ICAP_F_NONE, NULL);
		return;
	}
	v->conns++;
	a->conn = icap_conn_open(seat, v, &ask_user, a);
}

void
icap_ask_stop(struct icap_ask *a)
{
	if (a == NULL)
		return;
	icap_unasked(a->server);
	if (a->conn != NULL)
		icap_conn_close(a->conn, 0);
	ask_free(a);
}
