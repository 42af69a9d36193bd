/*
 * The servers that are denied to everybody until a time: each by its address or
 * by a pattern of its name (verdict/server.h), which is the profile of an entry
 * of the table; the address of one that has any is that of its endpoint. Any
 * thread may ask.
 */
#ifndef VERDICT_DENIED_H
#define VERDICT_DENIED_H

#include "policy/denied.h"
#include "verdict/contain.h"

struct denied;

/* seed: random, for peers choose their names. */
struct denied	*denied_new(uint64_t seed);
void		 denied_free(struct denied *);	/* NULL is allowed */

/* For the facts of a session. NULL for NULL. */
const struct denials *denied_ask(const struct denied *);
/* For what reads and writes all of them. */
struct contain	*denied_table(struct denied *);
/* The table was filled by others: at start. */
void		 denied_filled(struct denied *);

/* As contain_put(), contain_of(), contain_take() and contain_over(). */
int		 denied_put(struct denied *, struct contained *);
struct contained *denied_of(struct denied *, const char *server);
struct contained *denied_take(struct denied *, uint64_t id);
struct contained *denied_over(struct denied *, uint64_t now);

/* The entry by which an address or a name (as text) is denied now. A reference,
 * or NULL. */
struct contained *denied_find(const struct denied *, const char *name);

#endif
