/*
 * What is done for a time besides quarantines: servers that are denied to
 * everybody, and endpoints under step-up. As with quarantines, one place
 * changes the table, the guard, the file of state and open sessions together;
 * numbers and cases are those of quarantines, too. For the main thread.
 */
#ifndef VERDICT_MEASURE_H
#define VERDICT_MEASURE_H

#include "conf/verdicts.h"
#include "verdict/quarantine.h"
#include "verdict/state.h"

struct denied;

/* The kinds have their tables and words from verdict/state: STATE_DENIAL,
 * STATE_STEP_UP; and STATE_PROPOSAL for what waits (verdict/proposal.h). */

enum measure_what {
	MEASURE_SET,
	MEASURE_EXTENDED,	/* a later end, or more mirrors */
	MEASURE_RELEASED,
	MEASURE_EXPIRED,
	MEASURE_REFUSED,
	/* of what has to be approved: */
	MEASURE_PROPOSED,
	MEASURE_APPROVED,
	MEASURE_REJECTED,
	MEASURE_LAPSED,		/* nobody did in time */
	MEASURE_MAX
};
const char	*measure_what_str(enum measure_what);	/* "set"; static */
const char	*measure_str(enum state_kind);	/* "denial", "tag", ...; */

struct measures {
	struct quarantine *quarantine;
	struct denied	*denied;
	/* by endpoint; the profile has the mirrors: "a,b", "*" for all, "" */
	struct contain	*step_ups;
	struct contain	*proposals;
	uint64_t	 counts[STATE_KINDS][MEASURE_MAX];
	/* For the log; why: what went wrong or refused it, or NULL. */
	void		(*told)(void *arg, enum state_kind, enum measure_what,
			    const struct contained *, const char *why);
	/* End what is open to the server, or of the endpoint. */
	void		(*cut)(void *arg, enum state_kind,
			    const struct contained *);
	void		*arg;
};

/* What is to be done: an order of quarantine_set(), and more. */
struct measure_order {
	enum conf_do	 what;		/* QUARANTINE, DENY_SERVER, STEP_UP */
	struct endpoint	 who;
	/* the profile, the server's text, or the mirrors */
	const char	*object;
	uint64_t	 ms;
	int		 cut;		/* STEP_UP: end what is open */
	const char	*reason, *by;
	uint64_t	 id;		/* it has one already; or 0 */
};

/*
 * Do it, or make longer what was done; by less than a second nothing changes,
 * so that a flood of the same costs no writes. Returns 0 and its id; or, with a
 * sentence in why, ERR_DENIED, ERR_NOTFOUND (no such profile) or ERR_LIMIT.
 */
int		 measure_do(struct measures *, const struct measure_order *,
		    int64_t wall, uint64_t now, uint64_t *id,
		    struct text *why);
/* Whether it may be done at all. 0: with a sentence in why. */
int		 measure_may(const struct measures *,
		    const struct measure_order *, struct text *why);
/* Whether it is done already, or something of that kind and object. */
int		 measure_held(struct measures *,
		    const struct measure_order *);

/* The table of a kind, of quarantines and tags too. */
struct contain	*measure_table(const struct measures *, enum state_kind);

/* Returns 0, or ERR_NOTFOUND. */
int		 measure_release(struct measures *, enum state_kind,
		    uint64_t id);
/* End those whose time has come; about once a second. */
void		 measure_tick(struct measures *, uint64_t now);

void		 measure_tell(struct measures *, enum state_kind,
		    enum measure_what, const struct contained *,
		    const char *why);

#endif
