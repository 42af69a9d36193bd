/*
 * The versions of HTTP on the two sides of a decrypted session. They are the
 * same wherever client and server can agree. Where somebody looks at the
 * messages, they may differ: then the server is offered what the client did not
 * offer, and one version crosses to the other (http/cross) at the server's
 * connection, so that all of the session is in the client's.
 */
#ifndef PROXY_VERSIONS_H
#define PROXY_VERSIONS_H

#include <openssl/ssl.h>

#include "util/text.h"

struct session;

/* The ALPN list for the server (RFC 7301), as SSL_set_alpn_protos() takes it;
 * empty: none. */
void		 versions_offer(const struct session *, struct text *);
/*
 * The server's handshake failed. 1: it wants HTTP/2, which it was not offered:
 * versions_offer() has that now, for the next connection.
 */
int		 versions_refused(struct session *, SSL *);
/* Our answer to the client's ALPN; "": none. */
const char	*versions_answer(const struct session *);
/* Both handshakes are over: if the versions differ, they cross. */
void		 versions_join(struct session *);
/* The server's, or NULL. */
SSL		*versions_ssl(const struct session *);

#endif
