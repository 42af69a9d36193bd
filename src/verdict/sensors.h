/*
 * The sensors: a process without any privilege reads what they send, and gives
 * it to the daemon as fields. A process is for one configuration; another one
 * takes its place at a reload. If it crashes it is started again.
 */
#ifndef VERDICT_SENSORS_H
#define VERDICT_SENSORS_H

#include "conf/verdicts.h"
#include "util/text.h"
#include "verdict/fields.h"

#define SENSORS_NAME	"clearspan-sensor"	/* comm (proc(5)): 15 of it */
#define SENSORS_ARG	"--sensors"

struct event_base;
struct sensors;

struct sensors_stats {
	uint64_t	 reports;	/* that came */
	uint64_t	 lost, refused;	/* see struct fields_head */
	int		 up;		/* the process is there */
};

/* In the main thread, for each report. */
typedef void (*sensors_said)(void *arg, const struct conf_sensor *,
	    const struct fields *);

/*
 * Open what the sensors of conf write to or send to; what old has too is taken
 * over, and if all is the same *out is old. Files may come later. old may be
 * NULL, and so is *out without sensors. Returns 0; or with a sentence in why
 * ERR_SYS or ERR_USAGE (a certificate), and nothing has changed.
 */
int	sensors_open(struct event_base *, struct conf *, struct sensors *old,
	    sensors_said, void *arg, struct sensors **out, struct text *why);
/* They take the place of old, which is freed, and are read from now on. */
void	sensors_begin(struct sensors *, struct conf *, struct sensors *old);
/* It was not to be: old goes on. */
void	sensors_drop(struct sensors *, struct sensors *old);
void	sensors_free(struct sensors *);		/* NULL is allowed */
/* About once a second: files that were rotated, a process that has ended. */
void	sensors_tick(struct sensors *);
void	sensors_stats(const struct sensors *, struct sensors_stats *);

/* The process: serve on fd until the daemon has gone. Returns the exit
 * status. */
int	sensors_run(int fd);

#endif
