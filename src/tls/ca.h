/*
 * A certificate authority of ours: loaded from files and checked, or made.
 */
#ifndef TLS_CA_H
#define TLS_CA_H

#include <openssl/x509.h>
#include <stdint.h>
#include <time.h>

#include "tls/signer.h"
#include "util/text.h"

/* Immutable once made. */
struct ca {
	X509		*cert;
	STACK_OF(X509)	*chain;		/* to send behind a leaf */
	X509_EXTENSION	*akid;		/* names our SKI; NULL if it has none */
	struct signer	*signer;
	time_t		 notbefore, notafter;
	uint8_t		 id[32];	/* SHA-256 of cert's DER */
};

/*
 * PEM files; cert may hold intermediates after the CA. what names the CA in
 * the lines added to errors ("ca", "untrusted"). 0 or ERR_USAGE.
 */
int	 ca_load(const char *what, const char *cert, const char *key,
	    struct ca **, struct text *errors);
/* One that nobody trusts, whose name says what it is for; in memory. */
struct ca *ca_untrusted(void);
void	 ca_free(struct ca *);

/*
 * What RFC 5280 (4.2.1) demands of a CA and lenient clients do without, in one
 * clause; nothing is added to out when there is all of it.
 */
void	 ca_doubts(X509 *, struct text *out);

struct ca_want {
	const char	*key;	/* p-256, p-384, ed25519, rsa:2048 ...; NULL */
	const char	*name;	/* the subject's CN; NULL: ours */
	int		 days;	/* 0: ten years */
};

/* A self-signed CA. 0, ERR_USAGE when key is no type of ours, ERR_TLS. */
int	 ca_make(const struct ca_want *, X509 **, EVP_PKEY **);

/*
 * To new files: the key 0600, the certificate 0644, the directory 0700 when
 * it is not there. ERR_SYS with errno; EEXIST when either file is there.
 */
int	 ca_write(const char *dir, X509 *, EVP_PKEY *);

/* The first certificate of a PEM file; NULL and a line in errors. */
X509	*ca_read_cert(const char *what, const char *path, struct text *errors);
EVP_PKEY *ca_read_key(const char *what, const char *path,
	    struct text *errors);

time_t	 ca_time(const ASN1_TIME *);	/* -1 when it is none */

/* An extension holding a copy of the DER value; NULL without memory. */
X509_EXTENSION *ca_ext(int nid, int critical, const uint8_t *, size_t);

/*
 * Give the certificate the subject O=org (NULL: none), CN=cn. The name inside
 * a certificate is not to be written to (const since OpenSSL 4). 1, or 0.
 */
int	 ca_subject(X509 *, const char *org, const char *cn);

#define CA_CERT_FILE	"ca.pem"
#define CA_KEY_FILE	"ca.key"

#endif
