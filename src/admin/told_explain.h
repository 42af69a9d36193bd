/*
 * Which rule decides for a connection with the facts that were told, and why.
 */
#ifndef ADMIN_TOLD_EXPLAIN_H
#define ADMIN_TOLD_EXPLAIN_H

#include "admin/told.h"
#include "policy/policy.h"

struct contain;
struct leases;
struct measures;
struct neighbours;

/* The client's MAC address and tags are those which the tables have, if none
 * were told. */
void		 told_look(struct told *, struct neighbours *,
		    struct leases *, struct contain *tags);
/* Likewise: whether the client is contained or under step-up, and the servers
 * that are denied. */
void		 told_measures(struct told *, struct measures *);

/*
 * A line in out for each rule that was tried, and for what became of it; the
 * last is "verdict: ACTION rule: NAME". ERR_NOTFOUND, with a sentence in out:
 * there is no such listener, or group.
 */
int		 told_explain(struct told *, const struct policy *,
		    struct verdict *, struct text *out);

/* After that: the segment that decides (policy_segment()). */
const struct conf_segment *told_segment(const struct told *,
		    const struct policy *);

#endif
