/*
 * Categories of names.
 */
#include "policy/category.h"

#include <string.h>

#include "policy/asked.h"
#include "policy/words.h"
#include "util/mem.h"

void
category_init(struct match_set *s, int *unknown, const struct conf_list *of,
    const struct view_sets *sets)
{
	const struct list *list;
	size_t i;

	*unknown = 0;
	if (of->n == 0)
		return;
	s->lists = xcalloc(of->n, sizeof(*s->lists));
	for (i = 0; i < of->n; i++) {
		*unknown |= strcmp(of->v[i], CATEGORY_UNKNOWN) == 0;
		list = list_named(sets->categories, sets->ncategories,
		    of->v[i]);
		if (list != NULL)
			s->lists[s->nlists++] = list;
	}
}

int
category_given(const struct conf_match *m)
{
	return m->category.n > 0;
}

/* Whether what is asked for is known, or will never be. */
static int
category_known(const struct facts *f)
{
	return asked_site(f) != NULL || asked_address(f) != NULL ||
	    f->protocol != PROTO_UNKNOWN;
}

static int
category_any(struct view *v)
{
	const struct facts *f = v->f;

	return set_any(v, asked_site(f)) || set_any(v, asked_address(f));
}

int
category_holds(const struct match *m, struct view *v)
{
	const struct facts *f = v->f;

	if (f->category != NULL)
		return words_have(&m->conf->category, f->category);
	if (set_has_name(&m->category, v, asked_site(f)) ||
	    set_has_name(&m->category, v, asked_address(f)))
		return 1;
	return m->category_unknown && category_known(f) && !category_any(v);
}

int
category_fact(const struct facts *f, struct text *t)
{
	if (f->category != NULL)
		text_puts(t, f->category);
	return f->category != NULL ? f->category[0] != '\0' :
	    asked_site(f) != NULL || asked_address(f) != NULL;
}

void
category_wants(const struct conf_match *m, struct text *t)
{
	words_print(&m->category, t);
}

void
category_text(struct view *v, struct text *t)
{
	const struct facts *f = v->f;
	struct match_set one = { .nlists = 1 };
	const struct list *list;
	size_t i, n = 0;

	one.lists = &list;
	for (i = 0; i < v->sets->ncategories; i++) {
		list = &v->sets->categories[i];
		if (set_has_name(&one, v, asked_site(f)) ||
		    set_has_name(&one, v, asked_address(f)))
			text_printf(t, "%s%s", n++ > 0 ? "," : "", list->name);
	}
	if (n == 0 && category_known(f))
		text_puts(t, CATEGORY_UNKNOWN);
}
