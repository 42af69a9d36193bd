/*
 * How clients get the CA that is theirs: a page with its fingerprint and the
 * steps for each platform, and its certificate in the forms that these take. An
 * explicit listener shows it to who opens it like a web site; and so does any
 * request by plain HTTP for the name below.
 */
#ifndef PROXY_PORTAL_H
#define PROXY_PORTAL_H

#include <openssl/x509.h>

#include "conf/conf.h"
#include "http/page.h"

#define PORTAL_NAME	"clearspan.ca"

/* Whether this is a name of the site: that of the CA's page, or that of the
 * captive portal where there are quarantines. NULL is none. */
int	 portal_is(const struct conf *, const char *name);
/* The name of the captive portal. */
const char *portal_captive(const struct conf *);

/* The response to p->request, malloc'ed; p->status is set. cert is the CA's, or
 * NULL: there is none. */
char	*portal_page(X509 *cert, struct page *p, size_t *len);

#endif
