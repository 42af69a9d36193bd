/*
 * One counter per pool, all in one cache line: taking is one atomic addition,
 * and reading the sum touches no other line.
 */
#include "util/budget.h"

#include <stdatomic.h>

#include "util/err.h"

static _Alignas(64) _Atomic uint64_t	held[BUDGET_POOLS];
static _Atomic uint64_t			max = UINT64_MAX;

void
budget_limit(uint64_t n)
{
	max = n;
}

uint64_t
budget_max(void)
{
	return atomic_load_explicit(&max, memory_order_relaxed);
}

uint64_t
budget_used(void)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < BUDGET_POOLS; i++)
		sum += atomic_load_explicit(&held[i], memory_order_relaxed);
	return sum;
}

int
budget_take(enum budget_pool pool, size_t n, unsigned share)
{
	budget_add(pool, n);
	if (budget_used() <= budget_max() / share)
		return 0;
	budget_give(pool, n);
	return ERR_MEM;
}

void
budget_add(enum budget_pool pool, size_t n)
{
	atomic_fetch_add_explicit(&held[pool], n, memory_order_relaxed);
}

void
budget_give(enum budget_pool pool, size_t n)
{
	atomic_fetch_sub_explicit(&held[pool], n, memory_order_relaxed);
}

uint64_t
budget_held(enum budget_pool pool)
{
	return atomic_load_explicit(&held[pool], memory_order_relaxed);
}
