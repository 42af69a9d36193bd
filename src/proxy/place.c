#include "proxy/place.h"

#include <stdlib.h>

#include "util/mem.h"

struct parts *
parts_ref(struct parts *p)
{
	p->refs++;
	return p;
}

void
parts_unref(struct parts *p)
{
	if (p != NULL && --p->refs == 0)
		p->gone(p);
}

static struct seat *
seat_ref(struct seat *s)
{
	s->refs++;
	return s;
}

static void
seat_unref(struct seat *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	s->detach(s->seat);
	free(s);
}

static struct seat *
seat_new(void *of, void *seat, void (*detach)(void *))
{
	struct seat *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->of = of;
	s->seat = seat;
	s->detach = detach;
	return s;
}

static struct seat *
seat_sink(const struct proxy_sink *sink, struct event_base *base,
    const struct place *before)
{
	size_t i;

	for (i = 0; before != NULL && i < before->nseats; i++)
		if (before->seats[i]->of == sink->sink)
			return seat_ref(before->seats[i]);
	return seat_new(sink->sink, sink->ops->attach(sink->sink, base),
	    sink->ops->detach);
}

static struct seat *
seat_history(const struct parts *p, struct event_base *base,
    const struct place *before)
{
	const struct proxy_sink *k = &p->history;

	if (k->ops == NULL)
		return NULL;
	if (before != NULL && before->history != NULL)
		return seat_ref(before->history);
	return seat_new(k->sink, k->ops->attach(k->sink, base),
	    k->ops->detach);
}

static struct seat *
seat_engine(const struct parts *p, struct event_base *base,
    const struct place *before)
{
	if (before != NULL && before->engine->of == p->engine_env)
		return seat_ref(before->engine);
	return seat_new(p->engine_env, p->engine->attach(p->engine_env, base),
	    p->engine->detach);
}

struct place *
place_new(struct parts *p, struct event_base *base,
    const struct place *before)
{
	struct place *pl = xcalloc(1, sizeof(*pl));
	size_t i;

	pl->refs = 1;
	pl->parts = parts_ref(p);
	pl->nseats = policy_conf(p->policy)->nmirrors;
	pl->seats = xcalloc(pl->nseats + 1, sizeof(*pl->seats));
	for (i = 0; i < pl->nseats; i++)
		pl->seats[i] = seat_sink(&p->sinks[i], base, before);
	pl->history = seat_history(p, base, before);
	pl->engine = seat_engine(p, base, before);
	return pl;
}

struct place *
place_ref(struct place *p)
{
	p->refs++;
	return p;
}

void
place_unref(struct place *p)
{
	size_t i;

	if (p == NULL || --p->refs > 0)
		return;
	for (i = 0; i < p->nseats; i++)
		seat_unref(p->seats[i]);
	seat_unref(p->history);
	seat_unref(p->engine);
	free(p->seats);
	parts_unref(p->parts);
	free(p);
}
