/*
 * Sessions counted by what was done and the rule that said so. The rules of
 * a reloaded configuration are counted by name, so that a count stays with
 * the rule it was made for.
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

/* Any thread: each count there is; the texts are good until tally_free. */
void		 tally_each(struct tally *, void (*each)(void *arg,
		    const char *action, const char *rule, uint64_t n),
		    void *arg);

#endif
