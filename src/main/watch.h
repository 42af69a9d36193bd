/*
 * Do the workers come round? The main thread asks each of them once a second,
 * and each answers when its loop gets to it. One that has not for two seconds
 * serves nobody: that is told, with what it was doing, and counted; and
 * systemd's watchdog, where it watches us, hears from us no more until all
 * workers come round again. So a hang is a restart.
 */
#ifndef MAIN_WATCH_H
#define MAIN_WATCH_H

#include <stddef.h>

struct event_base;
struct watch;
struct worker;

/* On the main thread's base, which must outlive it, as must the workers. */
struct watch	*watch_new(struct event_base *, struct worker **, size_t n);
void		 watch_free(struct watch *);

#endif
