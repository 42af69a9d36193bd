/*
 * Certificates that peers present, read once: the same bytes give the same
 * X509, shared. Works by standing in for libcrypto's d2i_X509() where libssl
 * calls it; where that fails nothing is lost but the gain.
 */
#ifndef TLS_INTERN_H
#define TLS_INTERN_H

#include <openssl/x509.h>
#include <stdint.h>

#include "util/cache.h"

/* Bytes of the cache; before anything else here. */
void	 intern_budget(size_t);
/* Whether it works here, found by trying. Before the first handshake. */
int	 intern_start(void);
/* For tests and measurements: 0 hands every call through. */
void	 intern_enable(int);
/*
 * A server with this certificate was found good: it is kept as long as others
 * of good servers. Till then it shares a small part of the cache.
 */
void	 intern_good(const X509 *);
void	 intern_stats(struct cache_stats *);

#endif
