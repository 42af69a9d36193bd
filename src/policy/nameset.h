/*
 * A set of DNS names, asked "is this name, or one it is below, in it?". One
 * pass over the name whatever the size of the set.
 */
#ifndef POLICY_NAMESET_H
#define POLICY_NAMESET_H

#include <stddef.h>
#include <stdint.h>

#define NAMESET_SELF	1	/* the name itself */
#define NAMESET_BELOW	2	/* all names below it */

struct nameset_slot {
	const char	*name;	/* lower case, no final dot; NULL: free */
	uint32_t	 hash;
	uint8_t		 len;
	uint8_t		 what;	/* NAMESET_*, or'ed */
};

struct nameset {		/* starts zeroed */
	struct nameset_slot *slots;
	size_t		 cap;	/* a power of two, or 0 */
	size_t		 n;
	int		 all;	/* "*" was added */
};

/*
 * Add "example.com" as what says, "*.example.com" as those below, "*" as
 * all. The text must outlive the set. Longer than a name can be: ignored.
 */
void	nameset_add(struct nameset *, const char *name, int what);
/* Any case, with or without a final dot. */
int	nameset_has(const struct nameset *, const char *name);
void	nameset_free(struct nameset *);

#endif
