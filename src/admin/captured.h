/*
 * Captures of the history: the verb capture, what events and cases say of them,
 * and the metrics of both.
 */
#ifndef ADMIN_CAPTURED_H
#define ADMIN_CAPTURED_H

#include <jansson.h>

#include "sink/capture.h"
#include "util/text.h"

struct admin_env;

struct capture_counts {
	uint64_t	 open;		/* under way */
	uint64_t	 ended[CAPTURE_ENDS];
	uint64_t	 refused;	/* too many were under way */
};

/* The object of an event, or of a case's line, where id is not 0. */
json_t	*captured_json(const struct capture_told *, uint64_t id,
	    const struct endpoint *);

/*
 * `ctl capture WHO [FOR]`: done gets the answer when the file is whole, or, if
 * it goes on, has what there is so far.
 */
void	 captured_verb(const struct admin_env *, const char *who,
	    const char *span, void (*done)(void *arg, json_t *), void *arg);

/* The lines of the metrics page; none without `history`. */
void	 captured_metrics(const struct admin_env *, struct text *out);

#endif
