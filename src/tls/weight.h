/*
 * The memory of a certificate once it has been read. It is far more than its
 * bytes, the more so the smaller its parts are. The estimate is a little high,
 * so that a budget holds.
 */
#ifndef TLS_WEIGHT_H
#define TLS_WEIGHT_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

size_t	 weight_der(const uint8_t *, size_t);
/* The weight as set, or estimated from the DER. */
size_t	 weight_cert(const X509 *);
size_t	 weight_chain(const STACK_OF(X509) *);	/* NULL: 0 */
/* Store it in the certificate, before anybody else has that. */
void	 weight_set(X509 *, size_t);

#endif
