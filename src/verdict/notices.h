/*
 * Who is told of verdicts and quarantines outside: the targets of `notify:`,
 * each with its queue (verdict/target.h). What waits when the daemon ends is
 * kept in a file, and told by the next run. For the main thread.
 */
#ifndef VERDICT_NOTICES_H
#define VERDICT_NOTICES_H

#include "verdict/target.h"

struct notices;

/*
 * The targets of a configuration, of which a reference is taken; old: those in
 * force, or NULL. Nothing is told before notices_begin(). 0, or ERR_* with a
 * sentence in why.
 */
int	notices_open(struct event_base *, struct conf *, target_tell,
	    void *arg, struct notices **, struct text *why);
/* They take the place of old, with what waits for targets of the same names. A
 * target that is set as before goes on as if nothing had been. */
void	notices_begin(struct notices *, struct notices *old);
void	notices_free(struct notices *);		/* NULL is allowed */

/*
 * The file of what waits, unless one is open; path NULL: none. What is in it is
 * told. It is given to user, unless that is NULL. ERR_SYS with a sentence in
 * why.
 */
int	notices_keep(struct notices *, const char *path, const char *user,
	    struct text *why);
/* That which is open, or NULL. */
const char *notices_path(const struct notices *);
/* Write the file, if it is due; about once a second, and at the end. */
void	notices_tick(struct notices *);
void	notices_save(struct notices *);

/* Whether anybody wants to know of that. */
int	notices_want(const struct notices *, enum conf_notice);
/* Tell all who do. */
void	notices_tell(struct notices *, struct notice *);
/* Tell one, or all (NULL), a test. How many; 0: there is none of that name. */
size_t	notices_test(struct notices *, const char *name, struct notice *);

size_t	notices_count(const struct notices *);
const struct target *notices_target(const struct notices *, size_t i);

#endif
