/*
 * The signer of forged certificates. It answers by a callback, so that the CA
 * key may live in another process. A quick key signs before sign() returns. A
 * slow key has its own threads (signqueue.c), because a worker serves nobody
 * while it signs.
 */
#ifndef TLS_SIGNER_H
#define TLS_SIGNER_H

#include <openssl/x509.h>

/* Signed in place; err is 0 or an ERR_*. Called in any thread, exactly once. */
typedef void (*signer_done)(void *arg, X509 *, int err);

struct signer {
	void	*ctx;
	/* Sign the complete certificate; takes nothing over. owner: of the
	 * client; those that wait are served in turns. */
	void	(*sign)(void *ctx, X509 *, uint64_t owner, signer_done,
		    void *arg);
	/* Orders not begun fail; returns when none is under way. NULL: none
	 * ever is. */
	void	(*settle)(void *ctx);
	void	(*free)(void *ctx);
};

/* Both take a reference. signer_for() chooses between them by the key. */
struct signer	*signer_local(EVP_PKEY *ca_key);
struct signer	*signer_queue(EVP_PKEY *ca_key, unsigned threads);
struct signer	*signer_for(EVP_PKEY *ca_key);
void		 signer_settle(struct signer *);
void		 signer_free(struct signer *);

/* The digest that a CA key signs with; NULL: its type needs none. */
const EVP_MD	*signer_digest(EVP_PKEY *);

#endif
