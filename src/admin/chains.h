/*
 * Inline devices and chains for the operator: the verbs devices, device and
 * chains, and their part of the metrics. Main thread.
 */
#ifndef ADMIN_CHAINS_H
#define ADMIN_CHAINS_H

#include <jansson.h>

#include "conf/conf.h"
#include "util/text.h"

/* Objects that the caller owns. The configuration is the one in force. */
json_t	*chains_devices(const struct conf *);
json_t	*chains_chains(const struct conf *);
/* Set what the operator wants of a device: "auto", "drain", "down". The
 * device's object, or one with an error. */
json_t	*chains_device(const struct conf *, const char *name,
	    const char *want);

/* Nothing if there are no devices. */
void	 chains_metrics(const struct conf *, struct text *out);

#endif
