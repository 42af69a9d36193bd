/*
 * The queries of DNS over UDP that a worker has sent on and that wait for their
 * answers. Those of one client address and port to one server are a flow, which
 * exists as long as it has a query. The table is bounded: when it is full, the
 * oldest query gives way, for it is the least likely to be answered; and no
 * client has more than half of it. Its memory counts for limits.memory. Neither
 * sockets nor clocks are known here.
 */
#ifndef PROXY_DNSTABLE_H
#define PROXY_DNSTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

#define DNSTABLE_WAIT	30000	/* ms, as Linux's connection tracking does */

struct dnstable;

/* Embedded in what the owner of the table has for a flow. */
struct dnsflow {
	struct dnsflow	*next;		/* private */
	uint64_t	 key;		/* private */
	unsigned	 waiting;	/* queries; private */
	struct addr	 client, server;
};

/*
 * max: queries. seed: random, as peers choose what is hashed. gone: the flow's
 * last query is gone, and it is out of the table.
 */
struct dnstable	*dnstable_new(size_t max, uint64_t seed,
		    void (*gone)(struct dnsflow *));
void		 dnstable_free(struct dnstable *);	/* flows are gone */

/* The flow, or NULL. */
struct dnsflow	*dnstable_find(struct dnstable *, const struct addr *client,
		    const struct addr *server);
/*
 * A query of a flow, which is a new one with its addresses set, and else zero,
 * or was found. One with the same id that waits is asked again. Returns the
 * number of older queries that gave way to it (of other flows, or of this); or
 * ERR_LIMIT, or ERR_MEM: it is not in the table, and a new flow neither.
 */
int		 dnstable_ask(struct dnstable *, struct dnsflow *, uint16_t id,
		    uint64_t now);
int		 dnstable_waits(struct dnstable *, const struct dnsflow *,
		    uint16_t id);
/* It waits no longer. Returns whether the flow is still there. */
int		 dnstable_done(struct dnstable *, struct dnsflow *,
		    uint16_t id);
/* Forget those that have waited too long; how many. */
size_t		 dnstable_expire(struct dnstable *, uint64_t now);
size_t		 dnstable_count(const struct dnstable *);	/* queries */

#endif
