/*
 * The event log: one JSON line per event (sink/eve.h) to a file, a FIFO or
 * stdout. A thread of its own writes, so the log never slows its callers. An
 * event that does not fit the queue is dropped and counted, and a later line
 * has the count.
 */
#ifndef SINK_CONNLOG_H
#define SINK_CONNLOG_H

#include <jansson.h>
#include <stdint.h>

#include "http/record.h"
#include "proxy/record.h"
#include "icap/icap.h"
#include "util/text.h"

struct connlog;

/*
 * path is a file (created 0600, appended to, never a symbolic link), a FIFO
 * (with or without a reader), "-" for stdout, or NULL: no log for now. events:
 * 1 << EVENT_*. Returns 0, or ERR_SYS with one sentence in why.
 */
int	 connlog_open(const char *path, unsigned events, struct connlog **,
	    struct text *why);

/*
 * Events go to path from here on, and those queued before to the old one; and
 * they are others. If the open fails, nothing is changed. Main thread.
 */
int	 connlog_turn(struct connlog *, const char *path, unsigned events,
	    struct text *why);

/*
 * Log an event (see eve_event()), from any thread. One that was not asked for
 * is ignored. A finding or a block of EVENT_ICAP also logs an EVENT_ALERT, if
 * alerts were asked for.
 */
void	 connlog_event(struct connlog *, enum conf_event, const struct record *,
	    const struct http_record *, const struct icap_record *);
/* The same for EVENT_WS. */
void	 connlog_message(struct connlog *, const struct record *,
	    const struct ws_message *);
/* Takes ownership of stats. */
void	 connlog_stats(struct connlog *, json_t *stats);
/* One of no session, whatever `log: events` says (see eve_object()). Takes
 * ownership of the object; l may be NULL. */
void	 connlog_report(struct connlog *l, const char *type, json_t *);

/* Open path again, which was renamed away; any thread. Events queued before go
 * to the old file. If the open fails, the old file stays in use. */
void	 connlog_reopen(struct connlog *);

uint64_t connlog_dropped(struct connlog *);	/* events lost so far */
size_t	 connlog_queued(struct connlog *);	/* bytes waiting */

/* Write the queued events, for at most ms. */
void	 connlog_close(struct connlog *, int ms);

#endif
