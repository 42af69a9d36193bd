/*
 * Allocation that does not fail.
 */
#include "util/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIM	(2 << 20)	/* free bytes kept at a heap's end */
#define GROW	(256 << 10)	/* growth in one step; a buffer is 64k */
#define MAPPED	(1 << 20)	/* mmap from this size on; spools are smaller */

void
mem_setup(void)
{
	mallopt(M_TRIM_THRESHOLD, TRIM);
	mallopt(M_TOP_PAD, GROW);
	mallopt(M_MMAP_THRESHOLD, MAPPED);
}

static pthread_mutex_t	 mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 wake = PTHREAD_COND_INITIALIZER;
static int		 wanted, running;

/* A number that falls goes on falling for a while, so wait before trimming. */
static void *
mem_trim(void *arg)
{
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (!wanted)
			pthread_cond_wait(&wake, &mutex);
		pthread_mutex_unlock(&mutex);
		sleep(1);
		pthread_mutex_lock(&mutex);
		wanted = 0;
		pthread_mutex_unlock(&mutex);
		malloc_trim(0);
		pthread_mutex_lock(&mutex);
	}
	return NULL;
}

void
mem_fell(struct mem_peak *p, uint64_t now, uint64_t least)
{
	sigset_t all, old;
	pthread_t thread;

	if (p->most < least || now > p->most / 4)
		return;
	p->most = now;
	pthread_mutex_lock(&mutex);
	wanted = 1;
	if (!running) {
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &old);
		running = pthread_create(&thread, NULL, mem_trim, NULL) == 0;
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		if (running)
			pthread_detach(thread);
	}
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&mutex);
}

static void *
checked(void *p)
{
	if (p == NULL) {
		fputs("clearspan: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1));
}

void *
xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

void *
xmemdup(const void *p, size_t n)
{
	void *q;

	q = xmalloc(n);
	if (n > 0)
		memcpy(q, p, n);
	return q;
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}

char *
xdirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
}
