/*
 * The table: chained buckets and a ring. Keys are hashes already.
 */
#include "tls/lru.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static struct lru_item **
lru_bucket(struct lru *l, const uint8_t key[32])
{
	uint32_t h;

	memcpy(&h, key, sizeof(h));
	return &l->bucket[h & l->mask];
}

void
lru_init(struct lru *l, size_t max)
{
	size_t n = 16;

	while (n < max)
		n *= 2;
	l->bucket = xcalloc(n, sizeof(*l->bucket));
	l->mask = n - 1;
	l->head.prev = l->head.next = &l->head;
	l->n = 0;
	l->max = max;
}

void
lru_done(struct lru *l)
{
	free(l->bucket);
	l->bucket = NULL;
}

static void
lru_unlink(struct lru_item *i)
{
	i->prev->next = i->next;
	i->next->prev = i->prev;
}

static void
lru_front(struct lru *l, struct lru_item *i)
{
	i->prev = &l->head;
	i->next = l->head.next;
	i->next->prev = i;
	l->head.next = i;
}

struct lru_item *
lru_get(struct lru *l, const uint8_t key[32])
{
	struct lru_item *i = *lru_bucket(l, key);

	while (i != NULL && memcmp(i->key, key, 32) != 0)
		i = i->chain;
	if (i != NULL) {
		lru_unlink(i);
		lru_front(l, i);
	}
	return i;
}

void
lru_put(struct lru *l, struct lru_item *i)
{
	struct lru_item **b = lru_bucket(l, i->key);

	i->chain = *b;
	*b = i;
	lru_front(l, i);
	l->n++;
}

void
lru_del(struct lru *l, struct lru_item *i)
{
	struct lru_item **b = lru_bucket(l, i->key);

	while (*b != i)
		b = &(*b)->chain;
	*b = i->chain;
	lru_unlink(i);
	l->n--;
}

struct lru_item *
lru_oldest(struct lru *l)
{
	return l->n > 0 ? l->head.prev : NULL;
}
