/*
 * limits.memory: what all peers together may make us hold, in one sum, told
 * apart by what holds it. Any thread. A session's own state (some 30 KB) is
 * not in it: limits.connections bounds that.
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
	BUDGET_LOG,		/* queues to the event log and the log */
	BUDGET_POOLS
};

/* At start. Without it there is no limit. */
void		 budget_limit(uint64_t max);
uint64_t	 budget_max(void);

/*
 * Take n bytes, unless all that is held would then be more than one share of
 * the limit (1: all of it, 2: a half ...). 0, or ERR_MEM: nothing was taken.
 */
int		 budget_take(enum budget_pool, size_t n, unsigned share);
/* For what has a bound of its own, or exists already: always taken. */
void		 budget_add(enum budget_pool, size_t n);
void		 budget_give(enum budget_pool, size_t n);

uint64_t	 budget_held(enum budget_pool);
uint64_t	 budget_used(void);		/* all pools */

#endif
