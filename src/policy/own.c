/*
 * Own servers. Whose certificate it is, is said by the name asked for, by the
 * server's address, or by both. A client that names nobody is known by the
 * address alone.
 */
#include "policy/own.h"

size_t
own_match_count(const struct conf *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->nowns; i++)
		n += c->owns[i].site.n;
	return n;
}

void
own_match_init(struct own_match *of, const struct conf *c,
    const struct list *lists, struct match_names *names)
{
	size_t i;

	for (i = 0; i < c->nowns; i++) {
		of[i].conf = &c->owns[i];
		set_init(&of[i].site, &c->owns[i].site, lists, c->nlists,
		    names);
		set_init(&of[i].server, &c->owns[i].server, lists, c->nlists,
		    names);
	}
}

void
own_match_free(struct own_match *of, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		set_free(&of[i].site);
		set_free(&of[i].server);
	}
}

/* Whether it asks for a name, other than an address. */
static int
own_named(const struct facts *f)
{
	const char *name = facts_name(f);
	struct addr a;

	if (name == NULL)
		return f->sni_bad;
	name_addr(name, &a);
	return a.sa.sa_family == AF_UNSPEC;
}

static int
own_holds(const struct own_match *o, struct view *v, int named)
{
	const struct facts *f = v->f;

	if (o->conf->server.n > 0 && !set_has(&o->server, &f->server))
		return 0;
	if (o->conf->site.n == 0)
		return 1;
	if (!named)
		return o->conf->server.n > 0;
	return set_has_name(&o->site, v, facts_name(f));
}

size_t
own_match_find(const struct own_match *of, size_t n, struct view *v)
{
	int named = own_named(v->f);
	size_t i;

	for (i = 0; i < n; i++)
		if (own_holds(&of[i], v, named))
			break;
	return i;
}
