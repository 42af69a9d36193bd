/*
 * A session's record as a JSON object, with the names of Suricata's EVE.
 * Members without a name in EVE are under "clearspan" (clearspan(8), "Event
 * log"). Pure: the time is an argument. An event is written into an empty text,
 * without a newline; there may be one for each request, and a tree would cost
 * several times as much.
 */
#ifndef SINK_EVE_H
#define SINK_EVE_H

#include <jansson.h>
#include <time.h>

#include "http/record.h"
#include "proxy/record.h"
#include "icap/icap.h"
#include "util/text.h"

/*
 * An event of a session: EVENT_FLOW and EVENT_TLS; EVENT_HTTP, of an exchange;
 * EVENT_ICAP, and EVENT_ALERT for a finding or a block, of a transaction and
 * the exchange of its message. What an event does not have is NULL.
 */
void	 eve_event(struct text *, enum conf_event, const struct record *,
	    const struct http_record *, const struct icap_record *,
	    const struct timespec *now);
/* EVENT_WS, of a message of a WebSocket. */
void	 eve_message(struct text *, const struct record *,
	    const struct ws_message *, const struct timespec *now);
/* One of no session, such as "stats": an object under its type's name. Takes
 * ownership of it. */
void	 eve_object(struct text *, const char *type, json_t *,
	    const struct timespec *now);

/*
 * For those who have a tree: text from anywhere as a JSON string. Bytes that
 * are not UTF-8 become \xNN; NULL becomes null.
 */
json_t	*eve_string(const char *);
/* RFC 3339 in UTC with microseconds. */
json_t	*eve_time(const struct timespec *);

#endif
