/*
 * `ctl icap check`: asks each server of a service what a client of it wants
 * to know: does it answer OPTIONS, does a harmless message pass, is the EICAR
 * test file stopped, and how long does each take. Blocks, by the service's
 * own timeouts and CHECK_MS in all; for a process of its own.
 */
#ifndef ADMIN_ICAPCHECK_H
#define ADMIN_ICAPCHECK_H

#include <jansson.h>

#include "conf/conf.h"

#define ICAPCHECK_MS	60000	/* all together; what is left is not done */

/*
 * The caller owns the answer: {"service", "good": whether every server
 * answers and lets what is harmless pass, "eicar": whether the test file was
 * stopped, "checks": [{"server", "check", "method", "icap", "result",
 * "microseconds"}], "wire": [{"wire": "> a line sent" or "< a line
 * received"}]}.
 */
json_t	*icapcheck_run(const struct conf_icap *);

/*
 * The service in the names and units of the configuration, and from that
 * again: how a check that runs elsewhere comes to know of it. The JSON holds
 * the service's password. NULL of what is no service.
 */
json_t	*icapcheck_pack(const struct conf_icap *);
struct conf *icapcheck_unpack(const json_t *);	/* its icaps[0]; conf_unref */

#endif
