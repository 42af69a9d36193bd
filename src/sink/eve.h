/*
 * A session's record as a JSON object in the names of Suricata's EVE, with
 * what EVE has no name for under "clearspan" (clearspan(8), "Event log").
 * Pure: the time comes as an argument. Each function returns an object that
 * the caller owns (json_decref), never NULL but when there is no memory.
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
/* Of a transaction; http: whose message it was, or NULL. */
json_t	*eve_icap(const struct record *, const struct http_record *http,
	    const struct icap_record *, const struct timespec *now);
/* What a service found, or stopped, as an alert. */
json_t	*eve_icap_alert(const struct record *, const struct http_record *http,
	    const struct icap_record *, const struct timespec *now);
/* Takes stats over. */
json_t	*eve_stats(json_t *stats, const struct timespec *now);

/*
 * Text from anywhere as a JSON string: what is not UTF-8 is shown as \xNN.
 * NULL gives null.
 */
json_t	*eve_string(const char *);
/* RFC 3339 in UTC with microseconds. */
json_t	*eve_time(const struct timespec *);

#endif
