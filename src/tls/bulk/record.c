/*
 * AEAD of TLS 1.3 by gcm.h where that can, else over libcrypto: the ciphers
 * are fetched once, and a record is five calls, without a copy.
 */
#include "tls/bulk/record.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

#include "tls/bulk/gcm.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/cursor.h"

struct record_suite {
	unsigned int	 id;
	const char	*cipher, *digest;
	size_t		 key_len, secret_len;
	int		 gcm;		/* see gcm.h */
	EVP_CIPHER	*evp;
};

static struct record_suite suites[] = {
	{ 0x1301, "AES-128-GCM", "SHA256", 16, 32, 1, NULL },
	{ 0x1302, "AES-256-GCM", "SHA384", 32, 48, 1, NULL },
	{ 0x1303, "ChaCha20-Poly1305", "SHA256", 32, 32, 0, NULL }
};
static EVP_KDF		*hkdf;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
record_fetch(void)
{
	size_t i;

	hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	for (i = 0; i < NELEM(suites); i++)
		suites[i].evp = EVP_CIPHER_fetch(NULL, suites[i].cipher, NULL);
}

static const struct record_suite *
suite_of(unsigned int id)
{
	size_t i;

	pthread_once(&once, record_fetch);
	for (i = 0; i < NELEM(suites); i++)
		if (suites[i].id == id && suites[i].evp != NULL &&
		    hkdf != NULL)
			return &suites[i];
	return NULL;
}

int
record_suite(unsigned int id)
{
	return suite_of(id) != NULL;
}

/* HKDF-Expand-Label with no context (RFC 8446, 7.1). */
static int
expand(const struct record_dir *r, const char *label, uint8_t *out, size_t len)
{
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(hkdf);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY, rv;
	size_t n = 6 + strlen(label);
	uint8_t info[32] = { 0 };
	OSSL_PARAM p[5];

	put_u16(info, (uint16_t)len);
	info[2] = (uint8_t)n;
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n - 6);
	p[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	p[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    (char *)(uintptr_t)r->suite->digest, 0);
	p[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
	    (void *)(uintptr_t)r->secret, r->suite->secret_len);
	p[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
	    n + 4);
	p[4] = OSSL_PARAM_construct_end();
	rv = ctx != NULL && EVP_KDF_derive(ctx, out, len, p) == 1;
	EVP_KDF_CTX_free(ctx);
	return rv ? 0 : ERR_MEM;
}

static int
record_key(struct record_dir *r, const uint8_t *key)
{
	gcm_free(r->gcm);
	r->gcm = r->suite->gcm ? gcm_new(key, r->suite->key_len) : NULL;
	if (r->gcm != NULL)
		return 0;
	if (r->ctx == NULL && (r->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return ERR_MEM;
	return EVP_CipherInit_ex(r->ctx, r->suite->evp, NULL, key, NULL,
	    r->seal) == 1 ? 0 : ERR_MEM;
}

/* Key and iv from the secret; from here the count begins anew. */
static int
record_rekey(struct record_dir *r)
{
	uint8_t key[32];
	int rv = ERR_MEM;

	r->seq = 0;
	if (expand(r, "key", key, r->suite->key_len) == 0 &&
	    expand(r, "iv", r->iv, sizeof(r->iv)) == 0)
		rv = record_key(r, key);
	OPENSSL_cleanse(key, sizeof(key));
	return rv;
}

int
record_init(struct record_dir *r, unsigned int suite, const uint8_t *secret,
    size_t len, int seal)
{
	memset(r, 0, sizeof(*r));
	if ((r->suite = suite_of(suite)) == NULL || len != r->suite->secret_len)
		return ERR_UNSUPPORTED;
	memcpy(r->secret, secret, len);
	r->seal = seal;
	if (record_rekey(r) != 0) {
		record_done(r);
		return ERR_MEM;
	}
	return 0;
}

void
record_done(struct record_dir *r)
{
	EVP_CIPHER_CTX_free(r->ctx);	/* wipes its keys */
	gcm_free(r->gcm);
	OPENSSL_cleanse(r, sizeof(*r));
}

int
record_update(struct record_dir *r)
{
	uint8_t next[RECORD_SECRET];
	int rv;

	rv = expand(r, "traffic upd", next, r->suite->secret_len);
	if (rv == 0) {
		memcpy(r->secret, next, r->suite->secret_len);
		rv = record_rekey(r);
	}
	OPENSSL_cleanse(next, sizeof(next));
	return rv;
}

int
record_size(const uint8_t *p, size_t len, size_t *size)
{
	if (len >= 1 && p[0] != RECORD_DATA)
		return ERR_FORMAT;
	if (len < RECORD_HEAD)
		return ERR_SHORT;
	*size = RECORD_HEAD + (size_t)(p[3] << 8 | p[4]);
	if (*size > RECORD_WIRE)
		return ERR_LIMIT;
	return len < *size ? ERR_SHORT : 0;
}

/* Of the next record (5.3). */
static void
record_nonce(struct record_dir *r, uint8_t nonce[GCM_NONCE])
{
	int i;

	memcpy(nonce, r->iv, GCM_NONCE);
	for (i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(r->seq >> 8 * i);
	r->seq++;
}

static int
evp_begin(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *head)
{
	int n;

	return EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, -1) == 1 &&
	    EVP_CipherUpdate(c, NULL, &n, head, RECORD_HEAD) == 1;
}

static int
evp_seal(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *p,
    size_t len, uint8_t type, uint8_t *out)
{
	uint8_t *at = out + RECORD_HEAD;
	int n;

	return evp_begin(c, nonce, out) &&
	    (len == 0 || EVP_CipherUpdate(c, at, &n, p, (int)len) == 1) &&
	    EVP_CipherUpdate(c, at + len, &n, &type, 1) == 1 &&
	    EVP_CipherFinal_ex(c, at + len + 1, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, GCM_TAG,
	    at + len + 1) == 1;
}

static int
evp_open(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *rec,
    size_t len, uint8_t *type, uint8_t *out)
{
	const uint8_t *at = rec + RECORD_HEAD;
	int n;

	return evp_begin(c, nonce, rec) &&
	    (len == 0 || EVP_CipherUpdate(c, out, &n, at, (int)len) == 1) &&
	    EVP_CipherUpdate(c, type, &n, at + len, 1) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, GCM_TAG,
	    (void *)(uintptr_t)(at + len + 1)) == 1 &&
	    EVP_CipherFinal_ex(c, type, &n) == 1;
}

size_t
record_seal(struct record_dir *r, uint8_t type, const uint8_t *p, size_t len,
    uint8_t *out)
{
	uint8_t nonce[GCM_NONCE];

	out[0] = RECORD_DATA;
	put_u16(out + 1, 0x0303);
	put_u16(out + 3, (uint16_t)(len + 1 + GCM_TAG));
	if (r->seq == UINT64_MAX)
		return 0;
	record_nonce(r, nonce);
	if (r->gcm != NULL)
		gcm_seal(r->gcm, nonce, out, RECORD_HEAD, p, len, type,
		    out + RECORD_HEAD);
	else if (!evp_seal(r->ctx, nonce, p, len, type, out))
		return 0;
	return len + RECORD_EXTRA;
}

ssize_t
record_open(struct record_dir *r, const uint8_t *rec, size_t size, uint8_t *out,
    uint8_t *type)
{
	uint8_t nonce[GCM_NONCE];
	size_t len;

	if (size < RECORD_EXTRA || r->seq == UINT64_MAX)
		return ERR_DENIED;
	len = size - RECORD_EXTRA;
	record_nonce(r, nonce);
	/* The last byte apart: out has no room for the type. */
	if (r->gcm != NULL ? gcm_open(r->gcm, nonce, rec, RECORD_HEAD,
	    rec + RECORD_HEAD, len, type, out) != 0 :
	    !evp_open(r->ctx, nonce, rec, len, type, out))
		return ERR_DENIED;
	/* Padding (5.4): zeros behind the type. */
	while (*type == 0 && len > 0)
		*type = out[--len];
	if (*type == 0)
		return ERR_FORMAT;
	return len > RECORD_CLEAR ? ERR_LIMIT : (ssize_t)len;
}
