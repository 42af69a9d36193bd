/*
 * The contents of a forged leaf:
 *	subject		the original's, which may be empty
 *	SAN		the name asked for, if the original covers it: with
 *			more names a client would send requests for others over
 *			this connection (RFC 9113, 9.1.1), past their rules.
 *			Otherwise the original's, byte for byte: an added name
 *			would hide a mismatch. Critical if the subject is empty
 *			(RFC 5280, 4.2.1.6)
 *	serial		its own each time: see forge_serial()
 *	validity	the original's, cut to the lifetime and the CA's own
 *	key usage	by the type of our key
 *	ext. key usage	of the original's, serverAuth and clientAuth
 *	basic constr.	CA:FALSE
 *	SKI		of our key
 *	AKI		the CA's SKI, byte for byte
 * and nothing else. Pointers to the original's issuer (AIA, CRL, SCT, policies)
 * would be a lie, and must-staple a promise that we cannot keep.
 */
#include "tls/forge.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "codec/hostname.h"
#include "util/err.h"

#define DAY		(24 * 3600)
/* If none is asked for. */
#define FORGE_DAYS	90
/* A page's certificate starts this far back, for clocks that lag. */
#define FORGE_BACKDATE	DAY

static EVP_PKEY *
forge_key_gen(enum leaf_key type)
{
	switch (type) {
	case LEAF_RSA:
		return EVP_RSA_gen(2048);
	case LEAF_P384:
		return EVP_EC_gen("P-384");
	case LEAF_P521:
		return EVP_EC_gen("P-521");
	case LEAF_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return EVP_EC_gen("P-256");
	}
}

int
forge_key_make(struct forge_key *k, enum leaf_key type)
{
	/* digitalSignature; RSA: keyEncipherment too, for its key exchange */
	static const uint8_t ec[] = { 3, 2, 7, 0x80 };
	static const uint8_t rsa[] = { 3, 2, 5, 0xa0 };
	uint8_t ski[2 + 20] = { 4, 20 };
	X509 *x = X509_new();

	memset(k, 0, sizeof(*k));
	k->key = forge_key_gen(type);
	if (x != NULL && k->key != NULL && X509_set_pubkey(x, k->key) &&
	    X509_PUBKEY_set(&k->spki, k->key) &&
	    X509_pubkey_digest(x, EVP_sha1(), ski + 2, NULL)) {
		k->usage = ca_ext(NID_key_usage, 1,
		    type == LEAF_RSA ? rsa : ec, sizeof(ec));
		k->skid = ca_ext(NID_subject_key_identifier, 0, ski,
		    sizeof(ski));
	}
	X509_free(x);
	if (k->usage != NULL && k->skid != NULL)
		return 0;
	forge_key_done(k);
	return ERR_TLS;
}

void
forge_key_done(struct forge_key *k)
{
	EVP_PKEY_free(k->key);
	X509_EXTENSION_free(k->usage);
	X509_EXTENSION_free(k->skid);
	X509_PUBKEY_free(k->spki);
	memset(k, 0, sizeof(*k));
}

/*
 * The serial is random. Two certificates of one issuer must never share one
 * (RFC 5280, 4.1.2.2; NSS refuses the second), and ECDSA signs the same bytes
 * differently each time, so every forging makes another certificate.
 */
static int
forge_serial(X509 *x)
{
	uint8_t serial[16];

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return 0;
	serial[0] = (serial[0] & 0x7f) | 0x40;	/* positive, 16 bytes */
	return ASN1_STRING_set(X509_get_serialNumber(x), serial,
	    sizeof(serial));
}

/* The validity of the original, or of our page, as clients accept it. */
static void
forge_span(const struct leaf_want *w, const struct ca *ca, time_t now,
    time_t *from, time_t *to)
{
	time_t life = w->lifetime != 0 ? (time_t)w->lifetime :
	    FORGE_DAYS * DAY;
	time_t a = now - FORGE_BACKDATE;

	*from = a;
	*to = a + life;
	if (w->original != NULL) {
		*from = ca_time(X509_get0_notBefore(w->original));
		*to = ca_time(X509_get0_notAfter(w->original));
	}
	/* The client must see that the original is expired or not yet valid. */
	if (*to < now) {
		if (*from < *to - life)
			*from = *to - life;
		return;
	}
	if (*from < a)
		*from = a;
	if (*from < ca->notbefore && *to > ca->notbefore)
		*from = ca->notbefore;
	if (*to > *from + life)
		*to = *from + life;
	if (*to > ca->notafter && ca->notafter > *from)
		*to = ca->notafter;
}

static int
forge_copy_san(X509 *x, X509 *orig)
{
	int at = X509_get_ext_by_NID(orig, NID_subject_alt_name, -1), ok;
	X509_EXTENSION *ext;

	if (at < 0)
		return 1;
	ext = X509_EXTENSION_dup(X509_get_ext(orig, at));
	ok = ext != NULL && X509_EXTENSION_set_critical(ext,
	    X509_NAME_entry_count(X509_get_subject_name(orig)) == 0) &&
	    X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static int
forge_own_san(X509 *x, const char *name)
{
	ASN1_STRING *value = a2i_IPADDRESS(name);
	int type = value != NULL ? GEN_IPADD : GEN_DNS, ok;
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *only = GENERAL_NAME_new();
	size_t n = strlen(name);

	if (value == NULL)
		value = ASN1_IA5STRING_new();
	ok = n > 0 && n <= HOSTNAME_MAX && value != NULL && only != NULL &&
	    (type == GEN_IPADD || ASN1_STRING_set(value, name, (int)n)) &&
	    sk_GENERAL_NAME_push(names, only) > 0;
	if (ok)
		GENERAL_NAME_set0_value(only, type, value);
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, names,
	    X509_NAME_entry_count(X509_get_subject_name(x)) == 0,
	    X509V3_ADD_DEFAULT) == 1;
	if (sk_GENERAL_NAME_num(names) != 1) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(only);
	}
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	ERR_clear_error();
	return ok;
}

/* Whether the original's SAN covers a name; its subject does not count. */
static int
forge_covers(X509 *orig, const char *name)
{
	uint8_t ip[16];
	int rv;

	if (X509_get_ext_by_NID(orig, NID_subject_alt_name, -1) < 0)
		return 0;
	if (inet_pton(AF_INET, name, ip) == 1 ||
	    inet_pton(AF_INET6, name, ip) == 1)
		rv = X509_check_ip_asc(orig, name, 0);
	else
		rv = X509_check_host(orig, name, 0,
		    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
	ERR_clear_error();
	return rv == 1;
}

static int
forge_san(X509 *x, const struct leaf_want *w)
{
	if (w->original == NULL)
		return forge_own_san(x, w->name);
	if (w->asked != NULL && forge_covers(w->original, w->asked))
		return forge_own_san(x, w->asked);
	return forge_copy_san(x, w->original);
}

static int
forge_extended_usage(X509 *x, X509 *orig)
{
	uint32_t eku = orig != NULL ? X509_get_extended_key_usage(orig) :
	    XKU_SSL_SERVER;
	int client = eku != UINT32_MAX && (eku & XKU_SSL_CLIENT) != 0;
	EXTENDED_KEY_USAGE *use = sk_ASN1_OBJECT_new_null();
	int ok = use != NULL;

	if (ok && (!client || (eku & XKU_SSL_SERVER)))
		ok = sk_ASN1_OBJECT_push(use, OBJ_nid2obj(NID_server_auth));
	if (ok && client)
		ok = sk_ASN1_OBJECT_push(use, OBJ_nid2obj(NID_client_auth));
	ok = ok && X509_add1_ext_i2d(x, NID_ext_key_usage, use, 0,
	    X509V3_ADD_DEFAULT) == 1;
	sk_ASN1_OBJECT_free(use);
	return ok;
}

static int
forge_extensions(X509 *x, const struct forge_key *k, const struct ca *ca,
    const struct leaf_want *w)
{
	static const uint8_t bc[] = { 0x30, 0 };	/* CA:FALSE */
	X509_EXTENSION *ext = ca_ext(NID_basic_constraints, 1, bc, sizeof(bc));
	int ok;

	ok = ext != NULL && X509_add_ext(x, ext, -1) &&
	    X509_add_ext(x, k->usage, -1) &&
	    forge_extended_usage(x, w->original) &&
	    X509_add_ext(x, k->skid, -1) &&
	    (ca->akid == NULL || X509_add_ext(x, ca->akid, -1)) &&
	    forge_san(x, w);
	X509_EXTENSION_free(ext);
	return ok;
}

static int
forge_subject(X509 *x, const struct leaf_want *w)
{
	if (w->original != NULL)
		return X509_set_subject_name(x,
		    X509_get_subject_name(w->original));
	if (strlen(w->name) > ub_common_name)
		return 1;
	return ca_subject(x, NULL, w->name);
}

/*
 * Set the public key as bytes: X509_set_pubkey() would look for an encoder and
 * read back what it wrote. The certificate then has no usable key until it has
 * been read again (forge_finish).
 */
static int
forge_pubkey(X509 *x, const struct forge_key *k)
{
	ASN1_OBJECT *type;
	const unsigned char *bits;
	unsigned char *copy;
	int n, ptype;
	const void *pval;
	void *pcopy = NULL;
	X509_ALGOR *alg;

	if (!X509_PUBKEY_get0_param(&type, &bits, &n, &alg, k->spki))
		return 0;
	X509_ALGOR_get0(NULL, &ptype, &pval, alg);
	if (ptype == V_ASN1_OBJECT)		/* the curve */
		pcopy = OBJ_dup(pval);
	if ((copy = OPENSSL_memdup(bits, (size_t)n)) != NULL &&
	    (type = OBJ_dup(type)) != NULL &&
	    X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), type, ptype,
	    pcopy, copy, n))
		return 1;
	OPENSSL_free(copy);
	return 0;
}

X509 *
forge_finish(X509 *x)
{
	uint8_t *der = NULL;
	const uint8_t *p;
	X509 *y = NULL;
	int n = i2d_X509(x, &der);

	p = der;
	if (n > 0 && (y = d2i_X509(NULL, &p, n)) != NULL)
		/* now, before workers share it */
		X509_check_purpose(y, -1, 0);
	OPENSSL_free(der);
	X509_free(x);
	return y;
}

X509 *
forge_build(const struct forge_key *k, const struct ca *ca,
    const struct leaf_want *w, time_t now)
{
	X509 *x = X509_new();
	time_t from, to;

	forge_span(w, ca, now, &from, &to);
	if (x != NULL && X509_set_version(x, X509_VERSION_3) &&
	    forge_serial(x) &&
	    X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) &&
	    forge_subject(x, w) &&
	    ASN1_TIME_adj(X509_getm_notBefore(x), from, 0, 0) != NULL &&
	    ASN1_TIME_adj(X509_getm_notAfter(x), to, 0, 0) != NULL &&
	    forge_pubkey(x, k) && forge_extensions(x, k, ca, w))
		return x;
	X509_free(x);
	ERR_clear_error();
	return NULL;
}
