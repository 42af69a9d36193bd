/*
 * Servers that asked for a client certificate, and went on without one; and
 * servers of HTTP/2 only, to which clients of HTTP/1.1 came. Remembered by
 * address, port and SNI for an hour, in a table of fixed size: a newer one
 * takes the place of an older one in its slot. Those that do not go on are in
 * bypasses.h.
 */
#ifndef PROXY_LEARNED_H
#define PROXY_LEARNED_H

#include "policy/facts.h"

enum learned_what {
	LEARNED_NOTHING,
	LEARNED_GOES_ON,	/* it does without a client certificate */
	LEARNED_HTTP2		/* it refuses http/1.1 */
};

struct learned;		/* the table of one worker */

struct learned	*learned_new(void);
void		 learned_free(struct learned *);

/* The facts have the server's address. */
void		 learned_set(struct learned *, const struct facts *,
		    enum learned_what);
enum learned_what learned_get(const struct learned *, const struct facts *);

#endif
