/*
 * Sends something through a device, from the inside zone to the outside one,
 * and looks at what comes back: 64 bytes that must, or a file that must not.
 * For one thread, on its event base.
 */
#ifndef CHAIN_THROUGH_H
#define CHAIN_THROUGH_H

#include <stddef.h>
#include <stdint.h>

#include "chain/zone.h"
#include "util/addr.h"

struct event_base;
struct through;
struct through_server;

#define THROUGH_ECHO	64	/* bytes that are sent back */
#define THROUGH_BODY	(1 << 20)	/* the most of a file */

struct through_want {
	struct zone	*zone;		/* its inside sends */
	struct addr	 from, to;	/* from without a port */
	/* What must not come through, or NULL; whole if it does. It must live
	 * as long as the attempt. */
	const char	*body;
	size_t		 len;
	uint64_t	 timeout;	/* ms */
	/* Once, never from through_start(): whether it came back, and the
	 * time that took. The attempt is freed after it. */
	void		(*done)(void *arg, int came, uint64_t us);
	void		*arg;
};

struct through	*through_start(struct event_base *,
		    const struct through_want *);
void		 through_cancel(struct through *);	/* NULL is fine */

/*
 * The other end, on a listener that stays the caller's. body is what a request
 * of HTTP is answered with; it must live as long as the server.
 */
struct through_server *through_server_new(struct event_base *, int listener,
		    const char *body, size_t len);
void		 through_server_free(struct through_server *);	/* or NULL */

#endif
