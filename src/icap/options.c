/*
 * Each OPTIONS is an attempt of its own, on a connection of the pool's. With
 * `options: off` a probe only connects.
 */
#include "icap/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "icap/attempt.h"
#include "util/mem.h"

struct icap_ask {
	struct icap_asks *asks;
	struct icap_server *server;
	struct icap_conn *conn;
	struct icap_input input;
	struct icap_record seen;
	struct icap_attempt *attempt;	/* NULL: it only connects */
};

static void
ask_free(struct icap_ask *a, int keep)
{
	if (a->attempt != NULL)
		icap_attempt_end(a->attempt);
	if (keep)
		icap_pool_put(a->asks->pool, a->conn);
	else
		icap_pool_close(a->asks->pool, a->conn, 0);
	a->asks->v[a->server->index] = NULL;
	free(a);
}

/* It is answered (offer), or not (why). keep: the connection can be used. */
static void
ask_end(struct icap_ask *a, struct icap_offer *offer, enum icap_fault fault,
    const char *why, int keep)
{
	struct icap_server *v = a->server;

	icap_asked(v, offer, fault, why);
	ask_free(a, keep);
	icap_offer_free(offer);
}

static void
ask_options(void *arg, const struct icap_head *h, int clean)
{
	struct icap_ask *a = arg;
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
	if (icap_options_read(&o->o, h) == 0)
		/* Nobody needs an opt-body; it goes with the connection. */
		ask_end(a, o, ICAP_F_NONE, NULL, clean);
	else {
		free(o);
		ask_end(a, NULL, ICAP_F_NONE, "OPTIONS: no method", 0);
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

/* Beyond the limit when need be: one that is down holds none else. */
static void
ask_start(struct icap_asks *asks, struct icap_server *v)
{
	struct icap_ask *a = xcalloc(1, sizeof(*a));
	struct icap_attempt_want w = {
		.input = &a->input,
		.conn = icap_pool_get(asks->pool, v, 1),
		.seen = &a->seen,
		.expected = UINT64_MAX,
	};

	a->asks = asks;
	a->server = v;
	a->conn = w.conn;
	asks->v[v->index] = a;
	if (v->service->conf->options)
		a->attempt = icap_attempt_new(&w, &ask_attempt, a);
	else if (a->conn->open)
		probe_opened(a, ICAP_F_NONE, NULL);
	else
		icap_conn_own(a->conn, &ask_probe, a);
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
	size_t i;

	for (i = 0; i < asks->pool->env.service->n; i++)
		if (asks->v[i] != NULL) {
			icap_unasked(asks->v[i]->server);
			ask_free(asks->v[i], 0);
		}
	free(asks->v);
}
