/*
 * A rule, compiled: its conditions, and those under its `not:`. What it does
 * if it matches is for whoever walks over the rules.
 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include "policy/match.h"

struct rule {
	const struct conf_rule *conf;
	struct match	 match;
	struct match	 except;
	int		 excepts;	/* `not:` was given */
	int		 by_certificate; /* it depends on the server's */
};

/* lists and sets are the policy's; see match_init(). */
void	rule_init(struct rule *, const struct conf_rule *,
	    const struct list *lists, size_t nlists, const struct view_sets *,
	    struct match_names *);
void	rule_free(struct rule *);

int	rule_matches(const struct rule *, struct view *);
/* The same, with what is not known yet taken for open. */
enum match_may rule_may_match(const struct rule *, struct view *);
/* Whether it depends on the name in each request. */
int	rule_by_request(const struct rule *);
/* When it is known whether it matches. */
enum policy_stage rule_stage(const struct rule *, struct view *);

#endif
