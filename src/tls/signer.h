/*
 * Who signs forged certificates: a callback, so that the CA key can live in
 * another process without the phases knowing. A key that signs quickly does so
 * before sign() returns; a slow one has threads of its own (signqueue.c), as a
 * worker serves nobody while it signs.
 */
#ifndef TLS_SIGNER_H
#define TLS_SIGNER_H

#include <openssl/x509.h>

/* Signed in place; err is 0 or an ERR_*. Called in any thread, exactly once. */
typedef void (*signer_done)(void *arg, X509 *, int err);

struct signer {
	void	*ctx;
	/* Sign the complete certificate; takes nothing over. whose: for whom;
	 * where some wait, they are served in turns. */
	void	(*sign)(void *ctx, X509 *, unsigned whose, signer_done,
		    void *arg);
	/* What has not begun fails; returns when nothing is under way. NULL:
	 * nothing ever is. */
	void	(*settle)(void *ctx);
	void	(*free)(void *ctx);
};

/* Both take a reference. signer_for() chooses between them by the key. */
struct signer	*signer_local(EVP_PKEY *ca_key);
struct signer	*signer_queue(EVP_PKEY *ca_key, unsigned threads);
struct signer	*signer_for(EVP_PKEY *ca_key);
void		 signer_settle(struct signer *);
void		 signer_free(struct signer *);

/* The digest a CA key signs with; NULL where the key type needs none. */
const EVP_MD	*signer_digest(EVP_PKEY *);

#endif
