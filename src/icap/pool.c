/*
 * Idle connections by server, the youngest taken first so that the others age
 * out, and the queue of those that wait for one.
 */
#include "icap/pool.h"

#include <event2/event.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

static const struct timeval soon = { 0, 0 };

static void	pool_event(void *);

static const struct icap_conn_user pool_user = { NULL, pool_event };

static struct icap_pool *
pool_of(struct icap_conn *c)
{
	return (struct icap_pool *)((char *)c->env -
	    offsetof(struct icap_pool, env));
}

/* There is something to take: who waits here looks, and who waits elsewhere. */
static void
pool_freed(struct icap_pool *p)
{
	if (p->waiting > 0)
		event_add(&p->run, &soon);
	if (p->env.service->waiting > p->waiting)
		icap_wake(p->env.service, &p->waker);
}

void
icap_pool_close(struct icap_pool *p, struct icap_conn *c, int reset)
{
	struct icap_server *v = c->server;

	icap_conn_close(c, reset);
	v->conns--;
	pool_freed(p);
}

static void
pool_remove(struct icap_pool *p, struct icap_conn *c)
{
	TAILQ_REMOVE(&p->idle[c->server->index], c, link);
	c->server->idle--;
	p->nidle[c->server->index]--;
}

static void
pool_drop(struct icap_pool *p, struct icap_conn *c)
{
	pool_remove(p, c);
	icap_pool_close(p, c, 0);
}

/* Of an idle connection: an end, or bytes nobody asked for? */
static void
pool_event(void *arg)
{
	struct icap_conn *c = arg;

	if (icap_conn_quiet(c))
		return;
	icap_idled(c->server, clock_ms() - c->since);
	pool_drop(pool_of(c), c);
}

/* Drop those idle for so long, and those of before a server's bad day. */
static void
pool_trim(struct icap_pool *p, struct icap_server *v, uint64_t older)
{
	struct icap_conn *c, *next;
	uint64_t now = clock_ms();

	for (c = TAILQ_LAST(&p->idle[v->index], icap_conns); c != NULL;
	    c = next) {
		next = TAILQ_PREV(c, icap_conns, link);
		if (now - c->since >= older || c->epoch != v->epoch)
			pool_drop(p, c);
	}
}

struct icap_conn *
icap_pool_get(struct icap_pool *p, struct icap_server *v, int any)
{
	struct icap_conn *c;

	while ((c = TAILQ_FIRST(&p->idle[v->index])) != NULL &&
	    c->epoch != v->epoch)
		pool_drop(p, c);
	if (c != NULL) {
		pool_remove(p, c);
		v->reused++;
		return c;
	}
	if (!icap_permit(v)) {
		if (!any)
			return NULL;
		v->conns++;
	}
	return icap_conn_open(&p->env, v);
}

/* Others wait for a connection and we do not: hand over ours. */
static int
pool_wanted(const struct icap_pool *p, const struct icap_server *v)
{
	return p->env.service->waiting > p->waiting && p->waiting == 0 &&
	    v->conns >= v->limit;
}

void
icap_pool_put(struct icap_pool *p, struct icap_conn *c)
{
	struct icap_server *v = c->server;

	if (p->env.service->conf->keep_idle == 0 || c->epoch != v->epoch ||
	    v->conns > v->limit || pool_wanted(p, v)) {
		icap_pool_close(p, c, 0);
		return;
	}
	icap_conn_lean(c);
	icap_conn_own(c, &pool_user, c);
	c->since = clock_ms();
	TAILQ_INSERT_HEAD(&p->idle[v->index], c, link);
	v->idle++;
	p->nidle[v->index]++;
	pool_freed(p);
}

int
icap_pool_wait(struct icap_pool *p, struct icap_waiter *w)
{
	if (icap_wait(p->env.service, &w->want) != 0)
		return ERR_LIMIT;
	TAILQ_INSERT_TAIL(&p->queue, w, link);
	p->waiting++;
	/* They may have idle ones to give. */
	icap_wake(p->env.service, &p->waker);
	return 0;
}

void
icap_pool_leave(struct icap_pool *p, struct icap_waiter *w)
{
	TAILQ_REMOVE(&p->queue, w, link);
	p->waiting--;
	icap_unwait(p->env.service, &w->want);
}

/* Each that waits looks once, in order. */
static void
pool_run(evutil_socket_t fd, short what, void *arg)
{
	struct icap_pool *p = arg;
	struct icap_waiter *w;
	unsigned n;

	for (n = p->waiting; n > 0; n--) {
		if ((w = TAILQ_FIRST(&p->queue)) == NULL)
			break;
		TAILQ_REMOVE(&p->queue, w, link);
		TAILQ_INSERT_TAIL(&p->queue, w, link);
		w->look(w);
	}
}

static void
pool_woken(struct mail *m)
{
	struct icap_pool *p = (struct icap_pool *)
	    ((char *)m - offsetof(struct icap_pool, waker.mail));
	struct icap_service *s = p->env.service;
	struct icap_server *v;
	size_t i;

	p->waker.posted = 0;
	for (i = 0; i < s->n; i++) {
		v = &s->servers[i];
		if (s->waiting > p->waiting && v->conns >= v->limit)
			pool_trim(p, v, 0);
	}
	if (p->waiting > 0)
		event_add(&p->run, &soon);
}

void
icap_pool_tick(struct icap_pool *p)
{
	struct icap_service *s = p->env.service;
	uint64_t ms, seen;
	size_t i;

	for (i = 0; i < s->n; i++) {
		ms = s->conf->keep_idle;
		seen = s->servers[i].idle_life;
		pool_trim(p, &s->servers[i],
		    seen != 0 && seen < ms ? seen : ms);
	}
	if (p->waiting > 0)
		event_add(&p->run, &soon);
}

void
icap_pool_init(struct icap_pool *p, struct icap_service *s,
    struct event_base *base, struct names *names)
{
	size_t i;

	p->env.service = s;
	p->env.base = base;
	p->env.names = names;
	if (s->ctx != NULL)
		p->env.scratch = xmalloc(sizeof(*p->env.scratch));
	p->idle = xcalloc(s->n + 1, sizeof(*p->idle));
	p->nidle = xcalloc(s->n + 1, sizeof(*p->nidle));
	for (i = 0; i < s->n; i++)
		TAILQ_INIT(&p->idle[i]);
	TAILQ_INIT(&p->queue);
	event_assign(&p->run, base, -1, 0, pool_run, p);
	p->waker.mail.run = pool_woken;
	p->waker.box = mailbox_new(base);
	pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->wakers, &p->waker, link);
	pthread_mutex_unlock(&s->lock);
}

void
icap_pool_done(struct icap_pool *p)
{
	struct icap_service *s = p->env.service;
	size_t i;

	pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->wakers, &p->waker, link);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->n; i++)
		pool_trim(p, &s->servers[i], 0);
	if (p->waker.box != NULL)
		mailbox_free(p->waker.box);
	event_del(&p->run);
	text_free(&p->env.fields);
	free(p->env.scratch);
	free(p->env.spare);
	free(p->idle);
	free(p->nidle);
}
