/*
 * Each shard has chained buckets and two rings. Dropped items are freed after
 * the mutex is released, because freeing a certificate takes time.
 */
#include "util/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/budget.h"
#include "util/mem.h"

#define SHARDS		16
#define SHARD_LEAST	(512 * 1024)	/* bytes; less: fewer shards */
#define BUCKETS		64		/* at first */
#define POOR		8		/* the poor part: 1/8 of the budget */
#define ITEM_MOST	4		/* the largest item: 1/4 of a shard */

struct ring {
	struct cache_item	 head;		/* newest first */
	size_t			 bytes, max;
	size_t			 most;		/* of one item */
};

struct shard {
	pthread_mutex_t		 mutex;
	struct cache_item	**bucket;
	size_t			 mask;		/* buckets - 1 */
	struct ring		 ring[CACHE_PARTS];
	struct cache_item	*gone;		/* dropped; unlock frees them */
	struct cache_stats	 stats;
};

struct cache {
	size_t		 n;			/* shards */
	struct shard	 shard[SHARDS];
};

static void
ring_init(struct ring *r, size_t max, size_t most)
{
	r->head.prev = r->head.next = &r->head;
	r->max = max;
	r->most = most < max ? most : max;
}

struct cache *
cache_new(size_t bytes)
{
	struct cache *c = xcalloc(1, sizeof(*c));
	struct shard *s;
	size_t each;

	for (c->n = SHARDS; c->n > 1 && bytes / c->n < SHARD_LEAST; c->n /= 2)
		;
	each = bytes / c->n;
	for (s = c->shard; s < c->shard + c->n; s++) {
		pthread_mutex_init(&s->mutex, NULL);
		s->bucket = xcalloc(BUCKETS, sizeof(*s->bucket));
		s->mask = BUCKETS - 1;
		ring_init(&s->ring[CACHE_POOR], each / POOR, each / ITEM_MOST);
		ring_init(&s->ring[CACHE_GOOD], each - each / POOR,
		    each / ITEM_MOST);
	}
	return c;
}

void
cache_item_init(struct cache_item *i, const uint8_t key[32],
    void (*done)(struct cache_item *))
{
	memset(i, 0, sizeof(*i));
	memcpy(i->key, key, 32);
	i->free = done;
	atomic_init(&i->refs, 1);
}

struct cache_item *
cache_ref(struct cache_item *i)
{
	atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}

void
cache_unref(struct cache_item *i)
{
	if (i != NULL && atomic_fetch_sub(&i->refs, 1) == 1)
		i->free(i);
}

static struct shard *
shard_of(struct cache *c, const uint8_t key[32])
{
	return &c->shard[key[31] & (c->n - 1)];
}

static struct cache_item **
shard_bucket(struct shard *s, const uint8_t key[32])
{
	uint32_t h;

	memcpy(&h, key, sizeof(h));
	return &s->bucket[h & s->mask];
}

/* Double the buckets once there are more items than buckets. */
static void
shard_grow(struct shard *s)
{
	struct cache_item **old = s->bucket, *i, **b;
	size_t n = s->mask + 1, k;

	s->bucket = xcalloc(n * 2, sizeof(*s->bucket));
	s->mask = n * 2 - 1;
	for (k = 0; k < n; k++)
		while ((i = old[k]) != NULL) {
			old[k] = i->chain;
			b = shard_bucket(s, i->key);
			i->chain = *b;
			*b = i;
		}
	free(old);
}

static void
ring_out(struct ring *r, struct cache_item *i)
{
	i->prev->next = i->next;
	i->next->prev = i->prev;
	r->bytes -= i->bytes;
}

static void
ring_in(struct ring *r, struct cache_item *i)
{
	i->prev = &r->head;
	i->next = r->head.next;
	i->next->prev = i;
	r->head.next = i;
	r->bytes += i->bytes;
}

/* Drop an item; its reference is released when the shard is unlocked. */
static void
shard_out(struct shard *s, struct cache_item *i)
{
	struct cache_item **b = shard_bucket(s, i->key);

	while (*b != i)
		b = &(*b)->chain;
	*b = i->chain;
	ring_out(&s->ring[i->part], i);
	budget_give(BUDGET_CACHES, i->bytes);
	s->stats.entries--;
	i->chain = s->gone;
	s->gone = i;
}

/* Drop the oldest items that are not busy until the rest fits. */
static void
shard_trim(struct shard *s, struct ring *r)
{
	struct cache_item *i, *prev;

	for (i = r->head.prev; i != &r->head && r->bytes > r->max; i = prev) {
		prev = i->prev;
		if (i->busy)
			continue;
		shard_out(s, i);
		s->stats.evicted++;
	}
}

static int
ring_takes(const struct ring *r, const struct cache_item *i)
{
	return i->busy || i->bytes <= r->most;
}

struct cache_item *
cache_lock(struct cache *c, const uint8_t key[32])
{
	struct shard *s = shard_of(c, key);
	struct cache_item *i;

	pthread_mutex_lock(&s->mutex);
	i = *shard_bucket(s, key);
	while (i != NULL && memcmp(i->key, key, 32) != 0)
		i = i->chain;
	if (i != NULL) {
		ring_out(&s->ring[i->part], i);
		ring_in(&s->ring[i->part], i);
	}
	return i;
}

struct cache_item *
cache_ask(struct cache *c, const uint8_t key[32])
{
	struct cache_item *i = cache_lock(c, key);
	struct shard *s = shard_of(c, key);

	s->stats.asked++;
	s->stats.hits += i != NULL;
	return i;
}

void
cache_unlock(struct cache *c, const uint8_t key[32])
{
	struct shard *s = shard_of(c, key);
	struct cache_item *i, *gone = s->gone;

	s->gone = NULL;
	pthread_mutex_unlock(&s->mutex);
	while ((i = gone) != NULL) {
		gone = i->chain;
		cache_unref(i);
	}
}

int
cache_add(struct cache *c, struct cache_item *i, size_t bytes,
    enum cache_part part)
{
	struct shard *s = shard_of(c, i->key);
	struct ring *r = &s->ring[part];
	struct cache_item **b;

	i->bytes = bytes;
	i->part = (unsigned char)part;
	if (!ring_takes(r, i)) {
		i->chain = s->gone;
		s->gone = i;
		return 0;
	}
	if (s->stats.entries > s->mask)
		shard_grow(s);
	b = shard_bucket(s, i->key);
	i->chain = *b;
	*b = i;
	ring_in(r, i);
	budget_add(BUDGET_CACHES, bytes);
	s->stats.entries++;
	shard_trim(s, r);
	return 1;
}

void
cache_size(struct cache *c, struct cache_item *i, size_t bytes,
    enum cache_part part)
{
	struct shard *s = shard_of(c, i->key);
	struct ring *r = &s->ring[part];

	ring_out(&s->ring[i->part], i);
	budget_give(BUDGET_CACHES, i->bytes);
	i->bytes = bytes;
	i->part = (unsigned char)part;
	ring_in(r, i);
	budget_add(BUDGET_CACHES, bytes);
	if (!ring_takes(r, i)) {
		shard_out(s, i);
		s->stats.evicted++;
	}
	shard_trim(s, r);
}

void
cache_drop(struct cache *c, struct cache_item *i, int stale)
{
	struct shard *s = shard_of(c, i->key);

	shard_out(s, i);
	if (stale)
		s->stats.hits--;
}

void
cache_free(struct cache *c)
{
	struct cache_item *i;
	struct shard *s;
	struct ring *r;

	if (c == NULL)
		return;
	for (s = c->shard; s < c->shard + c->n; s++) {
		for (r = s->ring; r < s->ring + CACHE_PARTS; r++)
			while ((i = r->head.next) != &r->head)
				shard_out(s, i);
		while ((i = s->gone) != NULL) {
			s->gone = i->chain;
			cache_unref(i);
		}
		pthread_mutex_destroy(&s->mutex);
		free(s->bucket);
	}
	free(c);
}

void
cache_stats(struct cache *c, struct cache_stats *out)
{
	struct shard *s;

	memset(out, 0, sizeof(*out));
	for (s = c->shard; s < c->shard + c->n; s++) {
		pthread_mutex_lock(&s->mutex);
		out->asked += s->stats.asked;
		out->hits += s->stats.hits;
		out->evicted += s->stats.evicted;
		out->entries += s->stats.entries;
		out->bytes += s->ring[0].bytes + s->ring[1].bytes;
		out->max += s->ring[0].max + s->ring[1].max;
		pthread_mutex_unlock(&s->mutex);
	}
}
