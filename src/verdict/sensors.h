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
	uint64_t	 lost;		/* see struct fields_head */
	int		 up;		/* the process is there */
};

/* In the main thread, for each report. */
typedef void (*sensors_said)(void *arg, const struct conf_sensor *,
	    const struct fields *);

/*
 * Open what the sensors of conf write to or send to, and start the process.
 * Files may come later. Returns 0; or ERR_SYS with a sentence in why.
 */
int	sensors_new(struct event_base *, struct conf *, sensors_said, void *arg,
	    struct sensors **, struct text *why);
/* Take over the sockets and files of old that conf has too; old is freed. */
int	sensors_renew(struct sensors *old, struct conf *, struct sensors **,
	    struct text *why);
void	sensors_free(struct sensors *);		/* NULL is allowed */
/* About once a second: files that were rotated, a process that has ended. */
void	sensors_tick(struct sensors *);
void	sensors_stats(const struct sensors *, struct sensors_stats *);

/* The process: serve on fd until the daemon has gone. Returns the exit
 * status. */
int	sensors_run(int fd);

#endif
