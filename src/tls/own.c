/*
 * Loads own servers' certificates. They are leaves as the forged ones are, so
 * that handshakes and tickets know no difference: a ticket counts only where
 * the very same leaf would be shown.
 */
#include "tls/own.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/ca.h"
#include "util/err.h"
#include "util/mem.h"

struct own {
	_Atomic unsigned refs;
	struct leaf	*leaf[LEAF_KEYS];	/* by enum leaf_key */
};

/* ca.c's lines begin with the name of a CA. */
#define WHAT	"certificates"

static enum leaf_key
own_type(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
		return LEAF_RSA;
	if (!EVP_PKEY_is_a(key, "EC"))
		return LEAF_ED25519;
	return EVP_PKEY_get_bits(key) <= 256 ? LEAF_P256 :
	    EVP_PKEY_get_bits(key) <= 384 ? LEAF_P384 : LEAF_P521;
}

/* Hand the leaf over to its place. */
static int
own_put(struct own *o, const char *path, struct leaf *leaf,
    struct text *errors)
{
	enum leaf_key type = own_type(leaf->key);

	if (o->leaf[type] == NULL) {
		o->leaf[type] = leaf;
		return 0;
	}
	leaf_unref(leaf);
	text_printf(errors, WHAT ": %s: there is one with such a key already; "
	    "give one with an RSA and one with an ECDSA key\n", path);
	return ERR_USAGE;
}

static int
own_pair(struct own *o, const char *cert, const char *key,
    struct text *errors)
{
	STACK_OF(X509) *certs = ca_read_certs(WHAT, cert, errors);
	EVP_PKEY *pkey = ca_read_key(WHAT, key, errors);
	int rv = ERR_USAGE;
	X509 *x;

	if (certs == NULL || pkey == NULL)
		goto out;
	x = sk_X509_value(certs, 0);
	if (!X509_check_private_key(x, pkey)) {
		text_printf(errors, WHAT ": %s: the key does not match the "
		    "certificate %s\n", key, cert);
		goto out;
	}
	x = sk_X509_shift(certs);
	X509_check_purpose(x, -1, 0);	/* now, before workers share it */
	rv = own_put(o, cert, leaf_new(x, pkey, certs), errors);
out:
	ERR_clear_error();
	sk_X509_pop_free(certs, X509_free);
	EVP_PKEY_free(pkey);
	return rv;
}

int
own_load(const struct own_files *f, struct own **out, struct text *errors)
{
	struct own *o = xcalloc(1, sizeof(*o));
	size_t i;
	int rv = 0;

	*out = NULL;
	o->refs = 1;
	for (i = 0; i < f->n; i++)
		if (own_pair(o, f->cert[i], f->key[i], errors) != 0)
			rv = ERR_USAGE;
	if (rv != 0)
		own_free(o);
	else
		*out = o;
	return rv;
}

struct own *
own_ref(struct own *o)
{
	o->refs++;
	return o;
}

void
own_free(struct own *o)
{
	size_t i;

	if (o == NULL || --o->refs > 0)
		return;
	for (i = 0; i < LEAF_KEYS; i++)
		leaf_unref(o->leaf[i]);
	free(o);
}

/* Those who know another type of key, mostly know RSA. */
struct leaf *
own_leaf(const struct own *o, enum leaf_key key)
{
	size_t i;

	if (o->leaf[key] != NULL)
		return o->leaf[key];
	if (o->leaf[LEAF_RSA] != NULL)
		return o->leaf[LEAF_RSA];
	for (i = 0; o->leaf[i] == NULL; i++)
		;
	return o->leaf[i];
}

int
own_is(const struct own *o, const X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	size_t i;

	for (i = 0; key != NULL && i < LEAF_KEYS; i++)
		if (o->leaf[i] != NULL && EVP_PKEY_eq(key, X509_get0_pubkey(
		    o->leaf[i]->cert)) == 1)
			return 1;
	return 0;
}

time_t
own_until(const struct own *o)
{
	time_t t, until = 0;
	size_t i;

	for (i = 0; i < LEAF_KEYS; i++) {
		if (o->leaf[i] == NULL)
			continue;
		t = ca_time(X509_get0_notAfter(o->leaf[i]->cert));
		if (until == 0 || t < until)
			until = t;
	}
	return until;
}
