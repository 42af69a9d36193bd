/*
 * A set of addresses given as prefixes: sorted ranges, asked by halving, so
 * that a list of a hundred thousand costs some seventeen comparisons.
 */
#ifndef POLICY_RANGESET_H
#define POLICY_RANGESET_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

struct range {			/* IPv4 as ::ffff:a.b.c.d */
	uint8_t		lo[16], hi[16];
};

struct rangeset {		/* starts zeroed */
	struct range	*v;
	size_t		 n, cap;
};

void	rangeset_add(struct rangeset *, const struct prefix *);
/* Sort and merge; once, after the last add and before the first has. */
void	rangeset_done(struct rangeset *);
/* No for an address that is not known (AF_UNSPEC). */
int	rangeset_has(const struct rangeset *, const struct addr *);
void	rangeset_free(struct rangeset *);

#endif
