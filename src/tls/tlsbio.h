/*
 * The ciphertext of a TLS transport (tlsio.h), and for that file alone.
 * OpenSSL reads from a window of it and writes to a pile; recv and send are
 * ours. Both live in the worker's scratch while a call runs; at its end what
 * is left is moved to memory of the connection's own, which is rare.
 */
#ifndef TLS_TLSBIO_H
#define TLS_TLSBIO_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"
#include "tls/takeover.h"

struct after;
struct tlsio_scratch;

/* Its ciphertext, and what tlsio.c keeps beside it. */
struct tlsio {
	SSL		*ssl;
	struct sock	*sock;
	struct tlsio_scratch *scratch;
	/* Ciphertext received and not yet read: in scratch, or kept. */
	const uint8_t	*in;
	size_t		 in_len;
	uint8_t		*in_kept;
	/* Ciphertext to send: in scratch, or kept. */
	size_t		 out_len;	/* of what lies in scratch */
	uint8_t		*out_kept;
	size_t		 kept_off, kept_len;
	unsigned	 fin:1;		/* the peer's FIN was read */
	unsigned	 cut:1;		/* ... in the middle of the handshake */
	unsigned	 broken:1;	/* the socket failed: sock->err */
	unsigned	 notified:1;	/* read has told of close_notify */
	unsigned	 failed:1;	/* OpenSSL refused what came */
	unsigned	 done:1;	/* the handshake is over */
	unsigned	 recvs;		/* in this call */
	uint64_t	 steps;		/* of libssl's, for messages */
	size_t		 want;		/* ciphertext to receive at once */
	struct takeover	 take;
	struct after	*own;		/* NULL: OpenSSL's still */
	size_t		 clear;		/* bytes of the last record of data */
	uint8_t		*rest;		/* of a record there was no room for */
	size_t		 rest_off, rest_len;
	size_t		 in_size, out_size;	/* of in_kept, out_kept */
	size_t		 held;		/* counted in limits.memory */
};

/* For SSL_set_bio(); the transport outlives it. */
BIO	*tlsbio_new(struct tlsio *);

/* More ciphertext, at most n bytes, behind what is left. 0 when some came. */
int	 tlsbio_fill(struct tlsio *, size_t n);

/* Before a takeover OpenSSL gets no header of a record not all there. */
int	 tlsbio_held(const struct tlsio *);

/* After close_notify only the FIN is of interest (RFC 8446, 6.1). */
void	 tlsbio_await_fin(struct tlsio *);

/* Send; then move what is left out of scratch, which the next one needs. */
int	 tlsbio_park(struct tlsio *);

/* Count in limits.memory what is set aside now, if that has changed. */
void	 tlsbio_count(struct tlsio *);

/* As transport_ops has it. */
int	 tlsbio_flush(void *);

#endif
