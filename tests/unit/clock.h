/*
 * A monotonic clock that a test puts forward, or stops, for all of its
 * process: it takes the place of the C library's. Wall time goes on.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <sys/syscall.h>

#include <time.h>
#include <unistd.h>

static _Atomic time_t	clock_ahead;	/* seconds */
static struct timespec	clock_stopped;	/* at that; {0} while it goes */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rv = (int)syscall(SYS_clock_gettime, id, ts);

	if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
		return rv;
	if (clock_stopped.tv_sec != 0)
		*ts = clock_stopped;
	ts->tv_sec += clock_ahead;
	return rv;
}

static inline void
clock_stop(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	clock_stopped = ts;
}

static inline void
clock_go(void)
{
	clock_stopped = (struct timespec){ 0 };
}

#endif
