/*
 * What all workers learn of a service's servers, and which one is taken:
 * passive health (three failures within ten seconds: down) and active
 * (probes; two good ones: up), OPTIONS, overload, least busy. Everything here
 * takes the service's lock for a moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap/own.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/mem.h"

#define FAILED_WITHIN	10000	/* ms for three failures */
#define FINE_MANY	100	/* good answers that outweigh them */
#define FINE_FEW	3	/* ... where the messages may be the reason */
#define DOUBT_EVERY	1000	/* ms from OPTIONS to OPTIONS, for a doubt */
#define REFUSED_MAX	10	/* 4xx in a row: something is misconfigured */
#define PROBE_EVERY	5000	/* ms, of one that is down */
#define PROBES_GOOD	2
#define SILENT_MAX	3	/* OPTIONS of one that is up */
#define TTL_DEFAULT	60000	/* ms, when OPTIONS has none (RFC: for ever) */
#define TTL_EARLY	20000	/* so long before it expires */
#define TTL_LEAST	30000	/* never more often */
#define SOFT_EVERY	30000	/* an overloaded server's limit grows by one */
#define IDLE_LEAST	1000	/* ms, of what is learned from */
#define SHY_MAX		5000	/* Retry-After is waited for, at most */

static void
health_down(struct icap_server *v, const char *why)
{
	v->good = 0;
	v->due = clock_ms() + PROBE_EVERY;
	snprintf(v->why, sizeof(v->why), "%s", why);
	if (v->state == ICAP_DOWN)
		return;
	v->state = ICAP_DOWN;
	v->epoch++;
	log_warn("icap %s: %s is down: %s", v->service->conf->name, v->url,
	    why);
}

static void
health_up(struct icap_server *v)
{
	if (v->state != ICAP_UP)
		log_info("icap %s: %s is up", v->service->conf->name, v->url);
	v->state = ICAP_UP;
	v->patience = 0;
	v->was_up = 1;
	v->refused = 0;
	v->insecure = 0;
	v->why[0] = '\0';
	v->doubted = 0;
	memset(v->failed, 0, sizeof(v->failed));
}

/*
 * One more failure; down when it is the third of late, unless they are few
 * among many: three of ten thousand are no reason to ask nobody at all.
 */
static void
health_one(struct icap_server *v, uint64_t whose, uint64_t outweighed,
    const char *why)
{
	uint64_t now = clock_ms();
	size_t i;

	for (i = 0; i < 2; i++) {
		v->failed[i] = v->failed[i + 1];
		v->fine[i] = v->fine[i + 1];
		v->whose[i] = v->whose[i + 1];
	}
	v->failed[2] = now;
	v->fine[2] = v->praised;
	v->whose[2] = whose;
	if (v->failed[0] == 0 || now - v->failed[0] > FAILED_WITHIN ||
	    v->praised - v->fine[0] >= outweighed)
		return;
	/* All three of one client's messages say nothing of the server. */
	if (whose == 0 || v->whose[0] != whose || v->whose[1] != whose)
		health_down(v, why);
}

/* Ask it: who answers OPTIONS is not down for what one message does to it. */
static void
health_doubt(struct icap_server *v, uint64_t whose, const char *why)
{
	uint64_t next = v->asked + DOUBT_EVERY;

	if (v->service->conf->options) {
		v->doubted = 1;
		if (next < v->due)
			v->due = next;
	}
	health_one(v, whose, FINE_FEW, why);
}

/* F16: a wrong configuration refuses everybody. */
static void
health_ten(struct icap_server *v, uint64_t whose, const char *why)
{
	if (v->refused++ == 0) {
		v->refuser = whose;
		v->refusers = 0;
	}
	v->refusers |= v->refuser != whose;
	if (v->refused >= REFUSED_MAX && v->refusers)
		health_down(v, why);
}

/* F21: fewer connections for a while. */
static void
health_less(struct icap_server *v)
{
	unsigned busy = v->busy * 4 / 5;

	v->soft = busy > 1 ? busy : 1;
	v->soft_at = clock_ms();
}

void
icap_blamed(struct icap_server *v, enum icap_blame blame,
    enum icap_fault fault, uint64_t whose, const char *why)
{
	v->failures++;
	pthread_mutex_lock(&v->service->lock);
	v->insecure |= fault == ICAP_F_TLS;
	switch (blame) {
	case ICAP_B_NONE:
		break;
	case ICAP_B_ONE:
		health_one(v, 0, FINE_MANY, why);
		break;
	case ICAP_B_DOUBT:
		health_doubt(v, whose, why);
		break;
	case ICAP_B_TEN:
		health_ten(v, whose, why);
		break;
	case ICAP_B_DOWN:
		health_down(v, why);
		break;
	case ICAP_B_LESS:
		health_less(v);
		break;
	}
	pthread_mutex_unlock(&v->service->lock);
}

void
icap_praised(struct icap_server *v)
{
	v->praised++;
	if (v->refused != 0) {
		pthread_mutex_lock(&v->service->lock);
		v->refused = 0;
		pthread_mutex_unlock(&v->service->lock);
	}
}

void
icap_overload(struct icap_server *v, int64_t retry_after)
{
	uint64_t ms = retry_after < 0 ? 0 : retry_after > SHY_MAX / 1000 ?
	    SHY_MAX : (uint64_t)retry_after * 1000;

	pthread_mutex_lock(&v->service->lock);
	v->shy_until = clock_ms() + ms;
	pthread_mutex_unlock(&v->service->lock);
}

/* F24: another ISTag means another state of the service. */
void
icap_istag(struct icap_server *v, const char *istag)
{
	uint64_t now;

	pthread_mutex_lock(&v->service->lock);
	if (istag[0] != '\0' && strcmp(v->istag, istag) != 0) {
		if (v->istag[0] != '\0') {
			log_info("icap %s: %s: ISTag is now \"%s\"",
			    v->service->conf->name, v->url, istag);
			now = v->asked + TTL_LEAST;
			if (v->service->conf->options && now < v->due)
				v->due = now;
		}
		snprintf(v->istag, sizeof(v->istag), "%s", istag);
	}
	pthread_mutex_unlock(&v->service->lock);
}

/*
 * It closed a connection that was idle for so long: ours shall go before
 * that, or some request meets the end of one. One that went at once was no
 * matter of patience.
 */
void
icap_idled(struct icap_server *v, uint64_t ms)
{
	uint64_t known = v->patience, less = ms * 4 / 5;

	if (ms >= IDLE_LEAST && (known == 0 || less < known))
		v->patience = less;
}

int
icap_due(struct icap_server *v)
{
	uint64_t now = clock_ms();
	int due;

	pthread_mutex_lock(&v->service->lock);
	due = !v->asking && now >= v->due;
	if (due) {
		v->asking = 1;
		v->asked = now;
	}
	if (v->soft != 0 && now - v->soft_at >= SOFT_EVERY) {
		v->soft_at = now;
		if (++v->soft >= v->limit)
			v->soft = 0;
	}
	pthread_mutex_unlock(&v->service->lock);
	return due;
}

void
icap_unasked(struct icap_server *v)
{
	pthread_mutex_lock(&v->service->lock);
	v->asking = 0;
	v->due = clock_ms();
	pthread_mutex_unlock(&v->service->lock);
}

/* Is the server's OPTIONS what the farm needs it to be? */
static const char *
health_lacks(struct icap_server *v, const struct icap_options *o)
{
	const struct icap_service *s = v->service;
	size_t i;

	for (i = 0; i < s->farm[ICAP_REQMOD].n; i++)
		if (s->farm[ICAP_REQMOD].v[i].server == v &&
		    (o->flags & ICAP_OPT_REQMOD) == 0)
			return "OPTIONS: it does not do REQMOD";
	for (i = 0; i < s->farm[ICAP_RESPMOD].n; i++)
		if (s->farm[ICAP_RESPMOD].v[i].server == v &&
		    (o->flags & ICAP_OPT_RESPMOD) == 0)
			return "OPTIONS: it does not do RESPMOD";
	return NULL;
}

static void
health_learn(struct icap_server *v, struct icap_known *k)
{
	const struct icap_options *o = &k->o;
	uint64_t ms = TTL_DEFAULT;

	if (o->ttl >= 0)
		ms = o->ttl > 86400 ? 86400000 : (uint64_t)o->ttl * 1000;
	ms = ms > TTL_LEAST + TTL_EARLY ? ms - TTL_EARLY : TTL_LEAST;
	/* 10 % up and down, so that workers and gateways do not march. */
	v->due = clock_ms() + ms - ms / 10 +
	    ms / 5 * ((uint64_t)random() % 1024) / 1024;
	if (v->service->conf->connections == 0 && o->max_connections > 0)
		v->limit = o->max_connections > 65535 ? 65535 :
		    (unsigned)o->max_connections;
	if (o->istag != NULL)
		snprintf(v->istag, sizeof(v->istag), "%s", o->istag);
	icap_known_free(v->known);
	v->known = icap_known_ref(k);
}

/*
 * OPTIONS was answered (k, NULL with `options: off`) or not (why; fault when
 * that is no matter of patience). An answer brings a server up at once when
 * it never was; else the second one does. What was known is kept meanwhile.
 */
void
icap_asked(struct icap_server *v, struct icap_known *k,
    enum icap_fault fault, const char *why)
{
	struct icap_service *s = v->service;

	pthread_mutex_lock(&s->lock);
	v->asking = 0;
	if (why == NULL && k != NULL)
		why = health_lacks(v, &k->o);
	if (why != NULL) {
		v->insecure |= fault == ICAP_F_TLS;
		v->due = clock_ms() + PROBE_EVERY;
		if (v->state != ICAP_UP || fault != ICAP_F_NONE ||
		    v->doubted || ++v->silent >= SILENT_MAX)
			health_down(v, why);
	} else {
		v->due = UINT64_MAX;
		v->silent = v->doubted = 0;
		if (k != NULL)
			health_learn(v, k);
		if (v->state != ICAP_DOWN || !v->was_up ||
		    ++v->good >= PROBES_GOOD)
			health_up(v);
		else
			v->due = clock_ms() + PROBE_EVERY;
	}
	pthread_mutex_unlock(&s->lock);
	icap_wake(s, NULL);
}

static unsigned
health_limit(const struct icap_server *v)
{
	return v->soft != 0 && v->soft < v->limit ? v->soft : v->limit;
}

int
icap_slot(struct icap_server *v)
{
	unsigned n = v->conns;

	while (n < v->limit)
		if (atomic_compare_exchange_weak(&v->conns, &n, n + 1))
			return 1;
	return 0;
}

/* Whether a transaction can be sent there now. */
static int
choose_free(struct icap_seat *t, const struct icap_server *v, uint64_t now)
{
	if (v->shy_until > now)
		return 0;
	if (v->soft != 0 && v->busy >= health_limit(v))
		return 0;
	return !TAILQ_EMPTY(&t->idle[v->index]) || v->conns < v->limit;
}

/* The client's address; of an IPv6 client its network (/64): who has one has
 * all of it. */
uint64_t
icap_whose(const struct addr *a)
{
	size_t len = 0;
	const uint8_t *ip = a->sa.sa_family == AF_UNSPEC ? NULL :
	    addr_ip(a, &len);

	return hash_bytes(HASH_START, ip, len < 8 ? len : 8) | 1;
}

/* Rendezvous hashing: the same client goes to the same server. */
static uint64_t
choose_hash(const struct addr *a, const struct icap_server *v)
{
	size_t len = 0;
	const uint8_t *ip = a->sa.sa_family == AF_UNSPEC ? NULL :
	    addr_ip(a, &len);

	return hash_fold(hash_bytes(HASH_START ^ v->index, ip, len));
}

/* Lower is better. */
static double
choose_cost(const struct icap_txn *t, const struct icap_place *p)
{
	if (t->seat->service->conf->persist)
		return -(double)(choose_hash(&t->job.client, p->server) >> 11) *
		    p->weight;
	return (double)(p->server->busy + 1) / p->weight;
}

static int
choose_in(struct icap_seat *seat, const struct icap_txn *t, unsigned tier,
    struct icap_server **out)
{
	struct icap_service *s = seat->service;
	const struct icap_farm *f = &s->farm[t->job.method];
	const struct icap_place *p;
	uint64_t now = clock_ms();
	double cost, best = 0;
	size_t i;
	int rv = ERR_NOTFOUND;

	*out = NULL;
	for (i = 0; i < f->n; i++) {
		p = &f->v[(i + s->turn) % f->n];
		if (p->tier != tier || p->server->state == ICAP_DOWN ||
		    (t->tried >> p->server->index & 1) != 0)
			continue;
		rv = rv == ERR_NOTFOUND ? ERR_AGAIN : rv;
		if (p->server->state != ICAP_UP ||
		    !choose_free(seat, p->server, now))
			continue;
		cost = choose_cost(t, p);
		if (*out == NULL || cost < best) {
			*out = p->server;
			best = cost;
			rv = 0;
		}
	}
	return rv;
}

/*
 * The lowest tier that has one not down; one that is busy is waited for,
 * until the queue's patience ends: then the next tier will do (F22).
 */
int
icap_choose(struct icap_seat *seat, const struct icap_txn *t,
    struct icap_server **out, struct icap_known **known)
{
	struct icap_service *s = seat->service;
	const struct icap_farm *f = &s->farm[t->job.method];
	unsigned tier = 0, next;
	size_t i;
	int rv = ERR_NOTFOUND, busy = 0;

	*known = NULL;
	pthread_mutex_lock(&s->lock);
	s->turn++;
	for (;;) {
		next = UINT32_MAX;
		for (i = 0; i < f->n; i++)
			if (f->v[i].tier >= tier && f->v[i].tier < next)
				next = f->v[i].tier;
		if (next == UINT32_MAX)
			break;
		rv = choose_in(seat, t, next, out);
		if (rv == 0 || (rv == ERR_AGAIN && !t->beyond))
			break;
		busy |= rv == ERR_AGAIN;
		tier = next + 1;
	}
	if (rv == ERR_NOTFOUND && busy)
		rv = ERR_AGAIN;
	if (rv == 0 && !icap_share_may_run(s, t))
		rv = ERR_AGAIN;
	if (rv == 0)
		*known = icap_known_ref((*out)->known);
	for (i = 0; i < f->n && rv == ERR_NOTFOUND; i++)
		if (f->v[i].server->insecure)
			rv = ERR_DENIED;
	pthread_mutex_unlock(&s->lock);
	return rv;
}

struct icap_known *
icap_expect(struct icap_service *s, enum icap_method m)
{
	const struct icap_farm *f = &s->farm[m];
	struct icap_known *k = NULL;
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < f->n && k == NULL; i++)
		k = icap_known_ref(f->v[i].server->known);
	pthread_mutex_unlock(&s->lock);
	return k;
}

/* Something became free: let the queues of the other seats look. */
void
icap_wake(struct icap_service *s, struct icap_seat *but)
{
	struct icap_seat *t;

	if (s->waiting == 0)
		return;
	pthread_mutex_lock(&s->lock);
	TAILQ_FOREACH(t, &s->seats, link)
		if (t != but && t->box != NULL &&
		    !atomic_exchange(&t->posted, 1))
			mailbox_post(t->box, &t->mail);
	pthread_mutex_unlock(&s->lock);
}
