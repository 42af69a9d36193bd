/*
 * A worker's part of an ICAP service: idle connections by server, the
 * youngest taken first so that the others age out, and the queue of those
 * that wait for one. The limit of connections is all workers' together: who
 * lets one go wakes those who wait for it.
 */
#include <stdlib.h>
#include <string.h>

#include "icap/own.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

static const struct timeval soon = { 0, 0 };

/* Drop those idle for too long, and those of before a server's bad day. */
static void
pool_trim(struct icap_seat *t, struct icap_server *v, uint64_t older)
{
	struct icap_conn *c, *next;
	uint64_t now = clock_ms();

	for (c = TAILQ_LAST(&t->idle[v->index], icap_conns); c != NULL;
	    c = next) {
		next = TAILQ_PREV(c, icap_conns, link);
		if (now - c->since >= older || c->epoch != v->epoch)
			icap_pool_gone(c);
	}
}

static uint64_t
pool_keeps(const struct icap_server *v)
{
	uint64_t ms = v->service->conf->keep_idle, seen = v->patience;

	return seen != 0 && seen < ms ? seen : ms;
}

void
icap_pool_gone(struct icap_conn *c)
{
	TAILQ_REMOVE(&c->seat->idle[c->server->index], c, link);
	c->server->idle--;
	c->seat->nidle--;
	icap_conn_close(c, 0);
}

struct icap_conn *
icap_pool_get(struct icap_seat *t, struct icap_server *v,
    const struct icap_conn_user *user, void *arg)
{
	struct icap_conns *idle = &t->idle[v->index];
	struct icap_conn *c;

	while ((c = TAILQ_FIRST(idle)) != NULL && c->epoch != v->epoch)
		icap_pool_gone(c);
	if (c == NULL)
		return NULL;
	TAILQ_REMOVE(idle, c, link);
	v->idle--;
	v->reused++;
	t->nidle--;
	c->user = user;
	c->arg = arg;
	c->uses++;
	return c;
}

/* Others wait for a connection and we do not: hand over ours. */
static int
pool_wanted(const struct icap_seat *t, const struct icap_server *v)
{
	return t->service->waiting > t->waiting && t->waiting == 0 &&
	    v->conns >= v->limit;
}

void
icap_pool_put(struct icap_conn *c)
{
	struct icap_seat *t = c->seat;
	struct icap_server *v = c->server;

	if (t->service->conf->keep_idle == 0 || c->epoch != v->epoch ||
	    v->conns > v->limit || pool_wanted(t, v)) {
		icap_conn_close(c, 0);
		return;
	}
	icap_conn_lean(c);
	c->user = NULL;
	c->since = clock_ms();
	TAILQ_INSERT_HEAD(&t->idle[v->index], c, link);
	v->idle++;
	t->nidle++;
	if (t->waiting > 0)
		event_add(&t->run, &soon);
	if (t->service->waiting > t->waiting)
		icap_wake(t->service, t);
}

void
icap_slot_free(struct icap_seat *t, struct icap_server *v)
{
	v->conns--;
	if (t->waiting > 0)
		event_add(&t->run, &soon);
	if (t->service->waiting > t->waiting)
		icap_wake(t->service, t);
}

/* Connections that other seats will hand over when they see us wait. */
static unsigned
queue_idle(const struct icap_service *s)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		n += s->servers[i].idle;
	return n;
}

int
icap_queue_add(struct icap_txn *x)
{
	struct icap_seat *t = x->seat;

	if (!icap_share_may_wait(t->service, x, t->service->conf->queue +
	    queue_idle(t->service)))
		return ERR_LIMIT;
	icap_share_wait(x, 1);
	TAILQ_INSERT_TAIL(&t->queue, x, link);
	t->waiting++;
	t->service->waiting++;
	icap_wake(t->service, t);	/* they may have idle ones to give */
	return 0;
}

void
icap_queue_remove(struct icap_txn *x)
{
	TAILQ_REMOVE(&x->seat->queue, x, link);
	icap_share_wait(x, -1);
	x->seat->waiting--;
	x->seat->service->waiting--;
}

/* Each that waits tries once, in order; who finds nothing stays. */
static void
seat_run(evutil_socket_t fd, short what, void *arg)
{
	struct icap_seat *t = arg;
	struct icap_txn *x;
	unsigned n;

	for (n = t->waiting; n > 0; n--) {
		if ((x = TAILQ_FIRST(&t->queue)) == NULL)
			break;
		TAILQ_REMOVE(&t->queue, x, link);
		TAILQ_INSERT_TAIL(&t->queue, x, link);
		icap_txn_go(x);
	}
}

static void
seat_mail(struct mail *m)
{
	struct icap_seat *t = (struct icap_seat *)
	    ((char *)m - offsetof(struct icap_seat, mail));
	struct icap_service *s = t->service;
	struct icap_server *v;
	size_t i;

	t->posted = 0;
	for (i = 0; i < s->n; i++) {
		v = &s->servers[i];
		if (s->waiting > t->waiting && v->conns >= v->limit)
			pool_trim(t, v, 0);
	}
	if (t->waiting > 0)
		event_add(&t->run, &soon);
}

static void
seat_tick(evutil_socket_t fd, short what, void *arg)
{
	struct icap_seat *t = arg;
	struct icap_service *s = t->service;
	size_t i;

	for (i = 0; i < s->n; i++) {
		pool_trim(t, &s->servers[i], pool_keeps(&s->servers[i]));
		if (t->asks[i] == NULL && icap_due(&s->servers[i]))
			icap_ask_start(t, &s->servers[i]);
	}
	if (t->waiting > 0)
		event_add(&t->run, &soon);
}

struct icap_seat *
icap_attach(struct icap_service *s, struct event_base *base,
    struct names *names, icap_log log, void *arg)
{
	struct icap_seat *t = xcalloc(1, sizeof(*t));
	struct timeval second = { 1, 0 };
	size_t i;

	t->service = s;
	t->base = base;
	t->names = names;
	t->log = log;
	t->log_arg = arg;
	t->mail.run = seat_mail;
	t->box = mailbox_new(base);
	t->idle = xcalloc(s->n + 1, sizeof(*t->idle));
	t->asks = xcalloc(s->n + 1, sizeof(struct icap_ask *));
	for (i = 0; i < s->n; i++)
		TAILQ_INIT(&t->idle[i]);
	TAILQ_INIT(&t->queue);
	TAILQ_INIT(&t->copies);
	if (s->ctx != NULL)
		t->scratch = xmalloc(sizeof(*t->scratch));
	event_assign(&t->run, base, -1, 0, seat_run, t);
	event_assign(&t->tick, base, -1, EV_PERSIST, seat_tick, t);
	event_add(&t->tick, &second);
	/* At once; as EV_TIMEOUT it would put off the next by a second. */
	event_active(&t->tick, EV_READ, 0);
	pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->seats, t, link);
	pthread_mutex_unlock(&s->lock);
	return t;
}

void
icap_detach(struct icap_seat *t)
{
	struct icap_service *s;
	size_t i;

	if (t == NULL)
		return;
	s = t->service;
	icap_copies_stop(t);
	pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->seats, t, link);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->n; i++) {
		icap_ask_stop(t->asks[i]);
		while (!TAILQ_EMPTY(&t->idle[i]))
			icap_pool_gone(TAILQ_FIRST(&t->idle[i]));
	}
	if (t->box != NULL)
		mailbox_free(t->box);
	event_del(&t->tick);
	event_del(&t->run);
	text_free(&t->fields);
	free(t->scratch);
	free(t->spare);
	free(t->idle);
	free(t->asks);
	free(t);
}
