/*
 * Rules that can never match, because one before them holds wherever they do:
 * each of its conditions is given in the later rule too, and wider. What lists
 * have is left out of this, since it changes without the configuration.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/keys.h"
#include "conf/pattern.h"
#include "util/mem.h"

/* Comparisons of two entries: enough for thousands of rules, and a fraction of
 * a second. What is beyond is not looked at. */
#define COMPARED_MAX	20000000

static int
text_covers(const char *wide, const char *s)
{
	return strcasecmp(wide, s) == 0;
}

static int
user_covers(const char *wide, const char *s)
{
	return strcmp(wide, s) == 0;
}

static int
glob_covers(const char *wide, const char *s)
{
	return fnmatch(wide, s, FNM_NOESCAPE) == 0;
}

static int
prefix_covers(const char *wide, const char *s)
{
	struct prefix w, p;
	struct addr a;

	if (prefix_parse(&w, wide) != 0 || prefix_parse(&p, s) != 0)
		return strcmp(wide, s) == 0;
	a = prefix_addr(&p, 0);
	return w.bits <= p.bits && prefix_has(&w, &a);
}

/* Whether name is below that one, at any depth. */
static int
name_below(const char *name, const char *above)
{
	size_t n = strlen(name), m = strlen(above);

	return m == 0 || (n > m + 1 && name[n - m - 1] == '.' &&
	    strcmp(name + n - m, above) == 0);
}

static int
pattern_covers(const char *wide, const char *s)
{
	unsigned w, p;
	const char *above, *name;
	struct prefix ip;
	int same, below;

	if (wide[0] == '@' || s[0] == '@')
		return strcmp(wide, s) == 0;
	if (prefix_parse(&ip, wide) == 0 || prefix_parse(&ip, s) == 0)
		return prefix_covers(wide, s);
	above = pattern_name(wide, &w);
	name = pattern_name(s, &p);
	same = strcmp(above, name) == 0;
	below = (w & PATTERN_BELOW) && name_below(name, above);
	if ((p & PATTERN_SELF) && !below && !(same && (w & PATTERN_SELF)))
		return 0;
	return !(p & PATTERN_BELOW) || below || (same && (w & PATTERN_BELOW));
}

#define AT(member)	offsetof(struct conf_match, member)
static const struct {
	size_t		 at;		/* of a struct conf_list */
	int		(*covers)(const char *wide, const char *);
} lists[] = {
	{ AT(client), prefix_covers }, { AT(server), prefix_covers },
	{ AT(sni), pattern_covers }, { AT(host), pattern_covers },
	{ AT(site), pattern_covers }, { AT(alpn), text_covers },
	{ AT(listener), text_covers }, { AT(protocol), text_covers },
	{ AT(category), text_covers }, { AT(country), text_covers },
	{ AT(user), user_covers }, { AT(mac), glob_covers },
	{ AT(group), user_covers }, { AT(tag), user_covers },
	{ AT(ja3), text_covers }, { AT(ja4), glob_covers },
	{ AT(certificate.issuer), text_covers },
	{ AT(certificate.subject), text_covers },
};
#undef AT

static const struct conf_list *
list_at(const struct conf_match *m, size_t i)
{
	return (const void *)((const char *)m + lists[i].at);
}

/* The windows as they were written. */
static int
windows_cover(const struct conf_match *wide, const struct conf_match *m)
{
	size_t i, k;

	for (i = 0; wide->ntime > 0 && i < m->ntime; i++) {
		for (k = 0; k < wide->ntime; k++)
			if (strcasecmp(wide->time[k].text,
			    m->time[i].text) == 0)
				break;
		if (k == wide->ntime)
			return 0;
	}
	return 1;
}

/* Which conditions are given: bits. */
static unsigned
match_mask(const struct conf_match *m)
{
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < NELEM(lists); i++)
		if (list_at(m, i)->n > 0)
			bits |= 1u << i;
	bits |= m->nport > 0 ? 1u << i : 0;
	bits |= m->ntime > 0 ? 1u << (i + 2) : 0;
	return bits | (m->certificate.status != 0 ? 1u << (i + 1) : 0);
}

static int
list_covers(size_t which, const struct conf_list *wide,
    const struct conf_list *l, unsigned long *left)
{
	size_t i, k;

	for (i = 0; i < l->n; i++) {
		for (k = 0; k < wide->n; k++) {
			if (*left == 0)
				return 0;
			--*left;
			if (lists[which].covers(wide->v[k], l->v[i]))
				break;
		}
		if (k == wide->n)
			return 0;
	}
	return 1;
}

static int
ports_cover(const struct conf_match *wide, const struct conf_match *m)
{
	size_t i, k;

	for (i = 0; wide->nport > 0 && i < m->nport; i++) {
		for (k = 0; k < wide->nport; k++)
			if (wide->port[k].lo <= m->port[i].lo &&
			    wide->port[k].hi >= m->port[i].hi)
				break;
		if (k == wide->nport)
			return 0;
	}
	return 1;
}

/* Whether a match holds wherever the other one does. */
static int
match_covers(const struct conf_match *wide, const struct conf_match *m,
    unsigned long *left)
{
	const struct conf_list *l;
	size_t i;

	for (i = 0; i < NELEM(lists); i++) {
		l = list_at(wide, i);
		if (l->n > 0 && !list_covers(i, l, list_at(m, i), left))
			return 0;
	}
	return ports_cover(wide, m) && windows_cover(wide, m) &&
	    (wide->certificate.status == 0 ||
	    (m->certificate.status & ~wide->certificate.status) == 0);
}

/* What the wider rule excepts must be excepted by the other one, too. */
static int
rule_covers(const struct conf_rule *wide, const struct conf_rule *r,
    unsigned long *left)
{
	return match_covers(&wide->match, &r->match, left) &&
	    (match_mask(&wide->except) == 0 ||
	    (match_mask(&r->except) != 0 &&
	    match_covers(&r->except, &wide->except, left)));
}

void
check_reached(struct load *l, yaml_node_t *rules)
{
	const struct conf *c = l->conf;
	unsigned long left = COMPARED_MAX;
	unsigned *masks = xcalloc(c->nrules, sizeof(*masks));
	size_t i, k;

	/* The first rule without conditions ends it: see check_order(). */
	for (i = 0; i + 1 < c->nrules; i++) {
		masks[i] = match_mask(&c->rules[i].match);
		for (k = 0; k < i; k++)
			if ((masks[k] & ~masks[i]) == 0 &&
			    rule_covers(&c->rules[k], &c->rules[i], &left))
				break;
		if (k < i)
			load_problem(l, node_item(l, rules, i), "this rule is "
			    "never reached: \"%s\" before it (line %u) matches "
			    "all that it matches; put it before that one, or "
			    "take it out", c->rules[k].name,
			    c->rules[k].pos.line);
	}
	free(masks);
}
