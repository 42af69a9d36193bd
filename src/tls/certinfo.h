/*
 * What the log says of a server's certificate, as text, read once for each
 * certificate and shared: immutable and counted.
 */
#ifndef TLS_CERTINFO_H
#define TLS_CERTINFO_H

#include <openssl/x509.h>

#include "util/cache.h"

struct certinfo {
	char	*subject;	/* "CN=example.com, O=...", cut at 4 KiB */
	char	*issuer;
	char	*serial;	/* "0A:1B:..." as EVE has it */
	char	*fingerprint;	/* SHA-1, "aa:bb:..." as EVE has it */
	char	*sha256;	/* lower-case hexadecimal */
	char	 notbefore[24];	/* "2026-11-23T00:00:00" */
	char	 notafter[24];
};

/* Bytes of the cache; before anything else here. */
void		 certinfo_budget(size_t);
/*
 * From the cache by the certificate's SHA-256; a reference. good: its server
 * was found good; of others little is kept.
 */
struct certinfo	*certinfo_of(X509 *, int good);
void		 certinfo_unref(struct certinfo *);
void		 certinfo_stats(struct cache_stats *);

#endif
