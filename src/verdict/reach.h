/*
 * A socket of UDP to a target, whose name is looked up when it is first used,
 * and again after a failure.
 */
#ifndef VERDICT_REACH_H
#define VERDICT_REACH_H

#include "verdict/target.h"

struct reach;

struct reach	*reach_new(struct target *);
void		 reach_free(struct reach *);	/* NULL is allowed */

/* there gets the socket, which stays ours, or -1 and why there is none; at
 * once, or later. */
typedef void (*reach_there)(struct target *, int fd, const char *why);
void		 reach(struct reach *, reach_there);
/* The next reach() looks up the name anew. */
void		 reach_again(struct reach *);

#endif
