/*
 * SHA-256, the key of certificates, chains and sessions in every cache here.
 */
#ifndef TLS_DIGEST_H
#define TLS_DIGEST_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

void	digest_bytes(const void *, size_t, uint8_t out[32]);
/* The digest of the certificate's DER. */
void	digest_cert(const X509 *, uint8_t out[32]);
/* Store it in the certificate, before anybody else has that. */
void	digest_set(X509 *, const uint8_t digest[32]);

#endif
