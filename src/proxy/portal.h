/*
 * How clients get our CA: a page with its fingerprint and the steps for each
 * platform, and its certificate in the forms that these take. An explicit
 * listener shows it to who opens it like a web site; and so does any request by
 * plain HTTP for the name below.
 */
#ifndef PROXY_PORTAL_H
#define PROXY_PORTAL_H

#include "http/page.h"

struct tls;

#define PORTAL_NAME	"clearspan.ca"

/* The response to p->request, malloc'ed; p->status is set. */
char	*portal_page(struct tls *, struct page *p, size_t *len);

#endif
