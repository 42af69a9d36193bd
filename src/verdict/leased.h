/*
 * The addresses of contained endpoints that are behind another router, by their
 * leases. The guard knows an endpoint by the MAC address in its frames, which
 * is the router's there; so it holds each address that the endpoint has been
 * leased, for as long as it is. For the main thread.
 */
#ifndef VERDICT_LEASED_H
#define VERDICT_LEASED_H

#include "verdict/leases.h"
#include "verdict/quarantine.h"

/* A server has given an address away, or taken it back (mac: only from this
 * host, unless NULL). wall is seconds since 1970, now is clock_ms(). Return as
 * leases_put() and leases_del(). */
int	leased_put(struct quarantine *, const struct lease *, int64_t wall,
	    uint64_t now);
int	leased_del(struct quarantine *, const struct addr *,
	    const uint8_t *mac);
/* Those that are over. */
void	leased_tick(struct quarantine *, uint64_t now);

/* An endpoint is contained (instead of old, unless NULL), or no longer; the
 * guard's table was made anew. */
void	leased_hold(struct quarantine *, const struct contained *,
	    const struct contained *old, uint64_t now);
void	leased_free(struct quarantine *, const struct contained *);
void	leased_renew(struct quarantine *, uint64_t now);

#endif
