/*
 * `clearspan ctl icap check SERVICE` runs in this process, with the service's
 * configuration from the daemon, so that no thread of the daemon waits for a
 * scanner.
 */
#ifndef MAIN_CTL_ICAP_H
#define MAIN_CTL_ICAP_H

#include <jansson.h>

/* Whether the words after `ctl` are "icap check SERVICE". */
int	 ctl_icap_wanted(int argc, char **argv);
/*
 * config is the daemon's answer to `icap config SERVICE`. Returns the check's
 * answer, or {"error": ...}, which the caller owns. *good: no check failed.
 */
json_t	*ctl_icap_check(const json_t *config, int *good);

#endif
