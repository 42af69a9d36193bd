/*
 * The rule "denied server" stands behind those of quarantines, which refuse
 * more, and before the operator's. Which servers it is about changes without
 * the configuration, so the facts tell it (policy/denied.h).
 */
#include "conf/denied.h"

#include <stdlib.h>
#include <string.h>

#include "conf/contained.h"
#include "conf/keys.h"
#include "conf/pattern.h"
#include "conf/value.h"
#include "conf/verdicts.h"
#include "util/err.h"
#include "util/mem.h"

static int
response_does(const struct conf *c, enum conf_do what)
{
	size_t i;

	for (i = 0; i < c->nresponses; i++)
		if (c->responses[i].what == what)
			return 1;
	return 0;
}

int
conf_denies(const struct conf *c)
{
	return c->nquarantines > 0 || response_does(c, DO_DENY_SERVER);
}

int
conf_measures(const struct conf *c)
{
	return conf_denies(c) || response_does(c, DO_STEP_UP);
}

void
denied_rule(struct conf *c)
{
	struct conf_rule *r;

	if (!conf_denies(c))
		return;
	c->rules = xrealloc(c->rules, (c->nrules + 1) * sizeof(*r));
	memmove(c->rules + 1, c->rules, c->nrules++ * sizeof(*r));
	r = c->rules;
	memset(r, 0, sizeof(*r));
	r->name = xstrdup("denied server");
	r->action = ACTION_BLOCK;
	r->inspect = &c->inspect;
	r->match.denied = response_does(c, DO_DENY_SERVER) ?
	    DENIED_BY_REQUEST : DENIED;
}

/* Whether a list's patterns cover a name; one with "!" excepts it. */
static int
listed(const struct conf_named_list *l, const char *name)
{
	const char *s = l->names.s, *end = s + l->names.len;
	int has = 0;

	for (; s < end; s += strlen(s) + 1)
		if (*s == '!' && pattern_matches(s, name))
			return 0;
		else if (*s != '!')
			has |= pattern_matches(s, name);
	return has;
}

static int
entry_has_name(const struct conf *c, const char *entry, const char *name)
{
	size_t i;

	if (entry[0] != '@')
		return pattern_matches(entry, name);
	for (i = 0; i < c->nlists; i++)
		if (strcmp(c->lists[i].name, entry + 1) == 0)
			return listed(&c->lists[i], name);
	return 0;
}

static int
names_have(const struct conf *c, const struct conf_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (entry_has_name(c, l->v[i], name))
			return 1;
	return 0;
}

static const char *
addr_never(const struct conf *c, const struct addr *a)
{
	size_t i;

	if (conf_sources_have(c, &c->endpoints.never_denied, a))
		return "endpoints: never-denied";
	if (conf_sources_have(c, &c->endpoints.never, a))
		return "endpoints: never";
	for (i = 0; i < c->nquarantines; i++)
		if (conf_prefixes_have(&c->quarantines[i].servers, a) ||
		    conf_prefixes_have(&c->quarantines[i].dns, a))
			return "a quarantine lets endpoints reach it";
	return NULL;
}

const char *
conf_never_denied(const struct conf *c, const char *server)
{
	const char *name;
	struct addr a;
	unsigned what;
	size_t i;

	if (addr_parse_ip(&a, server) == 0)
		return addr_never(c, &a);
	name = pattern_name(server, &what);
	if (names_have(c, &c->endpoints.never_denied, name))
		return "endpoints: never-denied";
	for (i = 0; i < c->nquarantines; i++)
		if (names_have(c, &c->quarantines[i].allow, name))
			return "a quarantine allows it";
	for (i = 0; i < c->nowns; i++)
		if (names_have(c, &c->owns[i].site, name))
			return "certificates: it is our own";
	return NULL;
}

/* An address, a prefix, a pattern of a name, or a list of either. */
static int
server_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct prefix p;

	if (s[0] != '@')
		return prefix_parse(&p, s) == 0 ?
		    type_source.parse(l, k, s, field, why) :
		    type_pattern.parse(l, k, s, field, why);
	if (type_pattern.parse(l, k, s, field, why) == 0)
		return 0;
	text_clear(why);
	return type_source.parse(l, k, s, field, why);
}

static const struct type type_server = { server_parse, NULL, text_drop };
const struct listof never_denied_list = {
	sizeof(char *), { "never-denied", &type_server }
};
