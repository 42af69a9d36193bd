/*
 * Certificates that peers present, read once: the same bytes give the same
 * X509, shared. Works by standing in for libcrypto's d2i_X509() where libssl
 * calls it; where that fails nothing is lost but the gain.
 */
#ifndef TLS_INTERN_H
#define TLS_INTERN_H

#include <stdint.h>

/* Whether it works here, found by trying. Before the first handshake. */
int	 intern_start(void);
/* For tests and measurements: 0 hands every call through. */
void	 intern_enable(int);
void	 intern_stats(uint64_t *asked, uint64_t *hits);

#endif
