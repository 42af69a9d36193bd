/*
 * What programs undo of what verdicts have done, by a number or by what a
 * report is about; and what they are told of it.
 */
#ifndef ADMIN_UNDONE_H
#define ADMIN_UNDONE_H

#include <jansson.h>

#include "admin/measures.h"
#include "verdict/verdicts.h"

struct undoing {
	struct verdicts	*verdicts;
	const struct verdict_ring *ring;
	const struct conf_sensor *sensor;	/* that it came to */
	int		 own;	/* only what that sensor has done */
	const char	*by;	/* who says so */
};

/*
 * Undo what has that number, and whatever else the verdict has done that did
 * it; or, likewise, what the report is about. The answer is the caller's:
 * "result" is "released", "refused" (of another sensor) or "not found".
 */
json_t	*undone_id(const struct undoing *, uint64_t id);
json_t	*undone_said(const struct undoing *, const struct fields *);

#endif
