/*
 * What an explicit listener shows to a browser that opens it like a web site:
 * the CA's certificate to install, and how to use the proxy.
 */
#include "proxy/portal.h"

#include <openssl/pem.h>

#include "codec/slice.h"
#include "http/page.h"
#include "tls/tls.h"
#include "util/mem.h"
#include "util/text.h"

static const char portal_index[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>Clearspan</title></head>\n"
    "<body>\n<h1>Clearspan</h1>\n"
    "<p>This is an explicit proxy (HTTP CONNECT, plain HTTP, SOCKS5). "
    "Clients that use it must trust its certificate authority:</p>\n"
    "<ul>\n"
    "<li><a href=\"/ca.pem\">ca.pem</a>: PEM, for Linux, curl, Firefox</li>\n"
    "<li><a href=\"/ca.crt\">ca.crt</a>: DER, for Windows, Android, iOS</li>\n"
    "</ul>\n</body>\n</html>\n";

static void
portal_cert(struct text *body, X509 *cert, int pem)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (pem)
		PEM_write_bio_X509(b, cert);
	else
		i2d_X509_bio(b, cert);
	n = BIO_get_mem_data(b, &p);
	text_add(body, p, (size_t)n);
	BIO_free(b);
}

char *
portal_page(struct tls *tls, const char *path, size_t pathlen, size_t *len,
    int *status)
{
	struct slice want = slice_of(path, pathlen);
	struct text body = { 0 };
	const char *type = "application/x-x509-ca-cert";

	*status = 200;
	if (slice_eq(want, "/ca.pem")) {
		portal_cert(&body, tls_ca_cert(tls), 1);
	} else if (slice_eq(want, "/ca.crt")) {
		portal_cert(&body, tls_ca_cert(tls), 0);
	} else {
		*status = slice_eq(want, "/") ? 200 : 404;
		type = "text/html; charset=utf-8";
		text_puts(&body, portal_index);
	}
	return page_whole(*status, type, "", &body, len);
}
