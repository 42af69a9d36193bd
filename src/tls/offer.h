/*
 * Inside this room: the cipher suites and groups of a context, and of a
 * connection whose client needs others.
 */
#ifndef TLS_OFFER_H
#define TLS_OFFER_H

#include <openssl/ssl.h>

#include "tls/tls.h"

/*
 * Set those of a side, or where it names none, ours and behind them all that
 * the library has. Returns NULL, or what is wrong: static text. May leave
 * errors in OpenSSL's queue.
 */
const char	*offer_set(SSL_CTX *, const struct tls_side *);

/*
 * For the certificate callback of a server. A client of TLS 1.2 without
 * signature algorithms means SHA-1 (RFC 5246, 7.4.1.4.1), which our level does
 * not sign with. It may do without any signature: this leaves the suites in
 * which RSA is the key exchange, if there are any. libssl asks for an algorithm
 * that the level allows even then, so the level becomes 0; there is nothing to
 * sign. Returns 1, or 0: no memory.
 */
int		 offer_unsigned(SSL *);

#endif
