/*
 * Monitors: services that get a copy of a message as it passes. Nothing waits
 * for them, and their answers change nothing. A copy is an ordinary transaction
 * that may outlive the exchange and the session, so it owns all that it and the
 * log need. Its body is dropped as it is sent; one that falls behind by more
 * than COPY_MAX is given up, counted and logged (ICAP_F_LOST).
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "util/mem.h"

#define COPY_MAX	(4 * 1024 * 1024)

struct copy {
	struct asker	 asker;
	struct copy	*next;		/* of the same message */
	struct record	 rec;
	struct facts	 facts;
	struct icap_txn	*txn;		/* NULL: it is over */
	struct icap_input input;
	int		 ended;		/* the message, which has let it go */
};

/* The transaction is over: free all, unless the message goes on. */
static void
copy_over(struct copy *c)
{
	icap_cancel(c->txn);
	c->txn = NULL;
	if (!c->ended)
		return;
	spool_free(c->input.body);
	icap_input_free(&c->input);
	free(c);
}

static void
copy_answer(void *arg, const struct icap_answer *a)
{
	if (a->outcome == ICAP_VIRGIN || a->outcome == ICAP_FAILED)
		copy_over(arg);
}

static void
copy_end(void *arg, int64_t original)
{
	copy_over(arg);
}

static void
copy_broken(void *arg, const char *why)
{
	copy_over(arg);
}

static const struct icap_user copy_user = {
	.answer = copy_answer,
	.end = copy_end,
	.broken = copy_broken
};

/* A copy of the message takes the input that was made for it. */
static struct copy *
copy_new(struct adapted_message *m, struct icap_client *client)
{
	const struct record *r = m->a->plan->rec;
	struct copy *c = xcalloc(1, sizeof(*c));

	c->facts.client = r->facts->client;
	c->facts.server = r->facts->server;
	c->rec.id = r->id;
	c->rec.facts = &c->facts;
	c->rec.shown_port = r->shown_port;
	c->asker.rec = &c->rec;
	c->input = m->input;
	memset(&m->input, 0, sizeof(m->input));
	c->input.monitor = 1;
	c->input.body = m->virgin->ended ? NULL : spool_new(COPY_MAX);
	c->txn = icap_start(client, &c->input, &copy_user, c);
	return c;
}

static void
monitor_seen(void *arg, struct slice payload)
{
	struct adapted_message *m = arg;
	struct copy *c;

	for (c = m->copies; c != NULL; c = c->next) {
		if (c->txn == NULL || c->input.body == NULL)
			continue;
		if (spool_add(c->input.body, payload.p, payload.len) != 0)
			icap_fail(c->txn, ICAP_F_LOST, "the copy fell behind");
		else
			icap_more(c->txn, 0);
	}
}

/* Whether the service is a monitor that gets this message. */
static int
monitor_wants(const struct adapted_message *m, size_t k)
{
	struct icap_service *svc = plan_service(m->a->plan, k);
	const struct conf_icap *conf = icap_service_conf(svc);

	return plan_watches(m, k) && !content_is_stream(m, conf) &&
	    icap_sampled(svc);
}

void
monitor_begin(struct adapted_message *m)
{
	const struct plan *p = m->a->plan;
	struct copy *c;
	size_t k;

	for (k = 0; k < p->nrow; k++) {
		if (!monitor_wants(m, k) || input_make(m, k) != 0)
			continue;
		c = copy_new(m, p->clients[p->row[k]]);
		c->next = m->copies;
		m->copies = c;
		m->virgin->seen = monitor_seen;
		m->virgin->arg = m;
	}
}

void
monitor_end(struct adapted_message *m)
{
	struct copy *c;

	while ((c = m->copies) != NULL) {
		m->copies = c->next;
		c->ended = 1;
		if (c->txn == NULL) {
			copy_over(c);
			continue;
		}
		if (c->input.body == NULL)
			continue;
		spool_end(c->input.body, m->virgin->ended);
		icap_more(c->txn, 0);
	}
}
