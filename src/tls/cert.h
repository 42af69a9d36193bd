/*
 * What every cache here wants of a certificate: its digest, which is its key,
 * and the memory that it takes once it has been read. Frequent certificates
 * carry both along.
 */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

void	 digest_bytes(const void *, size_t, uint8_t out[32]);	/* SHA-256 */
/* The digest of the certificate's DER. */
void	 cert_digest(const X509 *, uint8_t out[32]);

/*
 * The memory is far more than the bytes, the more so the smaller the parts are.
 * The estimate is a little high, so that a budget holds.
 */
size_t	 cert_weight_der(const uint8_t *, size_t);
size_t	 cert_weight(const X509 *);
size_t	 cert_weight_chain(const STACK_OF(X509) *);	/* NULL: 0 */

/* Store both in the certificate, before anybody else has that. */
void	 cert_note(X509 *, const uint8_t digest[32], size_t weight);

#endif
