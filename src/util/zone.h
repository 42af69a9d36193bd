/*
 * Time zones, without the process's own (tzset(3) is for one zone, and not for
 * threads): the offsets of a TZif file (RFC 8536), and its rule for the time
 * behind the last of them.
 */
#ifndef UTIL_ZONE_H
#define UTIL_ZONE_H

#include <stddef.h>
#include <stdint.h>

struct zone;

/* Read the content of a file. NULL if it is none. */
struct zone	*zone_read(const uint8_t *, size_t);
void		 zone_free(struct zone *);
/* Seconds east of UTC at a time, in seconds since 1970. NULL is UTC. */
int32_t		 zone_offset(const struct zone *, int64_t);

#endif
