/*
 * Runs a program of the system, ip(8) or nft(8), in the namespace that this
 * process is in, with a text on its stdin, and waits for it. For the helper: a
 * process of one thread.
 */
#ifndef CHAIN_ZONE_RUN_H
#define CHAIN_ZONE_RUN_H

#include "util/text.h"

/*
 * argv[0] is looked for in the places of system programs, whatever PATH says;
 * no argument may be longer than it needs to be. Returns 0; ERR_NOTFOUND: the
 * program is missing; or ERR_SYS. why then says what it said, on one line.
 */
int	zone_run(const char *const argv[], const struct text *input,
	    struct text *why);

/* Write a number to a file of /proc/sys/net. 0 or ERR_SYS with errno. */
int	zone_sysctl(const char *name, const char *value);

#endif
