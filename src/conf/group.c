/*
 * Members of groups, and the conditions `group` and `tag`.
 */
#include "conf/group.h"

#include <ctype.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/value.h"
#include "conf/verdicts.h"
#include "util/err.h"
#include "util/mac.h"
#include "util/mem.h"

static const struct type type_member;

static void	check_group(struct load *, yaml_node_t *, void *);

static const struct listof member_list = {
	sizeof(char *), { NULL, &type_member }
};

#define F(member)	offsetof(struct conf_group, member)
static const struct key group_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "members", &type_list, F(members), .arg = &member_list,
	    .max = 10000, .flags = KEY_REQUIRED,
	    .hint = "addresses, MAC addresses or \"tag:NAME\"" },
	{ NULL }
};
#undef F
static const struct map map_group = { "a group", group_keys, check_group };
const struct listof group_list = {
	sizeof(struct conf_group), { "groups", &type_map, .arg = &map_group }
};
const struct listof rule_groups = { sizeof(char *), { NULL, &type_group } };
const struct listof rule_tags = { sizeof(char *), { NULL, &type_tag } };

int
conf_tag_valid(const char *s)
{
	size_t n;

	for (n = 0; s[n] != '\0'; n++)
		if (!isalnum((unsigned char)s[n]) && s[n] != '-' &&
		    s[n] != '_' && s[n] != '.')
			return 0;
	return n > 0 && n <= CONF_TAG_MAX;
}

const char *
conf_member_tag(const char *member)
{
	return strncmp(member, "tag:", 4) == 0 ? member + 4 : NULL;
}

static int
group_tags(const struct conf_group *g)
{
	size_t i;

	for (i = 0; i < g->members.n; i++)
		if (conf_member_tag(g->members.v[i]) != NULL)
			return 1;
	return 0;
}

int
conf_tags(const struct conf *c)
{
	size_t i;

	if (c->endpoints.tags.n > 0)
		return 1;
	for (i = 0; i < c->ngroups; i++)
		if (group_tags(&c->groups[i]))
			return 1;
	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].match.tag.n > 0 || c->rules[i].except.tag.n > 0)
			return 1;
	for (i = 0; i < c->nresponses; i++)
		if (c->responses[i].what == DO_TAG)
			return 1;
	return 0;
}

static void
check_group(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const keys[] = { "members", NULL };
	struct conf_group *g = item;
	struct conf *c = l->conf;

	g->pos = node_pos(n);
	check_name(l, n, "group", c->groups, c->ngroups, sizeof(*g));
	check_filled(l, n, keys);
	if (g->name != NULL && strcmp(g->name, "any") == 0)
		load_problem(l, node_get(l, n, "name"), "\"any\" means "
		    "everyone; give the group another name");
}

static int
tag_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (!conf_tag_valid(s)) {
		text_printf(why, "\"%.64s\" is not a tag; write at most %d "
		    "letters, digits, \"-\", \"_\" and \".\"", s,
		    CONF_TAG_MAX);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

/* A MAC address, as it is kept; or no MAC address. */
static int
member_mac(const char *s, char out[MAC_STRLEN])
{
	struct mac_pattern p;

	if (mac_pattern_parse(&p, s, (unsigned)strnlen(s, MAC_STRLEN)) != 0)
		return ERR_FORMAT;
	mac_pattern_str(&p, out);
	return 0;
}

static int
member_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const char *tag = conf_member_tag(s);
	char mac[MAC_STRLEN], *ignored = NULL;
	struct prefix p;
	int rv;

	if (tag != NULL) {
		if ((rv = tag_parse(l, k, tag, &ignored, why)) == 0)
			*(char **)field = xstrdup(s);
		text_drop(k, &ignored);
		return rv;
	}
	if (s[0] == '@')
		return type_source.parse(l, k, s, field, why);
	if (prefix_parse(&p, s) == 0)
		*(char **)field = xstrdup(s);
	else if (member_mac(s, mac) == 0)
		*(char **)field = xstrdup(mac);
	else
		text_printf(why, "\"%.64s\" is no member of a group; write "
		    "10.1.0.0/24, \"02:00:5e:00:00:07\", \"tag:web\" or "
		    "\"@list\"", s);
	return why->len > 0 ? ERR_FORMAT : 0;
}

static int
group_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const struct conf *c = l->conf;
	size_t i;

	if (ref_find(c->groups, c->ngroups, sizeof(*c->groups), "group",
	    "groups", s, &i, why) != 0)
		return ERR_FORMAT;
	*(char **)field = xstrdup(s);
	return 0;
}

static const struct type type_member = { member_parse, NULL, text_drop };
const struct type type_group = { group_parse, NULL, text_drop };
const struct type type_tag = { tag_parse, NULL, text_drop };
