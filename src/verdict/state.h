/*
 * What survives a restart: a file of lines of JSON, one for each endpoint that
 * was contained or freed. It is read at start, written anew without what is
 * over, and appended to from then on. Each line is on the disk before the call
 * returns.
 */
#ifndef VERDICT_STATE_H
#define VERDICT_STATE_H

#include "util/text.h"
#include "verdict/contain.h"

struct state;

enum state_kind {		/* a table of each is kept */
	STATE_QUARANTINE,
	STATE_TAG,		/* by endpoint and name */
	STATE_DENIAL,		/* servers: by name */
	STATE_STEP_UP,
	STATE_PROPOSAL,		/* by endpoint and name */
	STATE_KINDS
};

/*
 * Put them into their tables, also those whose end has passed meanwhile, so
 * that somebody hears of it; wall is seconds since 1970, now is clock_ms().
 * *last is the highest id ever given out. Lines that cannot be read are left
 * out, with a warning; the file as it was is kept beside it then, as PATH.bad.
 * The file is the user's from then on (util/keep.h).
 * Returns 0, or ERR_SYS with a sentence in why.
 */
int	state_open(const char *path, const char *user,
	    struct contain *const [STATE_KINDS], int64_t wall, uint64_t now,
	    uint64_t *last, struct state **, struct text *why);
void	state_close(struct state *);	/* NULL is allowed */

/* Of NULL they do nothing. A failure is logged. */
void	state_held(struct state *, enum state_kind,
	    const struct contained *);
void	state_freed(struct state *, const struct contained *);

#endif
