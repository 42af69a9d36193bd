/*
 * What all workers learn of a service's servers: whether one is down (three
 * failures within ten seconds) or up again (two good probes), what its OPTIONS
 * say, and overload. Everything here takes the service's lock for a moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap/server.h"
#include "util/clock.h"
#include "util/err.h"
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
#define TTL_EARLY	20000	/* before it expires */
#define TTL_LEAST	30000	/* never more often */
#define RECOVER_EVERY	30000	/* an overloaded server's limit grows by one */
#define IDLE_LEAST	1000	/* ms, of what is learned from */

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
	log_warn("icap %s: %s is down: %s", v->service->conf->name,
	    v->conf->url, why);
}

static void
health_up(struct icap_server *v)
{
	if (v->state != ICAP_UP)
		log_info("icap %s: %s is up", v->service->conf->name,
		    v->conf->url);
	v->state = ICAP_UP;
	v->idle_life = 0;
	v->was_up = 1;
	v->refused = 0;
	v->insecure = 0;
	v->why[0] = '\0';
	v->doubted = 0;
	memset(v->failed, 0, sizeof(v->failed));
}

/*
 * One more failure. The third within a short time takes the server down, unless
 * there were many good answers between them: three failures in ten thousand are
 * no reason to stop asking.
 */
static void
health_one(struct icap_server *v, uint64_t client, uint64_t outweighed,
    const char *why)
{
	const struct icap_failed *f = v->failed;
	uint64_t now = clock_ms();

	memmove(&v->failed[0], &v->failed[1], 2 * sizeof(*f));
	v->failed[2] = (struct icap_failed){ now, v->successes, client };
	if (f[0].at == 0 || now - f[0].at > FAILED_WITHIN ||
	    v->successes - f[0].successes >= outweighed)
		return;
	/* Three of one client's messages say nothing of the server. */
	if (client == 0 || f[0].client != client || f[1].client != client)
		health_down(v, why);
}

/* Ask it OPTIONS: if it answers, one bad message does not take it down. */
static void
health_doubt(struct icap_server *v, uint64_t client, const char *why)
{
	uint64_t next = v->asked + DOUBT_EVERY;

	if (v->service->conf->options) {
		v->doubted = 1;
		if (next < v->due)
			v->due = next;
	}
	health_one(v, client, FINE_FEW, why);
}

/* F16: a wrong configuration refuses everybody. */
static void
health_ten(struct icap_server *v, uint64_t client, const char *why)
{
	if (v->refused++ == 0) {
		v->refuser = client;
		v->refusers = 0;
	}
	v->refusers |= v->refuser != client;
	if (v->refused >= REFUSED_MAX && v->refusers)
		health_down(v, why);
}

/* F21: fewer connections for a while. */
static void
health_less(struct icap_server *v)
{
	unsigned busy = v->busy * 4 / 5;

	v->overload_limit = busy > 1 ? busy : 1;
	v->overload_at = clock_ms();
}

void
icap_failure(struct icap_server *v, enum icap_fault fault, uint64_t client,
    const char *why)
{
	v->failures++;
	pthread_mutex_lock(&v->service->lock);
	v->insecure |= fault == ICAP_F_TLS;
	switch (icap_rule(fault)->blame) {
	case ICAP_B_NONE:
		break;
	case ICAP_B_ONE:
		health_one(v, 0, FINE_MANY, why);
		break;
	case ICAP_B_DOUBT:
		health_doubt(v, client, why);
		break;
	case ICAP_B_TEN:
		health_ten(v, client, why);
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
icap_success(struct icap_server *v)
{
	v->successes++;
	if (v->refused != 0) {
		pthread_mutex_lock(&v->service->lock);
		v->refused = 0;
		pthread_mutex_unlock(&v->service->lock);
	}
}

void
icap_overload(struct icap_server *v, int64_t retry_after)
{
	pthread_mutex_lock(&v->service->lock);
	v->retry_at = clock_ms() + (uint64_t)retry_after * 1000;
	pthread_mutex_unlock(&v->service->lock);
}

/* F24: another ISTag means another state of the service. */
void
icap_istag(struct icap_server *v, const char *istag)
{
	uint64_t soon;

	pthread_mutex_lock(&v->service->lock);
	if (istag[0] != '\0' && strcmp(v->istag, istag) != 0) {
		if (v->istag[0] != '\0') {
			log_info("icap %s: %s: ISTag is now \"%s\"",
			    v->service->conf->name, v->conf->url, istag);
			soon = v->asked + TTL_LEAST;
			if (v->service->conf->options && soon < v->due)
				v->due = soon;
		}
		snprintf(v->istag, sizeof(v->istag), "%s", istag);
	}
	pthread_mutex_unlock(&v->service->lock);
}

/*
 * The server closed a connection that had been idle for so long. We close ours
 * earlier from now on, or a request would meet the end of one. If it closed at
 * once, that says nothing of its patience.
 */
void
icap_idled(struct icap_server *v, uint64_t ms)
{
	uint64_t known = v->idle_life, less = ms * 4 / 5;

	if (ms >= IDLE_LEAST && (known == 0 || less < known))
		v->idle_life = less;
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
	if (v->overload_limit != 0 && now - v->overload_at >= RECOVER_EVERY) {
		v->overload_at = now;
		if (++v->overload_limit >= v->limit)
			v->overload_limit = 0;
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

/* What its groups need but its OPTIONS do not offer; or NULL. */
static const char *
health_lacks(const struct icap_server *v, const struct icap_options *o)
{
	if (icap_serves(v, ICAP_REQMOD) && !(o->flags & ICAP_OPT_REQMOD))
		return "OPTIONS: it does not do REQMOD";
	if (icap_serves(v, ICAP_RESPMOD) && !(o->flags & ICAP_OPT_RESPMOD))
		return "OPTIONS: it does not do RESPMOD";
	return NULL;
}

static void
health_learn(struct icap_server *v, struct icap_options *o)
{
	uint64_t ms = TTL_DEFAULT;

	if (o->ttl >= 0)
		ms = o->ttl > 86400 ? 86400000 : (uint64_t)o->ttl * 1000;
	ms = ms > TTL_LEAST + TTL_EARLY ? ms - TTL_EARLY : TTL_LEAST;
	/* 10 % up or down, so that gateways do not all ask at once. */
	v->due = clock_ms() + ms - ms / 10 +
	    ms / 5 * ((uint64_t)random() % 1024) / 1024;
	if (v->service->conf->connections == 0 && o->max_connections > 0)
		v->limit = o->max_connections > 65535 ? 65535 :
		    (unsigned)o->max_connections;
	if (o->istag != NULL)
		snprintf(v->istag, sizeof(v->istag), "%s", o->istag);
	icap_options_free(&v->options);
	v->options = *o;
	v->known = 1;
	memset(o, 0, sizeof(*o));
}

void
icap_asked(struct icap_server *v, struct icap_options *o,
    enum icap_fault fault, const char *why)
{
	struct icap_service *s = v->service;

	pthread_mutex_lock(&s->lock);
	v->asking = 0;
	if (why == NULL && o != NULL)
		why = health_lacks(v, o);
	if (why != NULL) {
		v->insecure |= fault == ICAP_F_TLS;
		v->due = clock_ms() + PROBE_EVERY;
		if (v->state != ICAP_UP || fault != ICAP_F_NONE ||
		    v->doubted || ++v->silent >= SILENT_MAX)
			health_down(v, why);
	} else {
		v->due = UINT64_MAX;
		v->silent = v->doubted = 0;
		if (o != NULL)		/* else the last are kept */
			health_learn(v, o);
		if (v->state != ICAP_DOWN || !v->was_up ||
		    ++v->good >= PROBES_GOOD)
			health_up(v);
		else
			v->due = clock_ms() + PROBE_EVERY;
	}
	pthread_mutex_unlock(&s->lock);
	icap_wake(s, NULL);
}
