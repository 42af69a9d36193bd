/*
 * The pool of flow buffers. They are mapped, not from the heap, where one small
 * object behind hundreds of free buffers would keep them all from the kernel.
 * Buffers given back wait on a shelf for the next taker.
 */
#include "stream/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define POOL_IDLE	(4 << 20)	/* bytes of a size kept for reuse */

void
pool_init(struct pool *p, _Atomic uint64_t *held)
{
	memset(p, 0, sizeof(*p));
	p->held = held;
}

#ifdef __SANITIZE_ADDRESS__	/* which knows where a heap's buffer ends */
#define buf_map(size)		malloc(size)
#define buf_unmap(buf, size)	free(buf)
#else
static void *
buf_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void
buf_unmap(void *buf, size_t size)
{
	munmap(buf, size);
}
#endif

static struct pool_shelf *
pool_shelf(struct pool *p, size_t size)
{
	return &p->shelf[size == POOL_BULK];
}

uint8_t *
pool_get(struct pool *p, size_t size)
{
	struct pool_shelf *s = pool_shelf(p, size);
	void *buf = s->idle;

	if (budget_take(BUDGET_BUFFERS, size, size == POOL_BULK ? 2 : 1) != 0)
		return NULL;
	if (buf != NULL) {
		memcpy(&s->idle, buf, sizeof(s->idle));
		s->bytes -= size;
	} else if ((buf = buf_map(size)) == NULL) {
		budget_give(BUDGET_BUFFERS, size);
		return NULL;
	}
	atomic_fetch_add_explicit(p->held, size, memory_order_relaxed);
	return buf;
}

void
pool_put(struct pool *p, uint8_t *buf, size_t size)
{
	struct pool_shelf *s = pool_shelf(p, size);

	if (buf == NULL)
		return;
	budget_give(BUDGET_BUFFERS, size);
	atomic_fetch_sub_explicit(p->held, size, memory_order_relaxed);
	if (s->bytes + size > POOL_IDLE) {
		buf_unmap(buf, size);
		return;
	}
	memcpy(buf, &s->idle, sizeof(s->idle));
	s->idle = buf;
	s->bytes += size;
}

void
pool_done(struct pool *p)
{
	struct pool_shelf *s;
	void *buf;

	for (s = p->shelf; s < p->shelf + 2; s++)
		while ((buf = s->idle) != NULL) {
			memcpy(&s->idle, buf, sizeof(s->idle));
			buf_unmap(buf, s == p->shelf ? POOL_BUF : POOL_BULK);
		}
}
