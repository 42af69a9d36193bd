/*
 * limits.memory: the bytes that all peers together may make us hold, counted
 * by what holds them. Any thread may call. A session's own state (some 30 KB)
 * is not counted, because limits.connections bounds it.
 */
#ifndef UTIL_BUDGET_H
#define UTIL_BUDGET_H

#include <stddef.h>
#include <stdint.h>

enum budget_pool {
	BUDGET_BUFFERS,		/* of flows, and heads of messages */
	BUDGET_TLS,		/* ciphertext set aside, chains of servers */
	BUDGET_CACHES,		/* util/cache.h */
	BUDGET_SPOOL,		/* bodies kept, as far as in memory */
	BUDGET_MIRRORS,		/* queues to mirrors */
	BUDGET_HISTORY,		/* packets kept */
	BUDGET_LOG,		/* queues to the event log and the log */
	BUDGET_POOLS
};

/* Called at start. Until then there is no limit. */
void		 budget_limit(uint64_t max);
uint64_t	 budget_max(void);

/*
 * Take n bytes, unless all pools together would then exceed max / share.
 * Returns 0, or ERR_MEM when nothing was taken.
 */
int		 budget_take(enum budget_pool, size_t n, unsigned share);
/* Take n bytes without asking: they exist already, or another limit bounds
 * them. */
void		 budget_add(enum budget_pool, size_t n);
void		 budget_give(enum budget_pool, size_t n);

uint64_t	 budget_held(enum budget_pool);
uint64_t	 budget_used(void);		/* all pools */

#endif
