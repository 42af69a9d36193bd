/*
 * Community ID, version 1: a name for a flow that other tools (Suricata,
 * Zeek, Arkime) compute alike from the same addresses and ports, so that
 * their records and ours can be joined. Corelight's community-id-spec.
 */
#ifndef CODEC_COMMUNITY_H
#define CODEC_COMMUNITY_H

#include "util/addr.h"

#define COMMUNITY_LEN	30	/* "1:" and 28 of base64, without the NUL */

/*
 * Of the TCP flow between a and b, in either order; the seed is 0, which is
 * every tool's default. 0; ERR_USAGE when they are not both IPv4 or both
 * IPv6; ERR_TLS when OpenSSL will not do SHA-1. out is "" then.
 */
int	community_id(char out[COMMUNITY_LEN + 1], const struct addr *a,
	    const struct addr *b);

#endif
