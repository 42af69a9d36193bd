/*
 * What a client says to an upstream proxy, to be connected to a server through
 * it, and what the proxy answers: HTTP CONNECT (RFC 9110, 9.3.6) with Basic
 * authentication (RFC 7617), or SOCKS5 (RFC 1928) with user and password
 * (RFC 1929).
 */
#ifndef CODEC_UPPROXY_H
#define CODEC_UPPROXY_H

#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

#define UPPROXY_HEAD_MAX	16384	/* bytes of an answer */

enum upproxy_kind {
	UPPROXY_HTTP,
	UPPROXY_SOCKS5
};

enum upproxy_due {		/* the answer that comes next */
	UPPROXY_ANSWER,		/* to CONNECT */
	UPPROXY_METHOD,		/* SOCKS5: to the greeting */
	UPPROXY_AUTH,		/* ... to user and password */
	UPPROXY_REPLY		/* ... to the request */
};

struct upproxy {
	enum upproxy_kind kind;
	const char	*host;		/* the server: a name or an address */
	uint16_t	 port;
	const char	*auth;		/* "user:password", or NULL */
	/* private */
	enum upproxy_due due;
	unsigned	 interim;	/* answers 1xx, so far */
	/* What upproxy_read() tells besides: */
	int		 timed_out;	/* the proxy says so of the server */
	char		 why[160];	/* the reason of an ERR_*, printable */
};

/* What may follow from "user:password": each of SOCKS5's has a length octet. */
int	upproxy_auth_valid(enum upproxy_kind, const char *auth);

/*
 * Begin: the first bytes to say are added to out. host, port, kind and auth are
 * set, and outlive the struct; the rest is zero. Returns 0; or ERR_FORMAT: the
 * host is neither a name nor an address.
 */
int	upproxy_begin(struct upproxy *, struct text *out);

/*
 * Read what the proxy has answered so far. Returns
 *	0		the server is connected; *used bytes were the proxy's,
 *			and what follows is the server's
 *	ERR_AGAIN	*used bytes were read: say out and go on behind them
 *	ERR_SHORT	more is needed
 *	ERR_DENIED	the proxy works, and has refused
 *	ERR_FORMAT	it is no such proxy
 *	ERR_LIMIT	the answer is longer than UPPROXY_HEAD_MAX
 */
int	upproxy_read(struct upproxy *, const uint8_t *data, size_t len,
	    size_t *used, struct text *out);

#endif
