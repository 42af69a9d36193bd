/*
 * The name patterns of all sets of a policy in one table. One pass over a name
 * finds every pattern, of any set, that covers it; whether a given set has the
 * name is then a look at what was found. So a verdict over a thousand rules
 * looks a name up once, however many names they have.
 */
#ifndef POLICY_NAMESET_H
#define POLICY_NAMESET_H

#include <stddef.h>
#include <stdint.h>

struct nameset_slot {
	const char	*name;	/* no final dot; NULL: free */
	uint32_t	 hash;
	uint32_t	 ref;	/* what one set has of it, or where more are */
};

struct nameset {		/* starts zeroed */
	struct nameset_slot *slots;
	size_t		 cap;	/* a power of two, or 0 */
	size_t		 n;
	struct nameset_refs **more;
	size_t		 nmore;
};

#define NAMESET_SETS	(1u << 27)	/* numbers of sets are below it */

/* Make room for so many names, so that adding them does not grow it. */
void	nameset_room(struct nameset *, size_t n);
/*
 * Add a pattern (conf/pattern.h, in its canonical form) to a set. Sets are
 * filled one after the other, in the order of their numbers. The text must
 * outlive the table. A name that is too long is ignored.
 */
void	nameset_add(struct nameset *, uint32_t set, const char *pattern);
void	nameset_free(struct nameset *);

/* The patterns that cover one name: of the least specific first. */
#define NAMESET_FOUND	129	/* labels of a name, and the root */
struct nameset_found {
	size_t		 n;
	int		 whole;	/* the last is for the name itself */
	struct {
		const uint32_t *refs;
		uint32_t n;
	} at[NAMESET_FOUND];
};

/* The name may be in any case, with or without a final dot. */
void	nameset_find(const struct nameset *, const char *name,
	    struct nameset_found *);
/*
 * Whether a set has the name: the most specific of its patterns decides, and
 * of two for the same name the exception.
 */
int	nameset_has(const struct nameset_found *, uint32_t set);
/* Whether one of the sets from first to before end has it. */
int	nameset_any(const struct nameset_found *, uint32_t first,
	    uint32_t end);

#endif
