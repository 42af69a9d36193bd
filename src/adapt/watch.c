/*
 * Monitors of a message: services that get a copy of it as it passes, and are
 * never waited for. A copy may outlive the exchange, and the session, so it
 * has what the log needs of them with it.
 */
#include <stdlib.h>

#include "adapt/side.h"
#include "util/mem.h"

/* As long as struct side's first word is not NULL, they can be told apart. */
struct watched {
	struct exchange	*none;
	struct facts	 facts;
	struct record	 rec;
};

const struct record *
watch_record(void *user)
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
watch_seen(void *arg, struct slice payload)
{
	struct side *s = arg;
	size_t i;

	for (i = 0; i < s->ncopies; i++)
		icap_monitor_add(s->copies[i], payload.p, payload.len);
}

void
watch_begin(struct side *s)
{
	struct exchange *x = s->x;
	const struct conf_icap *conf;
	size_t k;

	for (k = 0; k < x->nrow; k++) {
		conf = icap_service_conf(x->env->services[x->row[k]]);
		if (!conf->monitor || side_is_stream(s, conf) ||
		    !icap_does(x->env->services[x->row[k]], side_method(s)) ||
		    !icap_sampled(x->env->services[x->row[k]]) ||
		    side_job(s, k) != 0)
			continue;
		if (s->copies == NULL)
			s->copies = xcalloc(x->nrow, sizeof(*s->copies));
		s->copies[s->ncopies++] = icap_monitor_start(
		    x->seats[x->row[k]], &s->job, !s->m.ended,
		    watched_new(x->rec), free);
		s->m.seen = watch_seen;
		s->m.arg = s;
	}
}

void
watch_end(struct side *s)
{
	size_t i;

	for (i = 0; i < s->ncopies; i++)
		icap_monitor_end(s->copies[i], s->m.ended);
	free(s->copies);
	s->copies = NULL;
	s->ncopies = 0;
}
