/*
 * The signer in this process, and the choice of a signer for a key.
 */
#include "tls/signer.h"

#include <openssl/evp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

struct local {
	EVP_PKEY	*key;
	const EVP_MD	*md;
};

/* Slow keys get half of the cores; the others forward. */
#define SLOW_SHARE	2

static void	local_sign(void *, X509 *, uint64_t, signer_done, void *);
static void	local_free(void *);

/* Edwards curves hash themselves; other keys get a digest of their strength. */
const EVP_MD *
signer_digest(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return NULL;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

struct signer *
signer_local(EVP_PKEY *ca_key)
{
	struct signer *s = xcalloc(1, sizeof(*s));
	struct local *l = xcalloc(1, sizeof(*l));

	EVP_PKEY_up_ref(ca_key);
	l->key = ca_key;
	l->md = signer_digest(ca_key);
	s->ctx = l;
	s->sign = local_sign;
	s->free = local_free;
	return s;
}

static void
local_sign(void *ctx, X509 *x, uint64_t owner, signer_done done, void *arg)
{
	struct local *l = ctx;

	done(arg, x, X509_sign(x, l->key, l->md) > 0 ? 0 : ERR_TLS);
}

static void
local_free(void *ctx)
{
	struct local *l = ctx;

	EVP_PKEY_free(l->key);
	free(l);
}

/*
 * Quick keys sign in 20 to 50 us, which is less than waking a thread costs.
 * P-384 takes 1 ms, RSA from 0.6 ms (2048) to 4 ms (4096).
 */
static int
signer_quick(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") ||
	    (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) <= 256);
}

struct signer *
signer_for(EVP_PKEY *ca_key)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) / SLOW_SHARE;

	if (signer_quick(ca_key))
		return signer_local(ca_key);
	return signer_queue(ca_key, n > 1 ? (unsigned)n : 1);
}

void
signer_settle(struct signer *s)
{
	if (s->settle != NULL)
		s->settle(s->ctx);
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	s->free(s->ctx);
	free(s);
}
