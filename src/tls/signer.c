/*
 * The signer. The threads of a slow key take orders from a queue, in rounds: of
 * one client there is one order in a round, so that a client with many names to
 * forge delays the others by one signature, not by all of its own.
 * limits.handshakes bounds the queue.
 */
#include "tls/signer.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

#define THREADS		16
#define SLOW_SHARE	2	/* of the cores; the others forward */

struct order {
	TAILQ_ENTRY(order) link;
	X509		*x;
	uint64_t	 owner;
	uint64_t	 round;
	int		 taken;		/* a thread is at it */
	signer_done	 done;
	void		*arg;
};

struct signer {
	EVP_PKEY	*key;
	const EVP_MD	*md;
	unsigned	 threads;	/* from the first order on */
	pthread_mutex_t	 mutex;		/* for the members below */
	pthread_cond_t	 wake;		/* to the threads */
	pthread_cond_t	 idle;		/* from them: there are no orders */
	TAILQ_HEAD(orders, order) orders;	/* until they are done */
	uint64_t	 round;		/* of the order taken last */
	int		 started, stop;
	unsigned	 n;
	pthread_t	 thread[THREADS];
};

/* Edwards curves hash themselves; other keys get a digest of their strength. */
const EVP_MD *
signer_digest(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return NULL;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

/*
 * Quick keys sign in 20 to 50 us, which is less than waking a thread costs.
 * P-384 takes 1 ms, RSA from 0.6 ms (2048) to 4 ms (4096).
 */
unsigned
signer_threads(EVP_PKEY *key)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) / SLOW_SHARE;

	if (EVP_PKEY_is_a(key, "ED25519") ||
	    (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) <= 256))
		return 0;
	return n > 1 ? (unsigned)n : 1;
}

struct signer *
signer_new(EVP_PKEY *ca_key, unsigned threads)
{
	struct signer *s = xcalloc(1, sizeof(*s));

	EVP_PKEY_up_ref(ca_key);
	s->key = ca_key;
	s->md = signer_digest(ca_key);
	s->threads = threads < THREADS ? threads : THREADS;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->wake, NULL);
	pthread_cond_init(&s->idle, NULL);
	TAILQ_INIT(&s->orders);
	return s;
}

static void
sign_now(struct signer *s, X509 *x, signer_done done, void *arg)
{
	done(arg, x, X509_sign(x, s->key, s->md) > 0 ? 0 : ERR_TLS);
}

/* In the first round that has none of this client's. */
static void
queue_add(struct signer *s, struct order *o)
{
	struct order *other;

	o->round = s->round;
	TAILQ_FOREACH(other, &s->orders, link)
		if (other->owner == o->owner && other->round >= o->round)
			o->round = other->round + 1;
	TAILQ_INSERT_TAIL(&s->orders, o, link);
}

/* Take the first order of the first round, or NULL. */
static struct order *
queue_take(struct signer *s)
{
	struct order *o, *next = NULL;

	TAILQ_FOREACH(o, &s->orders, link)
		if (!o->taken && (next == NULL || o->round < next->round))
			next = o;
	if (next != NULL) {
		next->taken = 1;
		s->round = next->round;
	}
	return next;
}

static void
queue_done(struct signer *s, struct order *o)
{
	TAILQ_REMOVE(&s->orders, o, link);
	free(o);
	if (TAILQ_EMPTY(&s->orders))
		pthread_cond_broadcast(&s->idle);
}

static void *
queue_run(void *arg)
{
	struct signer *s = arg;
	struct order *o;

	pthread_mutex_lock(&s->mutex);
	while (!s->stop) {
		if ((o = queue_take(s)) == NULL) {
			pthread_cond_wait(&s->wake, &s->mutex);
			continue;
		}
		pthread_mutex_unlock(&s->mutex);
		sign_now(s, o->x, o->done, o->arg);
		pthread_mutex_lock(&s->mutex);
		queue_done(s, o);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* Start with the first order: many a CA is loaded only to be checked. */
static void
queue_start(struct signer *s)
{
	sigset_t all, old;

	s->started = 1;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	while (s->n < s->threads && pthread_create(&s->thread[s->n], NULL,
	    queue_run, s) == 0)
		pthread_setname_np(s->thread[s->n++], "signer");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Without any thread, sign here and now. */
void
signer_sign(struct signer *s, X509 *x, uint64_t owner, signer_done done,
    void *arg)
{
	struct order *o;
	unsigned n;

	if (s->threads == 0) {
		sign_now(s, x, done, arg);
		return;
	}
	pthread_mutex_lock(&s->mutex);
	if (!s->started)
		queue_start(s);
	if ((n = s->n) > 0) {
		o = xcalloc(1, sizeof(*o));
		o->x = x;
		o->owner = owner;
		o->done = done;
		o->arg = arg;
		queue_add(s, o);
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->mutex);
	if (n == 0)
		sign_now(s, x, done, arg);
}

void
signer_settle(struct signer *s)
{
	struct order *o;

	pthread_mutex_lock(&s->mutex);
	while ((o = queue_take(s)) != NULL) {
		pthread_mutex_unlock(&s->mutex);
		o->done(o->arg, o->x, ERR_DENIED);
		pthread_mutex_lock(&s->mutex);
		queue_done(s, o);
	}
	while (!TAILQ_EMPTY(&s->orders))
		pthread_cond_wait(&s->idle, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

void
signer_free(struct signer *s)
{
	unsigned i;

	if (s == NULL)
		return;
	signer_settle(s);
	pthread_mutex_lock(&s->mutex);
	s->stop = 1;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	for (i = 0; i < s->n; i++)
		pthread_join(s->thread[i], NULL);
	pthread_mutex_destroy(&s->mutex);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->idle);
	EVP_PKEY_free(s->key);
	free(s);
}
