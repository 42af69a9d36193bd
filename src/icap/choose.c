/*
 * Which server a transaction is sent to: the least busy of those that are up in
 * the lowest tier; and whether its client may have more of the service. While
 * there are others, a client may have at most three times what is left for
 * them, so that there is always something left.
 */
#include <stdlib.h>

#include "icap/server.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"

#define OTHERS_FOR	60000	/* ms since another client was seen */
#define SHARE		3

static uint64_t
choose_hash(uint64_t start, const struct addr *a)
{
	size_t len = 0;
	const uint8_t *ip = a->sa.sa_family == AF_UNSPEC ? NULL :
	    addr_ip(a, &len);

	return hash_bytes(start, ip, len);
}

/* This client asks for something. Is it the only one that does? */
static int
share_alone(struct icap_service *s, uint64_t owner)
{
	uint64_t now = clock_ms(), other;

	if (s->last != owner) {
		s->other_at = s->last_at;
		s->last = owner;
	}
	s->last_at = now;
	other = s->other_at;
	return other == 0 || now - other > OTHERS_FOR;
}

/* Connections of the group that no attempt has. */
static unsigned
share_free(const struct icap_group *g)
{
	const struct icap_server *v;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < g->n; i++) {
		v = g->v[i].server;
		if (v->state == ICAP_UP && v->busy < v->limit)
			n += v->limit - v->busy;
	}
	return n;
}

static int
share_may_run(struct icap_service *s, const struct icap_want *w)
{
	return share_alone(s, w->owner) ||
	    share_of(&s->busy, w->owner) <
	    SHARE * share_free(&s->group[w->method]);
}

void
icap_begin(struct icap_server *v, const struct icap_want *w)
{
	v->busy++;
	v->transactions++;
	pthread_mutex_lock(&v->service->lock);
	share_take(&v->service->busy, w->owner);
	pthread_mutex_unlock(&v->service->lock);
}

void
icap_end(struct icap_server *v, const struct icap_want *w)
{
	v->busy--;
	pthread_mutex_lock(&v->service->lock);
	share_give(&v->service->busy, w->owner);
	pthread_mutex_unlock(&v->service->lock);
}

/* Idle connections are room in the queue too: their workers hand them over when
 * they see that somebody waits. */
int
icap_wait(struct icap_service *s, const struct icap_want *w)
{
	unsigned max = s->conf->queue;
	size_t i;
	int may;

	for (i = 0; i < s->n; i++)
		max += s->servers[i].idle;
	pthread_mutex_lock(&s->lock);
	may = s->stats.waiting < max && (share_alone(s, w->owner) ||
	    share_of(&s->waiting, w->owner) < SHARE * (max - s->stats.waiting));
	if (may) {
		share_take(&s->waiting, w->owner);
		s->stats.waiting++;
	}
	pthread_mutex_unlock(&s->lock);
	return may ? 0 : ERR_LIMIT;
}

void
icap_unwait(struct icap_service *s, const struct icap_want *w)
{
	pthread_mutex_lock(&s->lock);
	share_give(&s->waiting, w->owner);
	s->stats.waiting--;
	pthread_mutex_unlock(&s->lock);
}

int
icap_serves(const struct icap_server *v, enum icap_method m)
{
	const struct icap_group *g = &v->service->group[m];
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->v[i].server == v)
			return 1;
	return 0;
}

int
icap_permit(struct icap_server *v)
{
	unsigned n = v->conns;

	while (n < v->limit)
		if (atomic_compare_exchange_weak(&v->conns, &n, n + 1))
			return 1;
	return 0;
}

/* Whether an attempt can be sent there now. */
static int
choose_free(const struct icap_server *v, int idle, uint64_t now)
{
	unsigned limit = v->overload_limit;

	if (v->retry_at > now || (limit != 0 &&
	    v->busy >= (limit < v->limit ? limit : v->limit)))
		return 0;
	return idle || v->conns < v->limit;
}

/* Lower is better. With `persist`, rendezvous hashing: the same client goes to
 * the same server. */
static double
choose_cost(const struct icap_want *w, const struct icap_member *p)
{
	if (p->server->service->conf->persist)
		return -(double)(hash_fold(choose_hash(HASH_START ^
		    p->server->index, w->client)) >> 11) * p->weight;
	return (double)(p->server->busy + 1) / p->weight;
}

static int
choose_in(struct icap_service *s, const struct icap_want *w, unsigned tier,
    const struct icap_conns *idle, struct icap_server **out)
{
	const struct icap_group *g = &s->group[w->method];
	const struct icap_member *p;
	uint64_t now = clock_ms();
	double cost, best = 0;
	size_t i;
	int rv = ERR_NOTFOUND;

	*out = NULL;
	for (i = 0; i < g->n; i++) {
		p = &g->v[(i + s->turn) % g->n];
		if (p->tier != tier || p->server->state == ICAP_DOWN ||
		    (w->tried >> p->server->index & 1) != 0)
			continue;
		rv = rv == ERR_NOTFOUND ? ERR_AGAIN : rv;
		if (p->server->state != ICAP_UP ||
		    !choose_free(p->server,
		    !TAILQ_EMPTY(&idle[p->server->index]), now))
			continue;
		cost = choose_cost(w, p);
		if (*out == NULL || cost < best) {
			*out = p->server;
			best = cost;
			rv = 0;
		}
	}
	return rv;
}

/* The lowest tier from that one on; UINT32_MAX: there is none. */
static unsigned
choose_tier(const struct icap_group *g, unsigned from)
{
	unsigned tier = UINT32_MAX;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->v[i].tier >= from && g->v[i].tier < tier)
			tier = g->v[i].tier;
	return tier;
}

static struct icap_offer
choose_offer(const struct icap_server *v, struct slice path)
{
	struct icap_offer offer = { .known = v->known, .preview = -1 };

	if (!v->known)
		return offer;
	offer.flags = v->options.flags;
	offer.preview = v->options.preview;
	if (offer.flags & ICAP_OPT_TRANSFER)
		offer.transfer = icap_transfer(&v->options, path);
	return offer;
}

/*
 * The lowest tier that has one not down; one that is busy is waited for,
 * until the queue's patience ends: then the next tier will do (F22).
 */
int
icap_choose(struct icap_service *s, const struct icap_want *w,
    const struct icap_conns *idle, struct icap_server **out,
    struct icap_offer *offer)
{
	const struct icap_group *g = &s->group[w->method];
	unsigned tier = 0;
	size_t i;
	int rv = ERR_NOTFOUND, busy = 0;

	pthread_mutex_lock(&s->lock);
	s->turn++;
	while ((tier = choose_tier(g, tier)) != UINT32_MAX) {
		rv = choose_in(s, w, tier++, idle, out);
		if (rv == 0 || (rv == ERR_AGAIN && !w->beyond))
			break;
		busy |= rv == ERR_AGAIN;
	}
	if (rv == ERR_NOTFOUND && busy)
		rv = ERR_AGAIN;
	if (rv == 0 && !share_may_run(s, w))
		rv = ERR_AGAIN;
	if (rv == 0 && offer != NULL)
		*offer = choose_offer(*out, w->path);
	for (i = 0; i < g->n && rv == ERR_NOTFOUND; i++)
		if (g->v[i].server->insecure)
			rv = ERR_DENIED;
	pthread_mutex_unlock(&s->lock);
	return rv;
}

struct icap_offer
icap_expect(struct icap_service *s, enum icap_method m, struct slice path)
{
	const struct icap_group *g = &s->group[m];
	struct icap_offer offer = { .preview = -1 };
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < g->n && !offer.known; i++)
		offer = choose_offer(g->v[i].server, path);
	pthread_mutex_unlock(&s->lock);
	return offer;
}

void
icap_wake(struct icap_service *s, struct icap_waker *but)
{
	struct icap_waker *w;

	if (s->stats.waiting == 0)
		return;
	pthread_mutex_lock(&s->lock);
	TAILQ_FOREACH(w, &s->wakers, link)
		if (w != but && w->box != NULL)
			mailbox_post(w->box, &w->mail);
	pthread_mutex_unlock(&s->lock);
}
