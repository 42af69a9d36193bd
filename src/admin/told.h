/*
 * Facts of a connection as operators tell them, and which rule decides for it,
 * and why: for `clearspan explain` and `ctl explain`.
 */
#ifndef ADMIN_TOLD_H
#define ADMIN_TOLD_H

#include "policy/policy.h"
#include "util/text.h"

struct contain;
struct neighbours;
struct told;

struct told	*told_new(void);
void		 told_free(struct told *);

/* Whether a fact begins so: "client=10.0.0.7", or a URL. */
int		 told_begins(const char *arg);
/* Take one, which must live as long. ERR_FORMAT with a sentence in why. */
int		 told_take(struct told *, const char *arg, struct text *why);

/* The client's MAC address and tags are those which the tables have, if none
 * were told. */
void		 told_look(struct told *, struct neighbours *,
		    struct contain *tags);
/* Likewise: whether the client is contained or under step-up, and the servers
 * that are denied. */
struct measures;
void		 told_measures(struct told *, struct measures *);

/*
 * A line in out for each rule that was tried, and for what became of it; the
 * last is "verdict: ACTION rule: NAME". ERR_NOTFOUND, with a sentence in out:
 * there is no such listener.
 */
int		 told_explain(struct told *, const struct policy *,
		    struct verdict *, struct text *out);

#endif
