/*
 * Sorted, disjoint ranges of keys; IPv4 comes before IPv6.
 */
#include "policy/rangeset.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static void
range_key(uint8_t key[RANGE_KEY], const uint8_t *ip, size_t len)
{
	memset(key, 0, RANGE_KEY);
	key[0] = (uint8_t)len;
	memcpy(key + 1, ip, len);
}

void
rangeset_add(struct rangeset *set, const struct prefix *p)
{
	unsigned i;
	struct range *r;

	if (set->n == set->cap) {
		set->cap = set->cap == 0 ? 8 : set->cap * 2;
		set->v = xrealloc(set->v, set->cap * sizeof(*set->v));
	}
	r = &set->v[set->n++];
	range_key(r->lo, p->ip, p->family == AF_INET ? 4 : 16);
	memcpy(r->hi, r->lo, RANGE_KEY);
	for (i = 8 + p->bits; i < 8 * RANGE_KEY; i++) {
		r->lo[i / 8] &= (uint8_t)~(0x80 >> i % 8);
		r->hi[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
}

static int
by_low(const void *a, const void *b)
{
	return memcmp(((const struct range *)a)->lo,
	    ((const struct range *)b)->lo, RANGE_KEY);
}

void
rangeset_done(struct rangeset *set)
{
	size_t i, out = 0;

	if (set->n == 0)
		return;
	qsort(set->v, set->n, sizeof(*set->v), by_low);
	for (i = 1; i < set->n; i++) {
		if (memcmp(set->v[i].lo, set->v[out].hi, RANGE_KEY) > 0)
			set->v[++out] = set->v[i];
		else if (memcmp(set->v[i].hi, set->v[out].hi, RANGE_KEY) > 0)
			memcpy(set->v[out].hi, set->v[i].hi, RANGE_KEY);
	}
	set->n = out + 1;
}

int
rangeset_has(const struct rangeset *set, const struct addr *a)
{
	size_t lo = 0, hi = set->n, mid, len;
	const uint8_t *raw;
	uint8_t key[RANGE_KEY];

	if (set->n == 0 || a->sa.sa_family == AF_UNSPEC)
		return 0;
	raw = addr_ip(a, &len);
	range_key(key, raw, len);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (memcmp(key, set->v[mid].lo, RANGE_KEY) < 0)
			hi = mid;
		else if (memcmp(key, set->v[mid].hi, RANGE_KEY) > 0)
			lo = mid + 1;
		else
			return 1;
	}
	return 0;
}

void
rangeset_free(struct rangeset *set)
{
	free(set->v);
	memset(set, 0, sizeof(*set));
}
