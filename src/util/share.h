/*
 * How much each of many owners has of something that all of them share, so
 * that no one takes it all. The counts are exact: nobody pays for another's. An
 * owner takes memory only while it has something, so that what is shared bounds
 * the table. Without locks; zeroed memory is an empty table.
 */
#ifndef UTIL_SHARE_H
#define UTIL_SHARE_H

#include <stdint.h>

#define SHARES_SLOTS	1024

struct share;

struct shares {
	struct share	*slot[SHARES_SLOTS];
	uint64_t	 seed;		/* peers choose who they are */
};

/* The owner is a client or a server: see addr_owner(). */
unsigned share_of(const struct shares *, uint64_t owner);
void	 share_take(struct shares *, uint64_t owner);
/* Give one back that was taken. */
void	 share_give(struct shares *, uint64_t owner);

#endif
