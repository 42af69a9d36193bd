/*
 * Makes CAs: self-signed ones, requests to another CA, and a CA again with new
 * dates. What they may do is the same in all of them: sign leaves.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tls/ca.h"
#include "tls/signer.h"
#include "util/err.h"
#include "util/mem.h"

#define CA_DAYS		3650
#define CA_BACKDATE	(24 * 3600)	/* clients' clocks may be behind */

X509_EXTENSION *
ca_ext(int nid, int critical, const uint8_t *der, size_t len)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;

	if (value != NULL && ASN1_OCTET_STRING_set(value, der, (int)len))
		ext = X509_EXTENSION_create_by_NID(NULL, nid, critical, value);
	ASN1_OCTET_STRING_free(value);
	return ext;
}

EVP_PKEY *
ca_make_key(const char *type)
{
	int bits;

	if (type == NULL || strcasecmp(type, "p-256") == 0 ||
	    strcasecmp(type, "p256") == 0)
		return EVP_EC_gen("P-256");
	if (strcasecmp(type, "p-384") == 0 || strcasecmp(type, "p384") == 0)
		return EVP_EC_gen("P-384");
	if (strcasecmp(type, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (strncasecmp(type, "rsa:", 4) != 0)
		return NULL;
	bits = atoi(type + 4);
	if (bits != 2048 && bits != 3072 && bits != 4096)
		return NULL;
	return EVP_RSA_gen((unsigned int)bits);
}

/* One attribute, "CN=Example". */
static int
name_add(X509_NAME *name, char *s)
{
	char *value = strchr(s, '=');

	if (value == NULL || value == s || value[1] == '\0')
		return 0;
	*value++ = '\0';
	return X509_NAME_add_entry_by_txt(name, s, MBSTRING_UTF8,
	    (const uint8_t *)value, -1, -1, 0);
}

/* "O=Example,CN=Gateway", or "/O=Example/CN=Gateway". */
static int
name_parse(X509_NAME *name, const char *subject)
{
	const char *sep = subject[0] == '/' ? "/" : ",";
	char *copy = xstrdup(subject), *s, *save = NULL;
	int ok = 1, n = 0;

	for (s = strtok_r(copy, sep, &save); s != NULL && ok;
	    s = strtok_r(NULL, sep, &save), n++)
		ok = name_add(name, s + strspn(s, " "));
	free(copy);
	return ok && n > 0;
}

/* Two of ours in one store are told apart by the end of a random name. */
static X509_NAME *
name_of(const struct ca_want *want)
{
	X509_NAME *name = X509_NAME_new();
	uint8_t raw[3];
	char ours[32];
	int ok = name != NULL && RAND_bytes(raw, sizeof(raw)) == 1;

	if (ok && want->subject != NULL) {
		ok = name_parse(name, want->subject);
	} else if (ok) {
		snprintf(ours, sizeof(ours), "Clearspan CA %02x%02x%02x",
		    raw[0], raw[1], raw[2]);
		ok = X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		    (const uint8_t *)"Clearspan", -1, -1, 0) &&
		    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		    (const uint8_t *)(want->name != NULL ? want->name : ours),
		    -1, -1, 0);
	}
	if (ok)
		return name;
	X509_NAME_free(name);
	return NULL;
}

static int
ext_push(STACK_OF(X509_EXTENSION) *sk, int nid, int critical,
    const uint8_t *der, size_t len)
{
	X509_EXTENSION *ext = ca_ext(nid, critical, der, len);

	if (ext != NULL && sk_X509_EXTENSION_push(sk, ext) > 0)
		return 1;
	X509_EXTENSION_free(ext);
	return 0;
}

/* Of the key; or that of a certificate before, which may have been computed
 * otherwise. */
static int
ext_skid(STACK_OF(X509_EXTENSION) *sk, const X509 *x, X509 *old)
{
	int at = old != NULL ? X509_get_ext_by_NID(old,
	    NID_subject_key_identifier, -1) : -1;
	uint8_t ski[2 + 20] = { 4, 20 };
	const ASN1_OCTET_STRING *der;

	if (at >= 0 && EVP_PKEY_eq(X509_get0_pubkey(x),
	    X509_get0_pubkey(old)) == 1) {
		der = X509_EXTENSION_get_data(X509_get_ext(old, at));
		return ext_push(sk, NID_subject_key_identifier, 0,
		    ASN1_STRING_get0_data(der),
		    (size_t)ASN1_STRING_length(der));
	}
	return X509_pubkey_digest(x, EVP_sha1(), ski + 2, NULL) &&
	    ext_push(sk, NID_subject_key_identifier, 0, ski, sizeof(ski));
}

/* The caller frees them. */
static STACK_OF(X509_EXTENSION) *
ext_of(EVP_PKEY *key, X509 *old)
{
	/* CA:TRUE, pathlen:0: it signs leaves and nothing else. */
	static const uint8_t bc[] = { 0x30, 6, 1, 1, 0xff, 2, 1, 0 };
	/* keyCertSign, cRLSign */
	static const uint8_t ku[] = { 3, 2, 1, 0x06 };
	STACK_OF(X509_EXTENSION) *sk = sk_X509_EXTENSION_new_null();
	X509 *x = X509_new();
	int ok;

	ok = sk != NULL && x != NULL && X509_set_pubkey(x, key) &&
	    ext_push(sk, NID_basic_constraints, 1, bc, sizeof(bc)) &&
	    ext_push(sk, NID_key_usage, 1, ku, sizeof(ku)) &&
	    ext_skid(sk, x, old);
	X509_free(x);
	if (ok)
		return sk;
	sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
	return NULL;
}

static int
serial_set(X509 *x)
{
	uint8_t raw[16];
	BIGNUM *bn;
	int ok;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return 0;
	raw[0] = (raw[0] & 0x7f) | 0x40;	/* positive, 16 bytes */
	bn = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = bn != NULL &&
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
	BN_free(bn);
	return ok;
}

/* All but the extensions and the signature. */
static int
ca_fill(X509 *x, const X509_NAME *name, int days, EVP_PKEY *key)
{
	return serial_set(x) && X509_set_version(x, X509_VERSION_3) &&
	    X509_set_subject_name(x, name) && X509_set_issuer_name(x, name) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -CA_BACKDATE) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), days > 0 ? days : CA_DAYS,
	    0, NULL) != NULL && X509_set_pubkey(x, key);
}

static X509 *
ca_signed(const X509_NAME *name, int days, EVP_PKEY *key, X509 *old)
{
	STACK_OF(X509_EXTENSION) *sk = ext_of(key, old);
	X509 *x = X509_new();
	int i, ok = x != NULL && sk != NULL && ca_fill(x, name, days, key);

	for (i = 0; ok && i < sk_X509_EXTENSION_num(sk); i++)
		ok = X509_add_ext(x, sk_X509_EXTENSION_value(sk, i), -1);
	sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
	if (ok && X509_sign(x, key, signer_digest(key)) > 0)
		return x;
	X509_free(x);
	return NULL;
}

int
ca_make(const struct ca_want *want, X509 **cert, EVP_PKEY **key)
{
	X509_NAME *name;

	*cert = NULL;
	if ((*key = ca_make_key(want->key)) == NULL)
		return ERR_USAGE;
	if ((name = name_of(want)) != NULL)
		*cert = ca_signed(name, want->days, *key, NULL);
	X509_NAME_free(name);
	if (*cert != NULL)
		return 0;
	EVP_PKEY_free(*key);
	*key = NULL;
	return ERR_TLS;
}

int
ca_request(const struct ca_want *want, EVP_PKEY *key, X509_REQ **out)
{
	STACK_OF(X509_EXTENSION) *sk = ext_of(key, NULL);
	X509_NAME *name = name_of(want);
	X509_REQ *r = X509_REQ_new();
	int ok;

	ok = r != NULL && name != NULL && sk != NULL &&
	    X509_REQ_set_version(r, X509_REQ_VERSION_1) &&
	    X509_REQ_set_subject_name(r, name) &&
	    X509_REQ_set_pubkey(r, key) && X509_REQ_add_extensions(r, sk) &&
	    X509_REQ_sign(r, key, signer_digest(key)) > 0;
	sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
	X509_NAME_free(name);
	*out = ok ? r : NULL;
	if (!ok)
		X509_REQ_free(r);
	ERR_clear_error();
	return ok ? 0 : ERR_TLS;
}

int
ca_renew(X509 *old, EVP_PKEY *key, int days, X509 **out)
{
	*out = ca_signed(X509_get_subject_name(old), days, key, old);
	ERR_clear_error();
	return *out != NULL ? 0 : ERR_TLS;
}
