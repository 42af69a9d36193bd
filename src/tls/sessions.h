/*
 * Sessions servers gave us, to resume with: per key a few, newest first.
 */
#ifndef TLS_SESSIONS_H
#define TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <time.h>

struct sessions;

struct sessions	*sessions_new(size_t max);	/* max: in all */
void		 sessions_free(struct sessions *);
/* Takes the session over; good until then at the latest. */
void		 sessions_put(struct sessions *, const uint8_t key[32],
		    SSL_SESSION *, time_t until);
/*
 * A session for the caller, and until when it was put; or NULL. One of
 * TLS 1.3 is given out once.
 */
SSL_SESSION	*sessions_get(struct sessions *, const uint8_t key[32],
		    time_t *until);
void		 sessions_stats(struct sessions *, uint64_t *asked,
		    uint64_t *hits);

#endif
