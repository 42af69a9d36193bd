/*
 * The operational log: lines on stderr that tell the operator what happened,
 * to whom and why. The event log (JSON) is in sink/connlog.
 *
 * Before log_start() a line is written at once. After it a thread writes the
 * lines, so that a blocked stderr never slows forwarding. Any thread may log.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LVL_ERROR,	/* something does not work */
	LOG_LVL_WARN,	/* something is about to fail, or was lost */
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
 * For lines that a peer can cause: each gate passes one line a second.
 * Returns whether this line may be logged; *held is then the number of lines
 * held back since the last one.
 */
struct log_gate {
	_Atomic int64_t	 last;	/* monotonic second of the last line */
	_Atomic int	 held;
};
int	 log_gate(struct log_gate *, int *held);

#endif
