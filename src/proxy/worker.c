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
#include "proxy/confirm.h"
#include "proxy/engine.h"
#include "proxy/inner.h"
#include "proxy/learned.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

static void	worker_free(struct worker *);
static void	worker_reap(evutil_socket_t, short, void *);
static void	worker_out_of_time(evutil_socket_t, short, void *);

int
worker_new(const struct proxy_env *env, unsigned index, struct worker **out,
    struct text *why)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	const struct conf *conf = policy_conf(env->policy);
	uint32_t seed;

	w->env = env;
	w->index = index;
	w->policy = policy_ref(env->policy);
	w->boot = policy_ref(env->boot);
	w->seats = xcalloc(conf->nmirrors + 1, sizeof(*w->seats));
	worker_is_at(w, 0, "starting");
	TAILQ_INIT(&w->sessions);
	TAILQ_INIT(&w->dead);
	w->learned = learned_new();
	w->confirm = confirm_new();
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
	if (w->mailbox == NULL) {
		text_puts(why, "cannot make a worker: no descriptors are "
		    "left");
		worker_free(w);
		return ERR_SYS;
	}
	if (accept_bind(w, why) != 0) {
		worker_free(w);
		return ERR_SYS;
	}
	*out = w;
	return 0;
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	const struct conf *conf = policy_conf(w->policy);
	size_t i, n = conf->nmirrors;

	for (i = 0; i < n; i++) {
		w->seats[i].ops = w->env->sinks[i].ops;
		if (w->seats[i].ops != NULL)
			w->seats[i].seat = w->seats[i].ops->attach(
			    w->env->sinks[i].sink, w->base);
	}
	if (w->env->engine != NULL)
		w->engine = w->env->engine->attach(w->env->engine_env,
		    w->base);
	if (w->env->chain != NULL)
		w->chain = w->env->chain->attach(w->env->chain_env, w->index,
		    w->base, w->mailbox);
	accept_start(w);
	event_base_dispatch(w->base);
	atomic_store(&w->ended, 1);
	if (w->env->chain != NULL)
		w->env->chain->detach(w->chain);
	if (w->env->engine != NULL)
		w->env->engine->detach(w->engine);
	for (i = 0; i < n; i++)
		if (w->seats[i].ops != NULL)
			w->seats[i].ops->detach(w->seats[i].seat);
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

/* A worker that drains ends with its last session. */
static void
worker_check(struct worker *w)
{
	if (w->draining && TAILQ_EMPTY(&w->sessions))
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
	worker_check(w);
}

/* What another thread wants of a worker. */
struct order {
	struct mail	 mail;
	struct worker	*worker;
	uint64_t	 ms;
	struct policy	*policy;
};

static void
worker_order(struct worker *w, void (*run)(struct mail *), uint64_t ms,
    struct policy *policy)
{
	struct order *o = xcalloc(1, sizeof(*o));

	o->mail.run = run;
	o->worker = w;
	o->ms = ms;
	o->policy = policy;
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
	worker_order(w, worker_drain_run, ms, NULL);
}

/* Its thread has ended, or was never started. */
static void
worker_free(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->nlisteners; i++)	/* if it was never started */
		close(w->listeners[i].fd);
	mailbox_free(w->mailbox);
	worker_reap(-1, 0, w);
	names_free(w->names);
	pipes_done(&w->pipes);
	confirm_free(w->confirm);
	learned_free(w->learned);
	pool_done(&w->pool);
	event_base_free(w->base);
	policy_unref(w->policy);
	policy_unref(w->boot);
	free(w->listeners);
	free(w->seats);
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
worker_policy_run(struct mail *m)
{
	struct order *p = (struct order *)m;

	policy_unref(p->worker->policy);
	p->worker->policy = p->policy;
	p->worker->turns.max = policy_conf(p->policy)->limits.handshakes;
	free(p);
}

void
worker_policy(struct worker *w, struct policy *policy)
{
	worker_order(w, worker_policy_run, 0, policy_ref(policy));
}

static void
worker_ask_run(struct mail *m)
{
	struct worker_query *q = (struct worker_query *)m;
	struct session *s, *next;

	for (s = TAILQ_FIRST(&q->worker->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (q->kill != 0 && s->rec.id == q->kill) {
			session_apply(s, step_reset(s, DIR_DOWN,
			    "killed by the operator"));
			q->killed = 1;
			break;
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
