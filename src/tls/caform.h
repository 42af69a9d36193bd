/*
 * The forms in which devices take a CA's certificate. None has its key but
 * caform_p12(), if it is given one.
 */
#ifndef TLS_CAFORM_H
#define TLS_CAFORM_H

#include <openssl/x509.h>

#include "util/text.h"

/* form: "pem", "der", "p12" (empty password), "mobileconfig" (Apple). 1; 0 if
 * OpenSSL fails. */
int	caform_write(const char *form, X509 *, BIO *);
/* key: NULL, or it is in it too, under the password. */
int	caform_p12(X509 *, EVP_PKEY *key, const char *password, BIO *);
/* SHA-256, in capitals with colons, as browsers show it. */
void	caform_fingerprint(X509 *, struct text *);

#endif
