/*
 * What is said in the same way by every verb, and by every metric.
 */
#ifndef ADMIN_SAY_H
#define ADMIN_SAY_H

#include <jansson.h>
#include <stdint.h>

#include "util/text.h"

/* {"error": what}; text from anywhere. The caller's. */
json_t	*say_wrong(const char *what);

/* The two lines above the samples of a metric; name is without its prefix. */
void	 say_metric(struct text *, const char *name, const char *type,
	    const char *help);
/* A label; in its value backslash, quote and newline are escaped. */
void	 say_label(struct text *, const char *name, const char *value);
/* A sample with one label, or two (name2 not NULL). */
void	 say_sample(struct text *, const char *metric, const char *name1,
	    const char *value1, const char *name2, const char *value2,
	    uint64_t);

#endif
