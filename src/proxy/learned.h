/*
 * Servers that asked for a client certificate, and went on without one;
 * servers of HTTP/2 only, to which clients of HTTP/1.1 came; and those that had
 * nothing in common with a client, but with us. Remembered by
 * address, port and SNI for an hour, each by itself, in a table of fixed size:
 * a newer one takes the place of an older one in its slot. Those that do not go
 * on are in bypasses.h.
 */
#ifndef PROXY_LEARNED_H
#define PROXY_LEARNED_H

#include "policy/facts.h"

enum learned_what {
	LEARNED_GOES_ON,	/* it does without a client certificate */
	LEARNED_SERVES,		/* ... and has answered a request so */
	LEARNED_HTTP2,		/* it refuses http/1.1, or seems to */
	LEARNED_HELLO		/* it refuses a client's hello, not ours */
};

struct learned;		/* one table for the process; any thread */

struct learned	*learned_new(void);
void		 learned_free(struct learned *);

/* The facts have the server's address. */
void		 learned_set(struct learned *, const struct facts *,
		    enum learned_what);
int		 learned_has(struct learned *, const struct facts *,
		    enum learned_what);

#endif
