/*
 * SHA-256, which names certificates, chains and sessions in every cache here.
 */
#ifndef TLS_DIGEST_H
#define TLS_DIGEST_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

void	digest_bytes(const void *, size_t, uint8_t out[32]);
/* Of the certificate's DER. */
void	digest_cert(const X509 *, uint8_t out[32]);
/* Remember it with the certificate, before anybody else has that. */
void	digest_set(X509 *, const uint8_t digest[32]);

#endif
