/*
 * The condition on the category of what a client asks for. A category has the
 * names and addresses of all feeds under its name, as a list has them; what is
 * in none of them is of the category "unknown". The functions are those of
 * struct condition.
 */
#ifndef POLICY_CATEGORY_H
#define POLICY_CATEGORY_H

#include "policy/match.h"
#include "policy/view.h"

#define CATEGORY_UNKNOWN	"unknown"

/* Its entries point to those of the sets. */
void	category_init(struct match_set *, int *unknown,
	    const struct conf_list *, const struct view_sets *);

int	category_given(const struct conf_match *);
int	category_holds(const struct match *, struct view *);
int	category_fact(const struct facts *, struct text *);
void	category_wants(const struct conf_match *, struct text *);

/* Append "a,b", or "unknown"; nothing if what is asked for may still come. */
void	category_text(struct view *, struct text *);

#endif
