/*
 * In this order: the table, so that new sessions are refused; the guard; what
 * is open; the file. Whatever fails is told of, and the rest is done.
 */
#include "verdict/quarantine.h"

#include <stdlib.h>
#include <string.h>

#include "net/neighbours.h"
#include "net/special.h"
#include "util/err.h"
#include "util/log.h"
#include "verdict/guard.h"
#include "verdict/leased.h"
#include "verdict/leases.h"
#include "verdict/segments.h"
#include "verdict/state.h"

static const char *const words[QUARANTINE_MAX] = { "set", "extended",
    "released", "expired", "refused" };

const char *
quarantine_str(enum quarantine_what what)
{
	return words[what];
}

static void
tell(struct quarantine *q, enum quarantine_what what,
    const struct contained *c, const char *why)
{
	q->counts[what]++;
	q->told(q->arg, what, c, why);
}

/* Its neighbour's MAC address on an interface of an endpoint: 0; ERR_NOTFOUND,
 * or ERR_DENIED (it is on others only). */
static int
neighbour_of(const struct quarantine *q, const struct addr *a,
    uint8_t mac[MAC_LEN])
{
	const struct conf_list *l = &q->conf->endpoints.interfaces;

	return l->n == 0 ? neighbours_mac(q->neighbours, a, mac) :
	    neighbours_on(q->neighbours, a, l->v, l->n, mac);
}

int
quarantine_inside(const struct quarantine *q, const struct endpoint *who,
    struct text *why)
{
	enum special kind = special_of(&who->addr);

	if ((who->by_mac && !mac_is_host(who->mac)) ||
	    kind == SPECIAL_LOOPBACK || kind == SPECIAL_MULTICAST)
		text_puts(why, "it is no endpoint's address");
	else if (who->addr.sa.sa_family != AF_UNSPEC &&
	    q->conf->inside.n > 0 &&
	    !conf_prefixes_have(&q->conf->inside, &who->addr))
		text_puts(why, "it is not inside (endpoints: inside)");
	return why->len == 0;
}

/* An address that is never contained, of a host that goes by its MAC. */
struct never {
	const struct conf *conf;
	const uint8_t	*mac;
	struct addr	 addr;
};

static void
never_see(void *arg, const struct addr *a, const uint8_t *mac)
{
	struct never *n = arg;

	if (n->addr.sa.sa_family == AF_UNSPEC &&
	    memcmp(mac, n->mac, MAC_LEN) == 0 &&
	    conf_sources_have(n->conf, &n->conf->endpoints.never, a))
		n->addr = *a;
}

/* Whether one of its addresses is, as far as they are known. */
static int
never_at(const struct quarantine *q, const uint8_t *mac, struct addr *out)
{
	struct never n = { .conf = q->conf, .mac = mac };
	struct lease *v;
	size_t i, len;

	if (q->conf->endpoints.never.n == 0)
		return 0;
	neighbours_each(q->neighbours, never_see, &n);
	v = leases_list(q->leases, mac, &len);
	for (i = 0; i < len; i++)
		never_see(&n, &v[i].addr, v[i].mac);
	free(v);
	*out = n.addr;
	return n.addr.sa.sa_family != AF_UNSPEC;
}

int
quarantine_may(const struct quarantine *q, const struct endpoint *who,
    struct text *why)
{
	uint8_t mac[MAC_LEN];
	char s[ADDR_STRLEN];
	struct addr never;

	if (!quarantine_inside(q, who, why))
		return 0;
	if (who->by_mac && never_at(q, who->mac, &never))
		text_printf(why, "its address %s is never contained "
		    "(endpoints: never)", addr_ip_str(&never, s));
	else if (who->addr.sa.sa_family != AF_UNSPEC &&
	    conf_sources_have(q->conf, &q->conf->endpoints.never, &who->addr))
		text_puts(why, "it is never contained (endpoints: never)");
	else if (neighbour_of(q, &who->addr, mac) == ERR_DENIED)
		text_puts(why, "it is on another interface (endpoints: "
		    "interfaces)");
	return why->len == 0;
}

/* Both together: the later end, the stricter profile. */
static struct contained *
merge(const struct quarantine *q, const struct contained *wish,
    const struct contained *old)
{
	struct contained c = *wish;

	if (old != NULL) {
		c.id = old->id;
		c.since = old->since;
		if (old->end > c.end) {
			c.end = old->end;
			c.until = old->until;
		}
		/* Gone (-1) lets nothing through. */
		if (conf_quarantine_find(q->conf, old->profile) <
		    conf_quarantine_find(q->conf, c.profile))
			c.profile = old->profile;
	}
	return contained_new(&c);
}

static void
guard_tells(const struct contained *c, int rv, const struct text *why)
{
	char who[ADDR_STRLEN];

	if (rv != 0)
		log_error("quarantine %llu of %s: only what comes through the "
		    "proxy is stopped: %s", (unsigned long long)c->id,
		    endpoint_str(&c->who, who), why->s);
}

static void
hold(struct quarantine *q, const struct contained *c,
    const struct contained *old, uint64_t now)
{
	struct text why = { 0 };
	int rv;

	if (q->guard != NULL) {
		rv = guard_hold(q->guard, c, old, now, &why);
		guard_tells(c, rv, &why);
	}
	q->cut(q->arg, c);
	leased_hold(q, c, old, now);
	state_held(q->state, STATE_QUARANTINE, c);
	tell(q, old == NULL ? QUARANTINE_SET : QUARANTINE_EXTENDED, c,
	    why.len > 0 ? why.s : NULL);
	text_free(&why);
}

void
quarantine_identify(const struct quarantine *q, struct endpoint *who)
{
	int rv;

	if (q->conf->endpoints.by_address || who->by_mac)
		return;
	rv = neighbour_of(q, &who->addr, who->mac);
	if (rv == ERR_NOTFOUND)
		rv = leases_mac(q->leases, &who->addr, who->mac);
	who->by_mac = rv == 0;
}

void
quarantine_whom(const struct quarantine *q, struct endpoint *who)
{
	struct addr never;

	quarantine_identify(q, who);
	if (who->by_mac && who->addr.sa.sa_family != AF_UNSPEC &&
	    never_at(q, who->mac, &never))
		who->by_mac = 0;
}

/* One that goes by its address: by its MAC address, once that is known. */
static void
named_anew(struct quarantine *q, struct contained *c, uint64_t now)
{
	struct endpoint who = c->who;
	struct contained *is = NULL;
	struct text why = { 0 };

	quarantine_whom(q, &who);
	if (who.by_mac && quarantine_may(q, &who, &why))
		is = contain_rename(q->contain, c, &who);
	if (is != NULL) {
		state_freed(q->state, c);	/* its number has one line */
		hold(q, is, c, now);
	}
	contained_unref(is);
	text_free(&why);
}

struct ticking {
	struct quarantine *q;
	uint64_t	 now;
};

static void
nameless_see(void *arg, struct contained *c)
{
	struct ticking *t = arg;

	named_anew(t->q, c, t->now);
}

/* What is held of it already, by whichever name. */
static struct contained *
held_of(struct quarantine *q, const struct endpoint *who, uint64_t now)
{
	struct endpoint by_addr = { .addr = who->addr };
	struct contained *c = NULL;

	if (who->by_mac && who->addr.sa.sa_family != AF_UNSPEC)
		c = contain_of(q->contain, &by_addr, NULL);
	if (c != NULL)
		named_anew(q, c, now);
	contained_unref(c);
	return contain_of(q->contain, who, NULL);
}

int
quarantine_set(struct quarantine *q, const struct quarantine_order *o,
    int64_t wall, uint64_t now, uint64_t *id, struct text *why)
{
	struct contained wish = { .id = o->id != 0 ? o->id : q->last + 1,
	    .who = o->who, .profile = (char *)(uintptr_t)o->profile,
	    .since = wall, .until = wall + (int64_t)(o->ms / 1000),
	    .end = now + o->ms,
	    .reason = (char *)(uintptr_t)o->reason,
	    .by = (char *)(uintptr_t)o->by };
	struct contained *old, *c;
	int rv = 0;

	quarantine_whom(q, &wish.who);
	if (conf_quarantine_find(q->conf, o->profile) < 0) {
		text_printf(why, "there is no profile %s under quarantines",
		    o->profile);
		return ERR_NOTFOUND;
	}
	if (!quarantine_may(q, &wish.who, why)) {
		tell(q, QUARANTINE_REFUSED, &wish, why->s);
		return ERR_DENIED;
	}
	old = held_of(q, &wish.who, now);
	c = merge(q, &wish, old);
	if (old != NULL && strcmp(c->profile, old->profile) == 0 &&
	    c->end < old->end + QUARANTINE_WORTH)
		*id = old->id;
	else if ((rv = contain_put(q->contain, c)) != 0) {
		text_puts(why, "too many endpoints are contained");
		tell(q, QUARANTINE_REFUSED, &wish, why->s);
	} else {
		q->last += old == NULL && o->id == 0;
		*id = c->id;
		hold(q, c, old, now);
	}
	contained_unref(old);
	contained_unref(c);
	return rv;
}

/* It is out of the table. */
static void
freed(struct quarantine *q, struct contained *c, enum quarantine_what how)
{
	struct text why = { 0 };

	if (q->guard != NULL)
		guard_free(q->guard, c, &why);
	leased_free(q, c);
	state_freed(q->state, c);
	tell(q, how, c, why.len > 0 ? why.s : NULL);
	contained_unref(c);
	text_free(&why);
}

int
quarantine_release(struct quarantine *q, uint64_t id)
{
	struct contained *c = contain_take(q->contain, id);

	if (c == NULL)
		return ERR_NOTFOUND;
	freed(q, c, QUARANTINE_RELEASED);
	return 0;
}

void
quarantine_tick(struct quarantine *q, uint64_t now)
{
	struct ticking ticking = { q, now };
	struct contained *c;

	while ((c = contain_over(q->contain, now)) != NULL)
		freed(q, c, QUARANTINE_EXPIRED);
	if (!q->conf->endpoints.by_address)
		contain_each_nameless(q->contain, nameless_see, &ticking);
}

static void
say_segments(void *segments, struct guard *g)
{
	segments_say(segments, g);
}

void
quarantine_renew(struct quarantine *q, const struct conf *conf, uint64_t now)
{
	struct text why = { 0 };

	q->conf = conf;
	if (q->segments != NULL)
		segments_renew(q->segments, conf);
	if (q->guard != NULL && guard_reset(q->guard, conf, q->contain,
	    q->segments != NULL ? say_segments : NULL, q->segments, now,
	    &why) != 0)
		log_error("quarantines and segments: only what comes through "
		    "the proxy is stopped: %s", why.s);
	leased_renew(q, now);
	text_free(&why);
}
