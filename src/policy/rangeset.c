/*
 * Sorted, disjoint ranges of IPv6 addresses.
 */
#include "policy/rangeset.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void
rangeset_add(struct rangeset *set, const struct prefix *p)
{
	unsigned bits = p->bits, i;
	struct range *r;

	if (set->n == set->cap) {
		set->cap = set->cap == 0 ? 8 : set->cap * 2;
		set->v = xrealloc(set->v, set->cap * sizeof(*set->v));
	}
	r = &set->v[set->n++];
	if (p->family == AF_INET) {
		memcpy(r->lo, mapped, 12);
		memcpy(r->lo + 12, p->ip, 4);
		bits += 96;
	} else
		memcpy(r->lo, p->ip, 16);
	memcpy(r->hi, r->lo, 16);
	for (i = bits; i < 128; i++) {
		r->lo[i / 8] &= (uint8_t)~(0x80 >> i % 8);
		r->hi[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
}

static int
by_low(const void *a, const void *b)
{
	return memcmp(((const struct range *)a)->lo,
	    ((const struct range *)b)->lo, 16);
}

void
rangeset_done(struct rangeset *set)
{
	size_t i, out = 0;

	if (set->n == 0)
		return;
	qsort(set->v, set->n, sizeof(*set->v), by_low);
	for (i = 1; i < set->n; i++) {
		if (memcmp(set->v[i].lo, set->v[out].hi, 16) > 0)
			set->v[++out] = set->v[i];
		else if (memcmp(set->v[i].hi, set->v[out].hi, 16) > 0)
			memcpy(set->v[out].hi, set->v[i].hi, 16);
	}
	set->n = out + 1;
}

int
rangeset_has(const struct rangeset *set, const struct addr *a)
{
	size_t lo = 0, hi = set->n, mid, len;
	const uint8_t *raw;
	uint8_t ip[16];

	if (set->n == 0 || a->sa.sa_family == AF_UNSPEC)
		return 0;
	raw = addr_ip(a, &len);
	memcpy(ip, mapped, 12);
	memcpy(ip + 16 - len, raw, len);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (memcmp(ip, set->v[mid].lo, 16) < 0)
			hi = mid;
		else if (memcmp(ip, set->v[mid].hi, 16) > 0)
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
