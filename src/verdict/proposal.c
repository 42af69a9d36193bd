/*
 * An entry's profile is the order as text: "quarantine all 28800000 0". So it
 * survives a restart as everything else does.
 */
#include "verdict/proposal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/verdicts.h"
#include "util/err.h"
#include "util/mem.h"

static const struct {
	const char	*word;
	enum conf_do	 what;
} orders[] = {
	{ "quarantine", DO_QUARANTINE },
	{ "deny-server", DO_DENY_SERVER },
	{ "step-up", DO_STEP_UP },
};

static char *
order_text(const struct measure_order *o)
{
	size_t i = 0;

	while (orders[i].what != o->what)
		i++;
	return xasprintf("%s %s %llu %d", orders[i].word,
	    o->object[0] != '\0' ? o->object : "-",
	    (unsigned long long)o->ms, o->cut);
}

int
proposal_read(struct proposal *p, const struct contained *c)
{
	unsigned long long ms;
	char word[32];
	size_t i;

	if (sscanf(c->profile, "%31s %511s %llu %d", word, p->object, &ms,
	    &p->cut) != 4)
		return ERR_FORMAT;
	p->ms = ms;
	if (strcmp(p->object, "-") == 0)
		p->object[0] = '\0';
	for (i = 0; i < NELEM(orders); i++)
		if (strcmp(word, orders[i].word) == 0) {
			p->what = orders[i].what;
			return 0;
		}
	return ERR_FORMAT;
}

/* An order as that of an entry that waits. */
static void
order_of(struct measure_order *o, const struct proposal *p,
    const struct contained *c)
{
	*o = (struct measure_order){ .what = p->what, .who = c->who,
	    .object = p->object, .ms = p->ms, .cut = p->cut,
	    .reason = c->reason, .by = c->by, .id = c->id };
}

struct seeking {
	const struct measure_order *o;
	uint64_t	 now, id;
};

/* One that another sensor has proposed, of the same endpoint or server. */
static void
seek(void *arg, const struct contained *c)
{
	struct seeking *s = arg;
	struct proposal p;

	if (c->end <= s->now || strcmp(c->by, s->o->by) == 0 ||
	    proposal_read(&p, c) != 0 || p.what != s->o->what ||
	    (p.what == DO_DENY_SERVER ? strcmp(p.object, s->o->object) != 0 :
	    !endpoint_same(&c->who, &s->o->who)))
		return;
	if (s->id == 0 || c->id < s->id)
		s->id = c->id;
}

static int
propose(struct measures *m, const struct contained *wish, struct text *why)
{
	struct contained *c;

	if (contain_count(m->proposals) >= PROPOSALS_MAX) {
		text_puts(why, "too many wait to be approved");
		measure_tell(m, STATE_PROPOSAL, MEASURE_REFUSED, wish,
		    why->s);
		return ERR_LIMIT;
	}
	c = contained_new(wish);
	contain_put(m->proposals, c);
	m->quarantine->last++;
	state_held(m->quarantine->state, STATE_PROPOSAL, c);
	measure_tell(m, STATE_PROPOSAL, MEASURE_PROPOSED, c, NULL);
	contained_unref(c);
	return 0;
}

int
proposal_add(struct measures *m, const struct measure_order *o,
    uint64_t within, int second, int64_t wall, uint64_t now, uint64_t *id,
    struct text *why)
{
	struct seeking s = { o, now, 0 };
	struct contained wish = { .id = m->quarantine->last + 1,
	    .who = o->who, .profile = order_text(o), .since = wall,
	    .until = wall + (int64_t)(within / 1000), .end = now + within,
	    .reason = (char *)(uintptr_t)o->reason,
	    .by = (char *)(uintptr_t)o->by };
	struct contained *old;
	int rv;

	if (second)
		contain_each(m->proposals, seek, &s);
	old = contain_of(m->proposals, &wish.who, wish.profile);
	if (s.id != 0) {
		*id = s.id;
		rv = proposal_approve(m, o->by, wall, now, id, why);
		rv = rv == 0 ? 1 : rv;
	} else if (old != NULL) {
		*id = old->id;
		rv = 0;
	} else if (!measure_may(m, o, why)) {
		measure_tell(m, STATE_PROPOSAL, MEASURE_REFUSED, &wish,
		    why->s);
		rv = ERR_DENIED;
	} else {
		*id = wish.id;
		rv = propose(m, &wish, why);
	}
	contained_unref(old);
	free(wish.profile);
	return rv;
}

/* Tell of it, with who has said so in the place of the sensor. */
static void
tell_by(struct measures *m, enum measure_what what,
    const struct contained *entry, const char *by)
{
	struct contained c = *entry;

	c.by = (char *)(uintptr_t)by;
	measure_tell(m, STATE_PROPOSAL, what, &c, NULL);
}

/* The file has them in this order: a number that is freed is out of all of its
 * tables. */
int
proposal_approve(struct measures *m, const char *by, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	struct state *state = m->quarantine->state;
	struct contained *c = contain_take(m->proposals, *id);
	struct measure_order o;
	struct proposal p;
	int rv;

	if (c == NULL || proposal_read(&p, c) != 0) {
		contained_unref(c);
		text_puts(why, "nothing waits under that number: see "
		    "verdicts");
		return ERR_NOTFOUND;
	}
	order_of(&o, &p, c);
	state_freed(state, c);
	rv = measure_do(m, &o, wall, now, id, why);
	if (rv == 0) {
		tell_by(m, MEASURE_APPROVED, c, by);
	} else {
		contain_put(m->proposals, c);
		state_held(state, STATE_PROPOSAL, c);
	}
	contained_unref(c);
	return rv;
}

int
proposal_reject(struct measures *m, uint64_t id, const char *by)
{
	struct contained *c = contain_take(m->proposals, id);

	if (c == NULL)
		return ERR_NOTFOUND;
	state_freed(m->quarantine->state, c);
	tell_by(m, MEASURE_REJECTED, c, by);
	contained_unref(c);
	return 0;
}

void
proposal_tick(struct measures *m, uint64_t now)
{
	struct contained *c;

	while ((c = contain_over(m->proposals, now)) != NULL) {
		state_freed(m->quarantine->state, c);
		measure_tell(m, STATE_PROPOSAL, MEASURE_LAPSED, c, NULL);
		contained_unref(c);
	}
}
