/*
 * A hash table of chains under one mutex. Workers ask for every session, and
 * nearly always nobody is contained: that costs the look at a counter.
 */
#include "verdict/contain.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/text.h"

#define BUCKETS	4096

struct row {
	struct row	*next;
	struct contained *c;
};

struct contain {
	pthread_mutex_t	 lock;
	uint64_t	 seed;
	int		 named;
	atomic_uint	 n, version;
	struct row	*bucket[BUCKETS];
};

struct contained *
contained_new(const struct contained *from)
{
	struct contained *c = xmemdup(from, sizeof(*from));

	atomic_init(&c->refs, 1);
	addr_set_port(&c->who.addr, 0);
	c->profile = xstrdup(from->profile);
	c->reason = xstrdup(from->reason);
	c->by = xstrdup(from->by);
	return c;
}

struct contained *
contained_ref(struct contained *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void
contained_unref(struct contained *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	free(c->profile);
	free(c->reason);
	free(c->by);
	free(c);
}

struct contain *
contain_new(uint64_t seed, int named)
{
	struct contain *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->seed = seed;
	t->named = named;
	atomic_init(&t->version, 1);
	return t;
}

static void
version_next(struct contain *t)
{
	if (atomic_fetch_add(&t->version, 1) == UINT_MAX)
		atomic_fetch_add(&t->version, 1);
}

/* Take a row out, and with it the table's reference. */
static struct contained *
row_take(struct contain *t, struct row **at)
{
	struct row *r = *at;
	struct contained *c = r->c;

	*at = r->next;
	free(r);
	atomic_fetch_sub(&t->n, 1);
	version_next(t);
	return c;
}

void
contain_free(struct contain *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		while (t->bucket[i] != NULL)
			contained_unref(row_take(t, &t->bucket[i]));
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static uint64_t
who_hash(uint64_t h, const struct endpoint *who)
{
	const uint8_t *ip;
	size_t len;

	if (who->by_mac)
		return hash_bytes(h, who->mac, MAC_LEN);
	ip = addr_ip(&who->addr, &len);
	return hash_bytes(h, ip, len);
}

int
endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	const uint8_t *p, *q;
	size_t n, m;

	if (a->by_mac || b->by_mac)
		return a->by_mac && b->by_mac &&
		    memcmp(a->mac, b->mac, MAC_LEN) == 0;
	p = addr_ip(&a->addr, &n);
	q = addr_ip(&b->addr, &m);
	return n == m && memcmp(p, q, n) == 0;
}

/* All entries of an endpoint are in one; or all of a name. */
static struct row **
bucket_of(struct contain *t, const struct endpoint *who, const char *name)
{
	uint64_t h = HASH_START ^ t->seed;

	h = hash_fold(t->named == CONTAIN_BY_NAME ? hash_string(h, name) :
	    who_hash(h, who));
	return &t->bucket[h % BUCKETS];
}

static int
row_is(const struct contain *t, const struct contained *c,
    const struct endpoint *who, const char *profile)
{
	return (t->named == CONTAIN_BY_NAME || endpoint_same(&c->who, who)) &&
	    (!t->named || strcmp(c->profile, profile) == 0);
}

/* Where this row is, or where it would be. With the lock. */
static struct row **
row_at(struct contain *t, const struct endpoint *who, const char *profile)
{
	struct row **at = bucket_of(t, who, profile);

	while (*at != NULL && !row_is(t, (*at)->c, who, profile))
		at = &(*at)->next;
	return at;
}

int
contain_put(struct contain *t, struct contained *c)
{
	struct contained *old = NULL;
	struct row **at;
	int rv = 0;

	pthread_mutex_lock(&t->lock);
	at = row_at(t, &c->who, c->profile);
	if (*at != NULL) {
		old = (*at)->c;
		(*at)->c = contained_ref(c);
	} else if (atomic_load(&t->n) >= CONTAIN_MAX) {
		rv = ERR_LIMIT;
	} else {
		*at = xcalloc(1, sizeof(**at));
		(*at)->c = contained_ref(c);
		atomic_fetch_add(&t->n, 1);
	}
	version_next(t);
	pthread_mutex_unlock(&t->lock);
	contained_unref(old);
	return rv;
}

struct contained *
contain_of(struct contain *t, const struct endpoint *who,
    const char *profile)
{
	struct contained *c = NULL;
	struct row *r;

	pthread_mutex_lock(&t->lock);
	if ((r = *row_at(t, who, profile)) != NULL)
		c = contained_ref(r->c);
	pthread_mutex_unlock(&t->lock);
	return c;
}

struct contained *
contain_rename(struct contain *t, const struct contained *c,
    const struct endpoint *who)
{
	struct contained as = *c, *is = NULL, *old = NULL;
	struct row *r, **at;

	as.who = *who;
	pthread_mutex_lock(&t->lock);
	if (*row_at(t, who, c->profile) == NULL) {
		is = contained_new(&as);
		r = *(at = row_at(t, &c->who, c->profile));
		*at = r->next;
		old = r->c;
		r->c = contained_ref(is);
		at = row_at(t, who, c->profile);
		r->next = *at;
		*at = r;
		version_next(t);
	}
	pthread_mutex_unlock(&t->lock);
	contained_unref(old);
	return is;
}

static struct contained *
ask_one(struct contain *t, const struct endpoint *who, uint64_t now)
{
	struct contained *c = contain_of(t, who, NULL);

	if (c == NULL || c->end > now)
		return c;
	contained_unref(c);
	return NULL;
}

struct contained *
contain_ask(struct contain *t, const struct addr *addr, const uint8_t *mac,
    uint64_t now)
{
	struct endpoint by_mac = { .by_mac = 1 }, by_addr = { .addr = *addr };
	struct contained *c = NULL;

	if (atomic_load(&t->n) == 0)
		return NULL;
	if (mac != NULL) {
		memcpy(by_mac.mac, mac, MAC_LEN);
		c = ask_one(t, &by_mac, now);
	}
	if (c == NULL && addr->sa.sa_family != AF_UNSPEC)
		c = ask_one(t, &by_addr, now);
	return c;
}

/* The names of one endpoint, into a text of "a", NUL, "b", NUL. */
static void
names_add(struct contain *t, const struct endpoint *who, uint64_t now,
    struct text *out)
{
	struct row *r;

	for (r = *bucket_of(t, who, NULL); r != NULL; r = r->next)
		if (r->c->end > now && endpoint_same(&r->c->who, who))
			text_add(out, r->c->profile,
			    strlen(r->c->profile) + 1);
}

static int
name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once, with commas. */
static char *
names_join(const struct text *names)
{
	const char *v[CONTAIN_NAMES];
	struct text out = { 0 };
	size_t i, at, n = 0;

	for (at = 0; at < names->len && n < CONTAIN_NAMES;
	    at += strlen(names->s + at) + 1)
		v[n++] = names->s + at;
	qsort(v, n, sizeof(*v), name_order);
	for (i = 0; i < n; i++)
		if (i == 0 || strcmp(v[i], v[i - 1]) != 0)
			text_printf(&out, "%s%s", i > 0 ? "," : "", v[i]);
	return out.s;
}

char *
contain_names(struct contain *t, const struct addr *addr, const uint8_t *mac,
    uint64_t now)
{
	struct endpoint by_mac = { .by_mac = 1 }, by_addr = { .addr = *addr };
	struct text names = { 0 };
	char *joined = NULL;

	if (atomic_load(&t->n) == 0)
		return NULL;
	pthread_mutex_lock(&t->lock);
	if (mac != NULL) {
		memcpy(by_mac.mac, mac, MAC_LEN);
		names_add(t, &by_mac, now, &names);
	}
	if (addr->sa.sa_family != AF_UNSPEC)
		names_add(t, &by_addr, now, &names);
	pthread_mutex_unlock(&t->lock);
	if (names.len > 0)
		joined = names_join(&names);
	text_free(&names);
	return joined;
}

unsigned
contain_version(struct contain *t)
{
	return atomic_load(&t->version);
}

/* The first row for which a question says yes. With the lock. */
static struct row **
row_find(struct contain *t, int (*is)(const struct contained *, const void *),
    const void *arg)
{
	struct row **at;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (at = &t->bucket[i]; *at != NULL; at = &(*at)->next)
			if (is((*at)->c, arg))
				return at;
	return NULL;
}

static struct contained *
take_first(struct contain *t, int (*is)(const struct contained *,
    const void *), const void *arg)
{
	struct contained *c = NULL;
	struct row **at;

	pthread_mutex_lock(&t->lock);
	if ((at = row_find(t, is, arg)) != NULL)
		c = row_take(t, at);
	pthread_mutex_unlock(&t->lock);
	return c;
}

static int
has_id(const struct contained *c, const void *arg)
{
	return c->id == *(const uint64_t *)arg;
}

struct contained *
contain_find(struct contain *t, uint64_t id)
{
	struct contained *c = NULL;
	struct row **at;

	pthread_mutex_lock(&t->lock);
	if ((at = row_find(t, has_id, &id)) != NULL)
		c = contained_ref((*at)->c);
	pthread_mutex_unlock(&t->lock);
	return c;
}

struct contained *
contain_take(struct contain *t, uint64_t id)
{
	return take_first(t, has_id, &id);
}

static int
is_over(const struct contained *c, const void *arg)
{
	return c->end <= *(const uint64_t *)arg;
}

struct contained *
contain_over(struct contain *t, uint64_t now)
{
	return take_first(t, is_over, &now);
}

unsigned
contain_count(struct contain *t)
{
	return atomic_load(&t->n);
}

void
contain_each(struct contain *t, void (*each)(void *, const struct contained *),
    void *arg)
{
	struct row *r;
	size_t i;

	pthread_mutex_lock(&t->lock);
	for (i = 0; i < BUCKETS; i++)
		for (r = t->bucket[i]; r != NULL; r = r->next)
			each(arg, r->c);
	pthread_mutex_unlock(&t->lock);
}

struct nameless {
	struct contained **v;
	size_t		 n;
};

static void
nameless_see(void *arg, const struct contained *c)
{
	struct nameless *l = arg;

	if (c->who.by_mac || c->who.addr.sa.sa_family == AF_UNSPEC)
		return;
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = contained_ref((struct contained *)(uintptr_t)c);
}

void
contain_each_nameless(struct contain *t, void (*each)(void *,
    struct contained *), void *arg)
{
	struct nameless l = { 0 };
	size_t i;

	if (atomic_load(&t->n) > 0)
		contain_each(t, nameless_see, &l);
	for (i = 0; i < l.n; i++) {
		each(arg, l.v[i]);
		contained_unref(l.v[i]);
	}
	free(l.v);
}

char *
endpoint_str(const struct endpoint *who, char *out)
{
	return who->by_mac ? mac_str(who->mac, out) :
	    addr_ip_str(&who->addr, out);
}

int
endpoint_parse(struct endpoint *who, const char *s)
{
	memset(who, 0, sizeof(*who));
	if (mac_parse(who->mac, s) == 0) {
		who->by_mac = 1;
		return 0;
	}
	return addr_parse_ip(&who->addr, s);
}
