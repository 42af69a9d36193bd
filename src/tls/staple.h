/*
 * What a server staples to its handshake: an OCSP response about its own
 * certificate (RFC 6066, 8; RFC 6960). OpenSSL parses it.
 */
#ifndef TLS_STAPLE_H
#define TLS_STAPLE_H

#include <openssl/x509.h>
#include <stdint.h>

#include "tls/issuers.h"

/*
 * Whether the response (DER) says that the certificate which chain verifies is
 * revoked. One that is not signed by the certificate's issuer, or by whom that
 * charges with it, that is about another certificate, or out of date by more
 * than some minutes, says nothing. The chain must be good otherwise.
 */
int	 staple_revokes(const uint8_t *der, size_t len, X509_STORE_CTX *chain,
	    struct issuers *);

#endif
