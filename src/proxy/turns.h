/*
 * Turns for handshakes: how many of a worker's sessions may be in a handshake
 * at a time, so that no peer takes what belongs to all. One client, and one
 * server, has half of them at most. A session without room waits in a row. If
 * a handshake that should long be over takes the room, it gives way. Pure:
 * time comes as an argument, and the caller acts.
 */
#ifndef PROXY_TURNS_H
#define PROXY_TURNS_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"
#include "util/share.h"

/* Handshakes over a slow path take less. After it one may have to give way. */
#define TURNS_STALLED_MS	1000

enum turn_state {
	TURN_NONE,		/* no handshake */
	TURN_WAITS,		/* for one to end */
	TURN_HAS		/* under way */
};

struct turn {			/* embedded in a session; begins zeroed */
	TAILQ_ENTRY(turn) link;
	enum turn_state	 state;
	uint64_t	 owner[2];	/* of its client, of its server */
	uint64_t	 since;		/* ms: when it got its turn */
};

TAILQ_HEAD(turn_list, turn);

struct turns {
	struct turn_list under_way;	/* the oldest first */
	struct turn_list waiting;
	unsigned	 max;		/* under way */
	unsigned	 n;		/* under way now */
	struct shares	 of[2];		/* ... by client, by server */
};

/* The seed is random: peers choose their addresses. */
void	turns_init(struct turns *, unsigned max, uint32_t seed);

/*
 * Ask for a turn, or ask again. 1: it has one; 0: it waits. An IPv6 address
 * counts as its /64.
 */
int	turns_ask(struct turns *, struct turn *, const struct addr *client,
	    const struct addr *server, uint64_t now);
/* A handshake has begun, with or without room (for a page of ours). */
void	turns_take(struct turns *, struct turn *, const struct addr *client,
	    const struct addr *server, uint64_t now);
/* The handshake that must give way to this one, which waits; or NULL. */
struct turn *turns_stalled(const struct turns *, const struct turn *,
	    uint64_t now);
/*
 * The handshake is over, or waits no more. Returns the one that has its turn
 * now, or NULL.
 */
struct turn *turns_end(struct turns *, struct turn *, uint64_t now);

#endif
