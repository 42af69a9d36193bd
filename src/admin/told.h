/*
 * Facts of a connection as operators tell them, for `clearspan explain` and
 * `ctl explain`. What is made of them is told_explain.h's.
 */
#ifndef ADMIN_TOLD_H
#define ADMIN_TOLD_H

#include "util/text.h"

struct told;

struct told	*told_new(void);
void		 told_free(struct told *);

/* Whether a fact begins so: "client=10.0.0.7", or a URL. */
int		 told_begins(const char *arg);
/* Take one, which must live as long. ERR_FORMAT with a sentence in why. */
int		 told_take(struct told *, const char *arg, struct text *why);

#endif
