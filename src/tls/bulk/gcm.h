/*
 * AES-GCM (NIST SP 800-38D) of TLS 1.3 records by Intel's multi-buffer crypto
 * library, where it was found at build time and the CPU has vector AES and
 * carry-less multiplication of 512 bits: OpenSSL 3.0 uses neither. Elsewhere
 * gcm_new() gives NULL, and libcrypto is to be used.
 */
#ifndef TLS_BULK_GCM_H
#define TLS_BULK_GCM_H

#include <stddef.h>
#include <stdint.h>

#define GCM_NONCE	12
#define GCM_TAG		16

struct gcm;		/* a key; stateless otherwise */

/* For tests and measurements: after 0, gcm_new() gives NULL. */
void	 gcm_enable(int);

/* Of 16 or 32 bytes; or NULL. The caller's: gcm_free(), which wipes it; NULL is
 * fine. */
struct gcm	*gcm_new(const uint8_t *key, size_t len);
void		 gcm_free(struct gcm *);

/* p, and a byte behind it, to len + 1 + GCM_TAG bytes of out. */
void	 gcm_seal(const struct gcm *, const uint8_t *nonce,
	    const uint8_t *aad, size_t aad_len, const uint8_t *p, size_t len,
	    uint8_t last, uint8_t *out);

/* The reverse, of len + 1 + GCM_TAG bytes. 0, or ERR_DENIED: out and last
 * are worth nothing. */
int	 gcm_open(const struct gcm *, const uint8_t *nonce,
	    const uint8_t *aad, size_t aad_len, const uint8_t *p, size_t len,
	    uint8_t *last, uint8_t *out);

#endif
