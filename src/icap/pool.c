/*
 * Idle connections by server, and the queue of those that wait for one. The
 * youngest connection is taken first, so that the others age and are closed.
 */
#include "icap/client.h"

#include <event2/event.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

static const struct timeval soon = { 0, 0 };

static void	pool_event(void *);

static const struct icap_conn_user pool_user = { NULL, pool_event };

/* A connection became free: those who wait look, here and in other workers. */
static void
pool_freed(struct icap_client *cl)
{
	if (cl->waiting > 0)
		event_add(&cl->run, &soon);
	if (cl->service->stats.waiting > cl->waiting)
		icap_wake(cl->service, &cl->waker);
}

void
icap_pool_close(struct icap_conn *c, int reset)
{
	struct icap_client *cl = c->client;
	struct icap_server *v = c->server;

	icap_conn_close(c, reset);
	v->conns--;
	pool_freed(cl);
}

static void
pool_remove(struct icap_conn *c)
{
	struct icap_client *cl = c->client;

	TAILQ_REMOVE(&cl->idle[c->server->index], c, link);
	c->server->idle--;
}

static void
pool_drop(struct icap_conn *c)
{
	pool_remove(c);
	icap_pool_close(c, 0);
}

/* An idle connection has an event: its end, or bytes nobody asked for? */
static void
pool_event(void *arg)
{
	struct icap_conn *c = arg;

	if (icap_conn_quiet(c))
		return;
	icap_idled(c->server, clock_ms() - c->since);
	pool_drop(c);
}

/* Close those idle for so long, and those from before the server was down. */
static void
pool_trim(struct icap_client *cl, struct icap_server *v, uint64_t older)
{
	struct icap_conn *c, *next;
	uint64_t now = clock_ms();

	for (c = TAILQ_LAST(&cl->idle[v->index], icap_conns); c != NULL;
	    c = next) {
		next = TAILQ_PREV(c, icap_conns, link);
		if (now - c->since >= older || c->epoch != v->epoch)
			pool_drop(c);
	}
}

struct icap_conn *
icap_pool_get(struct icap_client *cl, struct icap_server *v, int any)
{
	struct icap_conn *c;

	while ((c = TAILQ_FIRST(&cl->idle[v->index])) != NULL &&
	    c->epoch != v->epoch)
		pool_drop(c);
	if (c != NULL) {
		pool_remove(c);
		v->reused++;
		return c;
	}
	if (!icap_permit(v)) {
		if (!any)
			return NULL;
		v->conns++;
	}
	return icap_conn_open(cl, v);
}

/* Others wait for a connection and we do not: hand over ours. */
static int
pool_wanted(const struct icap_client *cl, const struct icap_server *v)
{
	return cl->service->stats.waiting > cl->waiting && cl->waiting == 0 &&
	    v->conns >= v->limit;
}

void
icap_pool_put(struct icap_conn *c)
{
	struct icap_client *cl = c->client;
	struct icap_server *v = c->server;

	if (cl->service->conf->keep_idle == 0 || c->epoch != v->epoch ||
	    v->conns > v->limit || pool_wanted(cl, v)) {
		icap_pool_close(c, 0);
		return;
	}
	icap_conn_lean(c);
	icap_conn_own(c, &pool_user, c);
	c->since = clock_ms();
	TAILQ_INSERT_HEAD(&cl->idle[v->index], c, link);
	v->idle++;
	pool_freed(cl);
}

int
icap_pool_wait(struct icap_client *cl, struct icap_waiter *w)
{
	if (icap_wait(cl->service, &w->want) != 0)
		return ERR_LIMIT;
	TAILQ_INSERT_TAIL(&cl->queue, w, link);
	cl->waiting++;
	/* Other workers may have idle ones to give. */
	icap_wake(cl->service, &cl->waker);
	return 0;
}

void
icap_pool_leave(struct icap_client *cl, struct icap_waiter *w)
{
	TAILQ_REMOVE(&cl->queue, w, link);
	cl->waiting--;
	icap_unwait(cl->service, &w->want);
}

/* Each waiter looks once, in order. */
static void
pool_run(evutil_socket_t fd, short what, void *arg)
{
	struct icap_client *cl = arg;
	struct icap_waiter *w;
	unsigned n;

	for (n = cl->waiting; n > 0; n--) {
		if ((w = TAILQ_FIRST(&cl->queue)) == NULL)
			break;
		TAILQ_REMOVE(&cl->queue, w, link);
		TAILQ_INSERT_TAIL(&cl->queue, w, link);
		w->look(w);
	}
}

static void
pool_woken(struct mail *m)
{
	struct icap_client *cl = (struct icap_client *)
	    ((char *)m - offsetof(struct icap_client, waker.mail));
	struct icap_server *v = cl->service->servers, *end;

	for (end = v + cl->service->n; v < end; v++)
		if (cl->service->stats.waiting > cl->waiting &&
		    v->conns >= v->limit)
			pool_trim(cl, v, 0);
	if (cl->waiting > 0)
		event_add(&cl->run, &soon);
}

void
icap_pool_tick(struct icap_client *cl)
{
	struct icap_server *v = cl->service->servers, *end;
	uint64_t ms = cl->service->conf->keep_idle;

	for (end = v + cl->service->n; v < end; v++)
		pool_trim(cl, v, v->idle_life != 0 && v->idle_life < ms ?
		    v->idle_life : ms);
	if (cl->waiting > 0)
		event_add(&cl->run, &soon);
}

void
icap_pool_init(struct icap_client *cl)
{
	struct icap_service *s = cl->service;
	size_t i;

	if (s->ctx != NULL)
		cl->scratch = xmalloc(sizeof(*cl->scratch));
	cl->idle = xcalloc(s->n + 1, sizeof(*cl->idle));
	for (i = 0; i < s->n; i++)
		TAILQ_INIT(&cl->idle[i]);
	TAILQ_INIT(&cl->queue);
	event_assign(&cl->run, cl->base, -1, 0, pool_run, cl);
	cl->waker.mail.run = pool_woken;
	cl->waker.box = mailbox_new(cl->base);
	pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->wakers, &cl->waker, link);
	pthread_mutex_unlock(&s->lock);
}

void
icap_pool_done(struct icap_client *cl)
{
	struct icap_service *s = cl->service;
	size_t i;

	pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->wakers, &cl->waker, link);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->n; i++)
		pool_trim(cl, &s->servers[i], 0);
	if (cl->waker.box != NULL)
		mailbox_free(cl->waker.box);
	event_del(&cl->run);
	free(cl->scratch);
	free(cl->spare);
	free(cl->idle);
}
