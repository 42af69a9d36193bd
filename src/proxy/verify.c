/*
 * The queue of checks. A check belongs to the queue until its mail has run:
 * one that is cancelled is freed by whoever has it last.
 */
#include "proxy/verify.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "net/mailbox.h"
#include "util/mem.h"

#define THREADS		2
#define WAITING_MAX	128	/* some ten seconds of bcrypt */

struct verify {
	struct mail	 mail;		/* first: the mail is the check */
	TAILQ_ENTRY(verify) link;
	struct mailbox	*mailbox;
	char		*hash, *password;
	verify_done	 done;
	void		*arg;
	int		 queued, cancelled, ok;
};

static pthread_mutex_t	mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	wake = PTHREAD_COND_INITIALIZER;
static TAILQ_HEAD(, verify) waiting = TAILQ_HEAD_INITIALIZER(waiting);
static unsigned		nwaiting, nthreads;

static void
verify_free(struct verify *v)
{
	OPENSSL_cleanse(v->password, strlen(v->password));
	free(v->password);
	free(v->hash);
	free(v);
}

/* In the worker's thread. */
static void
verify_told(struct mail *m)
{
	struct verify *v = (struct verify *)(void *)m;

	if (!v->cancelled)
		v->done(v->arg, v->ok);
	verify_free(v);
}

static int
verify_crypt(const struct verify *v, struct crypt_data *data)
{
	const char *made = crypt_r(v->password, v->hash, data);
	size_t n = strlen(v->hash);

	return made != NULL && strlen(made) == n &&
	    CRYPTO_memcmp(made, v->hash, n) == 0;
}

static void *
verify_run(void *arg)
{
	struct crypt_data *data = arg;
	struct verify *v;

	for (;;) {
		pthread_mutex_lock(&mutex);
		while ((v = TAILQ_FIRST(&waiting)) == NULL)
			pthread_cond_wait(&wake, &mutex);
		TAILQ_REMOVE(&waiting, v, link);
		nwaiting--;
		v->queued = 0;
		pthread_mutex_unlock(&mutex);
		v->ok = verify_crypt(v, data);
		OPENSSL_cleanse(data, sizeof(*data));
		pthread_mutex_lock(&mutex);
		if (v->cancelled)
			verify_free(v);
		else
			mailbox_post(v->mailbox, &v->mail);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

/* The threads last as long as the process. */
static void
verify_threads(void)
{
	struct crypt_data *data;
	sigset_t all, old;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (; nthreads < THREADS; nthreads++) {
		data = xcalloc(1, sizeof(*data));
		if (pthread_create(&thread, NULL, verify_run, data) != 0) {
			free(data);
			break;
		}
		pthread_setname_np(thread, "passwords");
		pthread_detach(thread);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct verify *
verify_start(struct mailbox *mailbox, const char *hash, const char *password,
    verify_done done, void *arg)
{
	struct verify *v = NULL;

	pthread_mutex_lock(&mutex);
	verify_threads();
	if (nthreads > 0 && nwaiting < WAITING_MAX) {
		v = xcalloc(1, sizeof(*v));
		v->mail.run = verify_told;
		v->mailbox = mailbox;
		v->hash = xstrdup(hash);
		v->password = xstrdup(password);
		v->done = done;
		v->arg = arg;
		v->queued = 1;
		TAILQ_INSERT_TAIL(&waiting, v, link);
		nwaiting++;
		pthread_cond_signal(&wake);
	}
	pthread_mutex_unlock(&mutex);
	return v;
}

void
verify_cancel(struct verify *v)
{
	if (v == NULL)
		return;
	pthread_mutex_lock(&mutex);
	v->cancelled = 1;
	if (v->queued) {
		TAILQ_REMOVE(&waiting, v, link);
		nwaiting--;
		verify_free(v);
	}
	pthread_mutex_unlock(&mutex);
}
