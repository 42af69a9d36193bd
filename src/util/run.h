/*
 * Runs a program of the system, such as ip(8) or nft(8), and waits for it. For
 * a process of one thread.
 */
#ifndef UTIL_RUN_H
#define UTIL_RUN_H

#include "util/text.h"

/*
 * argv[0] is looked for in PATH, and then where Debian has programs of the
 * system. input, or nothing, is its stdin. What it wrote is appended: stdout to
 * out, stderr to err; they may be the same. Returns 0; ERR_NOTFOUND: there is
 * no such program; or ERR_SYS: it failed. Neither without a word in err.
 */
int	run_program(const char *const argv[], const struct text *input,
	    struct text *out, struct text *err);

/* Whether run_program() would find it. */
int	run_finds(const char *name);

#endif
