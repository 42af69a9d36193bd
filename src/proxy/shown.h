/*
 * The ports with which the streams of a session are shown, where a mirror
 * writes each as a conversation of its own (`mirrors: http2: http/1.1`). All
 * mirrors of a session show a stream with the same port, and the log says it.
 * No two streams that are open at a time between the same two addresses have
 * the same one, in whatever sessions they are. The ports are those below the
 * ones that clients' own systems choose (RFC 6056), which other sessions have.
 */
#ifndef PROXY_SHOWN_H
#define PROXY_SHOWN_H

#include <stdint.h>

#include "util/addr.h"

#define SHOWN_PORT_MIN	1024
#define SHOWN_PORT_MAX	32767

struct shown;

/*
 * Of one session; for its worker's thread. server: with the port that the first
 * such mirror shows. NULL is never returned.
 */
struct shown	*shown_new(const struct addr *client,
		    const struct addr *server);
void		 shown_free(struct shown *);

/*
 * A mirror begins to show this stream, whose id is above those before, or
 * which another mirror shows or has just shown. Returns the port, or 0: none
 * is free, or too many streams are open. Each success is followed by
 * shown_close().
 */
uint16_t	 shown_open(struct shown *, uint32_t stream);
void		 shown_close(struct shown *, uint32_t stream);
/*
 * Between which ends a stream is shown, or was, if it is among the last of
 * those. Returns whether it is known. NULL shows none.
 */
int		 shown_ends(const struct shown *, uint32_t stream,
		    struct addr *client, struct addr *server);

#endif
