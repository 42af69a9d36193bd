/*
 * How long a session may be silent. A request of HTTP is answered soon, and a
 * connection that waits for the next one can be made anew; but on a stream the
 * peers may have nothing to say for long, and mean to stay. Some are in the
 * way: the client's next connection will be treated otherwise, and must be one.
 */
#ifndef PROXY_IDLE_H
#define PROXY_IDLE_H

#include <stdint.h>

struct session;

/* ms, as it is known now; *kind, for people: static. NULL: it is in the way of
 * the next connection and not busy, and can end by FIN. */
uint64_t idle_limit(const struct session *, const char **kind);
/* ms: none is shorter. */
uint64_t idle_least(const struct session *);
/* Some of its bytes are no HTTP any more: a tunnel, a WebSocket. */
void	 session_tunnels(struct session *);

#endif
