/*
 * OpenSSL 3.0 looks through every decoder and every key type it has for each
 * public key it reads, and a certificate has one. This is a provider
 * (provider-base(7)) that hands on all that the default provider has, but of
 * decoders only those of a SubjectPublicKeyInfo, and of key types only those
 * TLS uses. DSA certificates cannot be read here; no cipher of ours wants
 * them. Private keys are read elsewhere. OpenSSL 3.5 reads as fast without it.
 */
#include "tls/fast.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define FEW	24		/* room for what passes */

static OSSL_LIB_CTX	*inner, *outer;
static OSSL_PROVIDER	*whole;		/* the default one, in inner */
static OSSL_ALGORITHM	 decoders[FEW + 1], keys[FEW + 1];
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

/* names is "RSA:rsaEncryption:..."; the first is the one to go by. */
static int
named(const OSSL_ALGORITHM *a, const char *const *list)
{
	size_t n = strcspn(a->algorithm_names, ":");

	for (; *list != NULL; list++)
		if (strlen(*list) == n &&
		    strncmp(a->algorithm_names, *list, n) == 0)
			return 1;
	return 0;
}

static int
is_decoder(const OSSL_ALGORITHM *a)
{
	static const char *const list[] = { "RSA", "RSA-PSS", "EC", "ED25519",
	    "ED448", NULL };

	return named(a, list) && strstr(a->property_definition,
	    "structure=SubjectPublicKeyInfo") != NULL &&
	    strstr(a->property_definition, "input=der") != NULL;
}

static int
is_key(const OSSL_ALGORITHM *a)
{
	/* DH and HMAC for the older ciphers. */
	static const char *const list[] = { "RSA", "RSA-PSS", "EC", "X25519",
	    "X448", "ED25519", "ED448", "DH", "HMAC", "ML-KEM-512",
	    "ML-KEM-768", "ML-KEM-1024", "X25519MLKEM768", "SecP256r1MLKEM768",
	    "ML-DSA-44", "ML-DSA-65", "ML-DSA-87", NULL };

	return named(a, list);
}

/* Copies those that pass; they are OpenSSL's own static tables. */
static int
pick(OSSL_ALGORITHM *out, int op, int (*pass)(const OSSL_ALGORITHM *))
{
	int no_cache = 0;
	const OSSL_ALGORITHM *a;
	size_t n = 0;

	a = OSSL_PROVIDER_query_operation(whole, op, &no_cache);
	for (; a != NULL && a->algorithm_names != NULL && n < FEW; a++)
		if (pass(a))
			out[n++] = *a;
	return n > 0;
}

static const OSSL_ALGORITHM *
fast_query(void *provctx, int op, int *no_cache)
{
	*no_cache = 0;
	if (op == OSSL_OP_DECODER)
		return decoders;
	if (op == OSSL_OP_KEYMGMT)
		return keys;
	return OSSL_PROVIDER_query_operation(whole, op, no_cache);
}

static void
fast_unquery(void *provctx, int op, const OSSL_ALGORITHM *a)
{
	if (op != OSSL_OP_DECODER && op != OSSL_OP_KEYMGMT)
		OSSL_PROVIDER_unquery_operation(whole, op, a);
}

/* The groups of TLS are learned so. */
static int
fast_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *cb,
    void *arg)
{
	return OSSL_PROVIDER_get_capabilities(whole, capability, cb, arg);
}

static int
fast_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH table[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION,
		    (void (*)(void))fast_query },
		{ OSSL_FUNC_PROVIDER_UNQUERY_OPERATION,
		    (void (*)(void))fast_unquery },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
		    (void (*)(void))fast_capabilities },
		{ 0, NULL }
	};

	inner = OSSL_LIB_CTX_new();
	if (inner == NULL ||
	    (whole = OSSL_PROVIDER_load(inner, "default")) == NULL ||
	    !pick(decoders, OSSL_OP_DECODER, is_decoder) ||
	    !pick(keys, OSSL_OP_KEYMGMT, is_key))
		return 0;
	*provctx = OSSL_PROVIDER_get0_provider_ctx(whole);
	*out = table;
	return 1;
}

static void
fast_init(void)
{
	if (OpenSSL_version_num() >= 0x30500000L)
		return;
	outer = OSSL_LIB_CTX_new();
	if (outer != NULL &&
	    OSSL_PROVIDER_add_builtin(outer, "fast", fast_provider) &&
	    OSSL_PROVIDER_load(outer, "fast") != NULL)
		return;
	OSSL_LIB_CTX_free(outer);
	outer = NULL;
	ERR_clear_error();
}

OSSL_LIB_CTX *
fast_ctx(void)
{
	pthread_once(&once, fast_init);
	return outer;
}
