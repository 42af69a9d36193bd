/*
 * The section quarantines, and what it means: rules of our own before all
 * others, a rule for each profile that refuses what its endpoints may not have.
 * So everything that asks the rules holds for them too: requests on open
 * connections, names that are confirmed, `explain`.
 */
#include "conf/contained.h"

#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "util/mem.h"

static void	check_quarantine(struct load *, yaml_node_t *, void *);

static const struct listof
    allowed = { sizeof(char *), { NULL, &type_pattern } },
    prefixes = { sizeof(struct prefix), { NULL, &type_prefix } };

#define F(member)	offsetof(struct conf_quarantine, member)
static const struct key quarantine_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "allow", &type_list, F(allow), .arg = &allowed, .max = 1000 },
	{ "servers", &type_list, F(servers), .arg = &prefixes, .max = 64 },
	{ "dns", &type_list, F(dns), .arg = &prefixes, .max = 16 },
	{ "tell", &type_bool, F(tell), "yes" },
	{ NULL }
};
#undef F
static const struct map map_quarantine = {
	"a quarantine", quarantine_keys, check_quarantine
};
const struct listof quarantine_list = {
	sizeof(struct conf_quarantine),
	{ "quarantines", &type_map, .arg = &map_quarantine }
};

static char gone[] = "(none)";
const struct conf_quarantine conf_quarantine_gone = {
	.name = gone, .tell = 1
};

static void
check_quarantine(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const keys[] = { "allow", "servers", "dns", NULL };
	struct conf_quarantine *q = item;
	struct conf *c = l->conf;

	q->pos = node_pos(n);
	check_name(l, n, "quarantine", c->quarantines, c->nquarantines,
	    sizeof(*c->quarantines));
	check_filled(l, n, keys);
}

int
conf_quarantine_find(const struct conf *c, const char *name)
{
	size_t i;

	/* Names that are wrong are NULL. */
	for (i = 0; name != NULL && i < c->nquarantines; i++)
		if (c->quarantines[i].name != NULL &&
		    strcmp(c->quarantines[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
conf_quarantine_lets(const struct conf_quarantine *q, const struct addr *server,
    uint16_t port)
{
	return conf_prefixes_have(&q->servers, server) ||
	    (port == 53 && conf_prefixes_have(&q->dns, server));
}

static void
rule_of(struct conf *c, struct conf_rule *r, const struct conf_quarantine *q)
{
	size_t i;

	r->name = xasprintf("quarantine %s", q->name);
	r->pos = q->pos;
	r->action = ACTION_BLOCK;
	r->inspect = &c->inspect;
	r->match.contained = q;
	if (q->allow.n == 0)
		return;
	r->except.site.v = xcalloc(q->allow.n, sizeof(char *));
	r->except.site.n = q->allow.n;
	for (i = 0; i < q->allow.n; i++)
		r->except.site.v[i] = xstrdup(q->allow.v[i]);
}

void
quarantine_rules(struct conf *c)
{
	size_t i, n = c->nquarantines + 1;
	struct conf_rule *rules;

	if (c->nquarantines == 0)
		return;
	rules = xcalloc(n + c->nrules, sizeof(*rules));
	for (i = 0; i < c->nquarantines; i++)
		rule_of(c, &rules[i], &c->quarantines[i]);
	rule_of(c, &rules[i], &conf_quarantine_gone);
	memcpy(rules + n, c->rules, c->nrules * sizeof(*rules));
	free(c->rules);
	c->rules = rules;
	c->nrules += n;
}

/* The entries of a list of addresses. */
static int
list_has(const struct conf *c, const char *name, const struct addr *a)
{
	const struct conf_named_list *l;
	size_t i, k;

	for (i = 0; i < c->nlists; i++) {
		l = &c->lists[i];
		for (k = 0; strcmp(l->name, name) == 0 && k < l->naddresses;
		    k++)
			if (prefix_has(&l->addresses[k], a))
				return 1;
	}
	return 0;
}

int
conf_sources_have(const struct conf *c, const struct conf_list *sources,
    const struct addr *a)
{
	struct prefix p;
	size_t i;

	for (i = 0; i < sources->n; i++)
		if (sources->v[i][0] == '@' ?
		    list_has(c, sources->v[i] + 1, a) :
		    prefix_parse(&p, sources->v[i]) == 0 && prefix_has(&p, a))
			return 1;
	return 0;
}
