/*
 * The names a certificate is for, as a rule of the policy would ask for them.
 */
#ifndef TLS_CERTNAMES_H
#define TLS_CERTNAMES_H

#include <openssl/x509.h>

#include "util/text.h"

#define CERTNAMES_MAX	1024	/* bytes of text; names past it are left out */

/*
 * Append the DNS names of its subjectAltName, each with a NUL behind it, in
 * lower case. For a wildcard there is some name that it covers. What is no
 * name is left out.
 */
void	certnames(X509 *, struct text *out);

#endif
