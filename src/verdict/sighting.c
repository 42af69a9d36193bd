/*
 * A line by the rows of its product.
 */
#include "verdict/sighting.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/err.h"
#include "util/mem.h"

/* What all products mean by these. */
static const struct {
	const char	*word;
	int		 severity;
} words[] = {
	{ "informational", 1 }, { "information", 1 }, { "info", 1 },
	{ "debug", 0 }, { "notice", 3 }, { "low", 3 }, { "warning", 5 },
	{ "medium", 5 }, { "moderate", 5 }, { "unknown", 5 }, { "error", 7 },
	{ "high", 8 }, { "alert", 9 }, { "very-high", 10 },
	{ "critical", 10 }, { "emergency", 10 }
};

/* Whether all that such a line has is there. */
static int
has_all(const struct conf_is *is, const struct fields *f)
{
	const char *value;
	size_t i;

	for (i = 0; i < is->n; i++)
		if ((value = fields_get(f, is->v[i].name)) == NULL ||
		    fnmatch(is->v[i].pattern, value, FNM_CASEFOLD) != 0)
			return 0;
	return 1;
}

/* Whether a line is of it. Those that say nothing of their lines are told by
 * the ends they have. */
static int
product_is(const struct conf_product *p, const struct fields *f)
{
	size_t i;

	for (i = 0; i < p->nis; i++)
		if (has_all(&p->is[i], f))
			return 1;
	return p->nis == 0 && fields_get(f, p->ends.v[0]) != NULL;
}

/* Whether one of these has that name. */
static int
have_name(const struct conf_products *all, const char *name)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (strcmp(all->v[i].name, name) == 0)
			return 1;
	return 0;
}

/*
 * The first that it is one of, but not of those whose names others have. Plain
 * ones say nothing of what their lines have. *last is the last that was looked
 * at.
 */
static const struct conf_product *
product_among(const struct conf_products *all,
    const struct conf_products *others, int plain, const struct fields *f,
    const struct conf_product **last)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		if ((all->v[i].nis == 0) != plain ||
		    have_name(others, all->v[i].name))
			continue;
		if (product_is(&all->v[i], f))
			return &all->v[i];
		*last = &all->v[i];
	}
	return NULL;
}

static const struct conf_product *
product_of(const struct conf_products *own, const struct fields *f)
{
	static const struct conf_products none;
	const struct conf_products *shipped = products_shipped();
	const struct conf_product *p, *last = NULL;
	int plain;

	for (plain = 0; plain < 2; plain++)
		if ((p = product_among(own, &none, plain, f, &last)) != NULL ||
		    (p = product_among(shipped, own, plain, f, &last)) != NULL)
			return p;
	return last;		/* a generic one, of either */
}

static const char *
first_of(const struct fields *f, const struct conf_list *names)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < names->n && value == NULL; i++)
		value = fields_get(f, names->v[i]);
	return value;
}

static int
severity_word(const struct conf_product *p, const char *s)
{
	size_t i;

	for (i = 0; i < p->nscale; i++)
		if (strcasecmp(s, p->scale[i].word) == 0)
			return p->scale[i].severity;
	for (i = 0; i < NELEM(words); i++)
		if (strcasecmp(s, words[i].word) == 0)
			return words[i].severity;
	return -1;
}

/* By the product's range: what is past an end of it counts as that. */
static int
severity_number(const struct conf_product *p, double d)
{
	double lo = p->range.lo, hi = p->range.hi;

	d = (d - lo) / (hi - lo) * 10;
	return d > 10 ? 10 : d < 0 ? 0 : (int)(d + 1e-9);
}

static int
severity_of(const struct conf_product *p, const struct fields *f)
{
	const char *s = first_of(f, &p->severity);
	char *end;
	double d;
	int n;

	if (s == NULL)
		return SIGHTING_SEVERITY;
	if ((n = severity_word(p, s)) >= 0)
		return n;
	d = strtod(s, &end);
	if (end == s || *end != '\0' || !(d >= 0))
		return SIGHTING_SEVERITY;
	return severity_number(p, d);
}

void
sighting_read(struct sighting *s, const struct conf_products *own,
    const struct fields *f)
{
	const struct conf_product *p = product_of(own, f);
	size_t i;

	memset(s, 0, sizeof(*s));
	s->fields = f;
	s->product = p->name;
	s->severity = severity_of(p, f);
	s->signature = first_of(f, &p->signature);
	s->category = first_of(f, &p->category);
	for (i = 0; i < p->endpoint.n; i++)
		s->named[i] = fields_get(f, p->endpoint.v[i]);
	for (i = 0; i < p->ends.n; i++)
		s->ends[i] = fields_get(f, p->ends.v[i]);
	for (i = 0; i < p->peer.n; i++)
		s->peers[i] = fields_get(f, p->peer.v[i]);
}

struct asking {
	int	(*is_inside)(void *, const struct addr *);
	void	*arg;
};

/* Whether it names an endpoint. A hardware address is always one's. */
static int
names_one(const char *s, struct endpoint *who, const struct asking *a)
{
	return s != NULL && endpoint_parse(who, s) == 0 &&
	    (who->by_mac || a->is_inside(a->arg, &who->addr));
}

int
sighting_who(const struct sighting *s, struct endpoint *who,
    int (*is_inside)(void *arg, const struct addr *), void *arg)
{
	struct asking a = { is_inside, arg };
	struct endpoint other;
	size_t i;

	for (i = 0; i < NELEM(s->named); i++)
		if (names_one(s->named[i], who, &a))
			return 0;
	if (!names_one(s->ends[0], who, &a))
		return names_one(s->ends[1], who, &a) ? 0 : ERR_NOTFOUND;
	return names_one(s->ends[1], &other, &a) &&
	    !endpoint_same(who, &other) ? ERR_UNSUPPORTED : 0;
}

static int
is_known(const struct endpoint *who)
{
	return who != NULL && who->addr.sa.sa_family != AF_UNSPEC;
}

/* Whether that text is an address of the endpoint's, as far as it is known. */
static int
is_its_own(const char *s, const struct endpoint *who)
{
	struct endpoint end = { 0 }, me = { 0 };

	if (!is_known(who))
		return 0;
	me.addr = who->addr;
	return addr_parse_ip(&end.addr, s) == 0 && endpoint_same(&end, &me);
}

const char *
sighting_other(const struct sighting *s, const struct endpoint *who)
{
	int i;

	for (i = 0; i < 2; i++)
		if (s->ends[i] != NULL && s->ends[!i] != NULL &&
		    is_its_own(s->ends[i], who))
			return s->ends[!i];
	return NULL;
}

/* Whether a field with that text names the endpoint, as a rule. */
static int
is_named(const struct sighting *s, const char *peer)
{
	size_t i;

	for (i = 0; i < NELEM(s->named); i++)
		if (s->named[i] != NULL && strcmp(s->named[i], peer) == 0)
			return 1;
	return 0;
}

const char *
sighting_peer(const struct sighting *s, const struct endpoint *who)
{
	size_t i;

	for (i = 0; i < NELEM(s->peers); i++)
		if (s->peers[i] != NULL && !is_its_own(s->peers[i], who) &&
		    (is_known(who) || !is_named(s, s->peers[i])))
			return s->peers[i];
	return sighting_other(s, who);
}
