/*
 * Certificates as text. The same few come again and again, so the texts are
 * cached by fingerprint. And their names, as rules use them.
 */
#include "tls/certinfo.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/hostname.h"
#include "tls/ca.h"
#include "tls/cert.h"
#include "util/cache.h"
#include "util/mem.h"

/* A peer may send names of any length. Keep what a person would read. */
#define NAME_MOST	4096	/* bytes of a name as text */
#define SERIAL_MOST	64	/* octets; RFC 5280, 4.1.2.2 allows 20 */

static struct cache	*cache;
static _Atomic size_t	 bytes = 4 << 20;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
certinfo_init(void)
{
	cache = cache_new(bytes);
}

void
certinfo_budget(size_t n)
{
	bytes = n;
}

/* Cut at the start of a character, so that no half of one is left. */
static size_t
text_cut(const char *s, size_t n)
{
	if (n <= NAME_MOST)
		return n;
	for (n = NAME_MOST; n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80; n--)
		;
	return n;
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
	s = n > 0 ? xstrndup(data, text_cut(data, (size_t)n)) : xstrdup("");
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

static void
certinfo_drop(struct cache_item *item)
{
	struct certinfo *i = (struct certinfo *)item;

	free(i->subject);
	free(i->issuer);
	free(i->serial);
	free(i->fingerprint);
	free(i->sha256);
	free(i);
}

static struct certinfo *
certinfo_new(X509 *x, const uint8_t sha256[32])
{
	struct certinfo *i = xcalloc(1, sizeof(*i));
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	uint8_t sha1[20] = { 0 };
	size_t len = (size_t)ASN1_STRING_length(serial);

	cache_item_init(&i->item, sha256, certinfo_drop);
	i->subject = name_text(X509_get_subject_name(x));
	i->issuer = name_text(X509_get_issuer_name(x));
	i->serial = colons(ASN1_STRING_get0_data(serial),
	    len < SERIAL_MOST ? len : SERIAL_MOST, 1);
	X509_digest(x, EVP_sha1(), sha1, NULL);
	i->fingerprint = colons(sha1, sizeof(sha1), 0);
	i->sha256 = xmalloc(65);
	hex_lower(i->sha256, sha256, 32);
	when(X509_get0_notBefore(x), i->notbefore, sizeof(i->notbefore));
	when(X509_get0_notAfter(x), i->notafter, sizeof(i->notafter));
	ERR_clear_error();
	return i;
}

void
certinfo_unref(struct certinfo *i)
{
	if (i != NULL)
		cache_unref(&i->item);
}

static size_t
certinfo_weight(const struct certinfo *i)
{
	return sizeof(*i) + strlen(i->subject) +
	    strlen(i->issuer) + strlen(i->serial) + 60 + 65 + 5 * 16;
}

struct certinfo *
certinfo_of(X509 *x, int good)
{
	struct certinfo *i, *made;
	uint8_t key[32];

	pthread_once(&once, certinfo_init);
	cert_digest(x, key);
	if ((i = (struct certinfo *)cache_ask(cache, key)) != NULL)
		cache_ref(&i->item);
	cache_unlock(cache, key);
	if (i != NULL)
		return i;
	made = certinfo_new(x, key);
	if (cache_lock(cache, key) == NULL) {
		cache_ref(&made->item);
		cache_add(cache, &made->item, certinfo_weight(made),
		    good ? CACHE_GOOD : CACHE_POOR);
	}
	cache_unlock(cache, key);
	return made;
}

void
certinfo_stats(struct cache_stats *out)
{
	pthread_once(&once, certinfo_init);
	cache_stats(cache, out);
}

static void
add_name(struct text *out, const ASN1_STRING *dns)
{
	const char *p = (const char *)ASN1_STRING_get0_data(dns);
	size_t n = (size_t)ASN1_STRING_length(dns);
	char name[HOSTNAME_MAX + 1];
	int star = n > 2 && memcmp(p, "*.", 2) == 0;

	if (star) {
		p += 2;
		n -= 2;
	}
	if (hostname_copy(name, p, n) != 0)
		return;
	if (star)
		text_puts(out, "wildcard.");
	text_puts(out, name);
	text_add(out, "", 1);
}

void
certnames(X509 *x, struct text *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	size_t start = out->len;
	const GENERAL_NAME *g;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && out->len - start +
	    HOSTNAME_MAX + 16 < CERTNAMES_MAX; i++) {
		g = sk_GENERAL_NAME_value(names, i);
		if (g->type == GEN_DNS)
			add_name(out, g->d.dNSName);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}
