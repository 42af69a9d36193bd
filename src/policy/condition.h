/*
 * The kinds of conditions: a table that deciding and explaining walk.
 */
#ifndef POLICY_CONDITION_H
#define POLICY_CONDITION_H

#include "policy/match.h"
#include "policy/view.h"

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
	enum policy_stage stage;	/* when its fact is known */
	const char	*none;	/* why there may be no fact; or NULL */
};

extern const struct condition conditions[];	/* ends with a NULL name */

/* When it is known whether it holds, for these facts. */
enum policy_stage condition_stage(const struct condition *,
	    const struct facts *);
/* Whether it depends on an SNI that is not to be believed. */
int	condition_open(const struct condition *, const struct facts *);
/*
 * Whether the fact may still become known. Facts in the client's first bytes
 * become known together with the protocol, or never.
 */
int	condition_to_come(const struct condition *, const struct facts *);
/* The name of a PROTO_*, as rules have it; NULL: there are no more. */
const char *condition_protocol(unsigned);
/* 1 << PROTO_* of each word, or'ed. */
unsigned protocol_bits(const struct conf_list *);

#endif
