/*
 * The real certificates of own servers, with their keys: what clients are shown
 * in place of a forged leaf (inbound inspection).
 */
#ifndef TLS_OWN_H
#define TLS_OWN_H

#include <openssl/x509.h>
#include <stddef.h>
#include <time.h>

#include "tls/leaf.h"
#include "util/text.h"

struct own_files {		/* PEM; certificate i goes with key i */
	char	*const *cert, *const *key;
	size_t	 n;
};

/* One server's: a certificate for each type of key. Immutable. */
struct own;

/*
 * A certificate's file may have its chain after it, which clients get as it is.
 * Returns 0; or ERR_USAGE with a line "FILE: what is wrong" for each error.
 */
int		 own_load(const struct own_files *, struct own **,
		    struct text *errors);
struct own	*own_ref(struct own *);
void		 own_free(struct own *);	/* a reference; NULL is fine */

/* The one for a client that can do this type of key, or RSA, or any. No
 * reference. */
struct leaf	*own_leaf(const struct own *, enum leaf_key);
/* Whether a certificate has the key of one of these. */
int		 own_is(const struct own *, const X509 *);
/* When the first of these ends. */
time_t		 own_until(const struct own *);

#endif
