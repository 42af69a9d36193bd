/*
 * The dialogue in which a session that began in the clear turns to TLS: the
 * client asks (STARTTLS, STLS, AUTH TLS, an SSLRequest), the server agrees, and
 * TLS begins behind its answer. A reader is given the bytes of both directions
 * as they come and cuts them into units (lines, messages, tags); it says of
 * each what it means. SMTP (RFC 3207), IMAP and POP3 (RFC 2595), FTP (RFC
 * 4217), NNTP (RFC 4642) and ManageSieve (RFC 5804) are lines; LDAP, XMPP,
 * PostgreSQL and MySQL are not.
 */
#ifndef CODEC_STARTTLS_H
#define CODEC_STARTTLS_H

#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

#define STARTTLS_MAX	16384	/* bytes of both; a login comes long before */
#define STARTTLS_UNIT	1024	/* bytes kept of a unit */
#define STARTTLS_TAG	STARTTLS_UNIT	/* ... of IMAP's tag */

enum starttls_step {
	STARTTLS_MORE,		/* all is read, and the unit is not whole */
	STARTTLS_PLAIN,		/* a unit that does neither of these */
	STARTTLS_ASKED,		/* the client asks for TLS. It has to wait for
				 * the answer: what it sends before is none of
				 * the dialogue, if the server agrees */
	STARTTLS_AGREED,	/* TLS follows, from the client */
	STARTTLS_REFUSED,	/* the server does not; all goes on */
	STARTTLS_UNASKED,	/* a TLS record where nobody had agreed */
	STARTTLS_OVER		/* no dialogue that we know, or no more of it */
};

struct starttls_unit {
	uint8_t		 p[STARTTLS_UNIT];	/* its start */
	size_t		 len;			/* all of it */
};

/* Which protocol it is: its place in a table. */
enum { STARTTLS_SMTP, STARTTLS_IMAP, STARTTLS_POP3, STARTTLS_FTP,
	STARTTLS_NNTP, STARTTLS_SIEVE, STARTTLS_LDAP, STARTTLS_XMPP,
	STARTTLS_PGSQL, STARTTLS_MYSQL };

struct starttls_protocol;

/* Begins zeroed. */
struct starttls {
	const struct starttls_protocol *protocol;	/* NULL: not known */
	struct starttls_unit side[2];	/* by direction; 0: the client's */
	uint32_t	 seen;		/* bytes */
	uint8_t		 frame;		/* how units are cut: enum frame */
	uint8_t		 asked;		/* the server's answer is due */
	uint8_t		 ending;	/* the answer to a login, or to what
					 * brings content, is due: it is over,
					 * unless the server refuses */
	uint8_t		 over;
	uint8_t		 hiding;	/* see starttls_hide() */
	uint8_t		 greeted;	/* by lines: the greeting has come */
	uint16_t	 pending;	/* commands that are not answered; and
					 * those behind what asked */
	uint16_t	 behind;
	uint16_t	 reply;		/* the code of one that is not whole */
	uint16_t	 tag_len;
	uint8_t		 tag[STARTTLS_TAG];	/* of what asked */
};

/*
 * Read on, to the end of the next unit; *n is how many bytes that were, 0 to
 * len. down: the server's bytes. OVER is final and takes no bytes.
 */
enum starttls_step starttls_read(struct starttls *, int down,
		    const uint8_t *p, size_t len, size_t *n);

/*
 * How many bytes of the client's may be read from where it stands, because TLS
 * may follow them at once; 0: any number.
 */
size_t		 starttls_most(const struct starttls *);

/*
 * The server's unit that was read last, as it came: take out what it says of
 * TLS, in place. Returns the bytes that are left.
 */
size_t		 starttls_hide(struct starttls *, uint8_t *p, size_t len);

/*
 * A client that wants nothing but TLS, in a connection of its own. Zeroed, but
 * for which, it is ready.
 */
struct starttls_asker {
	unsigned	 which;
	struct starttls	 reader;
	unsigned	 said, heard;	/* our texts, the server's units */
};

/*
 * Hear these bytes of the server's, of which *n were read, and append to say
 * what is to be sent now; it begins without bytes. name is the server's.
 * AGREED: TLS follows, and the server has said no more if *n is len. MORE:
 * go on. Anything else: it does not agree.
 */
enum starttls_step starttls_ask(struct starttls_asker *, const char *name,
		    const uint8_t *p, size_t len, size_t *n,
		    struct text *say);

/* Which protocol it is, or -1: not known (yet). */
int		 starttls_which(const struct starttls *);
/* Its name as Suricata's EVE has it, or would; NULL: there are no more. */
const char	*starttls_name(unsigned which);

#endif
