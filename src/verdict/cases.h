/*
 * The cases: what was done about endpoints, why and by whom, in a file that is
 * only ever added to. A line is an object of JSON and ends with the SHA-256 of
 * the line before it and of itself, so that none can be changed or taken out
 * without a trace. A case is all lines of one quarantine.
 */
#ifndef VERDICT_CASES_H
#define VERDICT_CASES_H

#include <jansson.h>
#include <stdint.h>

#include "util/text.h"

struct cases;

/*
 * Open the file, or make it (0600, and its directory). Lines go on from the
 * last one in it; it is the user's (util/keep.h). *last is raised to the
 * highest number of a case in it. Returns 0, or ERR_SYS with a sentence in why.
 */
int	cases_open(const char *path, const char *user, uint64_t *last,
	    struct cases **, struct text *why);
void	cases_close(struct cases *);		/* NULL is allowed */

/*
 * Add to a case, at this time (seconds since 1970): what happened, and an
 * object about it, which is the callee's now. Of NULL it does nothing else. A
 * failure is logged.
 */
void	cases_add(struct cases *, uint64_t id, int64_t at, const char *what,
	    json_t *about);

/*
 * The lines of a case, in their order; and whether the chain is whole, or else
 * *broken is the number of the first line that does not fit (from 1; 0: it is
 * whole). NULL: the file cannot be read.
 */
json_t	*cases_read(const struct cases *, uint64_t id, uint64_t *broken);

#endif
