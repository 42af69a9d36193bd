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

json_t	*eve_flow(const struct record *, const struct timespec *now);
json_t	*eve_tls(const struct record *, const struct timespec *now);
/* tx_id is the exchange's number in its session. */
json_t	*eve_http(const struct record *, const struct http_record *,
	    const struct timespec *now);
/* For a transaction; http is the exchange of its message, or NULL. */
json_t	*eve_icap(const struct record *, const struct http_record *http,
	    const struct icap_record *, const struct timespec *now);
/* A finding or a block of a service, as an alert. */
json_t	*eve_icap_alert(const struct record *, const struct http_record *http,
	    const struct icap_record *, const struct timespec *now);
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
