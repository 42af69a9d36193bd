/*
 * Quarantines as an operator and the event log see them.
 */
#ifndef ADMIN_CONTAINED_H
#define ADMIN_CONTAINED_H

#include <jansson.h>

#include "verdict/quarantine.h"
#include "verdict/verdicts.h"

/*
 * The answers of `ctl quarantine`, which the caller owns. words is what follows
 * the verb: nothing or "list"; "add WHO PROFILE FOR [REASON ...]"; "release
 * ID".
 */
json_t	*contained_verb(struct quarantine *, const char *words);

/* The answer of `ctl case`. id 0 is none. */
json_t	*contained_case(const struct quarantine *, uint64_t id);

/* What a list and an event say of one; its profile is under that name. */
json_t	*contained_row(const struct contained *, const char *name);

/* Seconds since 1970 as an event has them. */
json_t	*contained_time(int64_t);

/* The object of an event. */
json_t	*contained_event(enum quarantine_what, const struct contained *,
	    const char *why);

json_t	*verdict_event(const struct verdict_told *);
/* The numbers of all that it has done to servers. */
json_t	*contained_ids(const struct verdict_told *);

struct admin_env;
/* The lines of the metrics page; none without quarantines and sensors. */
void	 contained_metrics(const struct admin_env *, struct text *out);

#endif
