/*
 * Ending what is open, because something was decided about an endpoint or a
 * server; and what was ended, in the case.
 */
#ifndef MAIN_CUT_H
#define MAIN_CUT_H

#include "proxy/record.h"
#include "verdict/contain.h"

struct daemon;

/*
 * End the sessions that ends() wants to, in the workers' threads, for the
 * reason "WHAT: the entry's reason".
 */
void	cut_sessions(struct daemon *, const struct contained *by,
	    const char *what, int (*ends)(const struct contained *by,
	    const struct record *));

/* Whether the client is that endpoint. */
int	cut_is_of(const struct endpoint *, const struct facts *);

#endif
