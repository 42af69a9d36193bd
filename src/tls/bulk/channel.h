/*
 * TLS 1.3 after the handshake, in memory: what records hold besides data
 * (alerts, tickets, KeyUpdate), for both directions of a connection. Does no
 * I/O.
 */
#ifndef TLS_BULK_CHANNEL_H
#define TLS_BULK_CHANNEL_H

#include "codec/alert.h"
#include "tls/bulk/record.h"

/* What channel_data() and channel_due() may write besides the data. */
#define CHANNEL_EXTRA	(RECORD_EXTRA + 5 + RECORD_EXTRA)

struct channel {
	struct record_dir	 in, out;
	uint64_t	 worn;		/* records a key of ours may seal */
	unsigned	 server:1;	/* we are the server */
	unsigned	 closed:1;	/* close_notify came */
	unsigned	 failed:1;	/* nothing more may come or go */
	unsigned	 answer:1;	/* the peer wants a KeyUpdate of ours */
	uint8_t		 alert;		/* to send when failed; 0: none */
	unsigned	 bare;		/* records in a row without data */
	uint64_t	 got;		/* bytes of data */
	uint64_t	 updates;	/* KeyUpdates that came */
	uint8_t		 head[5];	/* of a handshake message under way */
	size_t		 have, left;	/* bytes of head; bytes still to come */
};

/* in and out are the caller's. */
void	 channel_init(struct channel *);
void	 channel_done(struct channel *);

/*
 * The next record from p; *used bytes of p are done with. Bytes of data in
 * out, which may be 0; ERR_SHORT: more of p is needed; ERR_MEM: out has less
 * than *used bytes of room, and nothing was done; ERR_TLS: failed. Not to be
 * called when closed or failed.
 */
ssize_t	 channel_open(struct channel *, const uint8_t *p, size_t len,
	    uint8_t *out, size_t room, size_t *used);

/* channel_open() would not say ERR_SHORT. */
int	 channel_ready(const uint8_t *p, size_t len);

/*
 * len bytes (1 to RECORD_CLEAR) sealed, after a KeyUpdate if one is due; out
 * has len + CHANNEL_EXTRA. The size, or 0 when libcrypto failed.
 */
size_t	 channel_data(struct channel *, const uint8_t *p, size_t len,
	    uint8_t *out);

/* The KeyUpdate that is due (CHANNEL_EXTRA), or 0. */
size_t	 channel_due(struct channel *, uint8_t *out);

/* An alert; out has 2 + RECORD_EXTRA. */
size_t	 channel_alert(struct channel *, uint8_t description, uint8_t *out);

#endif
