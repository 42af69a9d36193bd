/*
 * The verbs of `clearspan transparent` that look at the rules, or keep them
 * over a reboot. Each returns the exit status, and has said why.
 */
#ifndef MAIN_ENABLE_H
#define MAIN_ENABLE_H

#include "main/tproxy.h"

/*
 * Writes and enables the unit that puts these rules in place at each boot,
 * before the network is up, and switches forwarding on. Needs root; changes
 * no rule now.
 */
int	transparent_enable(const struct tproxy *);

/* Removes the unit; the rules in place stay. */
int	transparent_disable(void);

/*
 * The rules, whether there is a listener, what connections do with and
 * without one, whether all that outlives a reboot; to stdout. EXIT_FAILED
 * also where rules, interface or listener are missing.
 */
int	transparent_status(void);

#endif
