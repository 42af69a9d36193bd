/*
 * Queries that wait: a chained hash table of flows, and one of queries, which
 * are also in a list, the oldest first.
 */
#include "proxy/dnstable.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "util/budget.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/share.h"

#define SLOTS	4096
/* A query, and a flow with its socket's event, as nearly each has its own. */
#define COST	(sizeof(struct dnsquery) + 512)

struct dnsquery {
	TAILQ_ENTRY(dnsquery)	 link;
	struct dnsquery		*next;
	struct dnsflow		*flow;
	uint64_t		 owner;		/* the client's share */
	uint64_t		 until;		/* ms */
	uint16_t		 id;
};

struct dnstable {
	size_t			 max, n;
	uint64_t		 seed;
	void			(*gone)(struct dnsflow *);
	struct shares		 shares;
	TAILQ_HEAD(, dnsquery)	 queries;
	struct dnsflow		*flow[SLOTS];
	struct dnsquery		*query[SLOTS];
};

struct dnstable *
dnstable_new(size_t max, uint64_t seed, void (*gone)(struct dnsflow *))
{
	struct dnstable *t = xcalloc(1, sizeof(*t));

	t->max = max;
	t->seed = t->shares.seed = seed;
	t->gone = gone;
	TAILQ_INIT(&t->queries);
	return t;
}

static uint64_t
flow_key(const struct dnstable *t, const struct addr *client,
    const struct addr *server)
{
	return hash_fold(addr_hash(addr_hash(HASH_START ^ t->seed, client),
	    server));
}

static void
flow_out(struct dnstable *t, struct dnsflow *f)
{
	struct dnsflow **p = &t->flow[f->key % SLOTS];

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	t->gone(f);
}

/* The link to the query, or to where it would be. */
static struct dnsquery **
query_find(struct dnstable *t, const struct dnsflow *f, uint16_t id)
{
	struct dnsquery **q = &t->query[hash_fold(f->key ^ id) % SLOTS];

	while (*q != NULL && ((*q)->flow != f || (*q)->id != id))
		q = &(*q)->next;
	return q;
}

/* Returns whether its flow is still there. */
static int
query_out(struct dnstable *t, struct dnsquery **at)
{
	struct dnsquery *q = *at;
	struct dnsflow *f = q->flow;

	*at = q->next;
	TAILQ_REMOVE(&t->queries, q, link);
	share_give(&t->shares, q->owner);
	budget_give(BUDGET_BUFFERS, COST);
	t->n--;
	free(q);
	if (--f->waiting > 0)
		return 1;
	flow_out(t, f);
	return 0;
}

static void
query_out_oldest(struct dnstable *t)
{
	struct dnsquery *q = TAILQ_FIRST(&t->queries);

	query_out(t, query_find(t, q->flow, q->id));
}

void
dnstable_free(struct dnstable *t)
{
	if (t == NULL)
		return;
	while (t->n > 0)
		query_out_oldest(t);
	free(t);
}

struct dnsflow *
dnstable_find(struct dnstable *t, const struct addr *client,
    const struct addr *server)
{
	struct dnsflow *f = t->flow[flow_key(t, client, server) % SLOTS];

	while (f != NULL && (!addr_eq(&f->client, client) ||
	    !addr_eq(&f->server, server)))
		f = f->next;
	return f;
}

/* It waits from now on, again if it did before. */
static void
query_last(struct dnstable *t, struct dnsquery *q, uint64_t now)
{
	q->until = now + DNSTABLE_WAIT;
	TAILQ_INSERT_TAIL(&t->queries, q, link);
}

static void
flow_in(struct dnstable *t, struct dnsflow *f)
{
	f->key = flow_key(t, &f->client, &f->server);
	f->next = t->flow[f->key % SLOTS];
	t->flow[f->key % SLOTS] = f;
}

static struct dnsquery *
query_in(struct dnstable *t, struct dnsflow *f, uint16_t id, uint64_t owner)
{
	struct dnsquery *q = xcalloc(1, sizeof(*q)), **at;

	if (f->waiting++ == 0)
		flow_in(t, f);
	q->flow = f;
	q->id = id;
	q->owner = owner;
	at = query_find(t, f, id);
	q->next = *at;
	*at = q;
	share_take(&t->shares, owner);
	t->n++;
	return q;
}

int
dnstable_ask(struct dnstable *t, struct dnsflow *f, uint16_t id, uint64_t now)
{
	uint64_t owner = addr_owner(&f->client);
	struct dnsquery *q = f->waiting > 0 ? *query_find(t, f, id) : NULL;

	if (q != NULL) {
		TAILQ_REMOVE(&t->queries, q, link);
		query_last(t, q, now);
		return 0;
	}
	if (share_of(&t->shares, owner) >= t->max / 2)
		return ERR_LIMIT;
	if (budget_take(BUDGET_BUFFERS, COST, 1) != 0)
		return ERR_MEM;
	query_last(t, query_in(t, f, id, owner), now);
	if (t->n <= t->max)
		return 0;
	query_out_oldest(t);
	return 1;
}

int
dnstable_waits(struct dnstable *t, const struct dnsflow *f, uint16_t id)
{
	return *query_find(t, f, id) != NULL;
}

int
dnstable_done(struct dnstable *t, struct dnsflow *f, uint16_t id)
{
	return query_out(t, query_find(t, f, id));
}

size_t
dnstable_expire(struct dnstable *t, uint64_t now)
{
	size_t n = t->n;

	while (t->n > 0 && TAILQ_FIRST(&t->queries)->until <= now)
		query_out_oldest(t);
	return n - t->n;
}

size_t
dnstable_count(const struct dnstable *t)
{
	return t->n;
}
