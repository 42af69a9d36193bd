/*
 * The keys of `segments`, and the rules that follow from it.
 */
#include "conf/segment.h"

#include <stdlib.h>
#include <string.h>

#include "conf/group.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

static const struct type type_end;

static void	check_segment(struct load *, yaml_node_t *, void *);

static const struct listof ports = {
	sizeof(struct conf_ports), { NULL, &type_ports }
};
static const struct word actions[] = {
	{ "allow", SEGMENT_ALLOW }, { "decrypt", SEGMENT_DECRYPT },
	{ "bypass", SEGMENT_BYPASS }, { "block", SEGMENT_BLOCK },
	{ "reset", SEGMENT_RESET }, { NULL }
};

#define F(member)	offsetof(struct conf_segment, member)
static const struct key segment_keys[] = {
	{ "name", &type_name, F(name) },
	{ "from", &type_end, F(from), .flags = KEY_REQUIRED,
	    .hint = "a group, or any" },
	{ "to", &type_end, F(to), .flags = KEY_REQUIRED,
	    .hint = "a group, or any" },
	{ "port", &type_list, F(port), .arg = &ports,
	    .max = CONF_SEGMENT_PORTS },
	{ "action", &type_word, F(action), .arg = actions,
	    .flags = KEY_REQUIRED, .hint = "allow, decrypt, bypass, block or "
	    "reset" },
	{ NULL }
};
#undef F
static const struct map map_segment = {
	"a segment", segment_keys, check_segment
};
const struct listof segment_list = {
	sizeof(struct conf_segment),
	{ "segments", &type_map, .arg = &map_segment }
};
const struct word segment_defaults[] = {
	{ "allow", 0 }, { "deny", 1 }, { NULL }
};

const char *
conf_segment_action_str(int action)
{
	return actions[action].name;
}

static const char *
end_name(const struct conf *c, size_t group)
{
	return group >= c->ngroups ? "any" : c->groups[group].name;
}

static int
named(const struct conf *c, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < c->nsegments; i++)
		if (c->segments[i].name != NULL &&
		    strcmp(c->segments[i].name, name) == 0)
			return 1;
	return 0;
}

/* "web to app", or "web to app (7)" of the seventh, so that no two metrics are
 * the same. */
static char *
name_of(const struct conf *c, const struct conf_segment *s)
{
	char *name = xasprintf("%s to %s", end_name(c, s->from),
	    end_name(c, s->to)), *other;

	if (!named(c, name))
		return name;
	other = xasprintf("%s (%zu)", name, c->nsegments);
	free(name);
	return other;
}

static void
check_segment(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const keys[] = { "port", NULL };
	struct conf_segment *s = item;
	struct conf *c = l->conf;

	s->pos = node_pos(n);
	check_filled(l, n, keys);
	if (s->name != NULL)
		check_name(l, n, "segment", c->segments, c->nsegments,
		    sizeof(*s));
	else
		s->name = name_of(c, s);
}

static int
end_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf *c = l->conf;

	*(size_t *)field = CONF_ANY;
	if (strcmp(s, "any") == 0)
		return 0;
	return ref_find(c->groups, c->ngroups, sizeof(*c->groups), "group",
	    "groups", s, field, why);
}

static const struct type type_end = { end_parse, NULL, NULL };

static void
rule_of(struct conf *c, struct conf_rule *r, const struct conf_segment *s)
{
	r->name = s == &conf_segment_default ? xstrdup(s->name) :
	    xasprintf("segment %s", s->name);
	r->pos = s->pos;
	r->action = s->action == SEGMENT_RESET ? ACTION_RESET : ACTION_BLOCK;
	r->inspect = &c->inspect;
	r->match.segment = s;
}

void
segment_rules(struct conf *c)
{
	struct conf_rule *rules;
	size_t i, n = 0;

	if (!conf_segmented(c))
		return;
	rules = xcalloc(c->nsegments + 1 + c->nrules, sizeof(*rules));
	for (i = 0; i < c->nsegments; i++)
		if (conf_segment_refuses(&c->segments[i]))
			rule_of(c, &rules[n++], &c->segments[i]);
	if (c->segments_deny)
		rule_of(c, &rules[n++], &conf_segment_default);
	memcpy(rules + n, c->rules, c->nrules * sizeof(*rules));
	free(c->rules);
	c->rules = rules;
	c->nrules += n;
}
