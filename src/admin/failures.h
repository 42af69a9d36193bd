/*
 * What broke lately: sessions that failed, by site and reason, in a table of a
 * bounded size. The one that was not seen for longest gives way; a client that
 * has many only to one of its own.
 */
#ifndef ADMIN_FAILURES_H
#define ADMIN_FAILURES_H

#include <jansson.h>

struct failures;
struct record;

/* trust: the words for how one makes a server trusted, for the log; static. */
struct failures	*failures_new(const char *trust);
void		 failures_free(struct failures *);

/* Any thread: a session has ended. One that failed is noted, and told in a
 * line of the log, of each kind at most one a second. */
void		 failures_note(struct failures *, const struct record *);

/*
 * Any thread: {"failures": [{"site", "reason", "count", "client", "rule",
 * "first", "last"}]}, the latest first; of that site and all below it, or with
 * NULL of all. The caller owns it.
 */
json_t		*failures_json(struct failures *, const char *site);

#endif
