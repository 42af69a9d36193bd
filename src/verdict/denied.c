/*
 * A table of entries by their texts, and counters, so that nobody looks for
 * what there is none of. A name is looked for under each pattern that may cover
 * it.
 */
#include "verdict/denied.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"
#include "verdict/server.h"

struct denied {
	struct denials	 ask;		/* the first member */
	struct contain	*table;
	atomic_uint	 n[2];		/* addresses, names */
};

static const struct denied *
denied_from(const struct denials *d)
{
	return (const struct denied *)d;
}

static struct contained *
entry_find(const struct denied *d, const char *text)
{
	struct contained *c = contain_of(d->table, NULL, text);

	if (c == NULL || c->end > clock_ms())
		return c;
	contained_unref(c);
	return NULL;
}

static struct contained *
addr_find(const struct denied *d, const struct addr *a)
{
	char text[ADDR_STRLEN];

	return atomic_load(&d->n[0]) == 0 ? NULL :
	    entry_find(d, addr_ip_str(a, text));
}

/* Under "=a.b", "a.b", "*.b" and "b", and so on. */
static struct contained *
name_find(const struct denied *d, const char *name)
{
	char text[SERVER_STRLEN];
	struct contained *c;
	const char *p;

	if (atomic_load(&d->n[1]) == 0 ||
	    (size_t)snprintf(text, sizeof(text), "=%s", name) >= sizeof(text))
		return NULL;
	if ((c = entry_find(d, text)) != NULL ||
	    (c = entry_find(d, name)) != NULL)
		return c;
	for (p = strchr(name, '.'); p != NULL; p = strchr(p + 1, '.')) {
		snprintf(text, sizeof(text), "*%s", p);
		if ((c = entry_find(d, text)) != NULL ||
		    (c = entry_find(d, p + 1)) != NULL)
			return c;
	}
	return NULL;
}

static int
found(struct contained *c)
{
	contained_unref(c);
	return c != NULL;
}

static int
has_addr(const struct denials *d, const struct addr *a)
{
	return found(addr_find(denied_from(d), a));
}

static int
has_name(const struct denials *d, const char *name)
{
	return found(name_find(denied_from(d), name));
}

static int
has_any(const struct denials *d, int names)
{
	return atomic_load(&denied_from(d)->n[names != 0]) > 0;
}

struct denied *
denied_new(uint64_t seed)
{
	struct denied *d = xcalloc(1, sizeof(*d));

	d->ask = (struct denials){ has_addr, has_name, has_any };
	d->table = contain_new(seed, CONTAIN_BY_NAME);
	return d;
}

void
denied_free(struct denied *d)
{
	if (d != NULL)
		contain_free(d->table);
	free(d);
}

const struct denials *
denied_ask(const struct denied *d)
{
	return d != NULL ? &d->ask : NULL;
}

struct contain *
denied_table(struct denied *d)
{
	return d->table;
}

static atomic_uint *
count_of(struct denied *d, const struct contained *c)
{
	return &d->n[c->who.addr.sa.sa_family == AF_UNSPEC];
}

static void
filled_one(void *arg, const struct contained *c)
{
	atomic_fetch_add(count_of(arg, c), 1);
}

void
denied_filled(struct denied *d)
{
	atomic_store(&d->n[0], 0);
	atomic_store(&d->n[1], 0);
	contain_each(d->table, filled_one, d);
}

/* It is counted before it can be found. */
int
denied_put(struct denied *d, struct contained *c)
{
	struct contained *old = denied_of(d, c->profile);
	int rv;

	atomic_fetch_add(count_of(d, c), 1);
	rv = contain_put(d->table, c);
	if (rv != 0 || old != NULL)
		atomic_fetch_sub(count_of(d, c), 1);
	contained_unref(old);
	return rv;
}

struct contained *
denied_of(struct denied *d, const char *server)
{
	return contain_of(d->table, NULL, server);
}

static struct contained *
taken(struct denied *d, struct contained *c)
{
	if (c != NULL)
		atomic_fetch_sub(count_of(d, c), 1);
	return c;
}

struct contained *
denied_take(struct denied *d, uint64_t id)
{
	return taken(d, contain_take(d->table, id));
}

struct contained *
denied_over(struct denied *d, uint64_t now)
{
	return taken(d, contain_over(d->table, now));
}

struct contained *
denied_find(const struct denied *d, const char *name)
{
	struct addr a;

	return server_addr(name, &a) ? addr_find(d, &a) : name_find(d, name);
}
