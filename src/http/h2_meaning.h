/*
 * What the lines of a head of HTTP/2 mean by their names, as far as this is a
 * matter of HTTP/2 (RFC 9113, 8.2 and 8.3).
 */
#ifndef HTTP_H2_MEANING_H
#define HTTP_H2_MEANING_H

#include "codec/slice.h"

enum h2_pseudo {
	H2_P_METHOD,
	H2_P_SCHEME,
	H2_P_AUTHORITY,
	H2_P_PATH,
	H2_P_PROTOCOL,
	H2_P_STATUS,
	H2_P_MAX
};

/* Lines that mean something here. */
enum h2_meaning {
	H2_F_OTHER,
	H2_F_HOP,		/* connection-specific: 8.2.2 */
	H2_F_TE,
	H2_F_LENGTH,
	H2_F_HOST,
	H2_F_COOKIE,
	H2_F_PSEUDO		/* and enum h2_pseudo; H2_P_MAX: none of ours */
};

enum h2_meaning	h2_meaning(struct slice name);
/* Of the names of HPACK's static table, by their index. */
extern const uint8_t	h2_known_meaning[];

#endif
