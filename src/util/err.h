/*
 * Errors: functions return 0 or a negative ERR_*; err_str() names it for a
 * person. ERR_SYS means that errno says more.
 */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

enum {
	ERR_SHORT = -1,		/* more bytes are needed */
	ERR_FORMAT = -2,	/* the bytes break their protocol */
	ERR_LIMIT = -3,		/* a bound of ours was reached */
	ERR_MEM = -4,		/* no memory, or the budget is spent */
	ERR_AGAIN = -5,		/* it would block; an event will follow */
	ERR_EOF = -6,		/* the peer ended its direction in order */
	ERR_SYS = -7,		/* a system call failed; see errno */
	ERR_NOTFOUND = -8,	/* no such thing */
	ERR_DENIED = -9,	/* a rule or a permission forbids it */
	ERR_TIMEOUT = -10,	/* it took too long */
	ERR_TLS = -11,		/* TLS failed; the caller has the reason */
	ERR_UNSUPPORTED = -12,	/* valid, but not done here */
	ERR_USAGE = -13		/* wrong usage or configuration */
};

/* A short lower-case text for an ERR_*; ERR_SYS gives strerror(errno). */
const char	*err_str(int err);

#endif
