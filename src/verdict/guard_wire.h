/*
 * What the daemon and the guard say to each other: messages of one kind, and an
 * answer to GUARD_DO. The guard believes nothing that guard_ask_check() has not
 * seen.
 */
#ifndef VERDICT_GUARD_WIRE_H
#define VERDICT_GUARD_WIRE_H

#include "verdict/contain.h"

#define GUARD_NAME	"clearspan-guard"	/* comm (proc(5)) */
#define GUARD_ARG	"--guard"

#define GUARD_PROFILES	65	/* of the configuration, and one for none */
#define GUARD_PREFIXES	64

enum guard_verb {
	GUARD_BEGIN = 1,	/* the table anew; n: 1, it goes when we end */
	GUARD_PROFILE,		/* number, and what it lets through */
	GUARD_HOLD,		/* who, under profile number, for s seconds */
	GUARD_FREE,		/* who, of profile number */
	GUARD_DENY,		/* the address of who, for n seconds */
	GUARD_PERMIT,		/* no longer */
	GUARD_DO		/* all since the last one; it is answered */
};

struct guard_ask {
	uint32_t	 verb;
	uint32_t	 number;
	uint32_t	 n;		/* s, or what the verb says */
	uint32_t	 nservers, ndns;
	struct endpoint	 who;
	struct prefix	 servers[GUARD_PREFIXES], dns[GUARD_PREFIXES];
};

struct guard_answer {
	int32_t		 rv;		/* 0, ERR_DENIED or ERR_SYS */
	char		 why[500];
};

/* Returns 0, or ERR_FORMAT: no question that the daemon would ask. */
int	guard_ask_check(const struct guard_ask *, size_t len);

/* The process: serve on fd until the daemon has gone. Returns the exit
 * status. */
int	guard_run(int fd);

#endif
