/*
 * A queue of bytes to something that may block (a file, a terminal, a FIFO).
 * A thread of its own writes them, so that no worker waits for a disk or a
 * reader. The queue is bounded in bytes; a piece that does not fit is dropped
 * whole and counted.
 */
#ifndef UTIL_OUTQ_H
#define UTIL_OUTQ_H

#include <stddef.h>
#include <stdint.h>

#include "util/budget.h"

struct outq;

struct outq_ops {
	/* These run in the writer's thread. write: once per piece, in order;
	 * it may block. */
	void	(*write)(void *ctx, const void *data, size_t len);
	/* When nothing is queued, and once a second. May be NULL. */
	void	(*quiet)(void *ctx);
	/* Last of all. May be NULL. */
	void	(*close)(void *ctx);
	/* A piece that finds nothing queued waits so long for others: to wake
	 * the writer for each would cost more than most pieces do. */
	int	 gather_ms;
};

/* max bounds the queued bytes, which count in the pool of limits.memory. name
 * is the thread's, of up to 15 bytes. */
struct outq	*outq_new(const char *name, enum budget_pool, size_t max,
		    const struct outq_ops *, void *ctx);

/*
 * outq_put queues a copy of the bytes; outq_give queues the malloc'ed piece
 * itself, which the queue frees in any case. Returns 0, or ERR_LIMIT when the
 * piece was dropped and counted. Any thread may call; neither call blocks.
 */
int		 outq_put(struct outq *, const void *, size_t);
int		 outq_give(struct outq *, void *, size_t);

uint64_t	 outq_dropped(struct outq *);	/* pieces dropped so far */
/* Bytes waiting now. The last piece counts until quiet() has returned. */
size_t		 outq_queued(struct outq *);

/*
 * Wait up to ms for the queued pieces to be written, then end the thread and
 * free the queue. Returns 0, or ERR_TIMEOUT when the writer is stuck: it is
 * left behind with what it holds, and its ctx must live on.
 */
int		 outq_free(struct outq *, int ms);

#endif
