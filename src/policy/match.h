/*
 * One half of a rule, compiled: its conditions, or those under its `not:`. A
 * table has every kind of condition; deciding and explaining walk it.
 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include <stddef.h>

#include "policy/nameset.h"
#include "policy/policy.h"
#include "policy/rangeset.h"

struct list {			/* a named list, shared by all rules */
	const char	*name;
	struct nameset	 names;
	struct rangeset	 addresses;
};

struct match_set {		/* of client and server: without names */
	struct nameset	 names;
	struct rangeset	 addresses;	/* a host may be one */
	const struct list **lists;
	size_t		 nlists;
};

struct match {
	const struct conf_match *conf;
	struct match_set client, server, sni, host, site;
	unsigned	 protocols;	/* 1 << PROTO_*, or'ed */
};

struct condition {
	const char	*name;
	int		(*given)(const struct conf_match *);
	/* Whether it holds. With an unknown fact it does not. */
	int		(*holds)(const struct match *, const struct facts *);
	/* Append the fact as text; 0 if it is not known. */
	int		(*fact)(const struct facts *, struct text *);
	/* Append the values that it accepts. */
	void		(*wants)(const struct conf_match *, struct text *);
	int		 said;	/* the client's own first bytes tell it; 2: and
				 * add to an address that is known */
};

extern const struct condition conditions[];	/* ends with a NULL name */

void	match_init(struct match *, const struct conf_match *,
	    const struct list *, size_t nlists);
void	match_free(struct match *);
/* Whether a condition depends on the name in each request. */
int	match_by_request(const struct conf_match *);
/* Whether there is any condition. */
int	match_given(const struct match *);
/* Whether all given conditions hold. which may be NULL; *which is the one that
 * does not. */
int	match_holds(const struct match *, const struct facts *,
	    const struct condition **which);

enum match_may {
	MATCH_NOT,		/* no later fact can change it */
	MATCH_PERHAPS,		/* it depends on a fact not known yet */
	MATCH_SURE
};
enum match_may match_may(const struct match *, const struct facts *);

/* The name of a PROTO_*, as rules have it; NULL: there are no more. */
const char	*match_protocol(unsigned);

#endif
