/*
 * A worker's client of a service: made, ended, and what it does each second.
 * It asks each server what it can do when that is due (OPTIONS, RFC 3507,
 * 4.10), and probes one that is down; with `options: off` a probe only
 * connects. A server is asked by one worker at a time, whichever it is.
 */
#include "icap/client.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "icap/attempt.h"
#include "util/mem.h"

struct icap_ask {
	struct icap_conn *conn;
	struct icap_input input;
	struct icap_record seen;
	struct icap_attempt *attempt;	/* NULL: it only connects */
};

static void
ask_free(struct icap_ask *a, int keep)
{
	a->conn->client->asks[a->conn->server->index] = NULL;
	if (a->attempt != NULL)
		icap_attempt_end(a->attempt);
	if (keep)
		icap_pool_put(a->conn);
	else
		icap_pool_close(a->conn, 0);
	free(a);
}

/* There is an answer (o), or none (why). keep: the connection can be used. */
static void
ask_end(struct icap_ask *a, struct icap_options *o, enum icap_fault fault,
    const char *why, int keep)
{
	icap_asked(a->conn->server, o, fault, why);
	ask_free(a, keep);
}

static void
ask_options(void *arg, const struct icap_head *h, int clean)
{
	struct icap_ask *a = arg;
	struct icap_options o;
	char why[64];

	if (h->status != 200) {
		snprintf(why, sizeof(why), "OPTIONS: status %d", h->status);
		ask_end(a, NULL, h->status >= 400 && h->status < 500 ?
		    ICAP_F_NO_SERVICE : ICAP_F_NONE, why, 0);
	} else if (icap_options_read(&o, h) != 0)
		ask_end(a, NULL, ICAP_F_NONE, "OPTIONS: no method", 0);
	else {
		/* An opt-body is not read: its connection is closed. */
		ask_end(a, &o, ICAP_F_NONE, NULL, clean);
		icap_options_free(&o);
	}
}

static void
ask_fault(void *arg, enum icap_fault fault, const char *why)
{
	struct icap_ask *a = arg;
	char text[160];

	snprintf(text, sizeof(text), "%s%s", a->conn->open ? "OPTIONS: " : "",
	    why);
	ask_end(a, NULL, fault == ICAP_F_TLS || fault == ICAP_F_DNS ?
	    fault : ICAP_F_NONE, text, 0);
}

static const struct icap_attempt_user ask_attempt = {
	.options = ask_options,
	.fault = ask_fault
};

static void
probe_opened(void *arg, enum icap_fault fault, const char *why)
{
	if (fault == ICAP_F_NONE)
		ask_end(arg, NULL, fault, NULL, 1);
	else
		ask_fault(arg, fault, why);
}

static const struct icap_conn_user ask_probe = { probe_opened, NULL };

/* Beyond the limit if need be: a server that is down must still be asked. */
static void
ask_start(struct icap_client *cl, struct icap_server *v)
{
	struct icap_ask *a = xcalloc(1, sizeof(*a));
	struct icap_attempt attempt = {
		.user = &ask_attempt,
		.arg = a,
		.input = &a->input,
		.conn = icap_pool_get(cl, v, 1),
		.seen = &a->seen,
		.expected = UINT64_MAX,
	};

	a->conn = attempt.conn;
	cl->asks[v->index] = a;
	if (v->service->conf->options)
		a->attempt = icap_attempt_new(&attempt);
	else if (a->conn->open)
		probe_opened(a, ICAP_F_NONE, NULL);
	else
		icap_conn_own(a->conn, &ask_probe, a);
}

static void
client_tick(evutil_socket_t fd, short what, void *arg)
{
	struct icap_client *cl = arg;
	struct icap_service *s = cl->service;
	size_t i;

	icap_pool_tick(cl);
	for (i = 0; i < s->n; i++)
		if (cl->asks[i] == NULL && icap_due(&s->servers[i]))
			ask_start(cl, &s->servers[i]);
}

void
icap_unseen(struct icap_client *cl, enum icap_method method, void *user,
    enum icap_fault fault, int passes, const char *why)
{
	struct icap_record r = {
		.method = method,
		.result = passes ? ICAP_R_BYPASS : ICAP_R_ERR,
		.fault = fault,
		.queue = -1,
		.connect = -1,
		.first_byte = -1,
		.why = why,
	};

	cl->service->stats.faults[fault]++;
	icap_count(cl->service, &r);
	if (cl->log != NULL)
		cl->log(cl->log_arg, user, &r);
}

struct icap_client *
icap_attach(struct icap_service *s, struct event_base *base,
    struct names *names, icap_log log, void *arg)
{
	static const struct timeval second = { 1, 0 };
	struct icap_client *cl = xcalloc(1, sizeof(*cl));

	cl->service = s;
	cl->base = base;
	cl->names = names;
	cl->log = log;
	cl->log_arg = arg;
	TAILQ_INIT(&cl->txns);
	icap_pool_init(cl);
	cl->asks = xcalloc(s->n + 1, sizeof(*cl->asks));
	event_assign(&cl->tick, base, -1, EV_PERSIST, client_tick, cl);
	event_add(&cl->tick, &second);
	/* At once; as EV_TIMEOUT it would put off the next by a second. */
	event_active(&cl->tick, EV_READ, 0);
	return cl;
}

void
icap_detach(struct icap_client *cl)
{
	size_t i;

	if (cl == NULL)
		return;
	icap_txns_end(cl);
	for (i = 0; i < cl->service->n; i++)
		if (cl->asks[i] != NULL) {
			icap_unasked(&cl->service->servers[i]);
			ask_free(cl->asks[i], 0);
		}
	free(cl->asks);
	icap_pool_done(cl);
	event_del(&cl->tick);
	free(cl);
}
