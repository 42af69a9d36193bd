/*
 * Trust store and verdict cache. The key of a verdict is the hash of every
 * certificate presented, in order: of the leaf alone it would let a peer
 * borrow the good chain of another.
 */
#include "tls/trust.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/ca.h"
#include "tls/digest.h"
#include "tls/fast.h"
#include "tls/lru.h"
#include "util/err.h"
#include "util/mem.h"

#define SHARDS		8
#define VERDICTS	8192	/* some 100 bytes each */
#define TTL_GOOD	600	/* so long may a root withdrawn still count */
#define TTL_BAD		30	/* so long a server mended still fails */
#define CHAIN_MAX	32	/* certificates; with more it is not cached */
#define SYSTEM_BUNDLE	"/etc/ssl/certs/ca-certificates.crt"

struct kept {
	struct lru_item	 item;
	struct verdict	 verdict;
	time_t		 expires;
};

struct shard {
	pthread_mutex_t	 mutex;
	struct lru	 lru;
	uint64_t	 asked, hits;
};

struct trust {
	X509_STORE	*store;
	struct shard	 shard[SHARDS];
};

/* Adds every certificate of a PEM file; how many. */
static int
trust_add_file(struct trust *t, const char *path)
{
	int n;
	X509_LOOKUP *lookup = X509_STORE_add_lookup(t->store,
	    X509_LOOKUP_file());

	n = X509_load_cert_file_ex(lookup, path, X509_FILETYPE_PEM, fast_ctx(),
	    NULL);
	ERR_clear_error();
	return n;
}

static int
trust_add_dir(struct trust *t, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	struct stat st;
	char *file;
	int n = 0;

	if (dir == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL) {
		file = xasprintf("%s/%s", path, d->d_name);
		if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
			n += trust_add_file(t, file);
		free(file);
	}
	closedir(dir);
	return n;
}

static int
trust_add(struct trust *t, const char *path, struct text *errors)
{
	struct stat st;
	int n;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0) {
		text_printf(errors, "trust: %s: %s\n", path, strerror(errno));
		return ERR_USAGE;
	}
	n = S_ISDIR(st.st_mode) ? trust_add_dir(t, path) :
	    trust_add_file(t, path);
	if (n > 0)
		return 0;
	text_printf(errors, "trust: %s: holds no PEM certificate\n", path);
	return ERR_USAGE;
}

/* What the certificates would work out at first use is worked out now. */
static void
trust_settle(struct trust *t)
{
	STACK_OF(X509_OBJECT) *sk = X509_STORE_get0_objects(t->store);
	X509 *x;
	int i;

	for (i = 0; i < sk_X509_OBJECT_num(sk); i++) {
		x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(sk, i));
		if (x != NULL)
			X509_check_purpose(x, -1, 0);
	}
}

int
trust_new(const char *trust, char **also, size_t nalso, struct trust **out,
    struct text *errors)
{
	struct trust *t = xcalloc(1, sizeof(*t));
	int rv = 0;
	size_t i;

	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&t->shard[i].mutex, NULL);
		lru_init(&t->shard[i].lru, VERDICTS / SHARDS);
	}
	t->store = X509_STORE_new();
	/* What the operator names is trusted, be it no root (as in curl). */
	X509_STORE_set_flags(t->store, X509_V_FLAG_PARTIAL_CHAIN);
	if (trust != NULL && strcmp(trust, "system") != 0)
		rv = trust_add(t, trust, errors);
	else if (trust_add_file(t, SYSTEM_BUNDLE) <= 0)
		X509_STORE_set_default_paths(t->store);
	for (i = 0; i < nalso; i++)
		if (trust_add(t, also[i], errors) != 0)
			rv = ERR_USAGE;
	trust_settle(t);
	ERR_clear_error();
	if (rv != 0) {
		trust_free(t);
		t = NULL;
	}
	*out = t;
	return rv;
}

void
trust_free(struct trust *t)
{
	struct lru_item *item;
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < SHARDS; i++) {
		while ((item = lru_oldest(&t->shard[i].lru)) != NULL) {
			lru_del(&t->shard[i].lru, item);
			free(item);
		}
		lru_done(&t->shard[i].lru);
		pthread_mutex_destroy(&t->shard[i].mutex);
	}
	X509_STORE_free(t->store);
	free(t);
}

X509_STORE *
trust_store(struct trust *t)
{
	return t->store;
}

/* 0, or ERR_LIMIT when the chain is too long to be worth it. */
static int
chain_key(X509_STORE_CTX *ctx, uint8_t key[32])
{
	STACK_OF(X509) *sk = X509_STORE_CTX_get0_untrusted(ctx);
	uint8_t all[(CHAIN_MAX + 1) * 32];
	int i, n = sk_X509_num(sk);

	if (n < 0)
		n = 0;
	if (n > CHAIN_MAX)
		return ERR_LIMIT;
	digest_cert(X509_STORE_CTX_get0_cert(ctx), all);
	for (i = 0; i < n; i++)
		digest_cert(sk_X509_value(sk, i), all + 32 * (i + 1));
	digest_bytes(all, 32 * (size_t)(n + 1), key);
	return 0;
}

int
trust_is_late(int error)
{
	return error == X509_V_ERR_CERT_HAS_EXPIRED ||
	    error == X509_V_ERR_CERT_NOT_YET_VALID;
}

/*
 * X509_verify_cert() goes from the root down, and would stop at an expired
 * intermediate before it has looked at the leaf's signature. So a time is
 * noted, in the app data, and all else must be good before it is told.
 */
static int
chain_late(int ok, X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok || !trust_is_late(error))
		return ok;
	*(int *)X509_STORE_CTX_get_app_data(ctx) = error;
	return 1;
}

static void
chain_verify(X509_STORE_CTX *ctx, struct verdict *v)
{
	STACK_OF(X509) *sk;
	int i, late = X509_V_OK;
	time_t end;

	X509_STORE_CTX_set_app_data(ctx, &late);
	X509_STORE_CTX_set_verify_cb(ctx, chain_late);
	if (X509_verify_cert(ctx) <= 0) {
		v->error = X509_STORE_CTX_get_error(ctx);
		if (v->error == X509_V_OK)
			v->error = X509_V_ERR_UNSPECIFIED;
	} else {
		v->error = late;
	}
	X509_STORE_CTX_set_app_data(ctx, NULL);
	v->until = time(NULL) + 365 * 24 * 3600;
	sk = X509_STORE_CTX_get0_chain(ctx);
	for (i = 0; v->error == X509_V_OK && i < sk_X509_num(sk); i++) {
		end = ca_time(X509_get0_notAfter(sk_X509_value(sk, i)));
		if (end < v->until)
			v->until = end;
	}
	ERR_clear_error();
}

static void
verdict_keep(struct shard *s, const uint8_t key[32], const struct verdict *v)
{
	struct lru_item *old;
	struct kept *k = xcalloc(1, sizeof(*k));
	time_t now = time(NULL);

	memcpy(k->item.key, key, 32);
	k->verdict = *v;
	k->expires = now + (v->error == X509_V_OK ? TTL_GOOD : TTL_BAD);
	if (v->error == X509_V_OK && k->expires > v->until)
		k->expires = v->until;
	pthread_mutex_lock(&s->mutex);
	if ((old = lru_get(&s->lru, key)) != NULL) {
		lru_del(&s->lru, old);
		free(old);
	}
	lru_put(&s->lru, &k->item);
	if (lru_over(&s->lru)) {
		old = lru_oldest(&s->lru);
		lru_del(&s->lru, old);
		free(old);
	}
	pthread_mutex_unlock(&s->mutex);
}

void
trust_verify(struct trust *t, X509_STORE_CTX *ctx, struct verdict *v)
{
	struct shard *s;
	uint8_t key[32];
	struct kept *k;
	int hit = 0;

	if (chain_key(ctx, key) != 0) {
		chain_verify(ctx, v);
		return;
	}
	s = &t->shard[key[31] % SHARDS];
	pthread_mutex_lock(&s->mutex);
	s->asked++;
	k = (struct kept *)lru_get(&s->lru, key);
	if (k != NULL && time(NULL) < k->expires) {
		*v = k->verdict;
		s->hits++;
		hit = 1;
	}
	pthread_mutex_unlock(&s->mutex);
	if (hit)
		return;
	chain_verify(ctx, v);
	verdict_keep(s, key, v);
}

void
trust_stats(struct trust *t, uint64_t *asked, uint64_t *hits)
{
	size_t i;

	*asked = *hits = 0;
	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&t->shard[i].mutex);
		*asked += t->shard[i].asked;
		*hits += t->shard[i].hits;
		pthread_mutex_unlock(&t->shard[i].mutex);
	}
}
