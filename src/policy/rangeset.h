/*
 * A set of addresses given as prefixes: sorted ranges, asked by halving, so
 * that a list of a hundred thousand costs some seventeen comparisons. IPv4 and
 * IPv6 are apart: ::/0 holds no IPv4.
 */
#ifndef POLICY_RANGESET_H
#define POLICY_RANGESET_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

#define RANGE_KEY	17	/* the address's length, then its bytes */

struct range {
	uint8_t		lo[RANGE_KEY], hi[RANGE_KEY];
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
