/*
 * OPTIONS (RFC 3507, 4.10): a worker asks each server what it can do when that
 * is due, and probes one that is down. One at a time for each server,
 * whichever worker it is.
 */
#ifndef ICAP_OPTIONS_H
#define ICAP_OPTIONS_H

#include "icap/pool.h"

struct icap_asks {
	struct icap_pool *pool;
	struct icap_ask	**v;		/* by server; NULL: none */
};

void	icap_asks_init(struct icap_asks *, struct icap_pool *);
void	icap_asks_done(struct icap_asks *);	/* gives those under way up */
void	icap_asks_tick(struct icap_asks *);	/* each second: what is due */

#endif
