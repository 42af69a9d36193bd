/*
 * Counts what comes in a row.
 */
#include "chain/updown.h"

int
updown_hit(struct updown *u, uint64_t now)
{
	u->misses = 0;
	if (u->hits++ == 0)
		u->since = now;
	if (!u->is_up && u->hits >= u->up &&
	    (!u->failed || now - u->since >= u->hold))
		u->is_up = 1;
	return u->is_up;
}

int
updown_miss(struct updown *u)
{
	u->hits = 0;
	if (++u->misses >= u->down && u->is_up)
		return updown_lost(u);
	return u->is_up;
}

int
updown_lost(struct updown *u)
{
	u->hits = 0;
	u->is_up = 0;
	u->failed = 1;
	return 0;
}
