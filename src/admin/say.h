/*
 * What is said in the same way by every verb, and by every metric.
 */
#ifndef ADMIN_SAY_H
#define ADMIN_SAY_H

#include <jansson.h>

#include "util/text.h"

/* {"error": what}; text from anywhere. The caller's. */
json_t	*say_wrong(const char *what);

/* The two lines above the samples of a metric; name is without its prefix. */
void	 say_metric(struct text *, const char *name, const char *type,
	    const char *help);

#endif
