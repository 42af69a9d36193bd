/*
 * The tables of all kinds, one after the other.
 */
#include "verdict/undo.h"

#include <string.h>

#include "util/err.h"
#include "verdict/proposal.h"
#include "verdict/tags.h"

struct contained *
undo_find(const struct measures *m, uint64_t id, enum state_kind *kind)
{
	struct contained *c = NULL;
	int k;

	for (k = 0; k < STATE_KINDS && c == NULL; k++) {
		*kind = (enum state_kind)k;
		c = contain_find(measure_table(m, *kind), id);
	}
	return c;
}

int
undo_id(struct measures *m, uint64_t id, const char *by)
{
	enum state_kind kind;
	struct contained *c = undo_find(m, id, &kind);
	int rv;

	if (c == NULL)
		return ERR_NOTFOUND;
	if (kind == STATE_QUARANTINE)
		rv = quarantine_release(m->quarantine, id);
	else if (kind == STATE_TAG)
		rv = tags_clear(m->quarantine, &c->who, c->profile, &id);
	else if (kind == STATE_PROPOSAL)
		rv = proposal_reject(m, id, by);
	else
		rv = measure_release(m, kind, id);
	contained_unref(c);
	return rv;
}

struct seeking {
	const struct endpoint *who;
	const struct servers *servers;
	const char	*by;
	enum state_kind	 kind;
	uint64_t	*ids;
	size_t		 n, max;
};

static int
names_server(const struct servers *s, const char *server)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->v[i], server) == 0)
			return 1;
	return 0;
}

/* Also by its address, if that was all that was known of it. */
static int
is_same(const struct endpoint *held, const struct endpoint *who)
{
	struct endpoint by_addr = { .addr = who->addr };

	return endpoint_same(held, who) || (!held->by_mac &&
	    who->addr.sa.sa_family != AF_UNSPEC &&
	    held->addr.sa.sa_family != AF_UNSPEC &&
	    endpoint_same(held, &by_addr));
}

static int
is_about(const struct seeking *s, const struct contained *c)
{
	struct proposal p;

	if (s->kind == STATE_DENIAL)
		return names_server(s->servers, c->profile);
	if (s->kind == STATE_PROPOSAL && proposal_read(&p, c) == 0 &&
	    p.what == DO_DENY_SERVER)
		return names_server(s->servers, p.object);
	return s->who != NULL && is_same(&c->who, s->who);
}

static void
seek(void *arg, const struct contained *c)
{
	struct seeking *s = arg;

	if (s->n < s->max && (s->kind == STATE_QUARANTINE ||
	    strcmp(c->by, s->by) == 0) && is_about(s, c))
		s->ids[s->n++] = c->id;
}

size_t
undo_about(const struct measures *m, const struct endpoint *who,
    const struct servers *servers, const char *by, uint64_t *ids, size_t max)
{
	struct seeking s = { who, servers, by, 0, ids, 0, max };
	int k;

	for (k = 0; k < STATE_KINDS; k++) {
		s.kind = (enum state_kind)k;
		contain_each(measure_table(m, s.kind), seek, &s);
	}
	return s.n;
}
