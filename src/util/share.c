/*
 * Counts by owner: a chained hash table.
 */
#include "util/share.h"

#include <assert.h>
#include <stdlib.h>

#include "util/hash.h"
#include "util/mem.h"

struct share {
	struct share	*next;
	uint64_t	 owner;
	unsigned	 n;		/* never 0 */
};

/* The link to the owner's, or to where it would be. */
static struct share **
share_find(struct shares *t, uint64_t owner)
{
	struct share **s = &t->slot[hash_fold(owner ^ t->seed) % SHARES_SLOTS];

	while (*s != NULL && (*s)->owner != owner)
		s = &(*s)->next;
	return s;
}

unsigned
share_of(const struct shares *t, uint64_t owner)
{
	const struct share *s = *share_find((struct shares *)t, owner);

	return s != NULL ? s->n : 0;
}

void
share_take(struct shares *t, uint64_t owner)
{
	struct share **s = share_find(t, owner);

	if (*s == NULL) {
		*s = xcalloc(1, sizeof(**s));
		(*s)->owner = owner;
	}
	(*s)->n++;
}

void
share_give(struct shares *t, uint64_t owner)
{
	struct share **s = share_find(t, owner), *gone = *s;

	assert(gone != NULL);
	if (--gone->n == 0) {
		*s = gone->next;
		free(gone);
	}
}
