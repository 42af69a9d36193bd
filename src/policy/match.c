/*
 * Halves of rules.
 */
#include "policy/match.h"

#include <stdlib.h>
#include <string.h>

#include "policy/category.h"
#include "policy/condition.h"
#include "policy/group.h"
#include "policy/mac.h"
#include "util/mem.h"

size_t
match_count(const struct conf_match *m)
{
	return m->sni.n + m->host.n + m->site.n;
}

static void
given_init(struct match *m)
{
	const struct condition *c;
	size_t n = 0;

	for (c = conditions; c->name != NULL; c++)
		if (c->given(m->conf))
			m->given[n++] = c;
}

/* Its lists; names that stand in the rule are no patterns. */
static void
user_init(struct match *m, const struct list *lists, size_t nlists)
{
	const struct conf_list *l = &m->conf->user;
	struct match_set *s = &m->user;
	const struct list *list;
	size_t i;

	if (l->n == 0)
		return;
	s->lists = xcalloc(l->n, sizeof(*s->lists));
	for (i = 0; i < l->n; i++)
		if (l->v[i][0] == '@' && (list = list_named(lists, nlists,
		    l->v[i] + 1)) != NULL)
			s->lists[s->nlists++] = list;
}

static void
country_init(struct match *m)
{
	unsigned bit;
	size_t i;

	for (i = 0; i < m->conf->country.n; i++) {
		bit = country_bit(m->conf->country.v[i]);
		m->countries[bit / 32] |= 1u << bit % 32;
	}
}

static void
groups_init(struct match *m, const struct view_sets *sets)
{
	const struct conf_list *l = &m->conf->group;
	size_t i, k;

	m->groups = xcalloc(l->n, sizeof(*m->groups));
	for (i = 0; i < l->n; i++)
		for (k = 0; k < sets->ngroups; k++)
			if (strcmp(sets->groups[k].name, l->v[i]) == 0)
				m->groups[m->ngroups++] = &sets->groups[k];
}

void
match_init(struct match *m, const struct conf_match *conf,
    const struct list *lists, size_t nlists, const struct view_sets *sets,
    struct match_names *names)
{
	memset(m, 0, sizeof(*m));
	m->conf = conf;
	given_init(m);
	set_init(&m->client, &conf->client, lists, nlists, names);
	set_init(&m->server, &conf->server, lists, nlists, names);
	set_init(&m->sni, &conf->sni, lists, nlists, names);
	set_init(&m->host, &conf->host, lists, nlists, names);
	set_init(&m->site, &conf->site, lists, nlists, names);
	category_init(&m->category, &m->category_unknown, &conf->category,
	    sets);
	user_init(m, lists, nlists);
	country_init(m);
	groups_init(m, sets);
	m->macs = mac_init(&conf->mac);
	m->protocols = protocol_bits(&conf->protocol);
}

void
match_free(struct match *m)
{
	set_free(&m->client);
	set_free(&m->server);
	set_free(&m->sni);
	set_free(&m->host);
	set_free(&m->site);
	set_free(&m->category);
	set_free(&m->user);
	free(m->macs);
	free(m->groups);
}

int
match_by_certificate(const struct match *m)
{
	const struct condition *const *c;

	for (c = m->given; *c != NULL; c++)
		if ((*c)->stage == STAGE_CERTIFICATE)
			return 1;
	return 0;
}

int
match_by_request(const struct match *m)
{
	return m->conf->host.n > 0 || m->conf->site.n > 0 ||
	    m->conf->category.n > 0 || m->conf->denied == DENIED_BY_REQUEST;
}

int
match_given(const struct match *m)
{
	return m->given[0] != NULL;
}

int
match_holds(const struct match *m, struct view *v,
    const struct condition **which)
{
	const struct condition *const *c;

	for (c = m->given; *c != NULL; c++)
		if (!(*c)->holds(m, v)) {
			if (which != NULL)
				*which = *c;
			return 0;
		}
	return 1;
}

enum match_may
match_may(const struct match *m, struct view *v)
{
	enum match_may may = MATCH_SURE;
	const struct condition *const *c;

	for (c = m->given; *c != NULL; c++) {
		if ((*c)->holds(m, v) && !condition_open(*c, v->f))
			continue;
		if (!condition_to_come(*c, v->f))
			return MATCH_NOT;
		may = MATCH_PERHAPS;
	}
	return may;
}

enum policy_stage
match_stage(const struct match *m, struct view *v, int holds)
{
	enum policy_stage stage, at = holds ? STAGE_CONNECTION : STAGE_REQUEST;
	const struct condition *const *c;

	for (c = m->given; *c != NULL; c++) {
		stage = condition_stage(*c, v->f);
		if (holds ? stage > at : stage < at && !(*c)->holds(m, v))
			at = stage;
	}
	return at;
}
