/*
 * One half of a rule, compiled: its conditions, or those under its `not:`. A
 * table has every kind of condition; a half has those that are given, the
 * cheap ones first.
 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include <stddef.h>

#include "policy/nameset.h"
#include "policy/policy.h"
#include "policy/rangeset.h"

struct list {			/* a named list, shared by all rules */
	const char	*name;
	uint32_t	 names;	/* its set of names; see policy/nameset */
	struct rangeset	 addresses;
};

struct match_set {		/* of client and server: without names */
	uint32_t	 names;
	struct rangeset	 addresses;	/* a host may be one */
	const struct list **lists;
	size_t		 nlists;
};

#define CONDITIONS	16	/* at least as many as the table has */

struct match {
	const struct conf_match *conf;
	struct match_set client, server, sni, host, site;
	unsigned	 protocols;	/* 1 << PROTO_*, or'ed */
	const struct condition *given[CONDITIONS + 1];	/* ends with NULL */
};

/*
 * Facts, as one walk over the rules looks at them: what takes time to find is
 * found when the first rule asks, and kept.
 */
struct view_name {
	const char	*name;
	struct addr	 ip;		/* if the name is one */
	struct nameset_found found;
};
struct view {
	const struct facts *f;
	const struct nameset *names;
	size_t		 n;
	struct view_name name[4];
};

static inline void
view_init(struct view *v, const struct facts *f, const struct nameset *names)
{
	v->f = f;
	v->names = names;
	v->n = 0;
}

struct condition {
	const char	*name;
	int		(*given)(const struct conf_match *);
	/* Whether it holds. With an unknown fact it does not. */
	int		(*holds)(const struct match *, struct view *);
	/* Append the fact as text; 0 if it is not known. */
	int		(*fact)(const struct facts *, struct text *);
	/* Append the values that it accepts. */
	void		(*wants)(const struct conf_match *, struct text *);
	int		 said;	/* the client's own first bytes tell it; 2: and
				 * add to an address that is known */
};

/* Numbers of sets, as match_init() gives them out. */
struct match_names {
	struct nameset	*names;
	uint32_t	 next;
};

void	match_init(struct match *, const struct conf_match *,
	    const struct list *, size_t nlists, struct match_names *);
void	match_free(struct match *);
/* How many names match_init() will add. */
size_t	match_count(const struct conf_match *);
/* Whether a condition depends on the name in each request. */
int	match_by_request(const struct match *);
/* Whether there is any condition. */
int	match_given(const struct match *);
/* Whether all given conditions hold. which may be NULL; *which is the one that
 * does not. */
int	match_holds(const struct match *, struct view *,
	    const struct condition **which);

enum match_may {
	MATCH_NOT,		/* no later fact can change it */
	MATCH_PERHAPS,		/* it depends on a fact not known yet */
	MATCH_SURE
};
enum match_may match_may(const struct match *, struct view *);

/* The name of a PROTO_*, as rules have it; NULL: there are no more. */
const char	*match_protocol(unsigned);

#endif
