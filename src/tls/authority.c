/*
 * Loads authorities.
 */
#include "tls/authority.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "util/err.h"
#include "util/mem.h"

static int
untrusted_load(const struct authority_files *f, struct ca **ca,
    struct text *errors)
{
	char *what;
	int rv;

	if (f->untrusted_cert == NULL && f->untrusted_key == NULL) {
		*ca = ca_untrusted();
		return *ca != NULL ? 0 : ERR_TLS;
	}
	what = f->name != NULL ? xasprintf("untrusted ca of %s", f->name) :
	    xstrdup("untrusted ca");
	if (f->untrusted_cert != NULL && f->untrusted_key != NULL) {
		rv = ca_load(what, f->untrusted_cert, f->untrusted_key, ca,
		    errors);
	} else {
		text_printf(errors, "%s: certificate and key go together; one "
		    "is missing\n", what);
		rv = ERR_USAGE;
	}
	free(what);
	return rv;
}

int
authority_load(const struct authority_files *f, struct authority **out,
    struct text *errors)
{
	struct authority *a = xcalloc(1, sizeof(*a));
	char *what = f->name != NULL ? xasprintf("ca %s", f->name) :
	    xstrdup("ca");
	int rv;

	*out = NULL;
	a->refs = 1;
	if (f->untrusted_cert != NULL)
		a->untrusted = xstrdup(f->untrusted_cert);
	rv = ca_load(what, f->cert, f->key, &a->ca[0], errors);
	free(what);
	if (untrusted_load(f, &a->ca[1], errors) != 0 || rv != 0) {
		authority_free(a);
		return ERR_USAGE;
	}
	*out = a;
	return 0;
}

struct authority *
authority_ref(struct authority *a)
{
	a->refs++;
	return a;
}

void
authority_free(struct authority *a)
{
	if (a == NULL || --a->refs > 0)
		return;
	ca_free(a->ca[0]);
	ca_free(a->ca[1]);
	free(a->untrusted);
	free(a);
}

/* Why those who trust the one CA trust the other too; NULL: they do not. */
static const char *
untrusted_wrong(const struct ca *ca, const struct ca *untrusted)
{
	EVP_PKEY *key = X509_get0_pubkey(untrusted->cert);

	if (EVP_PKEY_eq(X509_get0_pubkey(ca->cert), key) == 1)
		return "has the key of the trusted one";
	if (X509_verify(ca->cert, key) == 1)
		return "has signed the trusted one";
	if (!(X509_get_extension_flags(untrusted->cert) & EXFLAG_SS))
		return "is not self-signed, so that whoever trusts its issuer "
		    "trusts it";
	return NULL;
}

int
authorities_check(struct authority *const *v, size_t n, struct text *errors)
{
	const char *wrong;
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; v[i] != NULL && v[i]->untrusted != NULL && k < n;
		    k++) {
			if (v[k] == NULL || (wrong = untrusted_wrong(
			    v[k]->ca[0], v[i]->ca[1])) == NULL)
				continue;
			text_printf(errors, "untrusted ca: %s: it %s; clients "
			    "would never be warned\n", v[i]->untrusted,
			    wrong);
			return ERR_USAGE;
		}
	return 0;
}
