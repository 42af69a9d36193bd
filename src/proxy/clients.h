/*
 * How many sessions each client address has open, in all workers together
 * (limits.per-client). One mutex, held for a look-up.
 */
#ifndef PROXY_CLIENTS_H
#define PROXY_CLIENTS_H

#include "util/addr.h"

/* Count one more. 0, or ERR_LIMIT (not counted) when it has max already. */
int	clients_add(const struct addr *, unsigned max);
void	clients_remove(const struct addr *);

#endif
