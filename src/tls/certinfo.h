/*
 * What the log says of a server's certificate, as text, read once for each
 * certificate and shared: immutable and counted.
 */
#ifndef TLS_CERTINFO_H
#define TLS_CERTINFO_H

#include <openssl/x509.h>

struct certinfo {
	char	*subject;	/* "CN=example.com, O=..." */
	char	*issuer;
	char	*serial;	/* "0A:1B:..." as EVE has it */
	char	*fingerprint;	/* SHA-1, "aa:bb:..." as EVE has it */
	char	*sha256;	/* lower-case hexadecimal */
	char	 notbefore[24];	/* "2026-11-23T00:00:00" */
	char	 notafter[24];
};

/* From a bounded cache by the certificate's SHA-256; a reference. */
struct certinfo	*certinfo_of(X509 *);
struct certinfo	*certinfo_ref(struct certinfo *);
void		 certinfo_unref(struct certinfo *);

#endif
