/*
 * Our certificate authorities: loaded from files and checked, or made.
 */
#ifndef TLS_CA_H
#define TLS_CA_H

#include <openssl/x509.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "tls/signer.h"
#include "util/text.h"

/* Immutable once made. */
struct ca {
	_Atomic unsigned refs;
	X509		*cert;
	STACK_OF(X509)	*chain;		/* to send after a leaf */
	X509_EXTENSION	*akid;		/* has cert's SKI; NULL: it has none */
	struct signer	*signer;
	time_t		 notbefore, notafter;
	uint8_t		 id[32];	/* SHA-256 of cert's DER */
};

/*
 * Load PEM files; cert may have intermediates after the CA. what names the CA
 * in the lines added to errors ("ca", "untrusted"). Returns 0 or ERR_USAGE.
 */
int	 ca_load(const char *what, const char *cert, const char *key,
	    struct ca **, struct text *errors);
/* Make a CA in memory that nobody trusts; its name says what it is for. */
struct ca *ca_untrusted(void);
struct ca *ca_ref(struct ca *);
void	 ca_free(struct ca *);	/* a reference; NULL is fine */

/*
 * Add to out, in one clause, what the CA lacks that RFC 5280 (4.2.1) demands
 * and lenient clients do not need. Adds nothing if it lacks nothing.
 */
void	 ca_doubts(X509 *, struct text *out);

struct ca_want {
	const char	*key;	/* p-256, p-384, ed25519, rsa:2048 ...; NULL */
	const char	*name;	/* the subject's CN; NULL: ours */
	int		 days;	/* 0: ten years */
	/* the whole subject: "O=Example,CN=Gateway" or "/O=..."; NULL */
	const char	*subject;
};

/* Make a self-signed CA. 0; ERR_USAGE: unknown type of key; or ERR_TLS. */
int	 ca_make(const struct ca_want *, X509 **, EVP_PKEY **);
/* A key of this type; NULL: it is unknown. */
EVP_PKEY *ca_make_key(const char *type);

/*
 * Ask another CA to sign this key as a CA that signs leaves only (RFC 2986). 0
 * or ERR_TLS.
 */
int	 ca_request(const struct ca_want *, EVP_PKEY *, X509_REQ **);
/*
 * A self-signed CA again, from now on, with the same subject and, if the key is
 * the old one, the same key identifier. 0 or ERR_TLS.
 */
int	 ca_renew(X509 *old, EVP_PKEY *, int days, X509 **);

/*
 * Write new files: the key 0600, the certificate 0644, and the directory 0700
 * if it is missing. Returns 0 or ERR_SYS; errno is EEXIST if a file exists.
 */
int	 ca_write(const char *dir, X509 *, EVP_PKEY *);

/* Create the missing directories of "a/b/c", 0700. 0 or ERR_SYS. */
int	 ca_mkdirs(const char *dir);
/* Write a new file whole and sync it, or leave none. 0 or ERR_SYS. */
int	 ca_write_file(const char *path, mode_t, BIO *);

/* The first certificate of a PEM file; or NULL, with a line in errors. */
X509	*ca_read_cert(const char *what, const char *path, struct text *errors);
/* All of them; the caller frees the certificates too. */
STACK_OF(X509) *ca_read_certs(const char *what, const char *path,
	    struct text *errors);
EVP_PKEY *ca_read_key(const char *what, const char *path,
	    struct text *errors);

time_t	 ca_time(const ASN1_TIME *);	/* -1 if it is malformed */

/* An extension with a copy of the DER value; NULL: no memory. */
X509_EXTENSION *ca_ext(int nid, int critical, const uint8_t *, size_t);

/*
 * Set the subject O=org (NULL: none), CN=cn. The name inside a certificate must
 * not be changed (it is const since OpenSSL 4). Returns 1, or 0 on failure.
 */
int	 ca_subject(X509 *, const char *org, const char *cn);

#define CA_CERT_FILE	"ca.pem"
#define CA_KEY_FILE	"ca.key"

#endif
