/*
 * Does TLS begin inside a session that began in the clear? This follows the
 * client's bytes: first a command that asks for TLS (SMTP, NNTP, IMAP,
 * ManageSieve: STARTTLS; FTP: AUTH TLS, RFC 4217; POP3: STLS, RFC 2595; XMPP:
 * <starttls/>, RFC 6120; LDAP: RFC 4511, 4.14; the SSLRequest of PostgreSQL and
 * MySQL), then a TLS record. A command alone is not enough, because the server
 * may refuse it. Only the first STARTTLS_MAX bytes are read.
 */
#ifndef CODEC_STARTTLS_H
#define CODEC_STARTTLS_H

#include <stddef.h>
#include <stdint.h>

#define STARTTLS_MAX	8192	/* bytes; a login comes long before */
#define STARTTLS_LINE	96	/* bytes kept of a line */

enum starttls_state {
	STARTTLS_FOLLOWS,	/* looking for a command */
	STARTTLS_ASKED,		/* found one: does TLS follow? */
	STARTTLS_TLS,		/* TLS has followed */
	STARTTLS_NO		/* no TLS, and no longer looking */
};

struct starttls {
	enum starttls_state state;
	uint32_t	 seen;			/* bytes */
	uint8_t		 line[STARTTLS_LINE];	/* the current one */
	uint8_t		 len;
};

/* Feed the client's next bytes; the struct begins zeroed. Returns the state,
 * which is final once it is one of the last two. */
enum starttls_state starttls_feed(struct starttls *, const uint8_t *, size_t);

#endif
