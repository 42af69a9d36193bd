/*
 * A worker: its thread, its event base and what main and admin may ask of it.
 */
#include "proxy/worker.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "net/loop.h"
#include "proxy/accept.h"
#include "proxy/chain.h"
#include "proxy/auth.h"
#include "proxy/confirm.h"
#include "proxy/dnsudp.h"
#include "proxy/endpoint.h"
#include "proxy/engine.h"
#include "proxy/inner.h"
#include "proxy/issuer.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

static void	worker_free(struct worker *);
static void	worker_reap(evutil_socket_t, short, void *);
static void	worker_out_of_time(evutil_socket_t, short, void *);

int
worker_new(const struct proxy_env *env, struct parts *parts,
    const int *sockets, unsigned index, struct worker **out, struct text *why)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	const struct conf *conf = policy_conf(parts->policy);
	uint32_t seed;

	w->env = env;
	w->index = index;
	w->parts = parts_ref(parts);
	w->policy = parts->policy;
	worker_is_at(w, 0, "starting");
	TAILQ_INIT(&w->sessions);
	TAILQ_INIT(&w->dead);
	w->confirm = confirm_new();
	w->auth = auth_new(w);
	w->issuers = issuers_due_new();
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint32_t)getpid();
	turns_init(&w->turns, conf->limits.handshakes, seed);
	pool_init(&w->pool, &w->counts.buffers);
	if ((w->base = loop_new()) == NULL) {
		text_puts(why, "cannot make an event base: is this Linux "
		    "with epoll?");
		return ERR_SYS;
	}
	w->mailbox = mailbox_new(w->base);
	w->names = names_new(w->base);
	event_assign(&w->reap, w->base, -1, 0, worker_reap, w);
	revisits_init(&w->revisits, w->base);
	evtimer_assign(&w->drained, w->base, worker_out_of_time, w);
	accept_take(w, conf, sockets);
	if (w->mailbox == NULL) {
		text_puts(why, "cannot make a worker: no descriptors are "
		    "left");
		worker_free(w);
		return ERR_SYS;
	}
	*out = w;
	return 0;
}

/* In its own thread, when its loop has ended. */
static void
worker_leave(struct worker *w)
{
	if (w->env->chain != NULL)
		w->env->chain->detach(w->chain);
	worker_reap(-1, 0, w);
	place_unref(w->place);
	w->place = NULL;
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;

	w->place = place_new(w->parts, w->base, NULL);
	if (w->env->chain != NULL)
		w->chain = w->env->chain->attach(w->env->chain_env, w->index,
		    w->base, w->mailbox);
	accept_start(w);
	event_base_dispatch(w->base);
	atomic_store(&w->ended, 1);
	worker_leave(w);
	return NULL;
}

int
worker_start(struct worker *w)
{
	char name[16];
	sigset_t all, old;
	int rv;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rv = pthread_create(&w->thread, NULL, worker_run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rv != 0)
		return ERR_SYS;
	w->started = 1;
	snprintf(name, sizeof(name), "worker %u", w->index);
	pthread_setname_np(w->thread, name);
	return 0;
}

/* A worker that drains ends with its last session, and query of DNS. */
static void
worker_check(struct worker *w)
{
	if (w->draining && TAILQ_EMPTY(&w->sessions) && !dnsudp_waits(w))
		event_base_loopexit(w->base, NULL);
}

static void
worker_reap(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct session *s;

	while ((s = TAILQ_FIRST(&w->dead)) != NULL) {
		TAILQ_REMOVE(&w->dead, s, link);
		session_free(s);
	}
	worker_check(w);
}

static void
worker_out_of_time(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct session *s;

	while ((s = TAILQ_FIRST(&w->sessions)) != NULL)
		session_apply(s, step_reset(s, DIR_DOWN,
		    "the gateway is going down"));
	dnsudp_free(w->dns);
	w->dns = NULL;
	worker_check(w);
}

/* What another thread wants of a worker. */
struct order {
	struct mail	 mail;
	struct worker	*worker;
	uint64_t	 ms;
	struct parts	*parts;
	int		*sockets;
};

static void
worker_order(struct worker *w, void (*run)(struct mail *), struct order what)
{
	struct order *o = xmemdup(&what, sizeof(what));

	o->mail.run = run;
	o->worker = w;
	mailbox_post(w->mailbox, &o->mail);
}

static void
worker_drain_run(struct mail *m)
{
	struct order *d = (struct order *)m;
	struct worker *w = d->worker;
	struct session *s, *next;
	struct timeval tv = clock_timeval(d->ms);

	if (!w->draining)
		accept_stop(w);
	w->draining = 1;
	for (s = TAILQ_FIRST(&w->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->phase == PHASE_HEAD && !s->client_spoke)
			session_apply(s, step_end(s,
			    "the gateway is going down"));
	}
	evtimer_add(&w->drained, &tv);
	free(d);
	worker_check(w);
}

void
worker_drain(struct worker *w, uint64_t ms)
{
	worker_order(w, worker_drain_run, (struct order){ .ms = ms });
}

/* Its thread has ended, or was never started. */
static void
worker_free(struct worker *w)
{
	accept_close(w);	/* if it was never started */
	auth_free(w->auth);	/* it posts */
	mailbox_free(w->mailbox);
	worker_reap(-1, 0, w);
	names_free(w->names);
	pipes_done(&w->pipes);
	confirm_free(w->confirm);
	dnsudp_free(w->dns);
	issuers_due_free(w->issuers);
	pool_done(&w->pool);
	event_base_free(w->base);
	parts_unref(w->parts);
	free(w->listeners);
	free(w);
}

void
worker_join(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	worker_free(w);
}

const struct worker_counts *
worker_counts(const struct worker *w)
{
	return &w->counts;
}

static void
worker_pulse_run(struct mail *m)
{
	struct worker *w = (struct worker *)(void *)((char *)m -
	    offsetof(struct worker, pulse));

	worker_is_at(w, 0, "between events");
	atomic_store(&w->answered, 1);
}

void
worker_ask_pulse(struct worker *w)
{
	if (atomic_load(&w->ended))
		return;
	atomic_store(&w->answered, 0);
	w->pulse.run = worker_pulse_run;
	mailbox_post(w->mailbox, &w->pulse);
}

int
worker_answered(const struct worker *w)
{
	return atomic_load(&w->answered) || atomic_load(&w->ended);
}

void
worker_late(struct worker *w, struct worker_at *at)
{
	count(w->counts.late, 1);
	at->session = atomic_load(&w->at_session);
	at->what = atomic_load(&w->at_what);
}

static void
worker_renew_run(struct mail *m)
{
	struct order *o = (struct order *)m;
	struct worker *w = o->worker;
	struct place *old = w->place;
	const struct conf *conf = policy_conf(o->parts->policy);

	accept_take(w, conf, o->sockets);
	if (old != NULL)	/* it is not ending */
		w->place = place_new(o->parts, w->base, old);
	if (w->parts->tls != o->parts->tls)
		confirm_forget(w->confirm);
	parts_unref(w->parts);
	w->parts = o->parts;
	w->policy = w->parts->policy;
	w->turns.max = conf->limits.handshakes;
	place_unref(old);
	free(o->sockets);
	free(o);
}

void
worker_renew(struct worker *w, struct parts *parts, int *sockets)
{
	worker_order(w, worker_renew_run, (struct order){
		.parts = parts_ref(parts), .sockets = sockets });
}

static void
worker_ask_run(struct mail *m)
{
	struct worker_query *q = (struct worker_query *)m;
	struct session *s, *next;

	for (s = TAILQ_FIRST(&q->worker->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		endpoint_renew(s);
		if (q->ends != NULL && q->ends(q, &s->rec)) {
			session_apply(s, step_reset(s, DIR_DOWN, "%s",
			    q->why));
			q->ended++;
			continue;
		}
		if (q->each != NULL && q->each(q, &s->rec) != 0)
			break;
	}
	q->done(q);
}

void
worker_ask(struct worker *w, struct worker_query *q)
{
	q->mail.run = worker_ask_run;
	q->worker = w;
	mailbox_post(w->mailbox, &q->mail);
}
