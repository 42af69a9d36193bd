/*
 * Names: the cache, and who waits for which name. net/resolver.c asks for
 * them, with c-ares.
 *
 * An entry is a name. It has one query at a time, holds the answer until it
 * expires, and stays while someone waits for it or its query is under way.
 * When the table is full, the least recently used entry is dropped.
 */
#include "net/names.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "codec/hostname.h"
#include "net/resolver.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/share.h"

#define NAMES_CACHED	4096	/* names kept */
#define NAMES_OUT	1024	/* names being asked for, of all clients */
#define NAMES_SHARE	128	/* of them, for one client */
#define NAMES_FEW	8	/* for one client, past NAMES_OUT, ... */
#define NAMES_MOST	4096	/* ... up to this many of all clients */
#define OURSELVES	0	/* not a client */
#define BUCKETS		1024
#define TTL_MAX		300	/* seconds an answer is kept, at most, ... */
#define TTL_MIN		1	/* ... and at least: a page asks ten times */
#define TTL_NONE	5	/* seconds a failure is kept */

struct entry {
	LIST_ENTRY(entry)	 hash;
	TAILQ_ENTRY(entry)	 used;		/* oldest use first */
	struct names		*names;
	struct names_found	 found;
	TAILQ_HEAD(, names_ask)	 asks;
	int64_t			 expires;	/* monotonic seconds */
	int			 out;		/* queries under way, 0 to 2 */
	uint64_t		 owner;		/* of the client that asked */
	char			*name;		/* lower case */
};

struct names_ask {
	TAILQ_ENTRY(names_ask)	 next;
	struct entry		*entry;
	struct event		 ev;
	names_tell		 tell;
	void			*arg;
};

struct names {
	struct event_base	*base;
	struct resolver		*resolver;
	LIST_HEAD(, entry)	 hash[BUCKETS];
	TAILQ_HEAD(, entry)	 used;
	size_t			 count;
	size_t			 out;		/* entries with queries */
	struct shares		 shares;	/* of them, by client */
	uint32_t		 seed;
};

/* Peers choose the names, so the seed is random. */
static size_t
bucket(const struct names *n, const char *name)
{
	return hash_fold(hash_string(HASH_START ^ n->seed, name)) % BUCKETS;
}

struct names *
names_new(struct event_base *base)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->base = base;
	n->resolver = resolver_new(base);
	TAILQ_INIT(&n->used);
	if (getrandom(&n->seed, sizeof(n->seed), 0) != sizeof(n->seed))
		n->seed = (uint32_t)(uintptr_t)n;
	n->shares.seed = n->seed;
	return n;
}

static void
entry_free(struct entry *e)
{
	struct names_ask *ask;

	while ((ask = TAILQ_FIRST(&e->asks)) != NULL)
		names_cancel(ask);
	LIST_REMOVE(e, hash);
	TAILQ_REMOVE(&e->names->used, e, used);
	e->names->count--;
	free(e->name);
	free(e);
}

void
names_free(struct names *n)
{
	struct entry *e;

	if (n == NULL)
		return;
	resolver_free(n->resolver);	/* answers every query; none listens */
	while ((e = TAILQ_FIRST(&n->used)) != NULL)
		entry_free(e);
	free(n);
}

int
names_set_servers(struct names *n, const char *csv)
{
	return resolver_set_servers(n->resolver, csv);
}

static struct entry *
entry_find(struct names *n, const char *name)
{
	struct entry *e;

	LIST_FOREACH(e, &n->hash[bucket(n, name)], hash)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

/* Make room for one entry. Few are busy (NAMES_OUT and the asks). */
static void
names_trim(struct names *n)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&n->used); e != NULL && n->count >= NAMES_CACHED;
	    e = next) {
		next = TAILQ_NEXT(e, used);
		if (e->out == 0 && TAILQ_EMPTY(&e->asks))
			entry_free(e);
	}
}

static struct entry *
entry_new(struct names *n, const char *name)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	names_trim(n);
	e->names = n;
	e->name = xstrdup(name);
	TAILQ_INIT(&e->asks);
	LIST_INSERT_HEAD(&n->hash[bucket(n, name)], e, hash);
	TAILQ_INSERT_TAIL(&n->used, e, used);
	n->count++;
	return e;
}

/* Take the IPv4 and IPv6 addresses that c-ares found. */
static void
entry_take(struct entry *e, const struct resolver_answer *a)
{
	struct names_found *f = &e->found;
	int64_t until;
	size_t i, ttl = a->err == 0 ? a->ttl : TTL_NONE;

	for (i = 0; i < a->n; i++) {
		if (a->addrs[i].sa.sa_family == AF_INET6 && f->n6 < NAMES_EACH)
			f->v6[f->n6++] = a->addrs[i];
		if (a->addrs[i].sa.sa_family == AF_INET && f->n4 < NAMES_EACH)
			f->v4[f->n4++] = a->addrs[i];
	}
	if (a->family != AF_INET)
		f->done6 = 1;
	if (a->family != AF_INET6)
		f->done4 = 1;
	/* Report a failed server rather than a missing AAAA. */
	if (a->err != 0 && (f->err == 0 || a->err != ERR_NOTFOUND))
		f->err = a->err;
	ttl = ttl > TTL_MAX ? TTL_MAX : ttl < TTL_MIN ? TTL_MIN : ttl;
	until = (int64_t)clock_s() + (int64_t)ttl;
	if (until < e->expires)
		e->expires = until;
}

static void
entry_answered(void *arg, const struct resolver_answer *a)
{
	struct entry *e = arg;
	struct names_ask *ask;

	if (--e->out == 0) {
		e->names->out--;
		share_give(&e->names->shares, e->owner);
	}
	entry_take(e, a);
	TAILQ_FOREACH(ask, &e->asks, next)
		event_active(&ask->ev, EV_TIMEOUT, 0);
}

/* /etc/hosts answered for both families. If it lacks the name, ask the servers
 * for both at once. */
static void
entry_hosted(void *arg, const struct resolver_answer *a)
{
	struct entry *e = arg;
	struct resolver *r = e->names->resolver;

	if (a->err != ERR_NOTFOUND) {
		entry_answered(e, a);
		return;
	}
	e->out = 2;
	resolver_ask(r, e->name, AF_INET6, entry_answered, e);
	resolver_ask(r, e->name, AF_INET, entry_answered, e);
}

/*
 * A client whose names nobody answers must not keep others from theirs. Nor
 * may many such clients: each client can always ask for a few names.
 */
static int
names_full(const struct names *n, uint64_t owner)
{
	if (n->out >= NAMES_OUT)
		return n->out >= NAMES_MOST ||
		    share_of(&n->shares, owner) >= NAMES_FEW;
	return owner != OURSELVES && share_of(&n->shares, owner) >= NAMES_SHARE;
}

static int
entry_query(struct entry *e, uint64_t owner)
{
	struct names *n = e->names;

	if (!resolver_ready(n->resolver))
		return ERR_SYS;
	memset(&e->found, 0, sizeof(e->found));
	e->expires = INT64_MAX;
	e->out = 1;
	e->owner = owner;
	n->out++;
	share_take(&n->shares, owner);
	resolver_hosts(n->resolver, e->name, entry_hosted, e);
	return 0;
}

static void
ask_told(int fd, short what, void *arg)
{
	struct names_ask *ask = arg;
	struct names_found found = ask->entry->found;
	names_tell tell = ask->tell;
	void *to = ask->arg;

	if (found.done4 && found.done6)
		names_cancel(ask);
	tell(to, &found);
}

static struct names_ask *
ask_new(struct entry *e, names_tell tell, void *arg)
{
	struct names_ask *ask = xcalloc(1, sizeof(*ask));

	ask->entry = e;
	ask->tell = tell;
	ask->arg = arg;
	evtimer_assign(&ask->ev, e->names->base, ask_told, ask);
	TAILQ_INSERT_TAIL(&e->asks, ask, next);
	return ask;
}

struct names_ask *
names_ask(struct names *n, const char *host, const struct addr *client,
    names_tell tell, void *arg, int *err)
{
	uint64_t owner = client != NULL ? addr_owner(client) : OURSELVES;
	struct names_ask *ask;
	struct entry *e;
	char name[HOSTNAME_MAX + 1];

	if ((*err = hostname_copy(name, host, strlen(host))) != 0)
		return NULL;
	if ((e = entry_find(n, name)) == NULL)
		e = entry_new(n, name);
	TAILQ_REMOVE(&n->used, e, used);
	TAILQ_INSERT_TAIL(&n->used, e, used);
	/* An expired answer stays while someone is still to be told it. */
	if (e->out == 0 && TAILQ_EMPTY(&e->asks) &&
	    e->expires <= (int64_t)clock_s()) {
		*err = names_full(n, owner) ? ERR_LIMIT : entry_query(e, owner);
		if (*err != 0)
			return NULL;
	}
	ask = ask_new(e, tell, arg);
	if (e->found.done4 || e->found.done6)
		event_active(&ask->ev, EV_TIMEOUT, 0);
	return ask;
}

void
names_cancel(struct names_ask *ask)
{
	event_del(&ask->ev);
	TAILQ_REMOVE(&ask->entry->asks, ask, next);
	free(ask);
}
