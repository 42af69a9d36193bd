/*
 * Who signs forged certificates: a callback, so that the CA key can live in
 * another process without the phases knowing. In this process the answer
 * comes before signer_sign() returns.
 */
#ifndef TLS_SIGNER_H
#define TLS_SIGNER_H

#include <openssl/x509.h>

/* Signed in place; err is 0 or an ERR_*. Called in any thread, exactly once. */
typedef void (*signer_done)(void *arg, X509 *, int err);

struct signer {
	void	*ctx;
	/* Sign the complete certificate; takes nothing over. */
	void	(*sign)(void *ctx, X509 *, signer_done, void *arg);
	void	(*free)(void *ctx);
};

struct signer	*signer_local(EVP_PKEY *ca_key);	/* takes a reference */
void		 signer_free(struct signer *);

/* The digest a CA key signs with; NULL where the key type needs none. */
const EVP_MD	*signer_digest(EVP_PKEY *);

#endif
