/*
 * Servers that asked for a client certificate, and went on without one. So in
 * TLS 1.3 nobody need wait for their reply. Remembered by address, port and SNI
 * for an hour, in a table of fixed size: a newer one takes the place of an
 * older one in its slot. Those that do not go on are in bypasses.h.
 */
#ifndef PROXY_LEARNED_H
#define PROXY_LEARNED_H

#include "policy/facts.h"

struct learned;		/* the table of one worker */

struct learned	*learned_new(void);
void		 learned_free(struct learned *);

/* The facts have the server's address. */
void		 learned_set(struct learned *, const struct facts *);
int		 learned_goes_on(const struct learned *, const struct facts *);

#endif
