/*
 * The names of a certificate, in the form that rules of the policy use.
 */
#ifndef TLS_CERTNAMES_H
#define TLS_CERTNAMES_H

#include <openssl/x509.h>

#include "util/text.h"

#define CERTNAMES_MAX	1024	/* bytes of text; further names are left out */

/*
 * Append the DNS names of its subjectAltName in lower case, each followed by a
 * NUL. A wildcard is replaced by a name that it covers. Invalid names are left
 * out.
 */
void	certnames(X509 *, struct text *out);

#endif
