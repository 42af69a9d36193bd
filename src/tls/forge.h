/*
 * Builds the certificate of a leaf, without its signature.
 */
#ifndef TLS_FORGE_H
#define TLS_FORGE_H

#include <time.h>

#include "tls/ca.h"
#include "tls/leaf.h"

/* A leaf key, and the extensions that all its certificates share. */
struct forge_key {
	EVP_PKEY	*key;
	X509_PUBKEY	*spki;
	X509_EXTENSION	*usage;		/* keyUsage */
	X509_EXTENSION	*skid;		/* subjectKeyIdentifier */
};

/* Make the key; RSA takes some 100 ms. 0 or ERR_TLS. */
int	 forge_key_make(struct forge_key *, enum leaf_key);
void	 forge_key_done(struct forge_key *);

/*
 * Build an unsigned certificate: serial, validity, names, extensions. Every one
 * has a new serial. NULL if the original cannot be copied, or memory runs out.
 */
X509	*forge_build(const struct forge_key *, const struct ca *,
	    const struct leaf_want *, time_t now);

/*
 * Read the signed certificate again, as a receiver does. Takes ownership of the
 * old one. NULL: no memory.
 */
X509	*forge_finish(X509 *);

#endif
