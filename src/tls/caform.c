/*
 * The forms of a CA's certificate.
 */
#include "tls/caform.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static int
form_pem(X509 *x, BIO *out)
{
	return PEM_write_bio_X509(out, x);
}

static int
form_der(X509 *x, BIO *out)
{
	return i2d_X509_bio(out, x);
}

int
caform_p12(X509 *x, EVP_PKEY *key, const char *pass, BIO *out)
{
	PKCS12 *p;
	int ok;

	/* Without the key nothing is secret, so write it in the clear. */
	p = PKCS12_create(pass, "Clearspan CA", key, x, NULL, 0,
	    key != NULL ? 0 : -1, 0, 0, 0);
	ok = p != NULL && i2d_PKCS12_bio(out, p);
	PKCS12_free(p);
	return ok;
}

static int
form_p12(X509 *x, BIO *out)
{
	return caform_p12(x, NULL, "", out);
}

/* A UUID that is the same in every export of this CA. */
static void
uuid_of(const uint8_t *sha, int which, char out[40])
{
	uint8_t u[16];
	char hex[33];

	memcpy(u, sha, 16);
	u[15] = (uint8_t)(u[15] + which);
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x50);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	hex_lower(hex, u, 16);
	snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
	    hex + 16, hex + 20);
}

/* Apple's configuration profile: a property list with the DER inside. */
static int
form_mobileconfig(X509 *x, BIO *out)
{
	uint8_t *der = NULL, sha[32];
	char one[40], two[40], *b64;
	int len = i2d_X509(x, &der), ok;

	if (len <= 0 || !X509_digest(x, EVP_sha256(), sha, NULL))
		return 0;
	uuid_of(sha, 0, one);
	uuid_of(sha, 1, two);
	b64 = xmalloc((size_t)len * 2 + 8);
	EVP_EncodeBlock((uint8_t *)b64, der, len);
	ok = BIO_printf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	    "<plist version=\"1.0\">\n<dict>\n"
	    "<key>PayloadContent</key>\n<array>\n<dict>\n"
	    "<key>PayloadCertificateFileName</key>"
	    "<string>clearspan-ca.cer</string>\n"
	    "<key>PayloadContent</key><data>%s</data>\n"
	    "<key>PayloadDisplayName</key><string>Clearspan CA</string>\n"
	    "<key>PayloadIdentifier</key>"
	    "<string>clearspan.ca.certificate</string>\n"
	    "<key>PayloadType</key>"
	    "<string>com.apple.security.root</string>\n"
	    "<key>PayloadUUID</key><string>%s</string>\n"
	    "<key>PayloadVersion</key><integer>1</integer>\n"
	    "</dict>\n</array>\n"
	    "<key>PayloadDisplayName</key><string>Clearspan CA</string>\n"
	    "<key>PayloadIdentifier</key><string>clearspan.ca</string>\n"
	    "<key>PayloadType</key><string>Configuration</string>\n"
	    "<key>PayloadUUID</key><string>%s</string>\n"
	    "<key>PayloadVersion</key><integer>1</integer>\n"
	    "</dict>\n</plist>\n", b64, two, one) > 0;
	OPENSSL_free(der);
	free(b64);
	return ok;
}

int
caform_write(const char *form, X509 *x, BIO *out)
{
	static const struct {
		const char	*name;
		int		(*write)(X509 *, BIO *);
	} forms[] = {
		{ "pem", form_pem },
		{ "der", form_der },
		{ "p12", form_p12 },
		{ "mobileconfig", form_mobileconfig }
	};
	size_t i;

	for (i = 0; i < NELEM(forms); i++)
		if (strcmp(form, forms[i].name) == 0)
			return forms[i].write(x, out);
	return 0;
}

void
caform_fingerprint(X509 *x, struct text *out)
{
	size_t i = out->len;
	uint8_t sha[32];

	X509_digest(x, EVP_sha256(), sha, NULL);
	text_hex(out, sha, sizeof(sha), ":");
	for (; i < out->len; i++)
		out->s[i] = (char)toupper((unsigned char)out->s[i]);
}
