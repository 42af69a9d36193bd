/*
 * Fingerprints of a ClientHello: JA3 (MD5 of a list of numbers) and JA4 (the
 * TLS client fingerprint of FoxIO's JA4 specification). Both leave GREASE
 * out.
 */
#ifndef CODEC_JA_H
#define CODEC_JA_H

#include <openssl/evp.h>

#include "codec/hello.h"
#include "util/text.h"

#define JA3_HASH_LEN	32	/* hexadecimal, without the NUL */
#define JA4_LEN		36	/* t13d1516h2_8daaf6152771_b186095e22b6 */

/* The text that JA3 hashes, added to out. */
void	ja3_text(struct text *out, const struct hello *);
/*
 * The hashes. The caller fetches md5 and sha256 once, or passes NULL for
 * OpenSSL's default. Returns 0, or ERR_TLS if OpenSSL refuses (MD5 under FIPS).
 */
int	ja3_hash(char out[JA3_HASH_LEN + 1], const struct hello *,
	    const EVP_MD *md5);
int	ja4(char out[JA4_LEN + 1], const struct hello *, const EVP_MD *sha256);

/*
 * How far a hello is from another: how many of the numbers that JA4 is of are
 * in one of them only (cipher suites, extensions, signature algorithms; GREASE
 * aside), and one more each for another highest version, another first
 * protocol of ALPN, and other signature algorithms in order alone. 0: their JA4
 * is the same.
 */
unsigned ja4_distance(const struct hello *, const struct hello *);

#endif
