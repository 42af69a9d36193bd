/*
 * Counts sessions by action and by the rule that decided. A rule is counted by
 * its name, so that its count survives a reload.
 */
#ifndef ADMIN_TALLY_H
#define ADMIN_TALLY_H

#include <stdint.h>

struct tally;
struct record;

struct tally	*tally_new(void);
void		 tally_free(struct tally *);

/* Any thread: a session has ended. */
void		 tally_add(struct tally *, const struct record *);

/* Any thread: call each for every count. The texts live until tally_free. */
void		 tally_each(struct tally *, void (*each)(void *arg,
		    const char *action, const char *rule, uint64_t n),
		    void *arg);

#endif
