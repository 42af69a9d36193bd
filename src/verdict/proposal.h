/*
 * What a sensor's verdict would do, where somebody has to approve it first: it
 * waits, under the number that what is done will have, and lapses. For the main
 * thread.
 */
#ifndef VERDICT_PROPOSAL_H
#define VERDICT_PROPOSAL_H

#include "verdict/measure.h"

#define PROPOSALS_MAX	1000	/* that wait */

struct proposal {		/* what waits; points into the entry */
	enum conf_do	 what;
	char		 object[512];	/* as in an order */
	uint64_t	 ms;
	int		 cut;
};
/* Of an entry of measures.proposals: 0, or ERR_FORMAT. */
int	proposal_read(struct proposal *, const struct contained *);

/*
 * Propose it, for so many ms. With `second`, another sensor than the one that
 * has proposed the same for this endpoint (or server) approves it. Returns 0,
 * with the number under which it waits; 1, with that of what was done; or
 * ERR_* with a sentence in why.
 */
int	proposal_add(struct measures *, const struct measure_order *,
	    uint64_t within, int second, int64_t wall, uint64_t now,
	    uint64_t *id, struct text *why);

/*
 * by is who says so. *id becomes the number of what is done: another one, if
 * it was done already. ERR_NOTFOUND: nothing waits under that number; or
 * measure_do()'s errors, and it goes on waiting.
 */
int	proposal_approve(struct measures *, const char *by, int64_t wall,
	    uint64_t now, uint64_t *id, struct text *why);
int	proposal_reject(struct measures *, uint64_t id, const char *by);
void	proposal_tick(struct measures *, uint64_t now);

#endif
