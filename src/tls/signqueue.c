/*
 * The signer for slow keys: its own threads sign, so that no worker does.
 * Orders wait in a queue, in rounds: of one client there is one order in a
 * round, so that a client with many names to forge delays the others by one
 * signature, not by all of its own. limits.handshakes bounds the queue.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "tls/signer.h"
#include "util/err.h"
#include "util/mem.h"

#define THREADS		16

struct order {
	TAILQ_ENTRY(order) link;
	X509		*x;
	uint64_t	 owner;
	uint64_t	 round;
	signer_done	 done;
	void		*arg;
};

struct queue {
	EVP_PKEY	*key;
	const EVP_MD	*md;
	pthread_mutex_t	 mutex;		/* for the members below */
	pthread_cond_t	 wake;		/* to the threads */
	pthread_cond_t	 idle;		/* from them: nothing is under way */
	TAILQ_HEAD(orders, order) orders;
	uint64_t	 round;		/* of the order taken last */
	unsigned	 busy;		/* orders taken, and not yet done */
	int		 stop;
	unsigned	 want;		/* threads, from the first order on */
	unsigned	 n;
	pthread_t	 thread[THREADS];
};

static void	*queue_run(void *);
static void	 queue_sign(void *, X509 *, uint64_t, signer_done, void *);
static void	 queue_settle(void *);
static void	 queue_free(void *);

struct signer *
signer_queue(EVP_PKEY *ca_key, unsigned threads)
{
	struct signer *s = xcalloc(1, sizeof(*s));
	struct queue *q = xcalloc(1, sizeof(*q));

	EVP_PKEY_up_ref(ca_key);
	q->key = ca_key;
	q->md = signer_digest(ca_key);
	q->want = threads < THREADS ? threads : THREADS;
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->wake, NULL);
	pthread_cond_init(&q->idle, NULL);
	TAILQ_INIT(&q->orders);
	s->ctx = q;
	s->sign = queue_sign;
	s->settle = queue_settle;
	s->free = queue_free;
	return s;
}

/* Start with the first order: many a CA is loaded only to be checked. */
static void
queue_start(struct queue *q)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	while (q->n < q->want && pthread_create(&q->thread[q->n], NULL,
	    queue_run, q) == 0)
		pthread_setname_np(q->thread[q->n++], "signer");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	q->want = q->n;
}

/* In the first round that has none of this client's. */
static void
queue_add(struct queue *q, struct order *o)
{
	struct order *other;

	o->round = q->round;
	TAILQ_FOREACH(other, &q->orders, link)
		if (other->owner == o->owner && other->round >= o->round)
			o->round = other->round + 1;
	TAILQ_INSERT_TAIL(&q->orders, o, link);
}

/* Without any thread, sign here and now. */
static void
queue_sign(void *ctx, X509 *x, uint64_t owner, signer_done done, void *arg)
{
	struct queue *q = ctx;
	struct order *o = xcalloc(1, sizeof(*o));
	unsigned n;

	o->x = x;
	o->owner = owner;
	o->done = done;
	o->arg = arg;
	pthread_mutex_lock(&q->mutex);
	if (q->n < q->want)
		queue_start(q);
	if ((n = q->n) > 0) {
		queue_add(q, o);
		pthread_cond_signal(&q->wake);
	}
	pthread_mutex_unlock(&q->mutex);
	if (n > 0)
		return;
	free(o);
	done(arg, x, X509_sign(x, q->key, q->md) > 0 ? 0 : ERR_TLS);
}

/* The first order of the first round, or NULL. */
static struct order *
queue_next(struct queue *q)
{
	struct order *o, *next = TAILQ_FIRST(&q->orders);

	TAILQ_FOREACH(o, &q->orders, link)
		if (o->round < next->round)
			next = o;
	if (next == NULL)
		return NULL;
	TAILQ_REMOVE(&q->orders, next, link);
	q->round = next->round;
	q->busy++;
	return next;
}

static void *
queue_run(void *arg)
{
	struct queue *q = arg;
	struct order *o;

	pthread_mutex_lock(&q->mutex);
	while (!q->stop) {
		if ((o = queue_next(q)) == NULL) {
			pthread_cond_wait(&q->wake, &q->mutex);
			continue;
		}
		pthread_mutex_unlock(&q->mutex);
		o->done(o->arg, o->x, X509_sign(o->x, q->key, q->md) > 0 ?
		    0 : ERR_TLS);
		free(o);
		pthread_mutex_lock(&q->mutex);
		if (--q->busy == 0)
			pthread_cond_broadcast(&q->idle);
	}
	pthread_mutex_unlock(&q->mutex);
	return NULL;
}

static void
queue_settle(void *ctx)
{
	struct queue *q = ctx;
	struct order *o;

	pthread_mutex_lock(&q->mutex);
	while ((o = TAILQ_FIRST(&q->orders)) != NULL) {
		TAILQ_REMOVE(&q->orders, o, link);
		pthread_mutex_unlock(&q->mutex);
		o->done(o->arg, o->x, ERR_DENIED);
		free(o);
		pthread_mutex_lock(&q->mutex);
	}
	while (q->busy > 0)
		pthread_cond_wait(&q->idle, &q->mutex);
	pthread_mutex_unlock(&q->mutex);
}

static void
queue_free(void *ctx)
{
	struct queue *q = ctx;
	unsigned i;

	queue_settle(q);
	pthread_mutex_lock(&q->mutex);
	q->stop = 1;
	pthread_cond_broadcast(&q->wake);
	pthread_mutex_unlock(&q->mutex);
	for (i = 0; i < q->n; i++)
		pthread_join(q->thread[i], NULL);
	pthread_mutex_destroy(&q->mutex);
	pthread_cond_destroy(&q->wake);
	pthread_cond_destroy(&q->idle);
	EVP_PKEY_free(q->key);
	free(q);
}
