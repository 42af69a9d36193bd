/*
 * Sets of names and addresses, and the look at them.
 */
#include "policy/view.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

const struct list *
list_named(const struct list *lists, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(lists[i].name, name) == 0)
			return &lists[i];
	return NULL;
}

void
set_init(struct match_set *s, const struct conf_list *of,
    const struct list *lists, size_t nlists, struct match_names *names)
{
	const struct list *list;
	struct prefix p;
	size_t i;

	if (of->n == 0)
		return;
	s->names = names->next++;
	s->lists = xcalloc(of->n, sizeof(*s->lists));
	for (i = 0; i < of->n; i++) {
		if (of->v[i][0] == '@') {
			list = list_named(lists, nlists, of->v[i] + 1);
			if (list != NULL)
				s->lists[s->nlists++] = list;
		} else if (prefix_parse(&p, of->v[i]) == 0)
			rangeset_add(&s->addresses, &p);
		else
			nameset_add(names->names, s->names, of->v[i]);
	}
	rangeset_done(&s->addresses);
}

void
set_free(struct match_set *s)
{
	rangeset_free(&s->addresses);
	free(s->lists);
}

int
set_has(const struct match_set *s, const struct addr *a)
{
	size_t i;

	if (rangeset_has(&s->addresses, a))
		return 1;
	for (i = 0; i < s->nlists; i++)
		if (rangeset_has(&s->lists[i]->addresses, a))
			return 1;
	return 0;
}

/* Read a name as an address, if it is one ("[::1]" or "::1"). */
void
name_addr(const char *name, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (strchr(name, '%') != NULL || addr_parse_ip(a, name) != 0)
		a->sa.sa_family = AF_UNSPEC;
}

/* What is known of a name; NULL if there is none. */
static const struct view_name *
view_name(struct view *v, const char *name)
{
	struct view_name *n;
	size_t i;

	if (name == NULL || name[0] == '\0')
		return NULL;
	for (i = 0; i < v->n; i++)
		if (v->name[i].name == name)
			return &v->name[i];
	/* There are three: SNI, host, request. A fourth is not kept. */
	n = &v->name[v->n < NELEM(v->name) - 1 ? v->n++ : v->n];
	n->name = name;
	name_addr(name, &n->ip);
	nameset_find(&v->sets->names, name, &n->found);
	return n;
}

int
set_has_name(const struct match_set *s, struct view *v, const char *name)
{
	const struct view_name *n = view_name(v, name);
	size_t i;

	if (n == NULL)
		return 0;
	if (n->found.n > 0) {
		if (nameset_has(&n->found, s->names))
			return 1;
		for (i = 0; i < s->nlists; i++)
			if (nameset_has(&n->found, s->lists[i]->names))
				return 1;
	}
	return n->ip.sa.sa_family != AF_UNSPEC && set_has(s, &n->ip);
}

int
set_any(struct view *v, const char *name)
{
	const struct view_name *n = view_name(v, name);
	const struct list *list = v->sets->categories;
	size_t i, count = v->sets->ncategories;

	if (n == NULL || count == 0)
		return 0;
	if (nameset_any(&n->found, list->names, list->names +
	    (uint32_t)count))
		return 1;
	for (i = 0; n->ip.sa.sa_family != AF_UNSPEC && i < count; i++)
		if (rangeset_has(&list[i].addresses, &n->ip))
			return 1;
	return 0;
}

int
set_lists_word(const struct match_set *s, struct view *v, const char *word)
{
	struct nameset_found found, exact;
	size_t i;

	if (s->nlists == 0)
		return 0;
	nameset_find(&v->sets->names, word, &found);
	if (found.n == 0 || !found.whole)
		return 0;
	exact.n = 1;
	exact.whole = 1;
	exact.at[0] = found.at[found.n - 1];
	for (i = 0; i < s->nlists; i++)
		if (nameset_has(&exact, s->lists[i]->names))
			return 1;
	return 0;
}
