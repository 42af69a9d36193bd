/*
 * A session's record as a JSON object, with the names of Suricata's EVE.
 * Members without a name in EVE are under "clearspan" (clearspan(8), "Event
 * log"). Pure: the time is an argument. Each function returns an object that
 * the caller owns (json_decref), or NULL if memory runs out.
 */
#ifndef SINK_EVE_H
#define SINK_EVE_H

#include <jansson.h>
#include <time.h>

#include "http/record.h"
#include "proxy/record.h"
#include "icap/icap.h"

/*
 * An event of a session: EVENT_FLOW and EVENT_TLS; EVENT_HTTP, of an exchange;
 * EVENT_ICAP, and EVENT_ALERT for a finding or a block, of a transaction and
 * the exchange of its message. What an event does not have is NULL.
 */
json_t	*eve_event(enum conf_event, const struct record *,
	    const struct http_record *, const struct icap_record *,
	    const struct timespec *now);
/* EVENT_WS, of a message of a WebSocket. */
json_t	*eve_message(const struct record *, const struct ws_message *,
	    const struct timespec *now);
/* Takes ownership of stats. */
json_t	*eve_stats(json_t *stats, const struct timespec *now);

/*
 * Text from anywhere as a JSON string. Bytes that are not UTF-8 become \xNN;
 * NULL becomes null.
 */
json_t	*eve_string(const char *);
/* RFC 3339 in UTC with microseconds. */
json_t	*eve_time(const struct timespec *);

#endif
