/*
 * A cache by SHA-256 with a budget in bytes: shards, each with a mutex, the
 * least recently used going first. Items are counted and embedded at the
 * start of what the user keeps. What it holds counts in limits.memory.
 *
 * A cache has two parts. What comes from servers that were not found good
 * goes into the poor one, an eighth of the budget, so that it displaces only
 * its like. An item of more than a quarter of a shard is not kept.
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
	atomic_int		 refs;		/* the cache's is one */
	unsigned char		 part;		/* enum cache_part */
	unsigned char		 busy;		/* stays, whatever the budget */
};

/* bytes: all that may be kept. cache_free() lets go of what is in it; items
 * with further references live on. */
struct cache	*cache_new(size_t bytes);
void		 cache_free(struct cache *);

/* One reference, the caller's; free is called when the last one goes. */
void		 cache_item_init(struct cache_item *, const uint8_t key[32],
		    void (*free)(struct cache_item *));
struct cache_item *cache_ref(struct cache_item *);
void		 cache_unref(struct cache_item *);	/* NULL is nothing */

/*
 * Lock the key's shard. The item, made the newest, or NULL: good while locked,
 * and longer with a reference. cache_ask counts as asked, and as a hit.
 */
struct cache_item *cache_ask(struct cache *, const uint8_t key[32]);
struct cache_item *cache_lock(struct cache *, const uint8_t key[32]);
void		 cache_unlock(struct cache *, const uint8_t key[32]);

/*
 * While locked. cache_add takes over a reference and says whether the item
 * was kept; one with the key must not be there. cache_size sets what a kept
 * item takes now, and in which part; it may go by that, as may others.
 * cache_drop lets go of it; stale: and it was no hit.
 */
int		 cache_add(struct cache *, struct cache_item *, size_t bytes,
		    enum cache_part);
void		 cache_size(struct cache *, struct cache_item *, size_t bytes,
		    enum cache_part);
void		 cache_drop(struct cache *, struct cache_item *, int stale);

struct cache_stats {
	uint64_t	 asked, hits;
	uint64_t	 evicted;	/* for want of room */
	uint64_t	 entries;
	uint64_t	 bytes, max;
};
void		 cache_stats(struct cache *, struct cache_stats *);

#endif
