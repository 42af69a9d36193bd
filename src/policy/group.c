/*
 * Who is in a group.
 */
#include "policy/group.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* One member that is neither a tag nor a list. */
static void
member_add(struct group *g, const char *s)
{
	struct prefix p;

	if (prefix_parse(&p, s) == 0)
		rangeset_add(&g->addresses.addresses, &p);
	else
		mac_pattern_parse(&g->macs[g->nmacs++], s,
		    (unsigned)strlen(s));
}

void
group_init(struct group *g, const struct conf_group *conf,
    const struct list *lists, size_t nlists)
{
	const struct conf_list *m = &conf->members;
	struct match_set *a = &g->addresses;
	const struct list *list;
	size_t i;

	memset(g, 0, sizeof(*g));
	g->name = conf->name;
	g->macs = xcalloc(m->n, sizeof(*g->macs));
	g->tags.v = xcalloc(m->n, sizeof(*g->tags.v));
	a->lists = xcalloc(m->n, sizeof(*a->lists));
	for (i = 0; i < m->n; i++)
		if (conf_member_tag(m->v[i]) != NULL)
			g->tags.v[g->tags.n++] = m->v[i] + 4;
		else if (m->v[i][0] != '@')
			member_add(g, m->v[i]);
		else if ((list = list_named(lists, nlists, m->v[i] + 1)) !=
		    NULL)
			a->lists[a->nlists++] = list;
	rangeset_done(&a->addresses);
}

void
group_free(struct group *g)
{
	set_free(&g->addresses);
	free(g->macs);
	free(g->tags.v);
}

int
tags_have(const char *tags, const char *tag)
{
	size_t n, len = strlen(tag);

	for (; tags != NULL; tags = tags[n] == ',' ? tags + n + 1 : NULL) {
		n = strcspn(tags, ",");
		if (n == len && memcmp(tags, tag, n) == 0)
			return 1;
	}
	return 0;
}

int
group_has(const struct group *g, const struct addr *a, const uint8_t *mac,
    const char *tags)
{
	size_t i;

	if (a->sa.sa_family != AF_UNSPEC && set_has(&g->addresses, a))
		return 1;
	for (i = 0; mac != NULL && i < g->nmacs; i++)
		if (memcmp(g->macs[i].mac, mac, g->macs[i].bytes) == 0)
			return 1;
	for (i = 0; tags != NULL && i < g->tags.n; i++)
		if (tags_have(tags, g->tags.v[i]))
			return 1;
	return 0;
}

/* The client is in one of them. */
int
group_holds(const struct match *m, struct view *v)
{
	const struct facts *f = v->f;
	size_t i;

	for (i = 0; i < m->ngroups; i++)
		if (group_has(m->groups[i], &f->client, f->mac_known ?
		    f->mac : NULL, f->tags))
			return 1;
	return 0;
}

int
group_fact(const struct facts *f, struct text *t)
{
	char s[ADDR_STRLEN];

	if (f->client.sa.sa_family == AF_UNSPEC && !f->mac_known &&
	    f->tags == NULL)
		return 0;
	text_puts(t, f->client.sa.sa_family != AF_UNSPEC ?
	    addr_ip_str(&f->client, s) : "a client");
	if (f->mac_known)
		text_printf(t, " (%s)", mac_str(f->mac, s));
	if (f->tags != NULL)
		text_printf(t, " with the tags %s", f->tags);
	return 1;
}

int
tag_holds(const struct match *m, struct view *v)
{
	size_t i;

	for (i = 0; i < m->conf->tag.n; i++)
		if (tags_have(v->f->tags, m->conf->tag.v[i]))
			return 1;
	return 0;
}

int
tag_fact(const struct facts *f, struct text *t)
{
	if (f->tags != NULL)
		text_puts(t, f->tags);
	return f->tags != NULL;
}
