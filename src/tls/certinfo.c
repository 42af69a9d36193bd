/*
 * Certificates as text. The same few are seen again and again, so the texts
 * are kept by fingerprint.
 */
#include "tls/certinfo.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/ca.h"
#include "tls/digest.h"
#include "tls/lru.h"
#include "util/mem.h"
#include "util/text.h"

#define SHARDS	8
#define KEPT	4096		/* some 600 bytes each */

struct counted {
	struct certinfo	 info;
	atomic_int	 refs;
};

struct kept {
	struct lru_item	 item;
	struct certinfo	*info;
};

static struct shard {
	pthread_mutex_t	 mutex;
	struct lru	 lru;
} shards[SHARDS];
static pthread_once_t	once = PTHREAD_ONCE_INIT;

static void
shards_init(void)
{
	size_t i;

	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&shards[i].mutex, NULL);
		lru_init(&shards[i].lru, KEPT / SHARDS);
	}
}

static char *
name_text(const X509_NAME *name)
{
	unsigned long flags = (XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN |
	    ASN1_STRFLGS_RFC2253) & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *s;
	long n;

	if (bio == NULL)
		return xstrdup("");
	X509_NAME_print_ex(bio, name, 0, flags);
	n = BIO_get_mem_data(bio, &data);
	s = xstrndup(n > 0 ? data : "", n > 0 ? (size_t)n : 0);
	BIO_free(bio);
	return s;
}

/* EVE writes serials in upper case, fingerprints in lower. */
static char *
colons(const uint8_t *p, size_t n, int upper)
{
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		text_printf(&t, upper ? "%s%02X" : "%s%02x",
		    i > 0 ? ":" : "", p[i]);
	return text_take(&t);
}

static void
when(const ASN1_TIME *t, char *out, size_t size)
{
	time_t at = ca_time(t);
	struct tm tm;

	if (at == -1 || gmtime_r(&at, &tm) == NULL ||
	    strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		out[0] = '\0';
}

static struct certinfo *
certinfo_new(X509 *x, const uint8_t sha256[32])
{
	struct counted *c = xcalloc(1, sizeof(*c));
	struct certinfo *i = &c->info;
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	uint8_t sha1[20] = { 0 };

	atomic_init(&c->refs, 1);
	i->subject = name_text(X509_get_subject_name(x));
	i->issuer = name_text(X509_get_issuer_name(x));
	i->serial = colons(ASN1_STRING_get0_data(serial),
	    (size_t)ASN1_STRING_length(serial), 1);
	X509_digest(x, EVP_sha1(), sha1, NULL);
	i->fingerprint = colons(sha1, sizeof(sha1), 0);
	i->sha256 = xmalloc(65);
	hex_lower(i->sha256, sha256, 32);
	when(X509_get0_notBefore(x), i->notbefore, sizeof(i->notbefore));
	when(X509_get0_notAfter(x), i->notafter, sizeof(i->notafter));
	ERR_clear_error();
	return i;
}

struct certinfo *
certinfo_ref(struct certinfo *i)
{
	atomic_fetch_add(&((struct counted *)i)->refs, 1);
	return i;
}

void
certinfo_unref(struct certinfo *i)
{
	struct counted *c = (struct counted *)i;

	if (i == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	free(i->subject);
	free(i->issuer);
	free(i->serial);
	free(i->fingerprint);
	free(i->sha256);
	free(c);
}

/* Under the mutex; the info's reference goes to the table. */
static void
shard_keep(struct shard *s, const uint8_t key[32], struct certinfo *info)
{
	struct kept *k = xcalloc(1, sizeof(*k)), *old;

	memcpy(k->item.key, key, 32);
	k->info = info;
	lru_put(&s->lru, &k->item);
	if (lru_over(&s->lru)) {
		old = (struct kept *)lru_oldest(&s->lru);
		lru_del(&s->lru, &old->item);
		certinfo_unref(old->info);
		free(old);
	}
}

struct certinfo *
certinfo_of(X509 *x)
{
	struct certinfo *info = NULL, *made;
	uint8_t key[32];
	struct shard *s;
	struct kept *k;

	pthread_once(&once, shards_init);
	digest_cert(x, key);
	s = &shards[key[31] % SHARDS];
	pthread_mutex_lock(&s->mutex);
	if ((k = (struct kept *)lru_get(&s->lru, key)) != NULL)
		info = certinfo_ref(k->info);
	pthread_mutex_unlock(&s->mutex);
	if (info != NULL)
		return info;
	made = certinfo_new(x, key);
	pthread_mutex_lock(&s->mutex);
	if ((k = (struct kept *)lru_get(&s->lru, key)) != NULL) {
		info = certinfo_ref(k->info);
	} else {
		info = certinfo_ref(made);
		shard_keep(s, key, certinfo_ref(made));
	}
	pthread_mutex_unlock(&s->mutex);
	certinfo_unref(made);
	return info;
}
