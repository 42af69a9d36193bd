/*
 * The ciphertext of a TLS connection on its way from and to the socket: a
 * window of what was received and not yet opened, and a pile of what was
 * sealed and not yet sent. Both live in the worker's scratch while a call
 * runs; at its end what is left is moved to memory of the connection's own,
 * which is rare, so that an idle connection holds none.
 */
#ifndef TLS_CIPHERTEXT_H
#define TLS_CIPHERTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"

#define CIPHERTEXT_IN	(264 * 1024)	/* what one recv gets */
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
	size_t		 out_len;	/* of what lies in scratch */
	uint8_t		*out_kept;
	size_t		 kept_off, kept_len;
	size_t		 in_size, out_size;	/* of in_kept, out_kept */
	size_t		 beside;	/* bytes the user has set aside */
	size_t		 held;		/* counted in limits.memory */
	unsigned	 recvs;		/* in this call */
	unsigned	 limited:1;	/* so many recvs a call, no more */
	unsigned	 fin:1;		/* the peer's FIN was read */
	unsigned	 broken:1;	/* the socket failed: sock->err */
	unsigned	 failed:1;	/* what came made no sense */
	unsigned	 notified:1;	/* read has told of close_notify */
};

/* More ciphertext, at most n bytes, behind what is left. 0 when some came. */
int	 ciphertext_fill(struct ciphertext *, size_t n);

/* The first n bytes of what was received are done with. */
void	 ciphertext_used(struct ciphertext *, size_t n);

/* Adds to the pile what is not sealed there. */
void	 ciphertext_put(struct ciphertext *, const void *, size_t);

/* Send; then move what is left out of scratch, which the next one needs. */
int	 ciphertext_park(struct ciphertext *);

/* What is kept to be sent: as transport_ops has flush. */
int	 ciphertext_flush(struct ciphertext *);

/* Flush, then end our direction, as transport_ops has shut. */
int	 ciphertext_shut(struct ciphertext *, enum end how);

/* A read after close_notify: only the FIN is of interest (RFC 8446, 6.1). */
ssize_t	 ciphertext_await_fin(struct ciphertext *, enum end *how);

/* Nothing more in the clear: why, as transport_ops has read. closed: the
 * peer has sent close_notify. */
ssize_t	 ciphertext_end(struct ciphertext *, int closed, enum end *how);

/* Frees what is held. */
void	 ciphertext_done(struct ciphertext *);

#endif
