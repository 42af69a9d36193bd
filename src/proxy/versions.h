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

#include "http/h2.h"
#include "util/text.h"

struct session;

/* Only http/1.1 may be offered: it is configured, or a device has to read what
 * passes. */
int		 versions_fixed(const struct session *);
/* The ALPN list for the server (RFC 7301), as SSL_set_alpn_protos() takes it;
 * empty: none. */
void		 versions_offer(struct session *, struct text *);
/*
 * The server's handshake failed with that error. 1: it may want HTTP/2, which
 * it was not offered: it says so, or has hung up on a client that says it is
 * one of HTTP/1.1. versions_offer() has HTTP/2 now, for the next connection.
 */
int		 versions_refused(struct session *, SSL *, int err);
/*
 * The server has ended. 1: without a byte, and without an answer to the ALPN of
 * a client of HTTP/1.1, as some do that speak HTTP/2 only. It is offered that
 * from the next session on, for an hour. Servers of clients without ALPN, which
 * may speak anything, are not learned.
 */
int		 versions_hung_up(struct session *);
/* Our answer to the client's ALPN; "": none. */
const char	*versions_answer(const struct session *);
/* Both handshakes are over: if the versions differ, they cross. */
void		 versions_join(struct session *);
/* HTTP/2 of that peer is such an abuse: counted and logged. */
void		 versions_abused(struct session *, enum flow_dir from,
		    enum h2_abuse);
/* The server's, or NULL. */
SSL		*versions_ssl(const struct session *);

#endif
