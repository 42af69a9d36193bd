/*
 * What a condition accepts, as sets of names and addresses; and facts as one
 * walk over the rules looks at them: what takes time to find is found when the
 * first rule asks, and kept for the others.
 */
#ifndef POLICY_VIEW_H
#define POLICY_VIEW_H

#include <stddef.h>

#include "policy/facts.h"
#include "policy/nameset.h"
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

/* Numbers of sets, as set_init() gives them out. */
struct match_names {
	struct nameset	*names;
	uint32_t	 next;
};

struct group;
struct segment;

struct view_sets {		/* of a policy */
	struct nameset	 names;		/* of lists, categories and rules */
	/* of all feeds; their sets of names have numbers in a row */
	struct list	*categories;
	size_t		 ncategories;
	struct group	*groups;
	size_t		 ngroups;
	struct segment	*segments;	/* as many as conf has */
	const struct conf *conf;
};

struct view_name {
	const char	*name;
	struct addr	 ip;		/* if the name is one */
	struct nameset_found found;
};
struct view {
	const struct facts *f;
	const struct view_sets *sets;
	const struct conf_segment *segment;	/* see segment_view() */
	int		 segment_known;
	size_t		 n;
	struct view_name name[4];
};

static inline void
view_init(struct view *v, const struct facts *f, const struct view_sets *sets)
{
	v->f = f;
	v->sets = sets;
	v->segment_known = 0;
	v->n = 0;
}

/* The list of that name, or NULL. */
const struct list *list_named(const struct list *, size_t n, const char *name);
/* Entries are patterns, prefixes and "@list". The set starts zeroed. */
void	set_init(struct match_set *, const struct conf_list *,
	    const struct list *, size_t nlists, struct match_names *);
void	set_free(struct match_set *);
int	set_has(const struct match_set *, const struct addr *);
/* name may be an address, and NULL. */
int	set_has_name(const struct match_set *, struct view *, const char *name);
/* Whether any category has it. */
int	set_any(struct view *, const char *name);
/* Whether one of its lists has exactly this entry, in any case. */
int	set_lists_word(const struct match_set *, struct view *, const char *);
/* Read a name as an address ("[::1]" or "::1"); AF_UNSPEC if it is none. */
void	name_addr(const char *name, struct addr *);

#endif
