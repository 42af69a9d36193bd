/*
 * The caches of sessions. A TLS 1.3 ticket is used once (RFC 8446, C.4), so
 * several are kept for a server. A TLS 1.2 session is used many times, each
 * time as a copy, because libssl marks the session that it gets.
 */
#include "tls/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "util/cache.h"
#include "util/mem.h"

#define PER_KEY		4	/* as many as two tickets of two connections */
#define SESSION		1024	/* bytes of one, without its ticket */

struct peer {
	struct cache_item item;
	SSL_SESSION	*sess[PER_KEY];	/* oldest first */
	struct sessions_about about[PER_KEY];
	size_t		 n;
	unsigned	 open;		/* 0: it was never opened */
};

static void
peer_free(struct cache_item *item)
{
	struct peer *p = (struct peer *)item;

	while (p->n > 0)
		SSL_SESSION_free(p->sess[--p->n]);
	free(p);
}

/* The tickets of one connection share its chain. */
static size_t
peer_weight(const struct peer *p)
{
	const unsigned char *ticket;
	size_t i, len, n = sizeof(*p), chain = 0;

	for (i = 0; i < p->n; i++) {
		SSL_SESSION_get0_ticket(p->sess[i], &ticket, &len);
		n += SESSION + len;
		if (i == 0 || p->about[i].chain != p->about[i - 1].chain)
			chain += p->about[i].chain;
	}
	return n + chain;
}

/* OpenSSL 3.3 has a function for years after 2038. */
static time_t
sess_time(const SSL_SESSION *s)
{
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
	return SSL_SESSION_get_time_ex(s);
#else
	return SSL_SESSION_get_time(s);
#endif
}

static int
sess_over(const SSL_SESSION *s, time_t now)
{
	return sess_time(s) + (time_t)SSL_SESSION_get_timeout(s) <= now;
}

static int
sess_single_use(const SSL_SESSION *s)
{
	return SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION;
}

/* Make room for one more: drop the oldest. For TLS 1.2 keep only one. */
static void
peer_room(struct peer *p, int single_use)
{
	while (p->n == PER_KEY || (p->n > 0 && !single_use)) {
		SSL_SESSION_free(p->sess[0]);
		p->n--;
		memmove(p->sess, p->sess + 1, p->n * sizeof(p->sess[0]));
		memmove(p->about, p->about + 1, p->n * sizeof(p->about[0]));
	}
}

static struct peer *
peer_new(const uint8_t key[32])
{
	struct peer *p = xcalloc(1, sizeof(*p));

	cache_item_init(&p->item, key, peer_free);
	return p;
}

void
sessions_put(struct cache *c, const uint8_t key[32], SSL_SESSION *sess,
    const struct sessions_about *about)
{
	struct peer *p = (struct peer *)cache_lock(c, key), *made = NULL;

	if (p == NULL)
		p = made = peer_new(key);
	peer_room(p, sess_single_use(sess));
	p->sess[p->n] = sess;
	p->about[p->n++] = *about;
	if (made != NULL)
		cache_add(c, &p->item, peer_weight(p), CACHE_GOOD);
	else
		cache_size(c, &p->item, peer_weight(p), CACHE_GOOD);
	cache_unlock(c, key);
}

/* Whether the last one is given away for good; else a copy of it is. */
static int
peer_gives(const struct peer *p)
{
	return sess_single_use(p->sess[p->n]) && (p->open == 0 || p->n > 0);
}

SSL_SESSION *
sessions_get(struct cache *c, const uint8_t key[32],
    struct sessions_about *about)
{
	struct peer *p = (struct peer *)cache_ask(c, key);
	SSL_SESSION *sess = NULL;
	time_t now = time(NULL);

	while (p != NULL && sess == NULL && p->n > 0) {
		p->n--;
		*about = p->about[p->n];
		if (about->until <= now || sess_over(p->sess[p->n], now)) {
			SSL_SESSION_free(p->sess[p->n]);
		} else if (peer_gives(p)) {
			sess = p->sess[p->n];
		} else {
			sess = SSL_SESSION_dup(p->sess[p->n++]);
			break;
		}
	}
	if (p != NULL && p->n == 0 && p->open == 0)
		cache_drop(c, &p->item, sess == NULL);
	else if (p != NULL)
		cache_size(c, &p->item, peer_weight(p), CACHE_GOOD);
	cache_unlock(c, key);
	return sess;
}

void
sessions_open(struct cache *c, const uint8_t key[32])
{
	struct peer *p = (struct peer *)cache_lock(c, key);

	if (p == NULL) {
		p = peer_new(key);
		cache_add(c, &p->item, peer_weight(p), CACHE_GOOD);
	}
	p->open++;
	cache_unlock(c, key);
}

void
sessions_close(struct cache *c, const uint8_t key[32])
{
	struct peer *p = (struct peer *)cache_lock(c, key);

	if (p != NULL && --p->open == 0)
		cache_drop(c, &p->item, 0);
	cache_unlock(c, key);
}
