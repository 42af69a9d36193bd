/*
 * What a certificate takes in memory once it has been read: far more than its
 * bytes, and the more the smaller its parts are. A little more is counted
 * than it takes, so that a budget holds.
 */
#ifndef TLS_WEIGHT_H
#define TLS_WEIGHT_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

size_t	 weight_der(const uint8_t *, size_t);
/* As set, or by its DER. */
size_t	 weight_cert(const X509 *);
size_t	 weight_chain(const STACK_OF(X509) *);	/* NULL: 0 */
/* Remember it with the certificate, before anybody else has that. */
void	 weight_set(X509 *, size_t);

#endif
