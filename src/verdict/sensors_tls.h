/*
 * Syslog over TLS (RFC 5425), in the process that reads sensors: the contexts
 * of sensors, and the connections of those who send. A sender that is slow, or
 * silent, is waited for by nobody: all calls return at once.
 */
#ifndef VERDICT_SENSORS_TLS_H
#define VERDICT_SENSORS_TLS_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "util/text.h"
#include "verdict/sensors_wire.h"

#define SENDER_MAX	256	/* bytes of a sender's name, with its NUL */

/*
 * A context of what the daemon has read: TLS 1.2 and later; if there are CAs,
 * only clients with a certificate of one of them. NULL, with a sentence in why.
 */
SSL_CTX	*sensors_tls_new(const struct sensor_given *, const char *pem,
	    struct text *why);

enum sensors_tls_got {
	TLS_GOT_BYTES,
	TLS_GOT_HANDSHAKE,	/* it is done just now */
	TLS_GOT_NOTHING,	/* wait until it can be read */
	TLS_GOT_ROOM,		/* wait until it can be written */
	TLS_GOT_END,		/* close_notify: nothing is missing */
	TLS_GOT_CUT,		/* closed without that */
	TLS_GOT_ERROR		/* see sensors_tls_why() */
};

/* Go on with the handshake; after it, read up to room bytes. *n is set with
 * TLS_GOT_BYTES. */
enum sensors_tls_got sensors_tls_read(SSL *, char *buf, size_t room,
	    size_t *n);
/* What went wrong just now, for a person; static. */
const char *sensors_tls_why(const SSL *);
/*
 * The name in the client's certificate: its first DNS name, else its CN, else
 * the whole subject. Returns out (SENDER_MAX bytes), which is empty if there is
 * no certificate.
 */
char	*sensors_tls_sender(const SSL *, char *out);

#endif
