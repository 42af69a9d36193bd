/*
 * A stapled response counts only where it says "revoked", so everything else
 * is looked at before a signature is. Only what the issuer says counts: its
 * chain was verified with that of the certificate, and so the response is
 * verified with the issuer as the only one that is trusted.
 */
#include "tls/staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#define SKEW	300	/* s; clocks differ */

/* NULL: it is not there. Else with a reference of the caller's. */
static X509 *
staple_issuer(X509_STORE_CTX *chain, struct issuers *issuers)
{
	X509 *cert = X509_STORE_CTX_get0_cert(chain), *found = NULL;
	STACK_OF(X509) *all = X509_chain_up_ref(
	    X509_STORE_CTX_get0_untrusted(chain));
	int i;

	if (X509_STORE_CTX_get1_issuer(&found, chain, cert) != 1)
		found = NULL;
	if (found == NULL && all != NULL)
		issuers_find(issuers, cert, all);
	for (i = 0; found == NULL && i < sk_X509_num(all); i++)
		if (X509_check_issued(sk_X509_value(all, i), cert) ==
		    X509_V_OK && X509_up_ref(sk_X509_value(all, i)))
			found = sk_X509_value(all, i);
	sk_X509_pop_free(all, X509_free);
	return found;
}

/* Whether the response is about the certificate; it names it by hashes. */
static int
single_is_of(OCSP_SINGLERESP *single, const X509 *cert, const X509 *issuer)
{
	OCSP_CERTID *theirs = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
	OCSP_CERTID *ours = NULL;
	ASN1_OBJECT *hash;
	const EVP_MD *md;
	int rv;

	if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, theirs) &&
	    (md = EVP_get_digestbyobj(hash)) != NULL)
		ours = OCSP_cert_to_id(md, cert, issuer);
	rv = ours != NULL && OCSP_id_cmp(ours, theirs) == 0;
	OCSP_CERTID_free(ours);
	return rv;
}

/* Whether it says now that the certificate is revoked. */
static int
single_revokes(OCSP_SINGLERESP *single, const X509 *cert, const X509 *issuer)
{
	ASN1_GENERALIZEDTIME *from, *until;

	return OCSP_single_get0_status(single, NULL, NULL, &from, &until) ==
	    V_OCSP_CERTSTATUS_REVOKED &&
	    OCSP_check_validity(from, until, SKEW, -1) == 1 &&
	    single_is_of(single, cert, issuer);
}

/* Whether the issuer stands behind the response, and the certificate. */
static int
staple_verify(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509_STORE *only = X509_STORE_new();
	int rv;

	rv = certs != NULL && only != NULL && sk_X509_push(certs, issuer) &&
	    X509_STORE_add_cert(only, issuer) &&
	    X509_STORE_set_flags(only, X509_V_FLAG_PARTIAL_CHAIN) &&
	    X509_verify(cert, X509_get0_pubkey(issuer)) == 1 &&
	    OCSP_basic_verify(basic, certs, only, 0) == 1;
	X509_STORE_free(only);
	sk_X509_free(certs);
	return rv;
}

static int
basic_revokes(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer)
{
	int i, n = OCSP_resp_count(basic);

	for (i = 0; i < n; i++)
		if (single_revokes(OCSP_resp_get0(basic, i), cert, issuer))
			return staple_verify(basic, cert, issuer);
	return 0;
}

int
staple_revokes(const uint8_t *der, size_t len, X509_STORE_CTX *chain,
    struct issuers *issuers)
{
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &der, (long)len);
	OCSP_BASICRESP *basic = NULL;
	X509 *issuer = NULL;
	int rv = 0;

	if (resp != NULL && OCSP_response_status(resp) ==
	    OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(resp);
	if (basic != NULL && (issuer = staple_issuer(chain, issuers)) != NULL)
		rv = basic_revokes(basic, X509_STORE_CTX_get0_cert(chain),
		    issuer);
	X509_free(issuer);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	return rv;
}
