/*
 * The event base of a worker: one thread, no locks, and one priority, so that
 * callbacks run in the order in which their events came. libevent's
 * priorities are strict: callbacks of a lower one would never run while
 * sessions are busy.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

struct event_base;

/* Callbacks between two polls of the sockets. It bounds how long a callback
 * that keeps making itself ready delays the others. */
#define LOOP_TURN	64

/* Freed by event_base_free(). NULL: there is no epoll here. */
struct event_base *loop_new(void);

#endif
