/*
 * Building the certificate of a leaf, all but its signature.
 */
#ifndef TLS_FORGE_H
#define TLS_FORGE_H

#include <time.h>

#include "tls/ca.h"
#include "tls/leaf.h"

/* A leaf key and what every certificate for it shares. */
struct forge_key {
	EVP_PKEY	*key;
	X509_PUBKEY	*spki;
	X509_EXTENSION	*usage;		/* keyUsage */
	X509_EXTENSION	*skid;		/* subjectKeyIdentifier */
};

/* Makes the key: RSA takes some 100 ms. 0 or ERR_TLS. */
int	 forge_key_make(struct forge_key *, enum leaf_key);
void	 forge_key_done(struct forge_key *);

/*
 * Serial, validity, names, extensions; signed by nobody yet. Each has another
 * serial. NULL when the original cannot be copied, or there is no memory.
 */
X509	*forge_build(const struct forge_key *, const struct ca *,
	    const struct leaf_want *, time_t now);

/*
 * Once it is signed: the certificate as whoever receives it reads it. Takes
 * the old one over; NULL without memory.
 */
X509	*forge_finish(X509 *);

#endif
