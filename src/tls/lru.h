/*
 * A bounded table of things by a SHA-256, the least recently used at its
 * end. Embedded items, no locks: who shares one has a mutex around it.
 */
#ifndef TLS_LRU_H
#define TLS_LRU_H

#include <stddef.h>
#include <stdint.h>

struct lru_item {
	uint8_t		 key[32];
	struct lru_item	*chain;		/* same bucket */
	struct lru_item	*prev, *next;	/* newest first */
};

struct lru {
	struct lru_item	**bucket;
	size_t		 mask;		/* buckets - 1 */
	struct lru_item	 head;		/* of the ring: newest, oldest */
	size_t		 n, max;
};

void		 lru_init(struct lru *, size_t max);
void		 lru_done(struct lru *);	/* the items are the caller's */
/* NULL when there is none; makes it the newest. */
struct lru_item	*lru_get(struct lru *, const uint8_t key[32]);
/* The key is set in the item and not in the table. */
void		 lru_put(struct lru *, struct lru_item *);
void		 lru_del(struct lru *, struct lru_item *);
struct lru_item	*lru_oldest(struct lru *);	/* NULL when empty */
static inline int
lru_over(const struct lru *l)
{
	return l->n > l->max;
}

#endif
