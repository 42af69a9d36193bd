/*
 * Trust store and verdict cache. The key of a verdict is the hash of all
 * certificates presented, in order. A hash of the leaf alone would let a peer
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
#include "tls/cert.h"
#include "tls/intern.h"
#include "util/cache.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define TTL_GOOD	600	/* s; a withdrawn root may count so long */
#define TTL_BAD		30	/* s; a mended server still fails so long */
#define CHAIN_MAX	32	/* certificates; with more it is not cached */
#define HOPS		4	/* intermediates that are added to a chain */
#define SYSTEM_BUNDLE	"/etc/ssl/certs/ca-certificates.crt"

struct kept {
	struct cache_item item;
	struct trust_verdict	 verdict;
	time_t		 expires;
};

struct trust {
	X509_STORE	*store;
	struct cache	*cache;		/* of verdicts */
	struct issuers	*issuers;
	char		*damaged;	/* a file of revoked certificates */
	int		 quiet;		/* no warnings: they come later */
};

/* Add every certificate of a PEM file. Returns their number. */
static int
trust_add_file(struct trust *t, const char *path)
{
	int n;
	X509_LOOKUP *lookup = X509_STORE_add_lookup(t->store,
	    X509_LOOKUP_file());

	n = X509_load_cert_file(lookup, path, X509_FILETYPE_PEM);
	ERR_clear_error();
	return n;
}

/* Whether `openssl rehash` made the name: 8 hex digits, a dot, a number. */
static int
is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	    name[9] != '\0' && name[9 + strspn(name + 9, "0123456789")] == '\0';
}

/* Add every file; with hashed, only those that OpenSSL finds by their names. */
static int
trust_add_dir(struct trust *t, const char *path, int hashed,
    int (*add)(struct trust *, const char *))
{
	DIR *dir = opendir(path);
	struct dirent *d;
	struct stat st;
	char *file;
	int n = 0;

	if (dir == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL) {
		if (hashed && !is_hashed(d->d_name))
			continue;
		file = xasprintf("%s/%s", path, d->d_name);
		if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
			n += add(t, file);
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
	n = S_ISDIR(st.st_mode) ? trust_add_dir(t, path, 0, trust_add_file) :
	    trust_add_file(t, path);
	if (n > 0)
		return 0;
	text_printf(errors, "trust: %s: holds no PEM certificate\n", path);
	return ERR_USAGE;
}

/* The variable's value; NULL if it is not set, or empty. */
static const char *
environment(const char *name)
{
	const char *v = secure_getenv(name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

/* Add directories separated by colons, as in OpenSSL. */
static int
trust_add_dirs(struct trust *t, const char *list)
{
	char *copy = xstrdup(list), *dir, *save = NULL;
	int n = 0;

	for (dir = strtok_r(copy, ":", &save); dir != NULL;
	    dir = strtok_r(NULL, ":", &save))
		n += trust_add_dir(t, dir, 1, trust_add_file);
	free(copy);
	return n;
}

/*
 * Add what OpenSSL trusts by default; SSL_CERT_FILE and SSL_CERT_DIR replace
 * its file and its directory. Everything is read now, because the user that we
 * become may not be able to. Without them the system's one file is enough.
 */
static void
trust_add_system(struct trust *t)
{
	const char *file = environment(X509_get_default_cert_file_env());
	const char *dir = environment(X509_get_default_cert_dir_env());
	int n;

	if (file == NULL && dir == NULL && trust_add_file(t, SYSTEM_BUNDLE) > 0)
		return;
	n = trust_add_file(t, file != NULL ? file :
	    X509_get_default_cert_file());
	if (file != NULL && n <= 0)
		log_warn("trust: SSL_CERT_FILE: %s: no PEM certificate can be "
		    "read from it", file);
	n = trust_add_dirs(t, dir != NULL ? dir : X509_get_default_cert_dir());
	if (dir != NULL && n <= 0)
		log_warn("trust: SSL_CERT_DIR: %s: no certificate under a name "
		    "that is a hash; openssl rehash DIR makes such names", dir);
}

/* The next list of a file: PEM, or one in DER, which begins with a SEQUENCE.
 * NULL: there are no more, or the rest cannot be read. */
static X509_CRL *
crl_next(BIO *bio, int der)
{
	return der ? d2i_X509_CRL_bio(bio, NULL) :
	    PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
}

static int
crl_is_der(BIO *bio)
{
	uint8_t c[2];		/* its length takes bytes of its own */

	return BIO_read(bio, c, 2) == 2 && BIO_reset(bio) == 0 &&
	    c[0] == 0x30 && c[1] > 0x80;
}

/* Whether the last one that was wanted is not whole. */
static int
crl_is_damaged(int der, int n)
{
	return der ? n == 0 : ERR_GET_REASON(ERR_peek_last_error()) !=
	    PEM_R_NO_START_LINE;
}

/* Add every list of revoked certificates of a file. Returns their number. One
 * that is too old counts: what is revoked stays so. */
static int
trust_add_crl_file(struct trust *t, const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	const ASN1_TIME *next;
	X509_CRL *crl;
	int n = 0, der = bio != NULL && crl_is_der(bio);

	if (!der && bio != NULL)
		(void)BIO_reset(bio);
	ERR_clear_error();
	while (bio != NULL && !(der && n > 0) &&
	    (crl = crl_next(bio, der)) != NULL) {
		next = X509_CRL_get0_nextUpdate(crl);
		if (!t->quiet && next != NULL &&
		    X509_cmp_current_time(next) < 0)
			log_warn("crl: %s: a list is too old: the next one "
			    "was due; certificates revoked since pass", path);
		n += X509_STORE_add_crl(t->store, crl);
		X509_CRL_free(crl);
	}
	if (bio != NULL && crl_is_damaged(der, n) && t->damaged == NULL)
		t->damaged = xstrdup(path);
	BIO_free(bio);
	ERR_clear_error();
	return n;
}

int
trust_add_crls(struct trust *t, const char *path, struct text *errors)
{
	struct stat st;
	int n;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0) {
		text_printf(errors, "crl: %s: %s\n", path, strerror(errno));
		return ERR_USAGE;
	}
	n = S_ISDIR(st.st_mode) ?
	    trust_add_dir(t, path, 0, trust_add_crl_file) :
	    trust_add_crl_file(t, path);
	if (n > 0 && t->damaged == NULL) {
		X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK |
		    X509_V_FLAG_CRL_CHECK_ALL);
		return 0;
	}
	if (t->damaged != NULL)
		text_printf(errors, "crl: %s: a list in it is damaged, or cut "
		    "off; fetch it again\n", t->damaged);
	else
		text_printf(errors, "crl: %s: holds no list of revoked "
		    "certificates (PEM or DER)\n", path);
	return ERR_USAGE;
}

int
trust_crls_usable(const char *path, struct text *errors)
{
	struct trust t = { .store = X509_STORE_new(), .quiet = 1 };
	int rv = trust_add_crls(&t, path, errors);

	X509_STORE_free(t.store);
	free(t.damaged);
	return rv;
}

/* Let the certificates compute now what they would compute at first use. */
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
trust_new(const char *trust, char **also, size_t nalso, size_t bytes,
    struct trust **out, struct text *errors)
{
	struct trust *t = xcalloc(1, sizeof(*t));
	int rv = 0;
	size_t i;

	t->cache = cache_new(bytes / 4 * 3);
	t->issuers = issuers_new(bytes / 4);
	t->store = X509_STORE_new();
	/* What the operator names is trusted even if it is not a root. */
	X509_STORE_set_flags(t->store, X509_V_FLAG_PARTIAL_CHAIN);
	if (trust != NULL && strcmp(trust, "system") != 0)
		rv = trust_add(t, trust, errors);
	else
		trust_add_system(t);
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
	if (t == NULL)
		return;
	cache_free(t->cache);
	issuers_free(t->issuers);
	X509_STORE_free(t->store);
	free(t->damaged);
	free(t);
}

X509_STORE *
trust_store(struct trust *t)
{
	return t->store;
}

struct issuers *
trust_issuers(struct trust *t)
{
	return t->issuers;
}

/* 0, or ERR_LIMIT if the chain is too long to be cached. */
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
	cert_digest(X509_STORE_CTX_get0_cert(ctx), all);
	for (i = 0; i < n; i++)
		cert_digest(sk_X509_value(sk, i), all + 32 * (i + 1));
	digest_bytes(all, 32 * (size_t)(n + 1), key);
	return 0;
}

int
trust_is_late(int error)
{
	return error == X509_V_ERR_CERT_HAS_EXPIRED ||
	    error == X509_V_ERR_CERT_NOT_YET_VALID;
}

struct noted {			/* while a chain is verified: X509_V_* */
	int	 late, revoked;
};

/*
 * X509_verify_cert() goes from the root down, and would stop at an expired
 * intermediate before it checks the leaf's signature. So a wrong time is only
 * noted, in the app data, and reported if everything else is good; likewise
 * that a certificate is revoked. An issuer without a list says nothing, and a
 * list that is too old still says what it says.
 */
static int
chain_note(int ok, X509_STORE_CTX *ctx)
{
	struct noted *noted = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok)
		return ok;
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		noted->late = error;
		return 1;
	case X509_V_ERR_CERT_REVOKED:
		noted->revoked = error;
		return 1;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return 1;
	}
	return 0;
}

int
trust_lacks_issuer(int error)
{
	return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
}

/* Verify with what was presented. */
static void
chain_check(X509_STORE_CTX *ctx, struct trust_verdict *v)
{
	STACK_OF(X509) *sk;
	struct noted noted = { X509_V_OK, X509_V_OK };
	time_t end;
	int i;

	X509_STORE_CTX_set_app_data(ctx, &noted);
	X509_STORE_CTX_set_verify_cb(ctx, chain_note);
	if (X509_verify_cert(ctx) <= 0) {
		v->error = X509_STORE_CTX_get_error(ctx);
		if (v->error == X509_V_OK)
			v->error = X509_V_ERR_UNSPECIFIED;
	} else {
		v->error = noted.revoked != X509_V_OK ? noted.revoked :
		    noted.late;
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

/* The certificate at which a verification ended. */
static X509 *
chain_last(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *sk = X509_STORE_CTX_get0_chain(ctx);

	return sk_X509_num(sk) > 0 ? sk_X509_value(sk, sk_X509_num(sk) - 1) :
	    NULL;
}

/* As was, with these certificates. NULL: no memory. */
static X509_STORE_CTX *
chain_with(struct trust *t, X509_STORE_CTX *was, STACK_OF(X509) *all)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (ctx != NULL && X509_STORE_CTX_init(ctx, t->store,
	    X509_STORE_CTX_get0_cert(was), all) &&
	    X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(ctx),
	    X509_STORE_CTX_get0_param(was)))
		return ctx;
	X509_STORE_CTX_free(ctx);
	return NULL;
}

/*
 * Where the server has left out intermediates that we have, verify with them.
 * last: as in trust_verify_again(), or NULL.
 */
static void
chain_complete(struct trust *t, X509_STORE_CTX *first,
    struct trust_verdict *v, X509 **last)
{
	STACK_OF(X509) *all = X509_chain_up_ref(
	    X509_STORE_CTX_get0_untrusted(first));
	X509_STORE_CTX *ctx = first, *next;
	X509 *end = chain_last(ctx);
	int i;

	for (i = 0; i < HOPS && all != NULL && end != NULL &&
	    trust_lacks_issuer(v->error); i++) {
		if (issuers_find(t->issuers, end, all) == 0 ||
		    (next = chain_with(t, first, all)) == NULL)
			break;
		chain_check(next, v);
		if (ctx != first)
			X509_STORE_CTX_free(ctx);
		ctx = next;
		end = chain_last(ctx);
	}
	if (last != NULL && end != NULL && trust_lacks_issuer(v->error) &&
	    X509_up_ref(end))
		*last = end;
	if (ctx != first)
		X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(all, X509_free);
}

static void
chain_verify(struct trust *t, X509_STORE_CTX *ctx, struct trust_verdict *v,
    X509 **last)
{
	chain_check(ctx, v);
	if (trust_lacks_issuer(v->error))
		chain_complete(t, ctx, v, last);
}

static void
kept_free(struct cache_item *item)
{
	free(item);
}

static void
verdict_keep(struct cache *c, const uint8_t key[32],
    const struct trust_verdict *v)
{
	struct cache_item *old;
	struct kept *k = xcalloc(1, sizeof(*k));
	time_t now = time(NULL);

	cache_item_init(&k->item, key, kept_free);
	k->verdict = *v;
	k->expires = now + (v->error == X509_V_OK ? TTL_GOOD : TTL_BAD);
	if (v->error == X509_V_OK && k->expires > v->until)
		k->expires = v->until;
	if ((old = cache_lock(c, key)) != NULL)
		cache_drop(c, old, 0);
	cache_add(c, &k->item, sizeof(*k) + 2 * sizeof(void *),
	    v->error == X509_V_OK ? CACHE_GOOD : CACHE_POOR);
	cache_unlock(c, key);
}

/* Move its certificates from the small part of the cache to the good part. */
static void
chain_good(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *sk = X509_STORE_CTX_get0_untrusted(ctx);
	int i;

	intern_good(X509_STORE_CTX_get0_cert(ctx));
	for (i = 0; i < sk_X509_num(sk); i++)
		intern_good(sk_X509_value(sk, i));
}

void
trust_verify(struct trust *t, X509_STORE_CTX *ctx, struct trust_verdict *v)
{
	uint8_t key[32];
	struct kept *k;
	int hit = 0;

	if (chain_key(ctx, key) != 0) {
		chain_verify(t, ctx, v, NULL);
		return;
	}
	k = (struct kept *)cache_ask(t->cache, key);
	if (k != NULL && time(NULL) < k->expires) {
		*v = k->verdict;
		hit = 1;
	} else if (k != NULL) {
		cache_drop(t->cache, &k->item, 1);
	}
	cache_unlock(t->cache, key);
	if (hit)
		return;
	chain_verify(t, ctx, v, NULL);
	verdict_keep(t->cache, key, v);
	if (v->error == X509_V_OK)
		chain_good(ctx);
}

void
trust_verify_again(struct trust *t, X509_STORE_CTX *ctx,
    struct trust_verdict *v, X509 **last)
{
	uint8_t key[32];

	*last = NULL;
	chain_verify(t, ctx, v, last);
	if (chain_key(ctx, key) == 0)
		verdict_keep(t->cache, key, v);
}

void
trust_stats(struct trust *t, struct cache_stats *out)
{
	cache_stats(t->cache, out);
}
