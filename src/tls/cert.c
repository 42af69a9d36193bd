/*
 * The digest's algorithm is looked up once; OpenSSL 3.0 would look it up for
 * every digest.
 *
 * libcrypto makes one or two objects for each element of the DER, and keeps the
 * DER as well; it reads extensions when asked. So the weight counts the
 * elements, also those inside extensions.
 */
#include "tls/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define BASE	2048		/* X509, its locks, key and caches */
#define ELEMENT	128		/* a name: GENERAL_NAME, string and bytes */
#define COPIES	4		/* of the bytes: DER, parts, canonical names */
#define DEPTH	24		/* no certificate is deeper */

struct note {
	uint8_t		 digest[32];
	size_t		 weight;
};

static EVP_MD		*sha256;
static int		 note_index = -1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
note_drop(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	free(ptr);
}

static int
note_dup(CRYPTO_EX_DATA *into, const CRYPTO_EX_DATA *from, void **ptr,
    int idx, long argl, void *argp)
{
	*ptr = NULL;		/* a copy may be changed: it has none */
	return 1;
}

static void
cert_init(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	note_index = X509_get_ex_new_index(0, NULL, NULL, note_dup, note_drop);
	if (sha256 == NULL)
		abort();	/* every OpenSSL has it */
}

static const struct note *
note_of(const X509 *x)
{
	pthread_once(&once, cert_init);
	return note_index != -1 ? X509_get_ex_data(x, note_index) : NULL;
}

void
cert_note(X509 *x, const uint8_t digest[32], size_t weight)
{
	struct note *n = xcalloc(1, sizeof(*n));

	pthread_once(&once, cert_init);
	memcpy(n->digest, digest, 32);
	n->weight = weight;
	if (note_index == -1 || !X509_set_ex_data(x, note_index, n))
		free(n);
}

void
digest_bytes(const void *data, size_t len, uint8_t out[32])
{
	pthread_once(&once, cert_init);
	if (!EVP_Digest(data, len, out, NULL, sha256, NULL))
		abort();	/* no memory */
}

void
cert_digest(const X509 *x, uint8_t out[32])
{
	const struct note *n = note_of(x);
	uint8_t *der = NULL;
	int len;

	if (n != NULL) {
		memcpy(out, n->digest, 32);
		return;
	}
	/* A certificate that cannot be encoded gets a random digest. */
	if ((len = i2d_X509(x, &der)) > 0)
		digest_bytes(der, (size_t)len, out);
	else if (RAND_bytes(out, 32) != 1)
		abort();
	OPENSSL_free(der);
}

/* Read tag and length (X.690, 8.1). Returns the content's length, or -1. */
static long
der_enter(const uint8_t **p, const uint8_t *end, uint8_t *tag)
{
	size_t n, len = 0;

	if (end - *p < 2)
		return -1;
	*tag = *(*p)++;
	n = *(*p)++;
	if (n < 0x80)
		len = n;
	else if (n > 0x84 || end - *p < (long)(n & 0x7f))
		return -1;
	else
		for (n &= 0x7f; n > 0; n--)
			len = len << 8 | *(*p)++;
	return len > (size_t)(end - *p) ? -1 : (long)len;
}

static size_t
der_count(const uint8_t *p, const uint8_t *end, int depth)
{
	size_t count = 0;
	uint8_t tag;
	long len;

	while (p < end && (len = der_enter(&p, end, &tag)) >= 0) {
		count++;
		/* An extension's value is DER inside an OCTET STRING. */
		if (depth < DEPTH && ((tag & 0x20) ||
		    (tag == 4 && len > 2 && *p == 0x30)))
			count += der_count(p, p + len, depth + 1);
		p += len;
	}
	return count;
}

size_t
cert_weight_der(const uint8_t *der, size_t len)
{
	return BASE + COPIES * len + ELEMENT * der_count(der, der + len, 0);
}

size_t
cert_weight(const X509 *x)
{
	const struct note *n = note_of(x);
	uint8_t *der = NULL;
	size_t weight = 0;
	int len;

	if (n != NULL)
		return n->weight;
	if ((len = i2d_X509(x, &der)) > 0)
		weight = cert_weight_der(der, (size_t)len);
	else
		ERR_clear_error();
	OPENSSL_free(der);
	return weight;
}

size_t
cert_weight_chain(const STACK_OF(X509) *sk)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < sk_X509_num(sk); i++)
		sum += cert_weight(sk_X509_value(sk, i));
	return sum;
}
