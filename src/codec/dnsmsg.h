/*
 * Messages of DNS (RFC 1035, 4.1), as far as their HTTPS and SVCB records (RFC
 * 9460) tell a client of ways around us: keys for ECH, and HTTP/3.
 */
#ifndef CODEC_DNSMSG_H
#define CODEC_DNSMSG_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

#define DNSMSG_MAX	65535

enum dnsmsg_kind { DNSMSG_NONE, DNSMSG_QUERY, DNSMSG_ANSWER };

/* What it is, by its header alone; *id is set unless it is none. */
enum dnsmsg_kind dnsmsg_kind(const uint8_t *msg, size_t len, uint16_t *id);

/* Make the answer REFUSED of a query, in place: its header, and its question
 * if there is one that is whole. Returns the length. */
size_t	dnsmsg_refuse(uint8_t *query, size_t len);

#define DNSMSG_NAME_MAX	256

/*
 * The name that a query asks for, in lower case, without its final dot, if it
 * is one that a host can have. 0, or ERR_FORMAT.
 */
int	dnsmsg_name(const uint8_t *query, size_t len,
	    char out[DNSMSG_NAME_MAX]);

/*
 * Make the answer of a query, in place, in a buffer of max bytes: that the name
 * has this address for ttl seconds; or, if it asks for something else than an
 * address of that family, that there is none (RFC 2308, 2.2). Returns the
 * length; 0: it does not ask one question of the class IN, and is as it was.
 */
size_t	dnsmsg_point(uint8_t *query, size_t len, size_t max,
	    const struct addr *, uint32_t ttl);

/*
 * Blunt those records of a response, in place; the message keeps its length,
 * so that no compressed name (RFC 1035, 4.1.4) points elsewhere afterwards.
 * The parameter `ech` (5) gets a key of those for private use (65280 to 65534,
 * RFC 9460, 14.3.1) that clients ignore, and moves to where it belongs in the
 * order of keys; `h3` and its drafts in `alpn` (1) become protocols that nobody
 * has. A record whose parameters are malformed, and one that is mandatory with
 * `ech`, is left to the client, which ignores it (RFC 9460, 2.2 and 8).
 *
 * A set of records that comes with its signature (RRSIG) is left as it is: who
 * validates it would have no answer at all. With even_signed it is blunted,
 * and the signature no longer holds. Of more than eight signed sets none is
 * blunted.
 *
 * Returns the number of records that were changed; 0 for a query; or
 * ERR_FORMAT for what is no message. All records before the fault have been
 * changed then.
 */
int	dnsmsg_blunt(uint8_t *msg, size_t len, int even_signed);

#endif
