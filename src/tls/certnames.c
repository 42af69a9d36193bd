/*
 * The names of a certificate.
 */
#include "tls/certnames.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "codec/hostname.h"

static void
add_name(struct text *out, const ASN1_STRING *dns)
{
	const char *p = (const char *)ASN1_STRING_get0_data(dns);
	size_t n = (size_t)ASN1_STRING_length(dns);
	char name[HOSTNAME_MAX + 1];
	int star = n > 2 && memcmp(p, "*.", 2) == 0;

	if (star) {
		p += 2;
		n -= 2;
	}
	if (hostname_copy(name, p, n) != 0)
		return;
	if (star)
		text_puts(out, "wildcard.");
	text_puts(out, name);
	text_add(out, "", 1);
}

void
certnames(X509 *x, struct text *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	size_t start = out->len;
	const GENERAL_NAME *g;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && out->len - start +
	    HOSTNAME_MAX + 16 < CERTNAMES_MAX; i++) {
		g = sk_GENERAL_NAME_value(names, i);
		if (g->type == GEN_DNS)
			add_name(out, g->d.dNSName);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}
