/*
 * From libssl to records of our own, in the middle of a connection of TLS 1.3
 * that moves much: what libssl spends on a record is then saved. The secrets
 * come from the key log callback, the sequence numbers from counting the
 * records that pass. Nothing is believed: the last record of each direction
 * is opened, and ours sealed again bit for bit, before libssl is let go.
 */
#ifndef TLS_TAKEOVER_H
#define TLS_TAKEOVER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

struct after;

/*
 * Once a process: a self-test, in memory, against libssl. 0: leave it, and
 * so it is when the environment has CLEARSPAN_NO_RECORD_LAYER.
 */
int		 takeover_on(void);

/* The key log callback's: keeps the traffic secrets with the SSL. */
void		 takeover_keylog(const SSL *, const char *line);

/* One direction's records, as they pass; zero at first. */
struct watch {
	uint64_t	 count;		/* of those since watch_reset() */
	uint8_t		 head[5];
	size_t		 have, left;	/* of the header; of the body */
	uint8_t		*last;		/* a copy of the last one, or NULL */
	size_t		 len, size;	/* so much is there; its memory */
};

struct takeover {
	struct watch	 in, out;	/* ciphertext libssl reads, writes */
	uint64_t	 moved;		/* clear bytes; the caller adds */
	unsigned	 tries;
	unsigned	 begun:1;	/* the handshake is done */
	unsigned	 off:1;		/* libssl keeps this one */
};

/* Not yet off, and has moved enough: feed libssl whole records only. */
int		 takeover_near(const struct takeover *);

void		 takeover_saw_in(struct takeover *, const uint8_t *, size_t);
void		 takeover_saw_out(struct takeover *, const uint8_t *, size_t);
/* A read of the handshake's: what was written before is no data. */
void		 takeover_turn(struct takeover *);
/* The handshake is done: from here on records are counted, or never. */
void		 takeover_begin(struct takeover *, SSL *);

/* What goes on where the SSL stands, or NULL: not now, or off.
 * The caller's: after_done(), free(). */
struct after	*takeover_try(struct takeover *, SSL *);

void		 takeover_done(struct takeover *);

#endif
