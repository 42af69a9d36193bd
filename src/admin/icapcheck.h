/*
 * `ctl icap check` asks each server of a service: does it answer OPTIONS, does
 * a harmless message pass, is the EICAR test file stopped, and how long does
 * each take? It blocks, within the service's own timeouts and ICAPCHECK_MS in
 * all, so it runs in a process of its own.
 */
#ifndef ADMIN_ICAPCHECK_H
#define ADMIN_ICAPCHECK_H

#include <jansson.h>

#include "conf/conf.h"

#define ICAPCHECK_MS	60000	/* for all checks; then the rest is skipped */

/*
 * The caller owns the answer: {"service", "good": whether every server
 * answers and lets what is harmless pass, "eicar": whether the test file was
 * stopped, "checks": [{"server", "check", "method", "icap", "result",
 * "microseconds"}], "wire": [{"wire": "> a line sent" or "< a line
 * received"}]}; or {"error"} if the service cannot be used at all.
 */
json_t	*icapcheck_run(const struct conf_icap *);

/*
 * Convert a service to JSON, with the names and units of the configuration, and
 * back, so that another process can check it. The JSON has the service's
 * password. Returns NULL if it is not a service.
 */
json_t	*icapcheck_pack(const struct conf_icap *);
struct conf *icapcheck_unpack(const json_t *);	/* its icaps[0]; conf_unref */

#endif
