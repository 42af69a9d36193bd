/*
 * The upstream session cache. A TLS 1.3 ticket is used once (RFC 8446, C.4),
 * so several are kept for a server; one TLS 1.2 session serves again and
 * again, each time as a copy, for libssl marks the one it was given.
 */
#include "tls/sessions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/lru.h"
#include "util/mem.h"

#define SHARDS		8
#define PER_KEY		4	/* as many as two tickets of two connections */

struct peer {
	struct lru_item	 item;
	SSL_SESSION	*sess[PER_KEY];	/* oldest first */
	time_t		 until[PER_KEY];	/* so long its chain holds */
	size_t		 n;
};

struct shard {
	pthread_mutex_t	 mutex;
	struct lru	 lru;
	uint64_t	 asked, hits;
};

struct sessions {
	struct shard	 shard[SHARDS];
};

struct sessions *
sessions_new(size_t max)
{
	struct sessions *c = xcalloc(1, sizeof(*c));
	size_t i;

	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&c->shard[i].mutex, NULL);
		lru_init(&c->shard[i].lru, max / SHARDS / PER_KEY + 1);
	}
	return c;
}

static void
peer_drop(struct shard *s, struct peer *p)
{
	lru_del(&s->lru, &p->item);
	while (p->n > 0)
		SSL_SESSION_free(p->sess[--p->n]);
	free(p);
}

void
sessions_free(struct sessions *c)
{
	struct lru_item *item;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < SHARDS; i++) {
		while ((item = lru_oldest(&c->shard[i].lru)) != NULL)
			peer_drop(&c->shard[i], (struct peer *)item);
		lru_done(&c->shard[i].lru);
		pthread_mutex_destroy(&c->shard[i].mutex);
	}
	free(c);
}

static int
sess_over(const SSL_SESSION *s, time_t now)
{
	return (time_t)SSL_SESSION_get_time(s) +
	    (time_t)SSL_SESSION_get_timeout(s) <= now;
}

static int
sess_single_use(const SSL_SESSION *s)
{
	return SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION;
}

/* Room for one more: the oldest goes; of TLS 1.2 one is enough. */
static void
peer_room(struct peer *p, int single_use)
{
	while (p->n == PER_KEY || (p->n > 0 && !single_use)) {
		SSL_SESSION_free(p->sess[0]);
		p->n--;
		memmove(p->sess, p->sess + 1, p->n * sizeof(p->sess[0]));
		memmove(p->until, p->until + 1, p->n * sizeof(p->until[0]));
	}
}

void
sessions_put(struct sessions *c, const uint8_t key[32], SSL_SESSION *sess,
    time_t until)
{
	struct shard *s = &c->shard[key[31] % SHARDS];
	struct peer *p;

	pthread_mutex_lock(&s->mutex);
	if ((p = (struct peer *)lru_get(&s->lru, key)) == NULL) {
		p = xcalloc(1, sizeof(*p));
		memcpy(p->item.key, key, 32);
		lru_put(&s->lru, &p->item);
	}
	peer_room(p, sess_single_use(sess));
	p->sess[p->n] = sess;
	p->until[p->n++] = until;
	if (lru_over(&s->lru))
		peer_drop(s, (struct peer *)lru_oldest(&s->lru));
	pthread_mutex_unlock(&s->mutex);
}

SSL_SESSION *
sessions_get(struct sessions *c, const uint8_t key[32], time_t *until)
{
	struct shard *s = &c->shard[key[31] % SHARDS];
	SSL_SESSION *sess = NULL;
	time_t now = time(NULL);
	struct peer *p;

	pthread_mutex_lock(&s->mutex);
	s->asked++;
	p = (struct peer *)lru_get(&s->lru, key);
	while (p != NULL && sess == NULL && p->n > 0) {
		p->n--;
		*until = p->until[p->n];
		if (*until <= now || sess_over(p->sess[p->n], now)) {
			SSL_SESSION_free(p->sess[p->n]);
		} else if (sess_single_use(p->sess[p->n])) {
			sess = p->sess[p->n];
		} else {
			sess = SSL_SESSION_dup(p->sess[p->n++]);
			break;
		}
	}
	if (p != NULL && p->n == 0)
		peer_drop(s, p);
	if (sess != NULL)
		s->hits++;
	pthread_mutex_unlock(&s->mutex);
	return sess;
}

void
sessions_stats(struct sessions *c, uint64_t *asked, uint64_t *hits)
{
	size_t i;

	*asked = *hits = 0;
	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&c->shard[i].mutex);
		*asked += c->shard[i].asked;
		*hits += c->shard[i].hits;
		pthread_mutex_unlock(&c->shard[i].mutex);
	}
}
