/*
 * The taps of a session's wire.
 */
#ifndef PROXY_TAPS_H
#define PROXY_TAPS_H

#include "stream/tap.h"

struct session;

extern const struct tap_host session_taps;

/* Those that the verdict asks for; both ends are connected. */
void	taps_open(struct session *);
/* There is no more to see. */
void	taps_close(struct session *);
/* That end reset the connection, or we did. */
void	taps_reset(struct session *, enum flow_dir);
/* The bytes that follow are not theirs (bypass after all, a page). */
void	taps_drop(struct session *);

#endif
