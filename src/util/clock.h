/*
 * The clocks. Intervals and deadlines are measured by the monotonic ones,
 * which count from an arbitrary start (the machine's boot, on Linux) and are
 * never set. Wall time is what logs and captures are stamped with.
 */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

uint64_t	 clock_us(void);
uint64_t	 clock_ms(void);
uint64_t	 clock_s(void);

/* As clock_ms(), at a third of its price; up to 4 ms (one tick) behind. */
uint64_t	 clock_coarse_ms(void);

struct timespec	 clock_wall(void);

/* A time (seconds since 1970) as RFC 3339 has it, "2026-11-29T17:00:00Z"; ""
 * where its year has not four digits. Returns out. */
#define CLOCK_STAMP	21
char		*clock_stamp(int64_t seconds, char out[CLOCK_STAMP]);

/* Milliseconds as libevent and setsockopt(2) take them. */
struct timeval	 clock_timeval(uint64_t ms);

#endif
