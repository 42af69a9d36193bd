/*
 * Community ID, version 1 (Corelight's community-id-spec): a name for a flow.
 * Other tools (Suricata, Zeek, Arkime) compute the same name from the same
 * addresses and ports, so that their records can be joined with ours.
 */
#ifndef CODEC_COMMUNITY_H
#define CODEC_COMMUNITY_H

#include "util/addr.h"

#define COMMUNITY_LEN	30	/* "1:" and 28 of base64, without the NUL */

/*
 * The ID of the TCP flow between a and b, in either order. The seed is 0, every
 * tool's default. Returns 0; ERR_USAGE if they are not both IPv4 or both IPv6;
 * or ERR_TLS if OpenSSL refuses SHA-1. On an error out is "".
 */
int	community_id(char out[COMMUNITY_LEN + 1], const struct addr *a,
	    const struct addr *b);

#endif
