/*
 * Monitors: services that get a copy of a message as it passes. Nothing waits
 * for them. A copy may outlive the exchange and the session, so it has its own
 * copy of what the log needs.
 */
#include <stdlib.h>

#include "adapt/adapt.h"
#include "util/mem.h"

/* The log gets one of these or a struct adapted_message. The first word of the
 * latter is not NULL, which tells them apart. */
struct watched {
	struct adaptation *none;
	struct record	 rec;
	struct facts	 facts;
};

const struct record *
monitor_record(void *user)
{
	struct watched *w = user;

	return w->none == NULL ? &w->rec : NULL;
}

static struct watched *
watched_new(const struct record *r)
{
	struct watched *w = xcalloc(1, sizeof(*w));

	w->rec.id = r->id;
	w->facts.client = r->facts->client;
	w->facts.server = r->facts->server;
	w->rec.facts = &w->facts;
	w->rec.shown_port = r->shown_port;
	return w;
}

static void
monitor_seen(void *arg, struct slice payload)
{
	struct adapted_message *m = arg;
	size_t i;

	for (i = 0; i < m->ncopies; i++)
		icap_monitor_add(m->copies[i], payload.p, payload.len);
}

/* Whether the service is a monitor that gets this message. */
static int
monitor_wants(const struct adapted_message *m, size_t k)
{
	struct icap_service *svc = plan_service(&m->a->plan, k);
	const struct conf_icap *conf = icap_service_conf(svc);

	return conf->monitor && !content_is_stream(m, conf) &&
	    icap_does(svc, input_method(m)) && icap_sampled(svc);
}

void
monitor_begin(struct adapted_message *m)
{
	const struct plan *p = &m->a->plan;
	size_t k;

	for (k = 0; k < p->nrow; k++) {
		if (!monitor_wants(m, k) || input_make(m, k) != 0)
			continue;
		if (m->copies == NULL)
			m->copies = xcalloc(p->nrow, sizeof(*m->copies));
		m->copies[m->ncopies++] = icap_monitor_start(
		    p->clients[p->row[k]], &m->input, !m->virgin->ended,
		    watched_new(p->rec), free);
		m->virgin->seen = monitor_seen;
		m->virgin->arg = m;
	}
}

void
monitor_end(struct adapted_message *m)
{
	size_t i;

	for (i = 0; i < m->ncopies; i++)
		icap_monitor_end(m->copies[i], m->virgin->ended);
	free(m->copies);
	m->copies = NULL;
	m->ncopies = 0;
}
