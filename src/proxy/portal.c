/*
 * The CA's page and its files. The key is nowhere near.
 */
#include "proxy/portal.h"

#include <stdlib.h>
#include <string.h>

#include "codec/slice.h"
#include "tls/caform.h"
#include "tls/certinfo.h"
#include "util/mem.h"

static const struct {
	const char	*path, *form, *type;
} files[] = {
	{ "/ca.pem", "pem", "application/x-pem-file" },
	{ "/ca.crt", "der", "application/x-x509-ca-cert" },
	{ "/ca.der", "der", "application/x-x509-ca-cert" },
	{ "/ca.p12", "p12", "application/x-pkcs12" },
	{ "/ca.mobileconfig", "mobileconfig",
	    "application/x-apple-aspen-config" }
};

const char *
portal_captive(const struct conf *c)
{
	return c->pages.captive_name != NULL ? c->pages.captive_name :
	    PORTAL_NAME;
}

int
portal_is(const struct conf *c, const char *name)
{
	return name != NULL &&
	    ((c->pages.ca && strcmp(name, PORTAL_NAME) == 0) ||
	    (c->nquarantines > 0 && strcmp(name, portal_captive(c)) == 0));
}

static char *
portal_file(struct page *p, X509 *cert, size_t i, size_t *len)
{
	BIO *b = BIO_new(BIO_s_mem());
	struct text body = { 0 };
	char *s, *fields, *page;
	long n;

	p->status = caform_write(files[i].form, cert, b) ? 200 : 500;
	n = BIO_get_mem_data(b, &s);
	text_add(&body, s, (size_t)n);
	BIO_free(b);
	/* The profile is to be opened, not saved. */
	fields = xasprintf("X-Content-Type-Options: nosniff\r\n"
	    "Content-Disposition: %s; filename=\"clearspan-%s\"\r\n",
	    slice_eq(slice_of(files[i].form, 3), "mob") ? "inline" :
	    "attachment", files[i].path + 1);
	page = page_whole(p->status, files[i].type, fields, &body, len);
	if (slice_eq(p->request->method, "HEAD"))
		*len -= (size_t)n;
	free(fields);
	return page;
}

static char *
portal_index(struct page *p, X509 *cert, size_t *len)
{
	struct certinfo *info = certinfo_of(cert, 1);
	struct text sha = { 0 };
	char *until = xasprintf("%sZ", info->notafter), *page;
	struct page_ca ca = { info->subject, NULL, until };

	caform_fingerprint(cert, &sha);
	ca.fingerprint = sha.s;
	p->kind = PAGE_CA;
	p->ca = &ca;
	page = page_make(p, len);
	text_free(&sha);
	free(until);
	certinfo_unref(info);
	return page;
}

char *
portal_page(X509 *cert, struct page *p, size_t *len)
{
	struct slice path = p->request->path, front;
	size_t i;

	if (slice_cut(&path, '?', &front))
		path = front;
	if (!p->pages->ca || cert == NULL) {
		p->kind = PAGE_FAILURE;
		p->status = 404;
		p->reason = cert == NULL ? "nothing is here: there is no CA" :
		    "nothing is here: pages.ca is off";
		return page_make(p, len);
	}
	for (i = 0; i < NELEM(files); i++)
		if (slice_eq(path, files[i].path))
			return portal_file(p, cert, i, len);
	p->status = path.len == 0 || slice_eq(path, "/") ? 200 : 404;
	return portal_index(p, cert, len);
}
