/*
 * Quarantines as an operator and the event log see them.
 */
#ifndef ADMIN_CONTAINED_H
#define ADMIN_CONTAINED_H

#include <jansson.h>

#include "verdict/quarantine.h"

/*
 * The answers of `ctl quarantine`, which the caller owns. words is what follows
 * the verb: nothing or "list"; "add WHO PROFILE FOR [REASON ...]"; "release
 * ID".
 */
json_t	*contained_verb(struct quarantine *, const char *words);

/* The object of an event. */
json_t	*contained_event(enum quarantine_what, const struct contained *,
	    const char *why);

/* The lines of the metrics page; none without quarantines. */
void	 contained_metrics(struct quarantine *, struct text *out);

#endif
