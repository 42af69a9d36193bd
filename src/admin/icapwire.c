/*
 * The connection of `ctl icap check`: an event loop that runs until the one
 * thing that is waited for has happened.
 */
#include "admin/icapwire.h"

#include <event2/event.h>
#include <stdlib.h>

#include "net/names.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

struct icapwire {
	struct icap_client client;
	struct icap_conn *conn;		/* or NULL */
	int		 told;		/* the connection has had an event */
	enum icap_fault	 fault;		/* of connecting */
	struct text	*why;		/* gets the reason */
};

/* Run the loop until the connection has an event, or the time is up. */
static int
wire_wait(struct icapwire *w, uint64_t until)
{
	struct timeval tv;
	uint64_t now;

	for (w->told = 0; !w->told; ) {
		if ((now = clock_ms()) >= until)
			return ERR_TIMEOUT;
		tv = clock_timeval(until - now);
		event_base_loopexit(w->client.base, &tv);
		event_base_loop(w->client.base, EVLOOP_ONCE);
	}
	return 0;
}

static void
wire_event(void *arg)
{
	struct icapwire *w = arg;

	w->told = 1;
}

static void
wire_opened(void *arg, enum icap_fault fault, const char *why)
{
	struct icapwire *w = arg;
	const struct icap_conn *c = w->conn;

	w->told = 1;
	w->fault = fault;
	if (fault == ICAP_F_NONE)
		return;
	if (c->tls != NULL && fault == ICAP_F_TLS)
		why = X509_verify_cert_error_string(SSL_get_verify_result(
		    tlsio_ssl(c->tls)));
	text_printf(w->why, c->server->conf->tls && c->sock.fd != -1 ?
	    "TLS with %s port %u: %s" : "connect to %s port %u: %s",
	    c->server->conf->host, c->server->conf->port, why);
}

static const struct icap_conn_user wire_user = { wire_opened, wire_event };

struct icapwire *
icapwire_new(struct icap_service *s)
{
	struct icapwire *w = xcalloc(1, sizeof(*w));

	w->client.service = s;
	w->client.base = event_base_new();
	w->client.names = names_new(w->client.base);
	w->client.scratch = xmalloc(sizeof(*w->client.scratch));
	return w;
}

void
icapwire_free(struct icapwire *w)
{
	icapwire_close(w);
	names_free(w->client.names);
	event_base_free(w->client.base);
	free(w->client.scratch);
	free(w);
}

int
icapwire_open(struct icapwire *w, struct icap_server *v, struct text *why)
{
	w->why = why;
	w->conn = icap_conn_open(&w->client, v);
	icap_conn_own(w->conn, &wire_user, w);
	/* It has timers of its own, and says when they have run. */
	while (wire_wait(w, clock_ms() + 1000) != 0)
		continue;
	if (w->fault == ICAP_F_NONE)
		return 0;
	icapwire_close(w);
	return -1;
}

int
icapwire_is_open(const struct icapwire *w)
{
	return w->conn != NULL;
}

void
icapwire_close(struct icapwire *w)
{
	if (w->conn != NULL)
		icap_conn_close(w->conn, 0);
	w->conn = NULL;
}

int
icapwire_send(struct icapwire *w, const struct text *out, uint64_t ms,
    struct text *why)
{
	struct icap_conn *c = w->conn;
	struct iovec v = { out->s, out->len };
	uint64_t until = clock_ms() + ms;
	ssize_t n;

	while ((n = v.iov_len > 0 ? icap_conn_write(c, &v, 1) :
	    c->ops->flush(c->tp)) != 0) {
		if (n > 0) {
			v.iov_base = (char *)v.iov_base + n;
			v.iov_len -= (size_t)n;
		} else if (n != ERR_AGAIN ||
		    (n = wire_wait(w, until)) != 0) {
			text_printf(why, "writing the request: %s",
			    err_str((int)n));
			return (int)n;
		}
	}
	return 0;
}

int
icapwire_recv(struct icapwire *w, struct text *in, uint64_t ms,
    struct text *why)
{
	struct icap_conn *c = w->conn;
	uint64_t until = clock_ms() + ms;
	ssize_t n;

	while ((n = icap_conn_fill(c)) == ERR_AGAIN)
		if ((n = wire_wait(w, until)) != 0)
			break;
	if (n < 0) {
		text_printf(why, "reading the answer: %s", n == ERR_EOF ?
		    "the server closed the connection" : err_str((int)n));
		return (int)n;
	}
	text_add(in, c->in + c->in_off, c->in_len);
	icap_conn_used(c, c->in_len);
	return 0;
}
