/*
 * The signer of forged certificates. It answers by a callback, so that the CA
 * key may live in another process. A quick key signs before signer_sign()
 * returns. A slow key has threads of its own, because a worker serves nobody
 * while it signs.
 */
#ifndef TLS_SIGNER_H
#define TLS_SIGNER_H

#include <openssl/x509.h>
#include <stdint.h>

struct signer;

/* Signed in place; err is 0 or an ERR_*. Called in any thread, exactly once. */
typedef void (*signer_done)(void *arg, X509 *, int err);

/* How many threads a key should have; 0: it is quick. */
unsigned	 signer_threads(EVP_PKEY *);

/* Takes a reference to the key. */
struct signer	*signer_new(EVP_PKEY *ca_key, unsigned threads);
void		 signer_free(struct signer *);

/*
 * Sign the complete certificate; takes nothing over. owner: of the client;
 * those that wait are served in turns.
 */
void		 signer_sign(struct signer *, X509 *, uint64_t owner,
		    signer_done, void *arg);
/* Orders not begun fail; returns when none is under way. */
void		 signer_settle(struct signer *);

/* The digest that a CA key signs with; NULL: its type needs none. */
const EVP_MD	*signer_digest(EVP_PKEY *);

#endif
