/*
 * The parts of a snapshot (proxy/parts.h) as one worker has them: its seats in
 * the sinks and in the engine. Those of a sink that two snapshots have are one.
 * For the worker's thread.
 */
#ifndef PROXY_PLACE_H
#define PROXY_PLACE_H

#include <stddef.h>

#include "proxy/parts.h"

struct event_base;

struct seat {			/* in one sink or engine */
	unsigned	 refs;
	void		*of;		/* the sink, or the engine's env */
	void		*seat;
	void		(*detach)(void *seat);
};

struct place {
	unsigned	 refs;
	struct parts	*parts;
	struct seat	**seats;	/* one for each mirror */
	size_t		 nseats;
	struct seat	*history;	/* or NULL */
	struct seat	*engine;
};

/* Takes a reference to the parts. before is the place in force, or NULL. */
struct place	*place_new(struct parts *, struct event_base *,
		    const struct place *before);
struct place	*place_ref(struct place *);
/* With the last one the seats go that no other place has, and the parts. */
void		 place_unref(struct place *);	/* NULL is fine */

#endif
