/*
 * The list of problems of one configuration.
 */
#include "conf/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define PROBLEMS_MAX	200	/* nobody reads more */

static void
printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

void
problem_add(struct problems *l, const char *file, unsigned order,
    struct conf_pos pos, const char *fmt, ...)
{
	struct problem *p;
	va_list ap;

	if (l->n == PROBLEMS_MAX) {
		l->held++;
		return;
	}
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	p = &l->v[l->n];
	p->file = xstrdup(file);
	printable(p->file);
	p->order = order;
	p->pos = pos;
	p->seq = l->n++;
	va_start(ap, fmt);
	if (vasprintf(&p->what, fmt, ap) < 0)
		abort();
	va_end(ap);
	printable(p->what);
}

static int
by_place(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.column != y->pos.column)
		return x->pos.column < y->pos.column ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

void
problems_tell(struct problems *l, struct text *out)
{
	struct problem *p;
	size_t i;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_place);
	for (i = 0; i < l->n; i++) {
		p = &l->v[i];
		text_printf(out, "%s:%u:%u: %s\n", p->file, p->pos.line,
		    p->pos.column, p->what);
		free(p->file);
		free(p->what);
	}
	if (l->held > 0)
		text_printf(out, "and %zu more\n", l->held);
	free(l->v);
	memset(l, 0, sizeof(*l));
}
