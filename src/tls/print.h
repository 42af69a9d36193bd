/*
 * Inside this room: the fingerprint of the hello that we send, and how far it
 * is from the client's. For the log only.
 */
#ifndef TLS_PRINT_H
#define TLS_PRINT_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>

#include "codec/ja.h"
#include "tls/tls.h"

#define PRINTS	16	/* of one context */

struct print {
	/* What it depends on besides the context: the client's JA4, and what
	 * differs by connection. "": nobody asks. */
	char		 of[JA4_LEN + 24];
	char		 ja4[JA4_LEN + 1];	/* "": not known yet */
	unsigned	 distance;		/* ja4_distance() */
};

/* Those of a context's hello, taken once each: workers share them. */
struct prints {
	pthread_mutex_t	 mutex;
	struct print	 v[PRINTS];
	unsigned	 next;			/* to be replaced */
};

void	prints_init(struct prints *);
void	prints_done(struct prints *);

/*
 * Before the handshake, with all else set on this SSL, a session too: fill in
 * p, from what is known, or as the hello is sent. p, w->ja4 and w->hello live
 * until then.
 */
void	print_want(struct print *p, SSL *, struct prints *,
	    const struct tls_want *w);

#endif
