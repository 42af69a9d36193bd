/*
 * Buffers of one size for flows. Each worker has a pool; all pools share one
 * budget (limits.memory), past which pool_get() says no and the asker waits.
 * An idle connection holds no buffer, so the few in use stay in the cache.
 */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_BUF	(64 * 1024)	/* 4 full records; see performance.md */

struct pool_budget {			/* of the process */
	_Atomic uint64_t	used;
	uint64_t		max;
};

struct pool {
	struct pool_budget	*budget;
	void			*idle;		/* last in, first out */
	unsigned		 nidle;
	_Atomic uint64_t	*held;		/* bytes given out; a counter */
};

void	 pool_init(struct pool *, struct pool_budget *,
	    _Atomic uint64_t *held);
uint8_t	*pool_get(struct pool *);		/* POOL_BUF bytes, or NULL */
void	 pool_put(struct pool *, uint8_t *);	/* NULL does nothing */
void	 pool_done(struct pool *);

#endif
