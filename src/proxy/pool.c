/*
 * The pool of flow buffers.
 */
#include "proxy/pool.h"

#include <stdlib.h>
#include <string.h>

#define POOL_IDLE	64	/* kept for reuse; 4 MiB a worker */

void
pool_init(struct pool *p, struct pool_budget *budget, _Atomic uint64_t *held)
{
	p->budget = budget;
	p->idle = NULL;
	p->nidle = 0;
	p->held = held;
}

uint8_t *
pool_get(struct pool *p)
{
	uint64_t used;
	void *buf = p->idle;

	used = atomic_fetch_add(&p->budget->used, POOL_BUF) + POOL_BUF;
	if (used > p->budget->max) {
		atomic_fetch_sub(&p->budget->used, POOL_BUF);
		return NULL;
	}
	if (buf != NULL) {
		memcpy(&p->idle, buf, sizeof(p->idle));
		p->nidle--;
	} else if ((buf = malloc(POOL_BUF)) == NULL) {
		atomic_fetch_sub(&p->budget->used, POOL_BUF);
		return NULL;
	}
	atomic_fetch_add_explicit(p->held, POOL_BUF, memory_order_relaxed);
	return buf;
}

void
pool_put(struct pool *p, uint8_t *buf)
{
	if (buf == NULL)
		return;
	atomic_fetch_sub(&p->budget->used, POOL_BUF);
	atomic_fetch_sub_explicit(p->held, POOL_BUF, memory_order_relaxed);
	if (p->nidle >= POOL_IDLE) {
		free(buf);
		return;
	}
	memcpy(buf, &p->idle, sizeof(p->idle));
	p->idle = buf;
	p->nidle++;
}

void
pool_done(struct pool *p)
{
	void *buf;

	while ((buf = p->idle) != NULL) {
		memcpy(&p->idle, buf, sizeof(p->idle));
		free(buf);
	}
}
