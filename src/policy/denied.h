/*
 * The condition of the rule "denied server" (conf/denied.h): whether the server
 * is one of those that are denied to everybody, by its address or by any name
 * that the client gives it.
 */
#ifndef POLICY_DENIED_H
#define POLICY_DENIED_H

#include "policy/match.h"
#include "policy/view.h"

/*
 * The servers that are denied now; whoever keeps them has this as the start of
 * what it keeps. Any thread. Names are canonical.
 */
struct denials {
	int	(*has_addr)(const struct denials *, const struct addr *);
	int	(*has_name)(const struct denials *, const char *name);
	/* Whether there is any name, or any address, at all. */
	int	(*has_any)(const struct denials *, int names);
};

int	denied_given(const struct conf_match *);
int	denied_holds(const struct match *, struct view *);
int	denied_fact(const struct facts *, struct text *);
void	denied_wants(const struct conf_match *, struct text *);

/* By what the server is denied: its address, or a name; NULL: it is not. *stage
 * (or NULL) is when that is known. */
const char *denied_by(const struct facts *, char addr[ADDR_STRLEN],
	    enum policy_stage *stage);
/* Whether names are denied, so that a name which comes later matters. */
int	denied_names(const struct facts *);
/* Whether a server that is not denied so far may still turn out to be. */
int	denied_to_come(const struct facts *);

#endif
