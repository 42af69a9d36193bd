/*
 * What was done is undone by its number, whatever it is: a quarantine, a tag, a
 * denied server, a step-up, or what waits to be approved. Numbers are of one
 * row. For the main thread.
 */
#ifndef VERDICT_UNDO_H
#define VERDICT_UNDO_H

#include "verdict/measure.h"
#include "verdict/server.h"

/* What has that number: a reference and its kind, or NULL. */
struct contained *undo_find(const struct measures *, uint64_t id,
		    enum state_kind *);
/* by is who says so. Returns 0, or ERR_NOTFOUND. */
int		 undo_id(struct measures *, uint64_t id, const char *by);

/*
 * The numbers of what is about an endpoint (NULL: nobody): its quarantine,
 * whoever has set it, and, as far as `by` has done it, its tags, its step-up
 * and what waits; and of servers that `by` has denied. How many, at most max.
 */
size_t		 undo_about(const struct measures *, const struct endpoint *,
		    const struct servers *, const char *by, uint64_t *ids,
		    size_t max);

#endif
