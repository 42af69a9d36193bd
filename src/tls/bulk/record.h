/*
 * Records of TLS 1.3 under one key (RFC 8446, 5.2): seal and open, each in one
 * pass from the caller's bytes to the caller's bytes. A struct record_dir is
 * one direction; channel.h knows what the records mean.
 */
#ifndef TLS_BULK_RECORD_H
#define TLS_BULK_RECORD_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_HEAD	5
#define RECORD_CLEAR	16384			/* RFC 8446, 5.1 */
#define RECORD_EXTRA	(RECORD_HEAD + 1 + 16)	/* header, type, tag */
#define RECORD_WIRE	(RECORD_HEAD + RECORD_CLEAR + 256)	/* 5.2 */
#define RECORD_SECRET	48			/* the longest */

enum {			/* ContentType */
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23
};

struct record_dir {
	const struct record_suite *suite;
	struct gcm	*gcm;		/* does it, or else ... */
	EVP_CIPHER_CTX	*ctx;
	uint8_t		 secret[RECORD_SECRET];
	uint8_t		 iv[12];
	uint64_t	 seq;		/* of the next record */
	int		 seal;		/* 0: open */
};

/* The suites done here, by IANA's number. */
int	 record_suite(unsigned int id);

/*
 * Keys from an application traffic secret (RFC 8446, 7.3). 0, or
 * ERR_UNSUPPORTED: suite or length of the secret; or ERR_MEM. What is there
 * must be zero, or ended by record_done().
 */
int	 record_init(struct record_dir *, unsigned int suite,
	    const uint8_t *secret, size_t len, int seal);
void	 record_done(struct record_dir *);

/* The keys after a KeyUpdate (7.2). 0 or ERR_MEM. */
int	 record_update(struct record_dir *);

/* Size of the record that begins p: 0 with *size set; ERR_SHORT; ERR_FORMAT:
 * none that may come now; ERR_LIMIT: too long (record_overflow). */
int	 record_size(const uint8_t *p, size_t len, size_t *size);

/*
 * len bytes (at most RECORD_CLEAR) as a record; out has len + RECORD_EXTRA.
 * The record's size, or 0 when libcrypto fails.
 */
size_t	 record_seal(struct record_dir *, uint8_t type, const uint8_t *p,
	    size_t len, uint8_t *out);

/*
 * A whole record; out has size - RECORD_EXTRA bytes. Bytes of content, its
 * type in *type; ERR_DENIED: not what was sealed; ERR_FORMAT: no type;
 * ERR_LIMIT: too long. What was written to out then is worth nothing.
 */
ssize_t	 record_open(struct record_dir *, const uint8_t *rec, size_t size,
	    uint8_t *out, uint8_t *type);

#endif
