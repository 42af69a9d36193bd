/*
 * `clearspan ctl icap check SERVICE`: done here, with what the daemon says of
 * the service, so that no thread of the daemon waits for a scanner.
 */
#ifndef MAIN_CTL_ICAP_H
#define MAIN_CTL_ICAP_H

#include <jansson.h>

/* Whether the words after `ctl` are that. */
int	 ctl_icap_wanted(int argc, char **argv);
/*
 * config: the daemon's answer to `icap config SERVICE`. The check's answer,
 * or {"error": ...}; the caller owns it. *good: all is well.
 */
json_t	*ctl_icap_check(const json_t *config, int *good);

#endif
