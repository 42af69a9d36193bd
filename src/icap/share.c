/*
 * A client's share of a service: of its connections and of its queue. Nobody
 * may have more than three times what is left for the others, so that there
 * is always some left, as long as there are others. Counted by a hash of the
 * client's address: who meets another in a slot shares with it, and nobody can
 * choose whom.
 */
#include <stdlib.h>

#include "icap/own.h"
#include "util/clock.h"

#define OTHERS_FOR	60000	/* ms since another client was seen */
#define SHARE		3

static struct icap_part *
share_part(struct icap_service *s, const struct icap_txn *t)
{
	uint64_t h = icap_whose(&t->job.client) ^ s->seed;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	return &s->parts[h % ICAP_PARTS];
}

/* This one asks for something: is it alone? */
static int
share_alone(struct icap_service *s, const struct icap_part *p)
{
	uint64_t now = clock_ms(), other;

	if (s->last_part != p) {
		s->other_at = s->last_at;
		s->last_part = p;
	}
	s->last_at = now;
	other = s->other_at;
	return other == 0 || now - other > OTHERS_FOR;
}

/* Connections of the farm that no transaction has. */
static unsigned
share_free(const struct icap_service *s, enum icap_method m)
{
	const struct icap_farm *f = &s->farm[m];
	const struct icap_server *v;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < f->n; i++) {
		v = f->v[i].server;
		if (v->state == ICAP_UP && v->busy < v->limit)
			n += v->limit - v->busy;
	}
	return n;
}

int
icap_share_may_run(struct icap_service *s, const struct icap_txn *t)
{
	struct icap_part *p = share_part(s, t);

	return share_alone(s, p) ||
	    p->busy < SHARE * share_free(s, t->job.method);
}

int
icap_share_may_wait(struct icap_service *s, const struct icap_txn *t,
    unsigned max)
{
	struct icap_part *p;
	int may;

	pthread_mutex_lock(&s->lock);
	p = share_part(s, t);
	may = s->waiting < max && (share_alone(s, p) ||
	    p->waiting < SHARE * (max - s->waiting));
	pthread_mutex_unlock(&s->lock);
	return may;
}

void
icap_share_run(struct icap_txn *t, int n)
{
	struct icap_service *s = t->seat->service;

	pthread_mutex_lock(&s->lock);
	share_part(s, t)->busy += (unsigned)n;
	pthread_mutex_unlock(&s->lock);
}

void
icap_share_wait(struct icap_txn *t, int n)
{
	struct icap_service *s = t->seat->service;

	pthread_mutex_lock(&s->lock);
	share_part(s, t)->waiting += (unsigned)n;
	pthread_mutex_unlock(&s->lock);
}
