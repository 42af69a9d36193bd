/*
 * A hash table of endpoints, with their order.
 */
#include "admin/crowd.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/hash.h"
#include "util/mem.h"

#define BUCKETS	1024

struct crowd {
	struct crowd_row *bucket[BUCKETS], **v;
	size_t		 n, cap, max;
	uint64_t	 lost, seed;
};

struct crowd *
crowd_new(size_t max)
{
	struct crowd *c = xcalloc(1, sizeof(*c));

	c->max = max;
	c->seed = clock_us();
	return c;
}

void
crowd_free(struct crowd *c)
{
	if (c == NULL)
		return;
	while (c->n > 0)
		free(c->v[--c->n]);
	free(c->v);
	free(c);
}

static struct crowd_row **
bucket_of(struct crowd *c, const struct endpoint *who)
{
	size_t len = MAC_LEN;
	const uint8_t *p = who->by_mac ? who->mac : addr_ip(&who->addr, &len);

	return &c->bucket[hash_fold(hash_bytes(HASH_START ^ c->seed, p, len)) %
	    BUCKETS];
}

struct crowd_row *
crowd_row(struct crowd *c, const struct endpoint *who, int make)
{
	struct crowd_row **at = bucket_of(c, who), *r;

	for (r = *at; r != NULL; r = r->next)
		if (endpoint_same(&r->who, who))
			return r;
	if (!make)
		return NULL;
	if (c->n == c->max) {
		c->lost++;
		return NULL;
	}
	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 64 : 2 * c->cap;
		c->v = xrealloc(c->v, c->cap * sizeof(*c->v));
	}
	r = c->v[c->n++] = xcalloc(1, sizeof(*r));
	r->who = *who;
	r->next = *at;
	*at = r;
	if (who->addr.sa.sa_family != AF_UNSPEC)
		crowd_addr(r, &who->addr);
	return r;
}

void
crowd_addr(struct crowd_row *r, const struct addr *a)
{
	struct endpoint is = { .addr = *a }, other = { 0 };
	size_t i;

	for (i = 0; i < r->naddr; i++) {
		other.addr = r->addr[i];
		if (endpoint_same(&is, &other))
			return;
	}
	if (r->naddr == CROWD_ADDRS)
		return;
	addr_set_port(&is.addr, 0);
	r->addr[r->naddr++] = is.addr;
}

void
crowd_merge(struct crowd *c, const struct crowd *from)
{
	struct crowd_row *r, *s;
	size_t i, k;

	for (i = 0; i < from->n; i++) {
		s = from->v[i];
		if ((r = crowd_row(c, &s->who, 1)) == NULL)
			continue;
		for (k = 0; k < s->naddr; k++)
			crowd_addr(r, &s->addr[k]);
		r->sessions += s->sessions;
		r->up += s->up;
		r->down += s->down;
	}
	c->lost += from->lost;
}

struct crowd_row *
crowd_at(const struct crowd *c, size_t i)
{
	return i < c->n ? c->v[i] : NULL;
}

uint64_t
crowd_lost(const struct crowd *c)
{
	return c->lost;
}
