/*
 * SOCKS5 (RFC 1928) as a server reads it: no authentication, CONNECT, to a
 * name or an address. SOCKS4 and 4a are recognised, to be refused in words
 * their clients understand.
 */
#ifndef CODEC_SOCKS_H
#define CODEC_SOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

enum {				/* the reply field of RFC 1928, 6 */
	SOCKS_OK = 0,
	SOCKS_FAILURE = 1,
	SOCKS_DENIED = 2,
	SOCKS_NET_UNREACHABLE = 3,
	SOCKS_HOST_UNREACHABLE = 4,
	SOCKS_REFUSED = 5,
	SOCKS_TTL = 6,
	SOCKS_BAD_COMMAND = 7,
	SOCKS_BAD_ADDRESS = 8
};

#define SOCKS_NO_METHOD	0xff	/* none of the client's methods will do */
#define SOCKS_REPLY_MAX	22

struct socks_request {
	size_t		 len;		/* bytes it took up */
	struct addr	 addr;		/* with port; AF_UNSPEC for a name */
	char		 host[256];	/* the name, lower case, or the address
					 * as text; for the log */
	uint16_t	 port;
	uint8_t		 reply;		/* what to answer an ERR_* with */
};

/* Whether this first byte may begin SOCKS: 4 or 5. */
int	socks_starts(uint8_t);

/*
 * Each reads from the start of data. ERR_SHORT sets *need to the bytes
 * wanted in all (> len, never more than will come).
 *
 * The greeting: 0 with *used; ERR_DENIED (answer SOCKS_NO_METHOD; *used is
 * set) if the client will not go without authentication; ERR_UNSUPPORTED for
 * SOCKS4 (answer socks4_refuse); ERR_FORMAT.
 */
int	socks_greeting(const uint8_t *data, size_t len, size_t *used,
	    size_t *need);
/*
 * The request: 0; ERR_UNSUPPORTED (BIND, UDP, an unknown address type) or
 * ERR_FORMAT (a name that is none, port 0) with reply set.
 */
int	socks_request(struct socks_request *, const uint8_t *data, size_t len,
	    size_t *need);

/* Answers; each returns its length. bound may be NULL: 0.0.0.0:0. */
size_t	socks_method(uint8_t out[2], uint8_t method);
size_t	socks_reply(uint8_t out[SOCKS_REPLY_MAX], uint8_t reply,
	    const struct addr *bound);
size_t	socks4_refuse(uint8_t out[8]);

#endif
