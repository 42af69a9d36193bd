/*
 * A set of addresses given as prefixes. It is an array of sorted ranges with
 * binary search: 17 comparisons for a hundred thousand entries. IPv4 and IPv6
 * are separate: ::/0 contains no IPv4 address.
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
/* Sort and merge. Call it once, after the last add and before the first has. */
void	rangeset_done(struct rangeset *);
/* 0 for an unknown address (AF_UNSPEC). */
int	rangeset_has(const struct rangeset *, const struct addr *);
void	rangeset_free(struct rangeset *);

#endif
