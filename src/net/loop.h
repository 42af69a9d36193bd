/*
 * The event base of a worker: one thread, no locks, and one priority, so that
 * callbacks run in the order in which their events came. libevent's
 * priorities are strict: with sessions busy all the time, those below them
 * would never run.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

struct event_base;

/* Callbacks between two looks at the sockets: one that keeps making itself
 * ready holds the others up for no longer. */
#define LOOP_TURN	64

/* To be freed by event_base_free(); NULL: there is no epoll here. */
struct event_base *loop_new(void);

#endif
