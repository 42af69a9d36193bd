/*
 * The verbs of `clearspan transparent` that show the rules, or keep them over a
 * reboot. Each prints its errors and returns the exit status.
 */
#ifndef MAIN_ENABLE_H
#define MAIN_ENABLE_H

#include "main/tproxy.h"

/*
 * Write and enable the unit that sets these rules at each boot, before the
 * network is up, and switches forwarding on. Needs root. Does not change the
 * present rules.
 */
int	transparent_enable(const struct tproxy *);

/* Remove the unit. The rules in place stay. */
int	transparent_disable(void);

/*
 * Print the rules, whether a listener exists, what happens to connections with
 * and without it, and whether the rules survive a reboot. Also returns
 * EXIT_FAILED if the rules, an interface or the listener are missing.
 */
int	transparent_status(void);

#endif
