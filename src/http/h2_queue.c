/*
 * Bytes of a body that wait in memory, counted in limits.memory.
 */
#include "http/h2_queue.h"

#include <stdlib.h>
#include <string.h>

#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define QUEUE_LEAST	2048

static void
queue_compact(struct h2_queue *q)
{
	if (q->off > 0)
		memmove(q->buf, q->buf + q->off, q->len);
	q->off = 0;
}

static int
queue_grow(struct h2_queue *q, size_t need)
{
	size_t cap = q->cap > 0 ? q->cap : QUEUE_LEAST;

	while (cap < need)
		cap *= 2;
	if (budget_take(BUDGET_BUFFERS, cap - q->cap, 1) != 0)
		return ERR_MEM;
	q->buf = xrealloc(q->buf, cap);
	q->cap = cap;
	return 0;
}

int
h2_queue_add(struct h2_queue *q, const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	if (q->off + q->len + n > q->cap) {
		/* With more in it, moving it would be most of the work. */
		if (q->len + n > q->cap / 2 && queue_grow(q, q->off + q->len +
		    n) != 0)
			return ERR_MEM;
		queue_compact(q);
	}
	memcpy(q->buf + q->off + q->len, p, n);
	q->len += n;
	return 0;
}

void
h2_queue_drop(struct h2_queue *q, size_t n)
{
	q->off += n;
	q->len -= n;
	if (q->len == 0)
		h2_queue_free(q);
}

void
h2_queue_cut(struct h2_queue *q, size_t n)
{
	q->len -= n;
	if (q->len == 0)
		h2_queue_free(q);
}

void
h2_queue_free(struct h2_queue *q)
{
	budget_give(BUDGET_BUFFERS, q->cap);
	free(q->buf);
	memset(q, 0, sizeof(*q));
}
