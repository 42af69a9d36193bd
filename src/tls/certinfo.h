/*
 * A server's certificate as text for the log. It is read once for each
 * certificate and shared: immutable and reference-counted.
 */
#ifndef TLS_CERTINFO_H
#define TLS_CERTINFO_H

#include <openssl/x509.h>

#include "util/cache.h"
#include "util/text.h"

struct certinfo {
	struct cache_item item;
	char	*subject;	/* "CN=example.com, O=...", cut at 4 KiB */
	char	*issuer;
	char	*serial;	/* "0A:1B:..." as EVE has it */
	char	*fingerprint;	/* SHA-1, "aa:bb:..." as EVE has it */
	char	*sha256;	/* lower-case hexadecimal */
	char	 notbefore[24];	/* "2026-11-23T00:00:00" */
	char	 notafter[24];
};

/* Set the bytes of the cache, before any other call. */
void		 certinfo_budget(size_t);
/*
 * A reference to the info in the cache, keyed by the certificate's SHA-256.
 * good: its server passed verification; few others are kept.
 */
struct certinfo	*certinfo_of(X509 *, int good);
void		 certinfo_unref(struct certinfo *);
void		 certinfo_stats(struct cache_stats *);

#define CERTNAMES_MAX	1024	/* bytes of text; further names are left out */

/*
 * Append the DNS names of its subjectAltName in lower case, each followed by a
 * NUL. A wildcard is replaced by a name that it covers. Invalid names are left
 * out.
 */
void		 certnames(X509 *, struct text *out);

#endif
