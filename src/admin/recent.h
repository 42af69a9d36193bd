/*
 * The latest verdicts, as the event log has them. For the main thread.
 */
#ifndef ADMIN_RECENT_H
#define ADMIN_RECENT_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

#define RECENT		256	/* verdicts */
#define RECENT_LINE	1024	/* bytes that are kept of a sensor's line */

struct recent;

struct recent	*recent_new(void);
void		 recent_free(struct recent *);	/* NULL is allowed */
/* The event is still the caller's. Of NULL it does nothing. */
void		 recent_add(struct recent *, json_t *event,
		    const struct timespec *at);
/* {"verdicts": [...]}: the n newest, the newest first; the caller owns it. */
json_t		*recent_json(const struct recent *, size_t n);

#endif
