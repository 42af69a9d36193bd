/*
 * Contexts by the client's hello. A context costs some 140 us and 15 KiB; it
 * saves each handshake the 15 us that a list of cipher suites costs when it is
 * set on a connection. What is asked for once only is in the cache's poor part.
 */
#include "tls/hellos.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls/ctx.h"
#include "util/err.h"
#include "util/mem.h"

#define KEPT		64		/* contexts; browsers are few */
#define WEIGHT		(16 * 1024)	/* bytes of one, OpenSSL 3.0 to 3.5 */
/* New ones: so many at once, and then one in so many ms. */
#define BURST		64
#define EVERY_MS	100

struct hellos_profile {
	struct tls_profile profile;
	struct tls_hello *own;
	struct follow_own follow;
	uint8_t		*message;	/* our own hello; or NULL */
};

struct hellos {
	struct tls	*tls;
	struct cache	*cache;
	struct hellos_profile *profiles;
	size_t		 n;
	_Atomic uint64_t due;		/* ms: when all may be new again */
	_Atomic uint64_t many;
};

static void
hello_drop(struct cache_item *item)
{
	struct tls_hello *h = (struct tls_hello *)item;

	SSL_CTX_free(h->ctx);
	prints_done(&h->prints);
	free(h);
}

static struct tls_hello *
hello_new(SSL_CTX *ctx, const uint8_t key[32], int follows)
{
	struct tls_hello *h = xcalloc(1, sizeof(*h));

	cache_item_init(&h->item, key, hello_drop);
	h->ctx = ctx;
	h->follows = follows;
	prints_init(&h->prints);
	return h;
}

/* Have it said, to nobody, and read it. Without it no client is followed. */
static void
profile_listen(struct hellos_profile *p)
{
	SSL *ssl = SSL_new(p->own->ctx);
	BIO *out = BIO_new(BIO_s_mem()), *in = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (ssl == NULL || out == NULL || in == NULL) {
		BIO_free(in);
		BIO_free(out);
	} else {
		SSL_set_bio(ssl, in, out);
		SSL_set_connect_state(ssl);
		SSL_do_handshake(ssl);
		len = BIO_get_mem_data(out, &data);
		p->message = len > 0 ? xmemdup(data, (size_t)len) : NULL;
		if (len > 0 && hello_parse(&p->follow.hello, p->message,
		    (size_t)len, NULL) != 0) {
			free(p->message);
			p->message = NULL;
		}
	}
	SSL_free(ssl);
	ERR_clear_error();
	p->follow.min = side_min(&p->profile.server);
	p->follow.max = side_max(&p->profile.server);
}

int
hellos_new(struct tls *t, const struct tls_profile *profiles, size_t n,
    struct hellos **out, struct text *errors)
{
	static const uint8_t key[32];
	struct hellos *h = xcalloc(1, sizeof(*h));
	struct hellos_profile *p;
	SSL_CTX *ctx;

	*out = h;
	h->tls = t;
	h->cache = cache_new(KEPT * WEIGHT);
	h->profiles = xcalloc(n, sizeof(*h->profiles));
	for (; h->n < n; h->n++) {
		p = &h->profiles[h->n];
		p->profile = profiles[h->n];
		ctx = ctx_client(t, &p->profile, errors);
		if (ctx == NULL)
			return ERR_USAGE;
		p->own = hello_new(ctx, key, 0);
		profile_listen(p);
	}
	return 0;
}

void
hellos_free(struct hellos *h)
{
	if (h == NULL)
		return;
	while (h->n > 0) {
		h->n--;
		cache_unref(&h->profiles[h->n].own->item);
		if (h->profiles[h->n].message != NULL)
			hello_free(&h->profiles[h->n].follow.hello);
		free(h->profiles[h->n].message);
	}
	cache_free(h->cache);
	free(h->profiles);
	free(h);
}

struct tls_hello *
hellos_own(struct hellos *h, size_t profile)
{
	return (struct tls_hello *)cache_ref(&h->profiles[profile].own->item);
}

/* Whether one may be made now; due moves on for each. */
static int
hellos_may(struct hellos *h, uint64_t now)
{
	uint64_t due = h->due, next;

	do {
		next = (due > now ? due : now) + EVERY_MS;
		if (next > now + BURST * EVERY_MS) {
			h->many++;
			return 0;
		}
	} while (!atomic_compare_exchange_weak(&h->due, &due, next));
	return 1;
}

/* What is asked for again is worth its place. */
static struct tls_hello *
hellos_find(struct hellos *h, const uint8_t key[32])
{
	struct cache_item *i = cache_ask(h->cache, key);

	if (i != NULL) {
		cache_ref(i);
		if (i->part == CACHE_POOR)
			cache_size(h->cache, i, i->bytes, CACHE_GOOD);
	}
	cache_unlock(h->cache, key);
	return (struct tls_hello *)i;
}

/* Hand it over to the cache; if another worker was faster, it is that one. */
static struct tls_hello *
hellos_put(struct hellos *h, struct tls_hello *made)
{
	const uint8_t *key = made->item.key;
	struct cache_item *i = cache_lock(h->cache, key);

	if (i == NULL) {
		i = cache_ref(&made->item);
		cache_add(h->cache, &made->item, WEIGHT, CACHE_POOR);
		made = NULL;
	} else {
		cache_ref(i);
	}
	cache_unlock(h->cache, i->key);
	if (made != NULL)
		cache_unref(&made->item);
	return (struct tls_hello *)i;
}

static struct tls_hello *
hellos_make(struct hellos *h, const struct hellos_profile *p,
    const struct follow *f, const uint8_t key[32], uint64_t now)
{
	SSL_CTX *ctx;

	if (!hellos_may(h, now) || (ctx = ctx_following(h->tls, &p->profile,
	    p->own->ctx, f)) == NULL)
		return NULL;
	return hellos_put(h, hello_new(ctx, key, 1));
}

struct tls_hello *
hellos_get(struct hellos *h, const struct tls_want *w, uint64_t now)
{
	const struct hellos_profile *p = &h->profiles[w->profile];
	struct tls_hello *found;
	struct hello client;
	struct follow f;
	uint8_t key[32];
	struct cursor c;

	if (w->how == TLS_HELLO_OWN || w->hello == NULL ||
	    p->message == NULL || p->profile.server.own_hello)
		return hellos_own(h, w->profile);
	c = cursor_of(w->hello, 4);
	/* Our certificate may have a key that the client knows nothing of. */
	if (hello_parse_message(&client, w->hello,
	    4 + (cursor_u32(&c) & 0xffffff)) != 0 ||
	    follow(&f, &p->follow, &client, w->how == TLS_HELLO_BOTH ||
	    w->client != NULL) != 0)
		return hellos_own(h, w->profile);
	follow_digest(&f, w->profile, key);
	if ((found = hellos_find(h, key)) == NULL)
		found = hellos_make(h, p, &f, key, now);
	return found != NULL ? found : hellos_own(h, w->profile);
}

void
hellos_stats(struct hellos *h, struct cache_stats *stats, uint64_t *many)
{
	cache_stats(h->cache, stats);
	*many = h->many;
}
