/*
 * Intermediates that servers leave out of their chains: those of the operator's
 * files, and those fetched from where a certificate says that its issuer is
 * (caIssuers, RFC 5280, 4.2.2.1). None of them is trusted for being here: they
 * are what a chain to a trusted CA may be built with. For any thread, once
 * loaded.
 */
#ifndef TLS_ISSUERS_H
#define TLS_ISSUERS_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

#define ISSUER_URL_MAX	512	/* with its NUL; a longer one is not used */

struct issuers;

/* bytes: of those fetched. */
struct issuers	*issuers_new(size_t bytes);
void		 issuers_free(struct issuers *);	/* NULL is fine */
/* Add a PEM file, or every file of a directory. 0, or ERR_USAGE with a line in
 * errors. */
int		 issuers_load(struct issuers *, const char *path,
		    struct text *errors);

/* Append those that may have issued the certificate, each with a reference of
 * the caller's. Returns their number. */
int		 issuers_find(struct issuers *, const X509 *,
		    STACK_OF(X509) *);

/* The first http URL at which a certificate's issuer can be had, into out.
 * Returns 0, or ERR_NOTFOUND with out empty. */
int		 issuers_url(const X509 *, char out[ISSUER_URL_MAX]);
/* Whether it was fetched lately, with or without success. */
int		 issuers_asked(struct issuers *, const char *url);
/*
 * Keep what came from there: a certificate (DER), or a bag of them (PKCS#7),
 * of which 8 count; len 0: nothing came. Returns how many certificates it
 * holds; 0 is remembered, too, for ten minutes.
 */
int		 issuers_put(struct issuers *, const char *url,
		    const uint8_t *data, size_t len);

#endif
