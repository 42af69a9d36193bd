/*
 * The CAs that we trust: one X509_STORE for the process, and a cache of its
 * verdicts on whole chains.
 */
#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <time.h>

#include "tls/issuers.h"
#include "util/cache.h"
#include "util/text.h"

struct trust;

/*
 * trust: "system" or NULL (OpenSSL's default paths, or SSL_CERT_FILE and
 * SSL_CERT_DIR of the environment in their place), a PEM file, or a directory
 * of them; also: more; bytes: of the cache.
 * 0, or ERR_USAGE with a line in errors for each that cannot be used.
 */
int	 trust_new(const char *trust, char **also, size_t nalso,
	    size_t bytes, struct trust **, struct text *errors);
void	 trust_free(struct trust *);
X509_STORE *trust_store(struct trust *);

/* Add the lists of revoked certificates (PEM, or one in DER) of a file, or of
 * every file of a directory; before the first verification. 0, or ERR_USAGE
 * with a line in errors. */
int	 trust_add_crls(struct trust *, const char *path,
	    struct text *errors);
/* Whether that would do, and the same errors. */
int	 trust_crls_usable(const char *path, struct text *errors);

/* The intermediates that its chains may be built with, its own. */
struct issuers *trust_issuers(struct trust *);

struct trust_verdict {
	/* an X509_V_*; see trust_is_late(). That it is revoked means that but
	 * for this, or its time, it is good */
	int	 error;
	time_t	 until;		/* when the first certificate expires */
};

/*
 * Verify the chain that a peer has presented, but not its name: from the cache
 * if the same bytes were seen lately, otherwise by X509_verify_cert().
 */
void	 trust_verify(struct trust *, X509_STORE_CTX *, struct trust_verdict *);

/* The same, afresh: the intermediates that were missing may be there now. If
 * the issuer of a certificate is not, it is in *last, with a reference of the
 * caller's; else that is NULL. */
void	 trust_verify_again(struct trust *, X509_STORE_CTX *,
	    struct trust_verdict *, X509 **last);
/* Whether the error is that an issuer is not there. */
int	 trust_lacks_issuer(int error);

/* Whether the error is "expired" or "not yet valid", which means that nothing
 * else is wrong. */
int	 trust_is_late(int error);

void	 trust_stats(struct trust *, struct cache_stats *);

#endif
