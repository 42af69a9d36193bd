/*
 * Watches the workers. The main thread pings each of them once a second, and
 * the worker's loop answers. A worker that has not answered for two seconds
 * serves nobody: we log what it was doing, count it, and do not feed systemd's
 * watchdog until all workers answer again. So a hang ends in a restart.
 */
#ifndef MAIN_WATCH_H
#define MAIN_WATCH_H

#include <stddef.h>

struct event_base;
struct watch;
struct worker;

/* Runs on the main thread's base. The base and the workers must outlive it. */
struct watch	*watch_new(struct event_base *, struct worker **, size_t n);
void		 watch_free(struct watch *);

#endif
