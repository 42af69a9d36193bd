/*
 * For the guard, each address is an endpoint of its own.
 */
#include "verdict/leased.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "net/neighbours.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/cases.h"
#include "verdict/guard.h"

/* The same quarantine, of one address. Its texts are those of c. */
static struct contained
at_address(const struct contained *c, const struct addr *a)
{
	struct contained one = { .id = c->id, .profile = c->profile,
	    .since = c->since, .until = c->until, .end = c->end,
	    .reason = c->reason, .by = c->by };

	one.who.addr = *a;
	return one;
}

/* Whether the guard has it for another reason, or need not have it: that of a
 * host on a network of ours is known by its frames. */
static int
elsewhere(struct quarantine *q, const struct addr *a)
{
	struct endpoint who = { .addr = *a };
	struct contained *c = contain_of(q->contain, &who, NULL);
	uint8_t mac[MAC_LEN];

	contained_unref(c);
	return q->guard == NULL || c != NULL ||
	    neighbours_mac(q->neighbours, a, mac) == 0;
}

static void
failed(const struct contained *c, const struct addr *a, int rv,
    const struct text *why)
{
	char s[ADDR_STRLEN];

	if (rv != 0)
		log_error("quarantine %llu: at %s only what comes through the "
		    "proxy is stopped: %s", (unsigned long long)c->id,
		    addr_ip_str(a, s), why->s);
}

static void
hold_one(struct quarantine *q, const struct contained *c,
    const struct contained *old, const struct addr *a, uint64_t now)
{
	struct contained one = at_address(c, a), before, *kept;
	struct text why = { 0 };

	if (old != NULL)
		before = at_address(old, a);
	if (!elsewhere(q, a))
		failed(c, a, guard_hold(q->guard, &one, old != NULL ? &before :
		    NULL, now, &why), &why);
	kept = contained_new(&one);	/* workers refer to it for a while */
	q->cut(q->arg, kept);
	contained_unref(kept);
	text_free(&why);
}

/* A free one is freed again, if it was held by another name: no harm. */
static void
free_one(struct quarantine *q, const struct contained *c, const struct addr *a)
{
	struct contained one = at_address(c, a);
	struct endpoint who = { .addr = *a };
	struct contained *by_addr = contain_of(q->contain, &who, NULL);
	struct text why = { 0 };

	if (q->guard != NULL && by_addr == NULL)
		failed(c, a, guard_free(q->guard, &one, &why), &why);
	contained_unref(by_addr);
	text_free(&why);
}

static struct contained *
contained_by(struct quarantine *q, const uint8_t *mac)
{
	struct endpoint who = { .by_mac = 1 };

	memcpy(who.mac, mac, MAC_LEN);
	return contain_of(q->contain, &who, NULL);
}

/* Whoever had it has it no longer. */
static void
lost(struct quarantine *q, const struct lease *old)
{
	struct contained *c = contained_by(q, old->mac);

	if (c != NULL)
		free_one(q, c, &old->addr);
	contained_unref(c);
}

int
leased_put(struct quarantine *q, const struct lease *l, int64_t wall,
    uint64_t now)
{
	struct contained *c;
	struct lease old;
	char s[ADDR_STRLEN];
	int rv = leases_put(q->leases, l, &old), same;

	if (rv != 0)
		return rv;
	same = old.addr.sa.sa_family != AF_UNSPEC &&
	    memcmp(old.mac, l->mac, MAC_LEN) == 0;
	if (!same && old.addr.sa.sa_family != AF_UNSPEC)
		lost(q, &old);
	if (!same && (c = contained_by(q, l->mac)) != NULL) {
		log_info("quarantine %llu: the endpoint has the address %s "
		    "now", (unsigned long long)c->id,
		    addr_ip_str(&l->addr, s));
		cases_add(q->cases, c->id, wall, "address",
		    json_pack("{s:s}", "address", s));
		hold_one(q, c, NULL, &l->addr, now);
		contained_unref(c);
	}
	return 0;
}

int
leased_del(struct quarantine *q, const struct addr *a, const uint8_t *mac)
{
	struct lease old;
	int rv = leases_del(q->leases, a, mac, &old);

	if (rv == 0)
		lost(q, &old);
	return rv;
}

void
leased_tick(struct quarantine *q, uint64_t now)
{
	struct lease old;

	while (leases_over(q->leases, now, &old) == 0)
		lost(q, &old);
}

void
leased_hold(struct quarantine *q, const struct contained *c,
    const struct contained *old, uint64_t now)
{
	struct lease *v;
	size_t i, n;

	if (!c->who.by_mac)
		return;
	v = leases_list(q->leases, c->who.mac, &n);
	for (i = 0; i < n; i++)
		hold_one(q, c, old, &v[i].addr, now);
	free(v);
}

void
leased_free(struct quarantine *q, const struct contained *c)
{
	struct lease *v;
	size_t i, n;

	if (!c->who.by_mac)
		return;
	v = leases_list(q->leases, c->who.mac, &n);
	for (i = 0; i < n; i++)
		free_one(q, c, &v[i].addr);
	free(v);
}

void
leased_renew(struct quarantine *q, uint64_t now)
{
	struct contained *c;
	struct lease *v;
	size_t i, n;

	v = leases_list(q->leases, NULL, &n);
	for (i = 0; i < n; i++) {
		if ((c = contained_by(q, v[i].mac)) != NULL && c->end > now)
			hold_one(q, c, NULL, &v[i].addr, now);
		contained_unref(c);
	}
	free(v);
}
