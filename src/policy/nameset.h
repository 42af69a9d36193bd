/*
 * A set of DNS names. It answers whether a name, or one above it, is in the
 * set, with one pass over the name, however large the set is.
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
 * Add a name. "example.com" is added as what says; "*.example.com" adds the
 * names below it, and "*" all names. The text must outlive the set. A name
 * that is too long is ignored.
 */
void	nameset_add(struct nameset *, const char *name, int what);
/* The name may be in any case, with or without a final dot. */
int	nameset_has(const struct nameset *, const char *name);
void	nameset_free(struct nameset *);

#endif
