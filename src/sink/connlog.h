/*
 * The event log: one JSON line per event (sink/eve.h) to a file, a FIFO or
 * stdout, by a thread of its own. It never slows who writes to it: what does
 * not fit its queue is dropped and counted, and a later line tells the count.
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
 * path is a file (made 0600, appended to, never through a symbolic link), a
 * FIFO (its reader need not be there), or "-", stdout. events: 1 << EVENT_*.
 * 0, or ERR_SYS with one sentence in why.
 */
int	 connlog_open(const char *path, unsigned events, struct connlog **,
	    struct text *why);

/* Events, from any thread. What events does not ask for is not written. */
void	 connlog_flow(struct connlog *, const struct record *);
void	 connlog_tls(struct connlog *, const struct record *);
void	 connlog_http(struct connlog *, const struct record *,
	    const struct http_record *);
/* http may be NULL. What was found or stopped is an alert too, where those are
 * asked for. */
void	 connlog_icap(struct connlog *, const struct record *,
	    const struct http_record *http, const struct icap_record *);
/* Takes stats over. */
void	 connlog_stats(struct connlog *, json_t *stats);

/* Any thread: open path anew (it was renamed away). What is queued before
 * goes to the old file. If that fails the old one stays in use. */
void	 connlog_reopen(struct connlog *);

uint64_t connlog_dropped(struct connlog *);	/* events lost so far */
size_t	 connlog_queued(struct connlog *);	/* bytes waiting */

/* Writes out what is queued, for at most ms. */
void	 connlog_close(struct connlog *, int ms);

#endif
