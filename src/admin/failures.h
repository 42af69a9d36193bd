/*
 * Recent failures: sessions that failed, by site and reason, in a table of a
 * bounded size. A new row replaces the one that was seen least recently; a
 * client with many rows replaces one of its own.
 */
#ifndef ADMIN_FAILURES_H
#define ADMIN_FAILURES_H

#include <jansson.h>

struct failures;
struct record;

/* trust: how to make a server trusted, in words for who reads; static. */
struct failures	*failures_new(const char *trust);
void		 failures_free(struct failures *);

/* Any thread: a session has ended. If it failed, note it, and log a line, at
 * most one a second of each kind. */
void		 failures_note(struct failures *, const struct record *);

/*
 * Any thread: {"failures": [{"site", "reason", "count", "client", "rule",
 * "mend", "first", "last"}]}, the latest first, and without "mend" where we
 * cannot say what to do; for this site and all below it, or for all if site is
 * NULL. The caller owns it.
 */
json_t		*failures_json(struct failures *, const char *site);

#endif
