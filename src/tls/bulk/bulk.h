/*
 * Records of our own, for a connection of TLS 1.3 that moves much: what libssl
 * spends on a record is then saved. libssl does the handshake and the first
 * 64 KiB; then a takeover, in the middle of the connection, and from there on
 * this room's transport. It knows TLS 1.3 after the handshake and no more.
 *
 * The secrets come from the key log callback, the sequence numbers from
 * counting the records that pass. Nothing is believed: the last record of each
 * direction is opened, and ours sealed again bit for bit, before libssl is let
 * go. This is the one header of tls/bulk for the rest of the program.
 */
#ifndef TLS_BULK_BULK_H
#define TLS_BULK_BULK_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"
#include "tls/ciphertext.h"

#define BULK_CLEAR	16384	/* bytes of a record, RFC 8446, 5.1 */

/* KeyUpdates cost the peer less than us. It may send so many, and one more for
 * so many bytes of data: honest ones come with gigabytes between them. */
#define UPDATES_FREE	64
#define UPDATES_WORTH	16384

struct channel;

/* Makes ready, once a process. 0: libssl has no room for our secrets. */
int		 takeover_on(void);

/* A key log callback: keeps the traffic secrets with the SSL. */
void		 takeover_keylog(const SSL *, const char *line);

/* One direction's records, as they pass; zero at first. */
struct takeover_watch {
	uint64_t	 count;		/* of those since the keys changed */
	uint8_t		 head[5];
	size_t		 have, left;	/* of the header; of the body */
	uint8_t		*last;		/* a copy of the last one, or NULL */
	size_t		 len, size;	/* so much is there; its memory */
};

struct takeover {
	struct takeover_watch in, out;	/* ciphertext libssl reads, writes */
	uint64_t	 moved;		/* clear bytes; the caller adds */
	unsigned	 tries;
	unsigned	 begun:1;	/* the handshake is done */
	unsigned	 off:1;		/* libssl keeps this one */
};

/* Not yet off, and has moved enough: then libssl is to get whole records. */
int		 takeover_near(const struct takeover *);
/* Near, and what was received begins with less than one. */
int		 takeover_holds(const struct takeover *,
		    const struct ciphertext *);

void		 takeover_saw_in(struct takeover *, const uint8_t *, size_t);
void		 takeover_saw_out(struct takeover *, const uint8_t *, size_t);
/* A read of the handshake's: what was written before is no data. */
void		 takeover_turn(struct takeover *);
/* The handshake is done: from here on records are counted, or never. */
void		 takeover_begin(struct takeover *, SSL *);

/* What goes on where the SSL stands, or NULL: not now, or off. It is for
 * struct bulk's channel. */
struct channel	*takeover_try(struct takeover *, SSL *);

void		 takeover_done(struct takeover *);

/*
 * The transport after the takeover. The functions are for a transport_ops
 * whose state begins with a struct bulk; bulk_done() frees all but that.
 */
struct bulk {
	struct ciphertext c;
	struct channel	*channel;	/* ours; NULL before the takeover */
	size_t		 clear;		/* bytes of the last record of data */
	uint8_t		*rest;		/* of a record there was no room for */
	size_t		 rest_off, rest_len;
	unsigned	 said:1;	/* our close_notify */
};

ssize_t		 bulk_read(void *, uint8_t *, size_t, enum end *how);
ssize_t		 bulk_write(void *, const uint8_t *, size_t);
int		 bulk_shut(void *, enum end how);
int		 bulk_pending(void *);
void		 bulk_done(struct bulk *);

#endif
