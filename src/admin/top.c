/*
 * Each kind has two tables: the current window and the one before.
 */
#include "admin/top.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/record.h"
#include "sink/eve.h"
#include "sink/put.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/mem.h"

#define TOP_ROWS	256
#define KEY_LEN		(ADDR_STRLEN + 128)

struct row {
	uint64_t	 hash;		/* of the key */
	char		*key;		/* NULL: free */
	uint64_t	 sessions, bytes[2];
};

struct window {
	struct row	 v[TOP_ROWS];
	size_t		 n;
};

struct top {
	pthread_mutex_t	 mutex;
	struct window	*w[TOP_MAX][2];	/* the current, the one before */
	uint64_t	 began;		/* s */
};

static const char *const names[TOP_MAX] = { "client", "server", "site",
    "rule", "app", "device" };

const char *
top_name(enum top_by by)
{
	return names[by];
}

enum top_by
top_by(const char *name)
{
	int by;

	for (by = 0; by < TOP_MAX && strcmp(names[by], name) != 0; by++)
		;
	return (enum top_by)by;
}

uint64_t
top_now(void)
{
	return clock_s() + 1;	/* 0: none */
}

struct top *
top_new(void)
{
	struct top *t = xcalloc(1, sizeof(*t));
	int by;

	pthread_mutex_init(&t->mutex, NULL);
	for (by = 0; by < TOP_MAX; by++) {
		t->w[by][0] = xcalloc(1, sizeof(struct window));
		t->w[by][1] = xcalloc(1, sizeof(struct window));
	}
	return t;
}

static void
window_clear(struct window *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->v[i].key);
	memset(w, 0, sizeof(*w));
}

void
top_free(struct top *t)
{
	int by, k;

	if (t == NULL)
		return;
	for (by = 0; by < TOP_MAX; by++)
		for (k = 0; k < 2; k++) {
			window_clear(t->w[by][k]);
			free(t->w[by][k]);
		}
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

/* A window that is over becomes the one before, unless both are long past. */
static void
top_turn(struct top *t, uint64_t now)
{
	struct window *w;
	int by, k;

	if (t->began == 0)
		t->began = now;
	for (k = 0; k < 2 && now - t->began >= TOP_WINDOW; k++) {
		for (by = 0; by < TOP_MAX; by++) {
			w = t->w[by][1];
			window_clear(w);
			t->w[by][1] = t->w[by][0];
			t->w[by][0] = w;
		}
		t->began += TOP_WINDOW;
	}
	if (now - t->began >= TOP_WINDOW)
		t->began = now;
}

static uint64_t
row_bytes(const struct row *r)
{
	return r->bytes[0] + r->bytes[1];
}

static struct row *
window_row(struct window *w, const char *key)
{
	struct row *r, *least = &w->v[0];
	uint64_t h = hash_string(HASH_START, key);
	size_t i;

	for (i = 0; i < w->n; i++) {
		r = &w->v[i];
		if (r->hash == h && strcmp(r->key, key) == 0)
			return r;
		if (row_bytes(r) < row_bytes(least))
			least = r;
	}
	r = w->n < TOP_ROWS ? &w->v[w->n++] : least;
	free(r->key);
	r->key = xstrdup(key);
	r->hash = h;
	return r;
}

static void
window_add(struct window *w, const struct row *add)
{
	struct row *r = window_row(w, add->key);

	r->sessions += add->sessions;
	r->bytes[0] += add->bytes[0];
	r->bytes[1] += add->bytes[1];
}

/* "CLIENT NAME", so that a client's rows are its own. */
static const char *
key_of(const struct record *r, const char *name, char buf[KEY_LEN])
{
	char ip[ADDR_STRLEN];

	snprintf(buf, KEY_LEN, "%s %s", addr_ip_str(&r->facts->client, ip),
	    name);
	return buf;
}

static const char *
record_key(const struct record *r, enum top_by by, char buf[KEY_LEN])
{
	switch (by) {
	case TOP_CLIENT:
		return addr_ip_str(&r->facts->client, buf);
	case TOP_SERVER:
		return r->facts->server.sa.sa_family == AF_UNSPEC ? NULL :
		    addr_ip_str(&r->facts->server, buf);
	case TOP_SITE:
		return facts_name(r->facts);
	case TOP_APP:
		return key_of(r, put_app(r->facts), buf);
	case TOP_DEVICE:
		return NULL;		/* it may have several */
	default:
		return r->verdict->rule != NULL ? r->verdict->rule->name : NULL;
	}
}

void
top_add(struct top *t, const struct record *r, uint64_t now)
{
	struct row add = { .sessions = 1,
	    .bytes = { r->bytes[0], r->bytes[1] } };
	char buf[KEY_LEN];
	size_t i;
	int by;

	pthread_mutex_lock(&t->mutex);
	top_turn(t, now);
	for (by = 0; by < TOP_MAX; by++) {
		add.key = (char *)record_key(r, (enum top_by)by, buf);
		if (add.key != NULL)
			window_add(t->w[by][0], &add);
	}
	for (i = 0; i < r->nhops; i++)
		if (r->hops[i].device != NULL && r->hops[i].us != 0) {
			add.key = (char *)key_of(r, r->hops[i].device, buf);
			window_add(t->w[TOP_DEVICE][0], &add);
		}
	pthread_mutex_unlock(&t->mutex);
}

void
top_merge(struct top *t, struct top *from, enum top_by by, uint64_t now)
{
	size_t i;
	int k;

	pthread_mutex_lock(&from->mutex);
	top_turn(from, now);
	for (k = 0; k < 2; k++)
		for (i = 0; i < from->w[by][k]->n; i++)
			window_add(t->w[by][0], &from->w[by][k]->v[i]);
	pthread_mutex_unlock(&from->mutex);
}

static int
by_bytes(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (row_bytes(x) != row_bytes(y))
		return row_bytes(x) < row_bytes(y) ? 1 : -1;
	return x->sessions < y->sessions ? 1 : x->sessions > y->sessions ? -1 :
	    strcmp(x->key, y->key);
}

/* What a row is of. */
static json_t *
row_named(const struct row *r, enum top_by by)
{
	const char *name = strchr(r->key, ' ');

	if (by != TOP_APP && by != TOP_DEVICE)
		return json_pack("{s:o}", names[by], eve_string(r->key));
	return json_pack("{s:o,s:o}", "client", json_stringn(r->key,
	    (size_t)(name - r->key)), by == TOP_APP ? "app_proto" : "device",
	    eve_string(name + 1));
}

json_t *
top_json(struct top *t, enum top_by by, uint64_t now, size_t max)
{
	struct top *both = top_new();
	struct window *sum = both->w[by][0];
	json_t *all = json_array(), *o;
	struct row *r;
	size_t i;

	top_merge(both, t, by, now);
	qsort(sum->v, sum->n, sizeof(sum->v[0]), by_bytes);
	for (i = 0; i < sum->n && i < max; i++) {
		r = &sum->v[i];
		o = row_named(r, by);
		json_object_set_new(o, "sessions",
		    json_integer((json_int_t)r->sessions));
		json_object_set_new(o, "toserver",
		    json_integer((json_int_t)r->bytes[0]));
		json_object_set_new(o, "toclient",
		    json_integer((json_int_t)r->bytes[1]));
		json_array_append_new(all, o);
	}
	top_free(both);
	return all;
}
