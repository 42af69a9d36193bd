/*
 * The ciphertext of a TLS connection on its way from and to the socket: bytes
 * received and not yet opened, and bytes sealed and not yet sent. Both are in
 * the worker's scratch while a call runs. At its end the rest, if any, moves to
 * memory of the connection; this is rare, so an idle connection holds none.
 */
#ifndef TLS_CIPHERTEXT_H
#define TLS_CIPHERTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"

#define CIPHERTEXT_IN	(264 * 1024)	/* of one recv */
#define CIPHERTEXT_OUT	(264 * 1024)	/* 16 full records and a little */

/* One a worker. */
struct tlsio_scratch {
	uint8_t	in[CIPHERTEXT_IN];
	uint8_t	out[CIPHERTEXT_OUT];
};

struct ciphertext {
	struct sock	*sock;
	struct tlsio_scratch *scratch;
	/* Received and not yet read: in scratch, or kept. */
	const uint8_t	*in;
	size_t		 in_len;
	uint8_t		*in_kept;
	/* To send: in scratch, or kept. */
	size_t		 out_len;	/* of the part in scratch */
	uint8_t		*out_kept;
	size_t		 kept_off, kept_len;
	size_t		 in_size, out_size;	/* of in_kept, out_kept */
	size_t		 beside;	/* bytes that the user has set aside */
	size_t		 held;		/* counted in limits.memory */
	unsigned	 recvs;		/* in this call */
	unsigned	 limited:1;	/* the recvs of a call are bounded */
	unsigned	 fin:1;		/* the peer's FIN was read */
	unsigned	 broken:1;	/* the socket failed: sock->err */
	unsigned	 failed:1;	/* a record was malformed */
	unsigned	 notified:1;	/* read has reported close_notify */
};

/* Receive at most n more bytes behind the rest. 0: some came. */
int	 ciphertext_fill(struct ciphertext *, size_t n);

/* Drop the first n of the bytes received. */
void	 ciphertext_used(struct ciphertext *, size_t n);

/* Copy sealed bytes to the end of those to be sent. */
void	 ciphertext_put(struct ciphertext *, const void *, size_t);

/* Send, then move the rest out of scratch, which the next connection needs. */
int	 ciphertext_park(struct ciphertext *);

/* Send what is kept, as transport_ops.flush does. */
int	 ciphertext_flush(struct ciphertext *);

/* Flush, then end our direction, as transport_ops has shut. */
int	 ciphertext_shut(struct ciphertext *, enum end how);

/* A read after close_notify: only the FIN is of interest (RFC 8446, 6.1). */
ssize_t	 ciphertext_await_fin(struct ciphertext *, enum end *how);

/* There are no more clear bytes: returns why, as transport_ops.read does.
 * closed: the peer has sent close_notify. */
ssize_t	 ciphertext_end(struct ciphertext *, int closed, enum end *how);

/* Frees what is held. */
void	 ciphertext_done(struct ciphertext *);

#endif
