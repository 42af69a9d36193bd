/*
 * Loads a CA, or says why it cannot be used. A CA that clients would refuse is
 * refused here, at start, where the operator sees it. And makes one: key,
 * self-signed certificate, files.
 */
#include "tls/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tls/cert.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define RSA_MIN		2048	/* below it browsers refuse the CA */

time_t
ca_time(const ASN1_TIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	return timegm(&tm);
}

int
ca_subject(X509 *x, const char *org, const char *cn)
{
	X509_NAME *name = X509_NAME_new();
	int ok = name != NULL && (org == NULL ||
	    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const uint8_t *)org, -1, -1, 0)) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const uint8_t *)cn, -1, -1, 0) &&
	    X509_set_subject_name(x, name);

	X509_NAME_free(name);
	return ok;
}

static BIO *
ca_open(const char *what, const char *path, struct text *errors)
{
	BIO *bio;

	errno = 0;
	if ((bio = BIO_new_file(path, "r")) == NULL)
		text_printf(errors, "%s: %s: %s\n", what, path,
		    errno != 0 ? strerror(errno) : "cannot be opened");
	ERR_clear_error();
	return bio;
}

STACK_OF(X509) *
ca_read_certs(const char *what, const char *path, struct text *errors)
{
	STACK_OF(X509) *sk;
	X509 *x;
	BIO *bio;
	int whole;		/* read to its end */

	if ((bio = ca_open(what, path, errors)) == NULL)
		return NULL;
	sk = sk_X509_new_null();
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(sk, x);
	whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	if (whole && sk_X509_num(sk) > 0)
		return sk;
	if (whole)
		text_printf(errors, "%s: %s: holds no PEM certificate\n",
		    what, path);
	else
		text_printf(errors, "%s: %s: certificate %d of the file is "
		    "damaged\n", what, path, sk_X509_num(sk) + 1);
	sk_X509_pop_free(sk, X509_free);
	return NULL;
}

X509 *
ca_read_cert(const char *what, const char *path, struct text *errors)
{
	STACK_OF(X509) *sk = ca_read_certs(what, path, errors);
	X509 *x = NULL;

	if (sk != NULL)
		x = sk_X509_shift(sk);
	sk_X509_pop_free(sk, X509_free);
	return x;
}

static int
ca_no_passphrase(char *buf, int size, int rw, void *arg)
{
	*(int *)arg = 1;
	return -1;
}

EVP_PKEY *
ca_read_key(const char *what, const char *path, struct text *errors)
{
	EVP_PKEY *key;
	struct stat st;
	int asked = 0;
	BIO *bio;
	FILE *f;

	if ((bio = ca_open(what, path, errors)) == NULL)
		return NULL;
	if (BIO_get_fp(bio, &f) == 1 && fstat(fileno(f), &st) == 0 &&
	    (st.st_mode & 07) != 0)
		log_warn("%s: %s: anybody may read the key: "
		    "chmod 600 it", what, path);
	key = PEM_read_bio_PrivateKey(bio, NULL, ca_no_passphrase, &asked);
	BIO_free(bio);
	ERR_clear_error();
	if (key == NULL && asked)
		text_printf(errors, "%s: %s: the key has a passphrase; write "
		    "it without one: openssl pkey -in %s -out NEW\n", what,
		    path, path);
	else if (key == NULL)
		text_printf(errors, "%s: %s: holds no PEM private key of a "
		    "known type\n", what, path);
	return key;
}

static int
ca_key_check(const char *what, const char *path, EVP_PKEY *key,
    struct text *errors)
{
	static const char *const types[] = { "EC", "ED25519", "ED448" };
	char group[32] = "";
	size_t i, n;

	if (EVP_PKEY_is_a(key, "RSA")) {
		if (EVP_PKEY_get_bits(key) >= RSA_MIN)
			return 0;
		text_printf(errors, "%s: %s: an RSA key of %d bits; clients "
		    "want %d or more\n", what, path, EVP_PKEY_get_bits(key),
		    RSA_MIN);
		return ERR_USAGE;
	}
	for (i = 0; i < NELEM(types); i++)
		if (EVP_PKEY_is_a(key, types[i]))
			break;
	if (i > 0 && i < NELEM(types))
		return 0;
	if (i == 0 && EVP_PKEY_get_group_name(key, group, sizeof(group), &n) &&
	    (strcmp(group, "prime256v1") == 0 ||
	    strcmp(group, "secp384r1") == 0))
		return 0;
	text_printf(errors, "%s: %s: a key of type %s%s%s; RSA, P-256, P-384 "
	    "or Ed25519 will do\n", what, path, EVP_PKEY_get0_type_name(key),
	    group[0] != '\0' ? " " : "", group);
	return ERR_USAGE;
}

static int
ca_check(const char *what, const char *path, X509 *x, struct text *errors)
{
	uint32_t flags = X509_get_extension_flags(x);
	const char *wrong = NULL;

	if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		wrong = "the certificate has expired";
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		wrong = "the certificate is not yet valid";
	else if (flags & EXFLAG_INVALID)
		wrong = "the certificate has an extension that is malformed";
	else if (!(flags & EXFLAG_CA))
		wrong = "not a CA certificate (basicConstraints is not "
		    "CA:TRUE)";
	else if (!(X509_get_key_usage(x) & KU_KEY_CERT_SIGN))
		wrong = "not a CA certificate (keyUsage lacks keyCertSign)";
	/* Without the extension all bits are set. */
	else if (!(X509_get_extended_key_usage(x) &
	    (XKU_SSL_SERVER | XKU_ANYEKU)))
		wrong = "not a CA for servers (extendedKeyUsage lacks "
		    "serverAuth)";
	if (wrong == NULL)
		return 0;
	text_printf(errors, "%s: %s: %s\n", what, path, wrong);
	return ERR_USAGE;
}

void
ca_doubts(X509 *x, struct text *out)
{
	int at = X509_get_ext_by_NID(x, NID_basic_constraints, -1);
	const struct {
		int		 missing;
		const char	*what;
	} wanted[] = {
		{ X509_get0_subject_key_id(x) == NULL,
		    "no subjectKeyIdentifier, so that what it signs has no "
		    "authorityKeyIdentifier" },
		{ !(X509_get_extension_flags(x) & EXFLAG_KUSAGE),
		    "no keyUsage" },
		{ at >= 0 && !X509_EXTENSION_get_critical(X509_get_ext(x, at)),
		    "basicConstraints that is not critical" }
	};
	size_t i, n = 0;

	for (i = 0; i < NELEM(wanted); i++)
		if (wanted[i].missing)
			text_printf(out, "%s%s", n++ == 0 ?
			    "the certificate has " : ", and ", wanted[i].what);
	if (n > 0)
		text_puts(out, ": strict clients, as Python 3.13, refuse such "
		    "a CA and all that it signs; make a new one (clearspan "
		    "ca create)");
}

/* AuthorityKeyIdentifier (RFC 5280, 4.2.1.1) with the bytes of our SKI. */
static X509_EXTENSION *
ca_akid(X509 *x)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(x);
	AUTHORITY_KEYID *id = ski != NULL && ASN1_STRING_length(ski) > 0 ?
	    AUTHORITY_KEYID_new() : NULL;
	X509_EXTENSION *ext = NULL;

	if (id != NULL && (id->keyid = ASN1_OCTET_STRING_dup(ski)) != NULL)
		ext = X509V3_EXT_i2d(NID_authority_key_identifier, 0, id);
	AUTHORITY_KEYID_free(id);
	return ext;
}

static struct ca *
ca_of(X509 *x, EVP_PKEY *key, STACK_OF(X509) *certs)
{
	struct ca *ca = xcalloc(1, sizeof(*ca));
	X509 *c;
	int i;

	ca->refs = 1;
	X509_up_ref(x);
	ca->cert = x;
	ca->chain = sk_X509_new_null();
	/* Clients that trust a root have it already, so do not send it. */
	for (i = 0; i < sk_X509_num(certs); i++) {
		c = sk_X509_value(certs, i);
		if (X509_get_extension_flags(c) & EXFLAG_SS)
			continue;
		X509_up_ref(c);
		sk_X509_push(ca->chain, c);
	}
	ca->akid = ca_akid(x);
	ca->signer = signer_new(key, signer_threads(key));
	ca->notbefore = ca_time(X509_get0_notBefore(x));
	ca->notafter = ca_time(X509_get0_notAfter(x));
	cert_digest(x, ca->id);
	return ca;
}

int
ca_load(const char *what, const char *cert, const char *key, struct ca **out,
    struct text *errors)
{
	STACK_OF(X509) *certs = ca_read_certs(what, cert, errors);
	EVP_PKEY *pkey = ca_read_key(what, key, errors);
	int rv = ERR_USAGE;
	X509 *x;

	*out = NULL;
	if (certs == NULL || pkey == NULL)
		goto out;
	x = sk_X509_value(certs, 0);
	rv = ca_check(what, cert, x, errors);
	if (ca_key_check(what, key, pkey, errors) != 0)
		rv = ERR_USAGE;
	else if (!X509_check_private_key(x, pkey)) {
		text_printf(errors, "%s: %s: the key does not match the "
		    "certificate %s\n", what, key, cert);
		rv = ERR_USAGE;
	}
	if (rv == 0)
		*out = ca_of(x, pkey, certs);
out:
	ERR_clear_error();
	sk_X509_pop_free(certs, X509_free);
	EVP_PKEY_free(pkey);
	return rv;
}

struct ca *
ca_ref(struct ca *ca)
{
	ca->refs++;
	return ca;
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL || --ca->refs > 0)
		return;
	X509_free(ca->cert);
	sk_X509_pop_free(ca->chain, X509_free);
	X509_EXTENSION_free(ca->akid);
	signer_free(ca->signer);
	free(ca);
}

struct ca *
ca_untrusted(void)
{
	struct ca_want want = {
		.name = "Clearspan Untrusted CA (the server's certificate "
		    "failed)"
	};
	STACK_OF(X509) *certs;
	EVP_PKEY *key = NULL;
	struct ca *ca = NULL;
	X509 *x = NULL;

	if (ca_make(&want, &x, &key) == 0) {
		certs = sk_X509_new_null();
		sk_X509_push(certs, x);
		ca = ca_of(x, key, certs);
		sk_X509_free(certs);
	}
	X509_free(x);
	EVP_PKEY_free(key);
	return ca;
}

int
ca_mkdirs(const char *dir)
{
	char *path = xstrdup(dir), *p;
	int rv = 0;

	for (p = path + 1; *p != '\0' && rv == 0; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			rv = ERR_SYS;
		*p = '/';
	}
	if (rv == 0 && mkdir(path, 0700) != 0 && errno != EEXIST)
		rv = ERR_SYS;
	free(path);
	return rv;
}

int
ca_write_file(const char *path, mode_t mode, BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	int fd, err, ok;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    mode);
	if (fd == -1)
		return ERR_SYS;
	errno = EIO;
	ok = fchmod(fd, mode) == 0 && write(fd, data, (size_t)len) == len &&
	    fsync(fd) == 0;
	err = errno;
	close(fd);
	if (ok)
		return 0;
	unlink(path);
	errno = err;
	return ERR_SYS;
}

int
ca_write(const char *dir, X509 *cert, EVP_PKEY *key)
{
	char *certpath = xasprintf("%s/" CA_CERT_FILE, dir);
	char *keypath = xasprintf("%s/" CA_KEY_FILE, dir);
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_secmem());
	int rv = ERR_TLS, err;

	if (c != NULL && k != NULL && PEM_write_bio_X509(c, cert) &&
	    PEM_write_bio_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL))
		rv = ca_mkdirs(dir);
	if (rv == 0 && access(certpath, F_OK) == 0) {
		errno = EEXIST;
		rv = ERR_SYS;
	}
	if (rv == 0)
		rv = ca_write_file(keypath, 0600, k);
	if (rv == 0 && (rv = ca_write_file(certpath, 0644, c)) != 0) {
		err = errno;
		unlink(keypath);
		errno = err;
	}
	err = errno;
	BIO_free(c);
	BIO_free(k);
	free(certpath);
	free(keypath);
	errno = err;
	return rv;
}
