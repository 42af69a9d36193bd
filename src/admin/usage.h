/*
 * Endpoints that have used the gateway in the last minutes, and what for.
 */
#ifndef ADMIN_USAGE_H
#define ADMIN_USAGE_H

#include <jansson.h>

#include "admin/admin.h"

/*
 * Of the sessions that t has by client, application and device: {"endpoints":
 * [{"endpoint", "mac", "addresses", "tags", "quarantine", "sessions",
 * "toserver", "toclient", "applications", "devices"}]}, the largest first.
 * Addresses of one MAC address are one endpoint, if `identity` is mac. The
 * caller owns it.
 */
json_t	*usage_json(const struct admin_env *, struct top *t, uint64_t now);

/* Such an object of one endpoint, by its address or MAC address, as if it had
 * been quiet; NULL: it is neither. */
json_t	*usage_endpoint(const struct admin_env *, const char *who);

#endif
