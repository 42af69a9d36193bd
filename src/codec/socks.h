/*
 * SOCKS5 (RFC 1928) as a server reads it: CONNECT to a name or an address. User
 * and password (RFC 1929) are in codec/basic.h. SOCKS4 and 4a are recognised,
 * so that they can be refused with an answer that their clients understand.
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

#define SOCKS_NO_METHOD	0xff	/* we accept none of the client's methods */
#define SOCKS_NO_LOGIN	0	/* methods */
#define SOCKS_PASSWORD	2
#define SOCKS_REPLY_MAX	22

struct socks_request {
	size_t		 len;		/* of the request, in bytes */
	struct addr	 addr;		/* with port; AF_UNSPEC for a name */
	char		 host[256];	/* the name, lower case, or the address
					 * as text; for the log */
	uint16_t	 port;
	uint8_t		 reply;		/* the answer to an ERR_* */
};

/* Whether this first byte may start SOCKS: 4 or 5. */
int	socks_starts(uint8_t);

/*
 * Both read from the start of data. With ERR_SHORT *need is the number of
 * bytes wanted in all (> len, and never more than will come).
 *
 * The greeting. Returns 0 with *used; ERR_DENIED, with *used, if the client
 * does not offer the method (answer SOCKS_NO_METHOD); ERR_UNSUPPORTED for
 * SOCKS4 (answer socks4_refuse); or ERR_FORMAT.
 */
int	socks_greeting(const uint8_t *data, size_t len, uint8_t method,
	    size_t *used, size_t *need);
/*
 * The request. Returns 0; or, with reply set, ERR_UNSUPPORTED (BIND, UDP, an
 * unknown address type) or ERR_FORMAT (an invalid name, port 0).
 */
int	socks_request(struct socks_request *, const uint8_t *data, size_t len,
	    size_t *need);

/* Write an answer and return its length. bound may be NULL: 0.0.0.0:0. */
size_t	socks_method(uint8_t out[2], uint8_t method);
/* To user and password (RFC 1929, 2). */
size_t	socks_login(uint8_t out[2], int ok);
size_t	socks_reply(uint8_t out[SOCKS_REPLY_MAX], uint8_t reply,
	    const struct addr *bound);
size_t	socks4_refuse(uint8_t out[8]);

#endif
