/*
 * Sessions servers gave us, to resume with: per key a few, newest first.
 */
#ifndef TLS_SESSIONS_H
#define TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <time.h>

#include "util/cache.h"

struct sessions;

struct sessions_about {
	time_t	 until;		/* so long its chain holds */
	size_t	 chain;		/* bytes the chain takes in memory */
};

struct sessions	*sessions_new(size_t bytes);
void		 sessions_free(struct sessions *);
/* Takes the session over. */
void		 sessions_put(struct sessions *, const uint8_t key[32],
		    SSL_SESSION *, const struct sessions_about *);
/*
 * A session for the caller, and what it was put with; or NULL. One of
 * TLS 1.3 is given out once.
 */
SSL_SESSION	*sessions_get(struct sessions *, const uint8_t key[32],
		    struct sessions_about *);
void		 sessions_stats(struct sessions *, struct cache_stats *);

#endif
