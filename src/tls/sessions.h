/*
 * Sessions for resumption: a few per key, newest first, in a cache that the
 * caller makes.
 */
#ifndef TLS_SESSIONS_H
#define TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <time.h>

#include "util/cache.h"

struct sessions_about {
	time_t	 until;		/* its chain is valid until then */
	size_t	 chain;		/* bytes of the chain in memory */
	int	 client;	/* our own certificate was shown in it */
};

/* Takes ownership of the session. */
void		 sessions_put(struct cache *, const uint8_t key[32],
		    SSL_SESSION *, const struct sessions_about *);
/*
 * A session for the caller, with what it was put with; or NULL. A session of
 * TLS 1.3 is given out once; but the last one of an open key is given to
 * everyone who asks, for one that is used again is better than none.
 */
SSL_SESSION	*sessions_get(struct cache *, const uint8_t key[32],
		    struct sessions_about *);

/* A key is dropped, with what it has, when it is closed as often as it was
 * opened. */
void		 sessions_open(struct cache *, const uint8_t key[32]);
void		 sessions_close(struct cache *, const uint8_t key[32]);

#endif
