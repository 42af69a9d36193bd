/*
 * The store of intermediates. What was fetched is kept by its URL, and found
 * again by the URL in the certificate whose issuer is wanted.
 */
#include "tls/issuers.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tls/cert.h"
#include "util/cache.h"
#include "util/err.h"
#include "util/mem.h"

#define TTL_GOOD	(24 * 3600)	/* s; they change once in years */
#define TTL_BAD		600		/* s; a CA's server may be mended */
#define BAG_MAX		8		/* of one URL: cross-signed ones */

struct issuers {
	STACK_OF(X509)	*loaded;
	struct cache	*fetched;	/* struct bag, by URL */
};

struct bag {
	struct cache_item item;
	time_t		 expires;
	STACK_OF(X509)	*certs;
};

struct issuers *
issuers_new(size_t bytes)
{
	struct issuers *is = xcalloc(1, sizeof(*is));

	is->loaded = sk_X509_new_null();
	is->fetched = cache_new(bytes);
	return is;
}

void
issuers_free(struct issuers *is)
{
	if (is == NULL)
		return;
	sk_X509_pop_free(is->loaded, X509_free);
	cache_free(is->fetched);
	free(is);
}

/* Returns how many certificates of a PEM file were added. */
static int
load_file(struct issuers *is, const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	X509 *x;
	int n = 0;

	while (bio != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		X509_check_purpose(x, -1, 0);	/* computes what it keeps */
		if (sk_X509_push(is->loaded, x) > 0)
			n++;
		else
			X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n;
}

static int
load_dir(struct issuers *is, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	char *file;
	int n = 0;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		file = xasprintf("%s/%s", path, d->d_name);
		n += load_file(is, file);
		free(file);
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

int
issuers_load(struct issuers *is, const char *path, struct text *errors)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		text_printf(errors, "intermediates: %s: %s\n", path,
		    strerror(errno));
		return ERR_USAGE;
	}
	if ((S_ISDIR(st.st_mode) ? load_dir(is, path) :
	    load_file(is, path)) > 0)
		return 0;
	text_printf(errors, "intermediates: %s: holds no PEM certificate that "
	    "can be read\n", path);
	return ERR_USAGE;
}

static int
find_in(STACK_OF(X509) *from, const X509 *x, STACK_OF(X509) *out)
{
	X509 *c;
	int i, n = 0;

	for (i = 0; i < sk_X509_num(from); i++) {
		c = sk_X509_value(from, i);
		/* The name alone first: that is cheap. */
		if (X509_NAME_cmp(X509_get_subject_name(c),
		    X509_get_issuer_name(x)) != 0 ||
		    X509_check_issued(c, (X509 *)(uintptr_t)x) != X509_V_OK)
			continue;
		if (sk_X509_push(out, c) <= 0)
			break;
		X509_up_ref(c);
		n++;
	}
	return n;
}

static void
url_key(const char *url, uint8_t key[32])
{
	digest_bytes(url, strlen(url), key);
}

int
issuers_find(struct issuers *is, const X509 *x, STACK_OF(X509) *out)
{
	char url[ISSUER_URL_MAX];
	uint8_t key[32];
	struct bag *b;
	int n = find_in(is->loaded, x, out);

	if (n > 0 || issuers_url(x, url) != 0)
		return n;
	url_key(url, key);
	b = (struct bag *)cache_ask(is->fetched, key);
	if (b != NULL && time(NULL) < b->expires)
		n = find_in(b->certs, x, out);
	cache_unlock(is->fetched, key);
	return n;
}

/* Take a URL that is http's and can be a C string. */
static int
url_take(const ASN1_IA5STRING *s, char out[ISSUER_URL_MAX])
{
	const char *p = (const char *)ASN1_STRING_get0_data(s);
	size_t i, len = (size_t)ASN1_STRING_length(s);

	if (len >= ISSUER_URL_MAX || len < 8 || strncasecmp(p, "http://", 7))
		return 0;
	for (i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return 0;
	memcpy(out, p, len);
	out[len] = '\0';
	return 1;
}

int
issuers_url(const X509 *x, char out[ISSUER_URL_MAX])
{
	AUTHORITY_INFO_ACCESS *aia;
	const ACCESS_DESCRIPTION *d;
	int i, found = 0;

	out[0] = '\0';
	aia = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
	for (i = 0; !found && i < sk_ACCESS_DESCRIPTION_num(aia); i++) {
		d = sk_ACCESS_DESCRIPTION_value(aia, i);
		found = OBJ_obj2nid(d->method) == NID_ad_ca_issuers &&
		    d->location->type == GEN_URI &&
		    url_take(d->location->d.uniformResourceIdentifier, out);
	}
	AUTHORITY_INFO_ACCESS_free(aia);
	ERR_clear_error();
	return found ? 0 : ERR_NOTFOUND;
}

int
issuers_asked(struct issuers *is, const char *url)
{
	uint8_t key[32];
	struct bag *b;
	int asked;

	url_key(url, key);
	b = (struct bag *)cache_ask(is->fetched, key);
	asked = b != NULL && time(NULL) < b->expires;
	cache_unlock(is->fetched, key);
	return asked;
}

static void
bag_free(struct cache_item *item)
{
	struct bag *b = (struct bag *)item;

	sk_X509_pop_free(b->certs, X509_free);
	free(b);
}

/* Take a reference to a certificate that was read; NULL is none. */
static void
bag_add(STACK_OF(X509) *out, X509 *x)
{
	if (x == NULL || sk_X509_num(out) >= BAG_MAX ||
	    sk_X509_push(out, x) <= 0)
		return;
	X509_up_ref(x);
	X509_check_purpose(x, -1, 0);
}

static void
bag_read(STACK_OF(X509) *out, const uint8_t *data, size_t len)
{
	const uint8_t *p = data;
	X509 *x = d2i_X509(NULL, &p, (long)len);
	PKCS7 *bag = NULL;
	int i;

	bag_add(out, x);
	X509_free(x);
	p = data;
	if (x == NULL)
		bag = d2i_PKCS7(NULL, &p, (long)len);
	if (bag != NULL && PKCS7_type_is_signed(bag) && bag->d.sign != NULL)
		for (i = 0; i < sk_X509_num(bag->d.sign->cert); i++)
			bag_add(out, sk_X509_value(bag->d.sign->cert, i));
	PKCS7_free(bag);
	ERR_clear_error();
}

int
issuers_put(struct issuers *is, const char *url, const uint8_t *data,
    size_t len)
{
	struct bag *b = xcalloc(1, sizeof(*b));
	struct cache_item *old;
	uint8_t key[32];
	int n;

	url_key(url, key);
	cache_item_init(&b->item, key, bag_free);
	b->certs = sk_X509_new_null();
	if (len > 0)
		bag_read(b->certs, data, len);
	n = sk_X509_num(b->certs);
	b->expires = time(NULL) + (n > 0 ? TTL_GOOD : TTL_BAD);
	if ((old = cache_lock(is->fetched, key)) != NULL)
		cache_drop(is->fetched, old, 0);
	cache_add(is->fetched, &b->item, sizeof(*b) +
	    cert_weight_chain(b->certs), n > 0 ? CACHE_GOOD : CACHE_POOR);
	cache_unlock(is->fetched, key);
	return n;
}
