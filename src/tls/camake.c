/*
 * Makes a CA: key, self-signed certificate, files.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/ca.h"
#include "util/err.h"
#include "util/mem.h"

#define CA_DAYS		3650
#define CA_BACKDATE	(24 * 3600)	/* clients' clocks may be behind */

static EVP_PKEY *
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

static int
ca_add(X509 *x, int nid, int critical, const uint8_t *der, size_t len)
{
	X509_EXTENSION *ext = ca_ext(nid, critical, der, len);
	int ok = ext != NULL && X509_add_ext(x, ext, -1);

	X509_EXTENSION_free(ext);
	return ok;
}

static int
ca_extensions(X509 *x)
{
	/* CA:TRUE, pathlen:0: it signs leaves and nothing else. */
	static const uint8_t bc[] = { 0x30, 6, 1, 1, 0xff, 2, 1, 0 };
	/* keyCertSign, cRLSign */
	static const uint8_t ku[] = { 3, 2, 1, 0x06 };
	uint8_t ski[2 + 20] = { 4, 20 };

	return X509_pubkey_digest(x, EVP_sha1(), ski + 2, NULL) &&
	    ca_add(x, NID_basic_constraints, 1, bc, sizeof(bc)) &&
	    ca_add(x, NID_key_usage, 1, ku, sizeof(ku)) &&
	    ca_add(x, NID_subject_key_identifier, 0, ski, sizeof(ski));
}

static int
ca_fill(X509 *x, const struct ca_want *want, EVP_PKEY *key)
{
	const char *cn = want->name != NULL ? want->name : "Clearspan CA";
	int days = want->days > 0 ? want->days : CA_DAYS;
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
	return ok && X509_set_version(x, X509_VERSION_3) &&
	    ca_subject(x, "Clearspan", cn) &&
	    X509_set_issuer_name(x, X509_get_subject_name(x)) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -CA_BACKDATE) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) != NULL &&
	    X509_set_pubkey(x, key) && ca_extensions(x) &&
	    X509_sign(x, key, signer_digest(key)) > 0;
}

int
ca_make(const struct ca_want *want, X509 **cert, EVP_PKEY **key)
{
	*cert = NULL;
	if ((*key = ca_make_key(want->key)) == NULL)
		return ERR_USAGE;
	if ((*cert = X509_new()) != NULL && ca_fill(*cert, want, *key))
		return 0;
	X509_free(*cert);
	EVP_PKEY_free(*key);
	*cert = NULL;
	*key = NULL;
	return ERR_TLS;
}

/* Create the missing directories of "a/b/c", 0700. */
static int
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

/* Write the whole file and sync it, or leave no file. */
static int
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
