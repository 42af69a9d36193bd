/*
 * The operational log: lines for the operator on stderr. What happened, to
 * whom, why. The event log (JSON) is sink/connlog's.
 *
 * Until log_start() lines are written at once; after it by a thread of their
 * own, so that a blocked stderr never slows forwarding. Any thread may log.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LVL_ERROR,	/* something does not work */
	LOG_LVL_WARN,	/* something will not work, or was lost */
	LOG_LVL_INFO,	/* what an operator wants to know */
	LOG_LVL_DEBUG	/* every step */
};

/* an enum log_level; a reload sets it */
extern _Atomic int	log_level;

void	 log_start(void);
void	 log_stop(void);	/* writes out what is queued */
uint64_t log_dropped(void);

void	 log_line(int level, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#define log_at(lvl, ...)						\
	do {								\
		if ((lvl) <= log_level)					\
			log_line((lvl), __VA_ARGS__);			\
	} while (0)
#define log_error(...)	log_at(LOG_LVL_ERROR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_LVL_WARN, __VA_ARGS__)
#define log_info(...)	log_at(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_LVL_DEBUG, __VA_ARGS__)

/*
 * For lines that a peer can cause: at most one a second for each place.
 * True when this one may be logged; *held then counts those held back since.
 */
struct log_gate {
	_Atomic int64_t	 last;	/* monotonic second of the last line */
	_Atomic int	 held;
};
int	 log_gate(struct log_gate *, int *held);

#endif
