/*
 * clearspan ca csr and renew: a CA that another one signs, and a CA again. A
 * new file is whole before it takes the place of an old one, which is kept.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "main/cmd.h"
#include "tls/ca.h"
#include "tls/certinfo.h"
#include "util/err.h"
#include "util/mem.h"

static const char keys_known[] = "the key can be p-256, p-384, ed25519, "
    "rsa:2048, rsa:3072 or rsa:4096";

/* ca.c's lines end with a newline. */
static void
one_line(struct text *t)
{
	while (t->len > 0 && t->s[t->len - 1] == '\n')
		t->s[--t->len] = '\0';
}

/* Replace a file; if keep, the old one stays beside it. */
static int
replace(const char *path, mode_t mode, BIO *bio, int keep, struct text *why)
{
	char *tmp = xasprintf("%s.new", path), *old = xasprintf("%s.old",
	    path);
	int rv;

	unlink(tmp);
	if ((rv = ca_write_file(tmp, mode, bio)) == 0 && keep) {
		unlink(old);
		if (link(path, old) != 0)
			rv = ERR_SYS;
	}
	if (rv == 0 && rename(tmp, path) != 0)
		rv = ERR_SYS;
	if (rv != 0) {
		text_printf(why, "%s: %s", path, strerror(errno));
		unlink(tmp);
	}
	free(tmp);
	free(old);
	return rv;
}

static int
put_key(const char *path, EVP_PKEY *key, int keep, struct text *why)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int rv = ERR_TLS;

	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	    0, NULL, NULL))
		rv = replace(path, 0600, bio, keep, why);
	else
		text_puts(why, "OpenSSL cannot write the key");
	BIO_free(bio);
	return rv;
}

/* The key of the directory, or a new one in it; or NULL. */
static EVP_PKEY *
csr_key(const char *path, const struct ca_want *want, struct text *why)
{
	EVP_PKEY *key;

	if (access(path, F_OK) == 0) {
		if (want->key != NULL) {
			text_printf(why, "%s is there already; without --key "
			    "the request is for it", path);
			return NULL;
		}
		key = ca_read_key("ca", path, why);
		one_line(why);
		return key;
	}
	if ((key = ca_make_key(want->key)) == NULL) {
		text_puts(why, keys_known);
	} else if (put_key(path, key, 0, why) != 0) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

int
ca_csr(const char *dir, const struct ca_want *want, struct text *why)
{
	char *keypath = xasprintf("%s/" CA_KEY_FILE, dir);
	char *path = xasprintf("%s/ca.csr", dir);
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *key = NULL;
	X509_REQ *req = NULL;
	int rv = ca_mkdirs(dir);

	if (rv != 0)
		text_printf(why, "%s: %s", dir, strerror(errno));
	else if ((key = csr_key(keypath, want, why)) == NULL)
		rv = ERR_USAGE;
	else if ((rv = ca_request(want, key, &req)) != 0 ||
	    !PEM_write_bio_X509_REQ(bio, req))
		text_puts(why, "OpenSSL cannot make it; is the subject not as "
		    "O=Example,CN=Gateway?");
	else
		rv = replace(path, 0644, bio, 0, why);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	BIO_free(bio);
	free(path);
	free(keypath);
	return rv;
}

/* The key to sign with: the old one, or one of the type that is wanted. */
static EVP_PKEY *
again_key(const char *path, X509 *old, const struct ca_want *want,
    struct text *why)
{
	EVP_PKEY *key = want->key != NULL ? ca_make_key(want->key) :
	    ca_read_key("ca", path, why);

	if (key == NULL && want->key != NULL)
		text_puts(why, keys_known);
	one_line(why);
	if (key == NULL || want->key != NULL ||
	    X509_check_private_key(old, key))
		return key;
	text_printf(why, "%s: the key does not match the certificate beside "
	    "it", path);
	EVP_PKEY_free(key);
	return NULL;
}

static int
again_put(const char *certpath, const char *keypath, X509 *x, EVP_PKEY *key,
    int key_too, struct text *why)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rv = ERR_TLS;

	if (bio == NULL || !PEM_write_bio_X509(bio, x))
		text_puts(why, "OpenSSL cannot write the certificate");
	else if (!key_too || (rv = put_key(keypath, key, 1, why)) == 0)
		rv = replace(certpath, 0644, bio, 1, why);
	BIO_free(bio);
	return rv;
}

int
ca_again(const char *dir, const struct ca_want *want, struct text *why)
{
	char *certpath = xasprintf("%s/" CA_CERT_FILE, dir);
	char *keypath = xasprintf("%s/" CA_KEY_FILE, dir);
	X509 *old = ca_read_cert("ca", certpath, why), *x = NULL;
	EVP_PKEY *key = NULL;
	int rv = ERR_USAGE;

	one_line(why);
	if (old == NULL)
		goto out;
	if (want->subject != NULL || want->name != NULL)
		text_puts(why, "the subject stays; ca create makes a CA with "
		    "another one");
	else if (!(X509_get_extension_flags(old) & EXFLAG_SS))
		text_printf(why, "another CA has signed it, and has to do so "
		    "again: clearspan ca csr --dir %s", dir);
	else if ((key = again_key(keypath, old, want, why)) == NULL)
		;
	else if ((rv = ca_renew(old, key, want->days, &x)) != 0)
		text_puts(why, "OpenSSL cannot make it");
	else
		rv = again_put(certpath, keypath, x, key, want->key != NULL,
		    why);
out:
	X509_free(old);
	X509_free(x);
	EVP_PKEY_free(key);
	free(certpath);
	free(keypath);
	return rv;
}
