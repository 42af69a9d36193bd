/*
 * TLS over a non-blocking socket: one recv and one send a wake. Ciphertext
 * passes through the worker's scratch buffers, so that an idle connection
 * holds none; what OpenSSL or the socket would not take yet is kept aside.
 * FIN and RST are kept from OpenSSL, which would break off writing as well:
 * a client that half-closes still gets its reply.
 */
#ifndef TLS_TLSIO_H
#define TLS_TLSIO_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"

#define TLSIO_IN	(264 * 1024)	/* ciphertext of one recv */
#define TLSIO_OUT	(264 * 1024)	/* 16 full records and a little */

/* One a worker. */
struct tlsio_scratch {
	uint8_t	in[TLSIO_IN];
	uint8_t	out[TLSIO_OUT];
};

struct tlsio;

/* Takes the SSL over (tls_end() frees it); the sock and scratch are the
 * caller's and outlive it. */
struct tlsio	*tlsio_new(SSL *, struct sock *, struct tlsio_scratch *);

/*
 * A step of the handshake. 0 done; ERR_AGAIN; ERR_DENIED: the server asks for
 * a client certificate; ERR_EOF: FIN; ERR_SYS; ERR_TLS, with the reason for a
 * person in why (size bytes).
 */
int		 tlsio_handshake(struct tlsio *, char *why, size_t size);

/*
 * After a handshake of TLS 1.3 the server may still refuse what we said last.
 * 0: it has said more, a session or data (which is kept); ERR_AGAIN: nothing
 * yet; or as above.
 */
int		 tlsio_settle(struct tlsio *, char *why, size_t size);

SSL		*tlsio_ssl(struct tlsio *);
int		 tlsio_ours(const struct tlsio *);	/* see takeover.h */

/* state: struct tlsio */
extern const struct transport_ops transport_tls;

#endif
