/*
 * The taps of a session's wires: mirrors before the devices and all others are
 * in the client's wire, mirrors behind the devices in the server's.
 */
#ifndef PROXY_TAPS_H
#define PROXY_TAPS_H

#include "stream/tap.h"

struct session;
struct wire;

extern const struct tap_host session_taps;

/* Those that the verdict asks for; all of the row is connected. */
void	taps_open(struct session *);
/* The handshakes are over. */
void	taps_facts(struct session *);
/* There is no more to see. */
void	taps_close(struct session *);
/* That end reset the connection, or we did. */
void	taps_reset(struct session *, enum flow_dir);
/* The same for the taps of one wire, and no more to see there. */
void	taps_cut(struct session *, struct wire *, enum flow_dir);
/* The bytes that follow are not theirs (bypass after all, a page). */
void	taps_drop(struct session *);

#endif
