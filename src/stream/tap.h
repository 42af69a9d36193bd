/*
 * A tap is shown each byte that crosses a wire, and says how many it lets go.
 * An observer takes what it needs and returns all of it, counting what it must
 * lose; a holder returns less and calls tap_release() when more may go; an
 * editor replaces bytes not yet let go by flow_replace(). The taps of a wire
 * stand in a row: each is shown only what the one before it has let go.
 *
 * The row has an order for each direction. What stands before an editor in one
 * stands behind it in the other, as a rule: a tap on the client's side of it is
 * shown what the client says and hears, one on the server's side what the
 * server hears and says. An editor may also stand behind a tap in both
 * directions: that tap is shown what each of the two has said.
 */
#ifndef STREAM_TAP_H
#define STREAM_TAP_H

#include <stddef.h>
#include <stdint.h>

struct tap;

enum flow_dir {
	DIR_UP,			/* client to server */
	DIR_DOWN		/* server to client */
};

struct tap_counts {		/* what became of what a tap was shown */
	uint64_t	 packets, bytes, lost;	/* lost: payload bytes */
	uint16_t	 port;		/* the server's, as it shows it */
};

struct tap_ops {
	/*
	 * len bytes at the tap's position in that direction. Returns how many
	 * of them it lets go. The bytes may be changed only by an editor.
	 */
	size_t	 (*data)(void *state, enum flow_dir, const uint8_t *,
		    size_t len);
	/*
	 * For editors, or NULL. room: once a turn of the flow, before data:
	 * put in what waits (flow_put). busy: more waits than there was room
	 * for, or an answer will bring it: the flow has not ended.
	 */
	void	 (*room)(void *state, enum flow_dir);
	int	 (*busy)(void *state, enum flow_dir);
	/* That direction ended in order (FIN, close_notify), after its data. */
	void	 (*eof)(void *state, enum flow_dir);
	/* All that its owner knows of the wire is known now; or NULL. */
	void	 (*facts)(void *state);
	/* The sender of that direction reset the connection, or we did. */
	void	 (*reset)(void *state, enum flow_dir);
	/* It sees no more. Frees the state. The counts start as 0. */
	void	 (*close)(void *state, struct tap_counts *);
};

/* Where a new one stands. */
enum tap_place {
	/* On the server's side of those that are there. */
	TAP_SERVER,
	/* Behind those that are there, in both directions: they are shown what
	 * each peer has said, before this one edits it. */
	TAP_BEHIND
};

struct tap {
	struct tap		*next[2];	/* by enum flow_dir */
	const struct tap_ops	*ops;
	void			*state;		/* NULL: it sees nothing */
	struct taps		*row;
	const char		*name;		/* the owner gave, or NULL */
	uint64_t		 pos[2];	/* let go */
	unsigned char		 ended[2];	/* was told of the end */
};

/* What a row's owner does for its taps. */
struct tap_host {
	/* Pump again, in this turn of the loop still. */
	void	(*again)(void *owner);
	/* Give up, soon. */
	void	(*abort)(void *owner, const char *why);
};

struct taps {
	const struct tap_host	*host;
	void			*owner;
	struct tap		*first[2];	/* by enum flow_dir */
};

#define TAPS_EACH(t, row)						\
	for ((t) = (row)->first[DIR_UP]; (t) != NULL; (t) = (t)->next[DIR_UP])

/* A holder's answer has come: offer the flows again. Owner's thread only. */
static inline void
tap_release(struct tap *t)
{
	t->row->host->again(t->row->owner);
}

/* The wire's owner cannot go on: it gives up, soon. why is static. */
static inline void
tap_abort(struct tap *t, const char *why)
{
	t->row->host->abort(t->row->owner, why);
}

#endif
