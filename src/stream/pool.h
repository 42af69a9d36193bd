/*
 * Buffers of two sizes for flows. Each worker has a pool. All pools share one
 * budget (limits.memory); when it is used up, pool_get() fails and the caller
 * waits. An idle connection holds no buffer, so the few in use stay in the
 * cache.
 */
#ifndef STREAM_POOL_H
#define STREAM_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "util/budget.h"

#define POOL_BUF	(64 * 1024)	/* 4 full records */
/*
 * For a flow that fills a small one each time. It saves three quarters of the
 * reads, of the ACKs that the kernel sends for them, and of the wake-ups that
 * follow. It is given out only from the first half of the budget.
 */
#define POOL_BULK	(256 * 1024)

struct pool_shelf {
	void			*idle;		/* last in, first out */
	size_t			 bytes;		/* of these */
};

struct pool {
	struct pool_shelf	 shelf[2];	/* one a size */
	_Atomic uint64_t	*held;		/* bytes given out; a counter */
};

void	 pool_init(struct pool *, _Atomic uint64_t *held);
/* size is POOL_BUF or POOL_BULK, in both calls. NULL: the budget is used up. */
uint8_t	*pool_get(struct pool *, size_t size);
void	 pool_put(struct pool *, uint8_t *, size_t size);  /* or NULL */
void	 pool_done(struct pool *);

#endif
