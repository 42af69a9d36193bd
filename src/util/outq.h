/*
 * A queue of bytes to something that may block (a file, a terminal, a FIFO),
 * written by a thread of its own, so that no worker ever waits for a disk or
 * a reader. Bounded in bytes; what does not fit is dropped whole and counted.
 */
#ifndef UTIL_OUTQ_H
#define UTIL_OUTQ_H

#include <stddef.h>
#include <stdint.h>

#include "util/budget.h"

struct outq;

struct outq_ops {
	/* In the writer's thread, once per piece put, in order. May block. */
	void	(*write)(void *ctx, const void *data, size_t len);
	/* In the writer's thread, when nothing is queued and once a second. */
	void	(*quiet)(void *ctx);
	/* In the writer's thread, last of all; may be NULL, as may quiet. */
	void	(*close)(void *ctx);
};

/* max: bytes queued at the most, which count in the pool of limits.memory.
 * name: the thread's, up to 15 bytes. */
struct outq	*outq_new(const char *name, enum budget_pool, size_t max,
		    const struct outq_ops *, void *ctx);

/*
 * Queue a copy of the bytes (outq_put) or the malloc'ed piece itself, which
 * the queue frees in any case (outq_give). 0, or ERR_LIMIT: dropped, counted.
 * Never blocks. Any thread.
 */
int		 outq_put(struct outq *, const void *, size_t);
int		 outq_give(struct outq *, void *, size_t);

uint64_t	 outq_dropped(struct outq *);	/* pieces dropped so far */
/* Bytes waiting now; the last piece does until quiet() has returned. */
size_t		 outq_queued(struct outq *);

/*
 * Write what is queued, but wait no longer than ms for it, then end the
 * thread and free the queue. A writer that is stuck for good is left behind
 * with what it holds; its ctx must then live on. 0, or ERR_TIMEOUT.
 */
int		 outq_free(struct outq *, int ms);

#endif
