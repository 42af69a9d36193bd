/*
 * The thread takes one ask after the other, reads the file again if it has
 * changed, and answers by mail. It starts with the first ask and lives as long
 * as the process.
 */
#include "net/hosts.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "codec/hostname.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/mem.h"

#define HOSTS		"/etc/hosts"
#define BUCKETS		4096
#define NAMES_MOST	1000000	/* lists of a hundred thousand are in use */

struct hosts_ask {
	struct mail	 mail;
	TAILQ_ENTRY(hosts_ask) next;
	struct mailbox	*box;
	hosts_done	 done;
	void		*arg;
	struct addr	 addrs[HOSTS_MAX];
	size_t		 n;
	int		 queued;	/* the thread has not taken it yet */
	int		 cancelled;
	char		 name[HOSTNAME_MAX + 1];
};

struct host {
	struct host	*next;
	struct addr	 addr;
	char		 name[];
};

static pthread_mutex_t	 mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 wake = PTHREAD_COND_INITIALIZER;
static TAILQ_HEAD(, hosts_ask) asks = TAILQ_HEAD_INITIALIZER(asks);
static int		 running;
/* Used by the thread alone. */
static struct host	*table[BUCKETS];
static struct stat	 read_as;

static struct host **
bucket(const char *name)
{
	/* The operator's names: no seed. */
	return &table[hash_fold(hash_string(HASH_START, name)) % BUCKETS];
}

static void
table_clear(void)
{
	struct host *h;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		while ((h = table[i]) != NULL) {
			table[i] = h->next;
			free(h);
		}
}

/* "address name name ... # comment"; returns the number of names. */
static size_t
table_line(char *line)
{
	char *save = NULL, *word, name[HOSTNAME_MAX + 1];
	struct host *h, **b;
	struct addr a;
	size_t n = 0;

	line[strcspn(line, "#\n\r")] = '\0';
	if ((word = strtok_r(line, " \t", &save)) == NULL ||
	    addr_parse_ip(&a, word) != 0)
		return 0;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (hostname_copy(name, word, strlen(word)) != 0)
			continue;
		h = xcalloc(1, sizeof(*h) + strlen(name) + 1);
		h->addr = a;
		strcpy(h->name, name);
		b = bucket(name);
		h->next = *b;
		*b = h;
		n++;
	}
	return n;
}

static int
same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	    a->st_size == b->st_size &&
	    memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0;
}

static void
table_read(void)
{
	struct stat st = { 0 };
	char *line = NULL;
	size_t size = 0, n = 0;
	FILE *f;

	if (stat(HOSTS, &st) != 0)
		memset(&st, 0, sizeof(st));
	if (same(&st, &read_as))
		return;
	read_as = st;
	table_clear();
	if ((f = fopen(HOSTS, "re")) == NULL)
		return;
	while (n < NAMES_MOST && getline(&line, &size, f) != -1)
		n += table_line(line);
	if (n >= NAMES_MOST)
		log_warn(HOSTS ": more than %d names; the rest is not read",
		    NAMES_MOST);
	free(line);
	fclose(f);
}

/* localhost need not be in the file (RFC 6761, 6.3). */
static void
table_localhost(struct hosts_ask *a)
{
	size_t len = strlen(a->name);

	if (strcmp(a->name, "localhost") != 0 &&
	    (len < 10 || strcmp(a->name + len - 10, ".localhost") != 0))
		return;
	addr_parse_ip(&a->addrs[a->n++], "127.0.0.1");
	addr_parse_ip(&a->addrs[a->n++], "::1");
}

static void
table_find(struct hosts_ask *a)
{
	struct host *h;
	struct addr swap;
	size_t i;

	for (h = *bucket(a->name); h != NULL && a->n < HOSTS_MAX; h = h->next)
		if (strcmp(h->name, a->name) == 0)
			a->addrs[a->n++] = h->addr;
	if (a->n == 0)
		table_localhost(a);
	for (i = 0; i < a->n / 2; i++) {	/* into the file's order */
		swap = a->addrs[i];
		a->addrs[i] = a->addrs[a->n - 1 - i];
		a->addrs[a->n - 1 - i] = swap;
	}
}

static void *
hosts_run(void *arg)
{
	struct hosts_ask *a;

	pthread_mutex_lock(&mutex);
	for (;;) {
		while ((a = TAILQ_FIRST(&asks)) == NULL)
			pthread_cond_wait(&wake, &mutex);
		TAILQ_REMOVE(&asks, a, next);
		a->queued = 0;
		pthread_mutex_unlock(&mutex);
		table_read();
		table_find(a);
		pthread_mutex_lock(&mutex);
		if (a->cancelled)
			free(a);
		else
			mailbox_post(a->box, &a->mail);
	}
	return NULL;
}

static void
ask_told(struct mail *mail)
{
	struct hosts_ask *a = (struct hosts_ask *)mail;

	if (!a->cancelled)
		a->done(a->arg, a->addrs, a->n);
	free(a);
}

/* Called with the mutex held. Without the thread nothing is ever answered. */
static void
hosts_start(void)
{
	sigset_t all, old;
	pthread_t thread;

	running = 1;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (pthread_create(&thread, NULL, hosts_run, NULL) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_setname_np(thread, "hosts");
	pthread_detach(thread);
}

struct hosts_ask *
hosts_ask(const char *name, struct mailbox *box, hosts_done done, void *arg)
{
	struct hosts_ask *a = xcalloc(1, sizeof(*a));

	snprintf(a->name, sizeof(a->name), "%s", name);
	a->mail.run = ask_told;
	a->box = box;
	a->done = done;
	a->arg = arg;
	a->queued = 1;
	pthread_mutex_lock(&mutex);
	if (!running)
		hosts_start();
	TAILQ_INSERT_TAIL(&asks, a, next);
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&mutex);
	return a;
}

void
hosts_cancel(struct hosts_ask *a)
{
	pthread_mutex_lock(&mutex);
	if (a->queued) {
		TAILQ_REMOVE(&asks, a, next);
		free(a);
	} else {
		a->cancelled = 1;	/* the thread or the mailbox frees it */
	}
	pthread_mutex_unlock(&mutex);
}
