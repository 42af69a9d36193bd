/*
 * The table of bypasses: rows by site in buckets, and in a list for each state,
 * the oldest first. When there is no room, a row that only counts failures goes
 * first, then the oldest that was learned; an exemption never goes by itself.
 */
#include "proxy/bypasses.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

#define BUCKETS		1024

enum state {
	STATE_COUNTING,
	STATE_LEARNED,
	STATE_EXEMPT,
	STATES
};

struct row {
	TAILQ_ENTRY(row) bucket;
	TAILQ_ENTRY(row) list;
	enum state	 state;
	char		*site;
	char		 ja4[40];		/* "": any */
	struct addr	 server;		/* AF_UNSPEC: any */
	enum undecrypted what;
	uint64_t	 until, probe;		/* ms */
	unsigned	 failures, nclients;
	uint64_t	 clients[CONF_LEARN_CLIENTS];
};
TAILQ_HEAD(rows, row);

struct bypasses {
	pthread_mutex_t	 mutex;
	struct rows	 bucket[BUCKETS];
	struct rows	 list[STATES];
	unsigned	 n, max;
	atomic_uint	 active;	/* rows that are not counting */
	uint64_t	 seed;
};

struct bypasses *
bypasses_new(unsigned rows, uint64_t seed)
{
	struct bypasses *b = xcalloc(1, sizeof(*b));
	size_t i;

	pthread_mutex_init(&b->mutex, NULL);
	for (i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&b->bucket[i]);
	for (i = 0; i < STATES; i++)
		TAILQ_INIT(&b->list[i]);
	b->max = rows;
	b->seed = seed;
	return b;
}

static struct rows *
row_bucket(struct bypasses *b, const char *site)
{
	return &b->bucket[hash_fold(hash_string(HASH_START ^ b->seed, site)) %
	    BUCKETS];
}

static void
row_list(struct bypasses *b, struct row *r, enum state state)
{
	atomic_fetch_add(&b->active, state != STATE_COUNTING);
	r->state = state;
	TAILQ_INSERT_TAIL(&b->list[state], r, list);
}

static void
row_unlist(struct bypasses *b, struct row *r)
{
	atomic_fetch_sub(&b->active, r->state != STATE_COUNTING);
	TAILQ_REMOVE(&b->list[r->state], r, list);
}

static void
row_drop(struct bypasses *b, struct row *r)
{
	row_unlist(b, r);
	TAILQ_REMOVE(row_bucket(b, r->site), r, bucket);
	b->n--;
	free(r->site);
	free(r);
}

void
bypasses_free(struct bypasses *b)
{
	struct row *r;
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < STATES; i++)
		while ((r = TAILQ_FIRST(&b->list[i])) != NULL)
			row_drop(b, r);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

/* A new row in place of an older one, if need be. NULL: all are exemptions. */
static struct row *
row_new(struct bypasses *b, const char *site, enum state state)
{
	struct row *old = NULL, *r;
	size_t i;

	for (i = 0; b->n >= b->max && old == NULL && i < STATE_EXEMPT; i++)
		old = TAILQ_FIRST(&b->list[i]);
	if (b->n >= b->max && old == NULL)
		return NULL;
	if (old != NULL)
		row_drop(b, old);
	r = xcalloc(1, sizeof(*r));
	r->site = xstrdup(site);
	TAILQ_INSERT_TAIL(row_bucket(b, site), r, bucket);
	row_list(b, r, state);
	b->n++;
	return r;
}

static const char *
site_of(const struct facts *f, char buf[ADDR_STRLEN])
{
	const char *name = facts_name(f);

	if (name != NULL)
		return name;
	return f->server.sa.sa_family == AF_UNSPEC ? "" :
	    addr_ip_str(&f->server, buf);
}

static struct row *
row_exempt(struct bypasses *b, const char *site)
{
	struct row *r;

	TAILQ_FOREACH(r, row_bucket(b, site), bucket)
		if (r->state == STATE_EXEMPT && strcmp(r->site, site) == 0)
			break;
	return r;
}

/* What was learned of this site, for these clients and that server. */
static int
row_is_of(const struct row *r, const struct facts *f, const char *site)
{
	return r->state != STATE_EXEMPT && strcmp(r->site, site) == 0 &&
	    (r->ja4[0] == '\0' || strcmp(r->ja4, f->ja4) == 0) &&
	    (r->server.sa.sa_family == AF_UNSPEC ||
	    addr_eq(&r->server, &f->server));
}

/* The exemption of the site, or of a name above it. */
static struct row *
exempt_find(struct bypasses *b, const char *site, uint64_t now)
{
	struct row *r = NULL;

	for (; site != NULL && r == NULL; site = strchr(site, '.')) {
		site += site[0] == '.';
		r = row_exempt(b, site);
		if (r != NULL && now >= r->until) {
			row_drop(b, r);
			r = NULL;
		}
	}
	return r;
}

/* The row that says to bypass; those that are over go. */
static struct row *
learned_find(struct bypasses *b, const struct facts *f, const char *site,
    uint64_t now)
{
	struct row *r, *next;

	for (r = TAILQ_FIRST(row_bucket(b, site)); r != NULL; r = next) {
		next = TAILQ_NEXT(r, bucket);
		if (r->state != STATE_LEARNED || !row_is_of(r, f, site))
			continue;
		if (now < r->until)
			return r;
		row_drop(b, r);
	}
	return NULL;
}

enum bypass
bypasses_ask(struct bypasses *b, const struct facts *f,
    const struct conf_learn *learn, enum undecrypted *what)
{
	uint64_t now = clock_coarse_ms();
	enum bypass answer = BYPASS_NO;
	char buf[ADDR_STRLEN];
	const char *site;
	struct row *r;

	if (atomic_load(&b->active) == 0)
		return BYPASS_NO;
	site = site_of(f, buf);
	pthread_mutex_lock(&b->mutex);
	if ((r = exempt_find(b, site, now)) == NULL)
		r = learned_find(b, f, site, now);
	if (r != NULL) {
		answer = BYPASS_YES;
		*what = r->what;
		if (r->state == STATE_LEARNED && now >= r->probe) {
			r->probe = now + learn->probe;
			answer = BYPASS_TRY;
		}
	}
	pthread_mutex_unlock(&b->mutex);
	return answer;
}

const char *
bypasses_why(enum undecrypted what)
{
	switch (what) {
	case UNDECRYPTED_CERT:
		return "client certificate wanted";
	case UNDECRYPTED_REFUSED:
		return "client refuses the certificate";
	case UNDECRYPTED_FAILURE:
		return "handshake with server fails";
	default:
		return "exempt";
	}
}

/* The row that counts, or has counted, these failures. */
static struct row *
failed_row(struct bypasses *b, const struct facts *f, const char *site,
    enum undecrypted what, uint64_t now)
{
	struct row *r;

	TAILQ_FOREACH(r, row_bucket(b, site), bucket)
		if (r->what == what && row_is_of(r, f, site))
			break;
	if (r != NULL && now < r->until)
		return r;
	if (r != NULL)
		row_drop(b, r);
	if ((r = row_new(b, site, STATE_COUNTING)) == NULL)
		return NULL;
	r->what = what;
	if (what != UNDECRYPTED_CERT)
		memcpy(r->ja4, f->ja4, sizeof(r->ja4));
	if (what != UNDECRYPTED_REFUSED)
		r->server = f->server;
	return r;
}

static void
row_count(struct row *r, const struct addr *client)
{
	uint64_t owner = addr_owner(client);
	unsigned i;

	r->failures++;
	for (i = 0; i < r->nclients && r->clients[i] != owner; i++)
		;
	if (i == r->nclients && i < CONF_LEARN_CLIENTS)
		r->clients[r->nclients++] = owner;
}

enum bypass_learned
bypasses_failed(struct bypasses *b, const struct facts *f,
    const struct conf_learn *learn, enum undecrypted what)
{
	enum bypass_learned rv = BYPASS_COUNTED;
	uint64_t now = clock_coarse_ms();
	char buf[ADDR_STRLEN];
	struct row *r;

	pthread_mutex_lock(&b->mutex);
	r = failed_row(b, f, site_of(f, buf), what, now);
	if (r != NULL) {
		row_count(r, &f->client);
		if (r->state == STATE_LEARNED)
			rv = BYPASS_KNOWN;
		else if (what == UNDECRYPTED_CERT ||
		    (r->failures >= learn->failures &&
		    r->nclients >= learn->clients))
			rv = BYPASS_LEARNED;
		r->until = now + learn->keep;
		r->probe = now + learn->probe;
		row_unlist(b, r);
		row_list(b, r, rv == BYPASS_COUNTED ? STATE_COUNTING :
		    STATE_LEARNED);
	}
	pthread_mutex_unlock(&b->mutex);
	return rv;
}

void
bypasses_worked(struct bypasses *b, const struct facts *f)
{
	char buf[ADDR_STRLEN];
	const char *site = site_of(f, buf);
	struct row *r, *next;

	pthread_mutex_lock(&b->mutex);
	for (r = TAILQ_FIRST(row_bucket(b, site)); r != NULL; r = next) {
		next = TAILQ_NEXT(r, bucket);
		if (row_is_of(r, f, site))
			row_drop(b, r);
	}
	pthread_mutex_unlock(&b->mutex);
}

int
bypasses_exempt(struct bypasses *b, const char *site, uint64_t ms)
{
	struct row *r;

	pthread_mutex_lock(&b->mutex);
	if ((r = row_exempt(b, site)) == NULL)
		r = row_new(b, site, STATE_EXEMPT);
	if (r != NULL) {
		r->what = UNDECRYPTED_EXEMPT;
		r->until = clock_coarse_ms() + ms;
	}
	pthread_mutex_unlock(&b->mutex);
	return r != NULL ? 0 : ERR_LIMIT;
}

/* The site itself, or a name below it. */
static int
site_within(const char *have, const char *site)
{
	size_t n = strlen(have), m = strlen(site);

	return n >= m && strcmp(have + n - m, site) == 0 &&
	    (n == m || have[n - m - 1] == '.');
}

unsigned
bypasses_clear(struct bypasses *b, const char *site, int exempt_only)
{
	unsigned state, n = 0;
	struct row *r, *next;

	pthread_mutex_lock(&b->mutex);
	for (state = exempt_only ? STATE_EXEMPT : 0; state < STATES; state++)
		for (r = TAILQ_FIRST(&b->list[state]); r != NULL; r = next) {
			next = TAILQ_NEXT(r, list);
			if (!site_within(r->site, site))
				continue;
			row_drop(b, r);
			n++;
		}
	pthread_mutex_unlock(&b->mutex);
	return n;
}

static uint64_t
after(uint64_t now, uint64_t ms)
{
	return ms > now ? ms - now : 0;
}

void
bypasses_each(struct bypasses *b,
    void (*each)(void *arg, const struct bypass_row *), void *arg)
{
	uint64_t now = clock_coarse_ms();
	struct bypass_row out;
	struct row *r;
	int state;

	pthread_mutex_lock(&b->mutex);
	for (state = STATES - 1; state >= 0; state--)
		TAILQ_FOREACH(r, &b->list[state], list) {
			if (now >= r->until)
				continue;
			out = (struct bypass_row){ r->site, r->ja4, &r->server,
			    r->what, r->state != STATE_COUNTING, r->failures,
			    r->nclients, r->until - now,
			    r->state == STATE_LEARNED ? after(now, r->probe) :
			    0 };
			each(arg, &out);
		}
	pthread_mutex_unlock(&b->mutex);
}
