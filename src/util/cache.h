/*
 * A cache keyed by SHA-256, with a budget in bytes. It consists of shards,
 * each with a mutex, and drops the least recently used item first. The user
 * embeds a cache_item at the start of a struct; items are reference-counted.
 * The bytes held count in limits.memory.
 *
 * A cache has two parts. Items of servers that failed verification go into
 * the poor part, an eighth of the budget, so that they displace only each
 * other. An item larger than a quarter of a shard is not kept.
 */
#ifndef UTIL_CACHE_H
#define UTIL_CACHE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

enum cache_part {
	CACHE_GOOD,
	CACHE_POOR,
	CACHE_PARTS
};

struct cache_item {
	uint8_t			 key[32];
	struct cache_item	*chain;		/* same bucket */
	struct cache_item	*prev, *next;	/* newest first */
	void			(*free)(struct cache_item *);
	size_t			 bytes;
	atomic_int		 refs;		/* one of them is the cache's */
	unsigned char		 part;		/* enum cache_part */
	unsigned char		 busy;		/* never dropped for room */
};

/* bytes: the budget. cache_free() drops the cache's references; items with
 * other references live on. */
struct cache	*cache_new(size_t bytes);
void		 cache_free(struct cache *);

/* Sets one reference, the caller's; free is called when the last one goes. */
void		 cache_item_init(struct cache_item *, const uint8_t key[32],
		    void (*free)(struct cache_item *));
struct cache_item *cache_ref(struct cache_item *);
void		 cache_unref(struct cache_item *);	/* NULL is allowed */

/*
 * Lock the key's shard and return its item, which becomes the newest, or NULL.
 * The item is good while the shard is locked, and longer with a reference.
 * cache_ask also counts the question, and a hit.
 */
struct cache_item *cache_ask(struct cache *, const uint8_t key[32]);
struct cache_item *cache_lock(struct cache *, const uint8_t key[32]);
void		 cache_unlock(struct cache *, const uint8_t key[32]);

/*
 * These need the lock. cache_add takes over a reference and returns whether
 * the item was kept; no item with its key may be there. cache_size changes the
 * size and the part of a kept item, which may drop it, or others. cache_drop
 * drops an item; with stale set, the last hit is not counted.
 */
int		 cache_add(struct cache *, struct cache_item *, size_t bytes,
		    enum cache_part);
void		 cache_size(struct cache *, struct cache_item *, size_t bytes,
		    enum cache_part);
void		 cache_drop(struct cache *, struct cache_item *, int stale);

struct cache_stats {
	uint64_t	 asked, hits;
	uint64_t	 evicted;	/* dropped to make room */
	uint64_t	 entries;
	uint64_t	 bytes, max;
};
void		 cache_stats(struct cache *, struct cache_stats *);

#endif
