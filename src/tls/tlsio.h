/*
 * TLS over a non-blocking socket: one recv and one send a wake. OpenSSL is not
 * told of FIN and RST, for it would break off writing as well: a client that
 * half-closes still gets its reply.
 */
#ifndef TLS_TLSIO_H
#define TLS_TLSIO_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"
#include "tls/ciphertext.h"

struct tlsio;

/*
 * Takes the SSL over (tls_end() frees it); the sock and scratch are the
 * caller's and outlive it. ops: where the caller keeps transport_tls, changed
 * to another table, for the same state, when records of our own take the
 * connection over (tls/bulk/bulk.h); NULL: they never do.
 */
struct tlsio	*tlsio_new(SSL *, struct sock *, struct tlsio_scratch *,
		    const struct transport_ops **ops);

/* The caller keeps the table there from now on, not where it was. */
void		 tlsio_kept(struct tlsio *, const struct transport_ops **ops);

/*
 * A step of the handshake. 0 done, now or before; ERR_AGAIN; ERR_DENIED: the
 * server asks for a client certificate; ERR_EOF: FIN; ERR_SYS; ERR_TLS, with
 * the reason for a person in why (size bytes).
 */
int		 tlsio_handshake(struct tlsio *, char *why, size_t size);

/*
 * After a handshake of TLS 1.3 the server may still refuse what we said last.
 * 0: it has said more, a session or data (which is kept); ERR_AGAIN: nothing
 * yet; or as above.
 */
int		 tlsio_settle(struct tlsio *, char *why, size_t size);

SSL		*tlsio_ssl(struct tlsio *);

/*
 * A session is over: read what the peer of this SSL of a tlsio has left to say,
 * which is lost to all but tls_refused_none() and tls_insists_late().
 */
void		 tls_last_words(SSL *);

/* state: struct tlsio */
extern const struct transport_ops transport_tls;

/* Whether the state of that table is a struct tlsio. */
int		 tlsio_is(const struct transport_ops *);

#endif
