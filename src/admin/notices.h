/*
 * The targets of `notify:` as an operator sees them.
 */
#ifndef ADMIN_NOTICES_H
#define ADMIN_NOTICES_H

#include <jansson.h>

#include "util/text.h"

struct notices;

/* The answer of `ctl notify [test [TARGET]]`, which the caller owns. */
json_t	*notices_verb(struct notices *, const char *verb, const char *name);
/* The lines of the metrics page; none without targets. */
void	 notices_metrics(const struct notices *, struct text *out);

#endif
