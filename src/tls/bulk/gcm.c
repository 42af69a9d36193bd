/*
 * The library's functions for one buffer at a time: they share nothing but
 * the table they are called by, which is made once.
 */
#include "tls/bulk/gcm.h"

#include "util/err.h"

#ifdef HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ALIGN	64

struct gcm {
	struct gcm_key_data		key;
	aes_gcm_init_t			init;	/* those of the key's size */
	aes_gcm_enc_dec_update_t	enc, dec;
	aes_gcm_enc_dec_finalize_t	enc_end, dec_end;
};

static IMB_MGR		*mb;		/* or NULL */
static atomic_int	 enabled = 1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
gcm_once(void)
{
	const uint64_t need = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
	IMB_ARCH arch = IMB_ARCH_NONE;

	if ((mb = alloc_mb_mgr(0)) == NULL)
		return;
	init_mb_mgr_auto(mb, &arch);
	if (arch == IMB_ARCH_AVX512 && (mb->features & need) == need)
		return;
	free_mb_mgr(mb);
	mb = NULL;
}

void
gcm_enable(int on)
{
	atomic_store(&enabled, on);
}

struct gcm *
gcm_new(const uint8_t *key, size_t len)
{
	size_t size = (sizeof(struct gcm) + ALIGN - 1) / ALIGN * ALIGN;
	struct gcm *g;

	pthread_once(&once, gcm_once);
	if (mb == NULL || !enabled || (g = aligned_alloc(ALIGN, size)) == NULL)
		return NULL;
	if (len == 16) {
		mb->gcm128_pre(key, &g->key);
		g->init = mb->gcm128_init;
		g->enc = mb->gcm128_enc_update;
		g->enc_end = mb->gcm128_enc_finalize;
		g->dec = mb->gcm128_dec_update;
		g->dec_end = mb->gcm128_dec_finalize;
	} else {
		mb->gcm256_pre(key, &g->key);
		g->init = mb->gcm256_init;
		g->enc = mb->gcm256_enc_update;
		g->enc_end = mb->gcm256_enc_finalize;
		g->dec = mb->gcm256_dec_update;
		g->dec_end = mb->gcm256_dec_finalize;
	}
	return g;
}

void
gcm_free(struct gcm *g)
{
	if (g != NULL)
		OPENSSL_cleanse(g, sizeof(*g));
	free(g);
}

void
gcm_seal(const struct gcm *g, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *p, size_t len, uint8_t last, uint8_t *out)
{
	struct gcm_context_data c;

	g->init(&g->key, &c, nonce, aad, aad_len);
	g->enc(&g->key, &c, out, p, len);
	g->enc(&g->key, &c, out + len, &last, 1);
	g->enc_end(&g->key, &c, out + len + 1, GCM_TAG);
}

int
gcm_open(const struct gcm *g, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *p, size_t len, uint8_t *last, uint8_t *out)
{
	struct gcm_context_data c;
	uint8_t tag[GCM_TAG];
	int rv;

	g->init(&g->key, &c, nonce, aad, aad_len);
	g->dec(&g->key, &c, out, p, len);
	g->dec(&g->key, &c, last, p + len, 1);
	g->dec_end(&g->key, &c, tag, GCM_TAG);
	rv = CRYPTO_memcmp(tag, p + len + 1, GCM_TAG) == 0 ? 0 : ERR_DENIED;
	OPENSSL_cleanse(tag, sizeof(tag));	/* what a forger would like */
	return rv;
}

#else	/* no such library: see gcm.h */

void
gcm_enable(int on)
{
}

struct gcm *
gcm_new(const uint8_t *key, size_t len)
{
	return NULL;
}

void
gcm_free(struct gcm *g)
{
}

void
gcm_seal(const struct gcm *g, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *p, size_t len, uint8_t last, uint8_t *out)
{
}

int
gcm_open(const struct gcm *g, const uint8_t *nonce, const uint8_t *aad,
    size_t aad_len, const uint8_t *p, size_t len, uint8_t *last, uint8_t *out)
{
	return ERR_DENIED;
}
#endif
