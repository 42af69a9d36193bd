/*
 * The algorithm is looked up once; OpenSSL 3.0 would look it up for every
 * digest. Frequent certificates carry their digest along.
 */
#include "tls/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static EVP_MD		*sha256;
static int		 cert_index = -1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
digest_drop(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	free(ptr);
}

static int
digest_dup(CRYPTO_EX_DATA *into, const CRYPTO_EX_DATA *from, void **ptr,
    int idx, long argl, void *argp)
{
	*ptr = NULL;		/* a copy may be changed: it has none */
	return 1;
}

static void
digest_init(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	cert_index = X509_get_ex_new_index(0, NULL, NULL, digest_dup,
	    digest_drop);
	if (sha256 == NULL)
		abort();	/* every OpenSSL has it */
}

void
digest_bytes(const void *data, size_t len, uint8_t out[32])
{
	pthread_once(&once, digest_init);
	if (!EVP_Digest(data, len, out, NULL, sha256, NULL))
		abort();	/* no memory */
}

void
digest_cert(const X509 *x, uint8_t out[32])
{
	const uint8_t *kept;
	uint8_t *der = NULL;
	int n;

	pthread_once(&once, digest_init);
	kept = cert_index != -1 ? X509_get_ex_data(x, cert_index) : NULL;
	if (kept != NULL) {
		memcpy(out, kept, 32);
		return;
	}
	/* A certificate that cannot be encoded gets a random digest. */
	if ((n = i2d_X509(x, &der)) > 0)
		digest_bytes(der, (size_t)n, out);
	else if (RAND_bytes(out, 32) != 1)
		abort();
	OPENSSL_free(der);
}

void
digest_set(X509 *x, const uint8_t digest[32])
{
	uint8_t *kept;

	pthread_once(&once, digest_init);
	if (cert_index == -1)
		return;
	kept = xmemdup(digest, 32);
	if (!X509_set_ex_data(x, cert_index, kept))
		free(kept);
}
