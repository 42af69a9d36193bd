/*
 * Takes exceptions out of prefixes: all are sorted, and the tree of their bits
 * is walked from its root, in halves, as far down as there are any.
 */
#include "conf/except.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/mem.h"

struct entry {
	struct prefix	 p;
	int		 except;
};

struct left {			/* what is left */
	struct prefix	*v;
	size_t		 n, cap;
};

/* A prefix before what is in it; and the exception last of its like. */
static int
entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int by;

	if (x->p.family != y->p.family)
		return x->p.family < y->p.family ? -1 : 1;
	if ((by = memcmp(x->p.ip, y->p.ip, sizeof(x->p.ip))) != 0)
		return by;
	if (x->p.bits != y->p.bits)
		return x->p.bits < y->p.bits ? -1 : 1;
	return x->except - y->except;
}

static void
left_add(struct left *l, const struct prefix *p)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 16 : 2 * l->cap;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = *p;
}

/* Of entries that are all in the prefix at: those with this next bit at 0. */
static size_t
entries_low(const struct entry *e, size_t n, unsigned bit)
{
	size_t i;

	for (i = 0; i < n && !(e[i].p.ip[bit / 8] & (0x80 >> bit % 8)); i++)
		;
	return i;
}

/* The entries are in the prefix at; in: whether it is, but for them. */
static void
left_walk(struct left *l, struct prefix at, const struct entry *e, size_t n,
    int in)
{
	size_t low;

	for (; n > 0 && e->p.bits == at.bits; e++, n--)
		in = !e->except;
	if (n == 0) {
		if (in)
			left_add(l, &at);
		return;
	}
	low = entries_low(e, n, at.bits++);
	left_walk(l, at, e, low, in);
	at.ip[(at.bits - 1) / 8] |= (uint8_t)(0x80 >> (at.bits - 1) % 8);
	left_walk(l, at, e + low, n - low, in);
}

static struct entry *
entries_new(const struct prefix *p, size_t n, const struct prefix *except,
    size_t nexcept)
{
	struct entry *e = xcalloc(n + nexcept + 1, sizeof(*e));
	size_t i;

	for (i = 0; i < n + nexcept; i++) {
		e[i].except = i >= n;
		e[i].p = i < n ? p[i] : except[i - n];
		prefix_mask(&e[i].p);
	}
	qsort(e, n + nexcept, sizeof(*e), entry_order);
	return e;
}

struct prefix *
prefixes_without(const struct prefix *p, size_t nprefixes,
    const struct prefix *except, size_t nexcept, size_t *n)
{
	struct entry *e = entries_new(p, nprefixes, except, nexcept);
	size_t i = 0, from, all = nprefixes + nexcept;
	struct prefix root = { { 0 }, AF_INET, 0 };
	struct left l = { NULL, 0, 0 };

	while (i < all) {
		from = i;
		root.family = e[from].p.family;
		while (i < all && e[i].p.family == root.family)
			i++;
		left_walk(&l, root, e + from, i - from, 0);
	}
	free(e);
	*n = l.n;
	return l.v;
}
