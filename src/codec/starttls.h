/*
 * Does TLS begin inside a session that began in the clear? Follows what a
 * client says: a command that asks for it (SMTP, NNTP, IMAP, ManageSieve:
 * STARTTLS; FTP: AUTH TLS, RFC 4217; POP3: STLS, RFC 2595; XMPP: <starttls/>,
 * RFC 6120; LDAP: RFC 4511, 4.14; the SSLRequest of PostgreSQL and of MySQL),
 * and then a TLS record behind it. Sees the first STARTTLS_MAX bytes only; a
 * command by itself, which a server may refuse, is none.
 */
#ifndef CODEC_STARTTLS_H
#define CODEC_STARTTLS_H

#include <stddef.h>
#include <stdint.h>

#define STARTTLS_MAX	8192	/* bytes; long before it there is a login */
#define STARTTLS_LINE	96	/* of a line: what is kept */

enum starttls_state {
	STARTTLS_FOLLOWS,	/* looking for a command */
	STARTTLS_ASKED,		/* there was one: is the next byte TLS's? */
	STARTTLS_TLS,		/* ... it is */
	STARTTLS_NO		/* nothing to be seen any more */
};

struct starttls {
	enum starttls_state state;
	uint32_t	 seen;			/* bytes */
	uint8_t		 line[STARTTLS_LINE];	/* since the last end of one */
	uint8_t		 len;
};

/* Begin with all zeros. The next bytes of the client's; the state they give,
 * which is for good once it is one of the last two. */
enum starttls_state starttls_feed(struct starttls *, const uint8_t *, size_t);

#endif
