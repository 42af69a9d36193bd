/*
 * The bounded queue and its writer thread. The mutex is held only to link or
 * unlink a piece, never while writing.
 */
#include "util/outq.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/err.h"
#include "util/mem.h"

struct piece {
	struct piece	*next;
	void		*data;
	size_t		 len;
};

struct outq {
	pthread_mutex_t	 mutex;
	pthread_cond_t	 wake;		/* to the writer */
	pthread_cond_t	 done;		/* from the writer */
	pthread_t	 thread;
	const struct outq_ops *ops;
	void		*ctx;
	struct piece	*head, **tail;
	size_t		 queued, max;
	enum budget_pool pool;
	uint64_t	 dropped;
	int		 stop;		/* write what is queued, then end */
	int		 ended;		/* the writer has ended */
	int		 orphan;	/* outq_free gave up: writer frees */
};

static void	*outq_run(void *);
static void	 outq_destroy(struct outq *);

struct outq *
outq_new(const char *name, enum budget_pool pool, size_t max,
    const struct outq_ops *ops, void *ctx)
{
	struct outq *q = xcalloc(1, sizeof(*q));
	pthread_condattr_t attr;
	sigset_t all, old;

	q->ops = ops;
	q->ctx = ctx;
	q->max = max;
	q->pool = pool;
	q->tail = &q->head;
	pthread_mutex_init(&q->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_cond_init(&q->done, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (pthread_create(&q->thread, NULL, outq_run, q) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_setname_np(q->thread, name);
	pthread_detach(q->thread);
	return q;
}

static void
after_ms(struct timespec *ts, int ms)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
}

/* Nobody can wake the writer while it sleeps, so that a signal is cheap. */
static void
outq_gather(struct outq *q)
{
	const struct timespec ts = { 0, q->ops->gather_ms * 1000000L };

	pthread_mutex_unlock(&q->mutex);
	nanosleep(&ts, NULL);
	pthread_mutex_lock(&q->mutex);
}

/* The next piece, or NULL after a quiet second or when the queue ends. */
static struct piece *
outq_next(struct outq *q)
{
	int waited = q->head == NULL;
	struct timespec ts;
	struct piece *p;

	after_ms(&ts, 1000);
	while (q->head == NULL && !q->stop)
		if (pthread_cond_timedwait(&q->wake, &q->mutex, &ts) != 0)
			break;
	if (waited && q->head != NULL && !q->stop && q->ops->gather_ms > 0)
		outq_gather(q);
	if ((p = q->head) != NULL) {
		if ((q->head = p->next) == NULL)
			q->tail = &q->head;
	}
	return p;
}

static void
outq_done(struct outq *q, struct piece *p)
{
	pthread_mutex_lock(&q->mutex);
	q->queued -= p->len;
	budget_give(q->pool, p->len);
	pthread_mutex_unlock(&q->mutex);
	free(p->data);
	free(p);
}

static void *
outq_run(void *arg)
{
	struct outq *q = arg;
	struct piece *p;
	int over = 0, empty;

	while (!over) {
		pthread_mutex_lock(&q->mutex);
		p = outq_next(q);
		empty = q->head == NULL;
		over = p == NULL && q->stop;
		pthread_mutex_unlock(&q->mutex);
		if (p != NULL)
			q->ops->write(q->ctx, p->data, p->len);
		/* quiet() may flush, so the last piece counts until then. */
		if (empty && q->ops->quiet != NULL)
			q->ops->quiet(q->ctx);
		if (p != NULL)
			outq_done(q, p);
	}
	if (q->ops->close != NULL)
		q->ops->close(q->ctx);
	pthread_mutex_lock(&q->mutex);
	q->ended = 1;
	over = q->orphan;
	pthread_cond_signal(&q->done);
	pthread_mutex_unlock(&q->mutex);
	if (over)
		outq_destroy(q);
	return NULL;
}

int
outq_give(struct outq *q, void *data, size_t len)
{
	struct piece *p;
	int rv = 0;

	p = xcalloc(1, sizeof(*p));
	p->data = data;
	p->len = len;
	pthread_mutex_lock(&q->mutex);
	if (q->stop || q->queued + len > q->max) {
		q->dropped++;
		rv = ERR_LIMIT;
	} else {
		*q->tail = p;
		q->tail = &p->next;
		q->queued += len;
		budget_add(q->pool, len);
		pthread_cond_signal(&q->wake);
	}
	pthread_mutex_unlock(&q->mutex);
	if (rv != 0) {
		free(data);
		free(p);
	}
	return rv;
}

int
outq_put(struct outq *q, const void *data, size_t len)
{
	return outq_give(q, xmemdup(data, len), len);
}

uint64_t
outq_dropped(struct outq *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->mutex);
	n = q->dropped;
	pthread_mutex_unlock(&q->mutex);
	return n;
}

size_t
outq_queued(struct outq *q)
{
	size_t n;

	pthread_mutex_lock(&q->mutex);
	n = q->queued;
	pthread_mutex_unlock(&q->mutex);
	return n;
}

static void
outq_destroy(struct outq *q)
{
	pthread_mutex_destroy(&q->mutex);
	pthread_cond_destroy(&q->wake);
	pthread_cond_destroy(&q->done);
	free(q);
}

int
outq_free(struct outq *q, int ms)
{
	struct timespec ts;
	int ended;

	if (q == NULL)
		return 0;
	after_ms(&ts, ms);
	pthread_mutex_lock(&q->mutex);
	q->stop = 1;
	pthread_cond_signal(&q->wake);
	while (!q->ended)
		if (pthread_cond_timedwait(&q->done, &q->mutex, &ts) != 0)
			break;
	ended = q->ended;
	q->orphan = !ended;
	pthread_mutex_unlock(&q->mutex);
	if (!ended)
		return ERR_TIMEOUT;
	outq_destroy(q);
	return 0;
}
