/*
 * In which country an address is, by a database in MaxMind's format (MMDB):
 * GeoLite2, GeoIP2, DB-IP, IPinfo. What is looked at is a copy in memory, so
 * that a file which is overwritten in its place harms nobody. Any thread.
 */
#ifndef NET_GEO_H
#define NET_GEO_H

#include "util/addr.h"
#include "util/text.h"

struct geo;

#define GEO_UNKNOWN	"unknown"	/* of an address that is not in it */
#define GEO_LEN		sizeof(GEO_UNKNOWN)

/*
 * The database in these bytes. 0; or ERR_FORMAT (it is none, or has no
 * countries) or ERR_SYS, with half a sentence in why.
 */
int	geo_new(const char *bytes, size_t len, struct geo **, struct text *why);
void	geo_free(struct geo *);
/* ISO 3166-1's two letters in upper case, or GEO_UNKNOWN. */
void	geo_country(const struct geo *, const struct addr *, char out[GEO_LEN]);

#endif
