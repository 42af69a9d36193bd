/*
 * A tap is shown each byte that crosses a wire, and returns how many it lets
 * go. An observer lets all of them go, takes what it needs, and counts what it
 * must lose. A holder returns fewer, and calls tap_release() when more may go.
 * An editor changes bytes not yet let go by flow_replace(). The taps of a wire
 * form a row: each is shown only what the one before it has let go.
 *
 * The row has an order for each direction. Usually a tap that is before an
 * editor in one direction is behind it in the other: on the client's side of
 * the editor it is shown what the client sends and gets, on the server's side
 * what the server gets and sends. A tap may also be before an editor in both
 * directions: it is shown what each peer has sent.
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

struct tap_counts {		/* what a tap did with its bytes */
	uint64_t	 packets, bytes, lost;	/* lost: payload bytes */
	uint16_t	 port;		/* the server's, as the tap shows it */
	int		 split;		/* each stream was shown by itself: */
	uint64_t	 streams;	/* so many were */
};

struct tap_ops {
	/*
	 * Shows len bytes at the tap's position in that direction. Returns how
	 * many of them it lets go. Only an editor may change the bytes.
	 */
	size_t	 (*data)(void *state, enum flow_dir, const uint8_t *,
		    size_t len);
	/*
	 * For editors, or NULL. room runs once in a turn of the flow, before
	 * data: add the bytes that wait (flow_put). busy returns whether more
	 * bytes wait, or will come with an answer: the flow has not ended.
	 */
	void	 (*room)(void *state, enum flow_dir);
	int	 (*busy)(void *state, enum flow_dir);
	/* That direction ended in order (FIN, close_notify), after its data.
	 * May be NULL. */
	void	 (*eof)(void *state, enum flow_dir);
	/* The owner now knows all facts about the wire. May be NULL. */
	void	 (*facts)(void *state);
	/* The sender of that direction reset the connection, or we did. */
	void	 (*reset)(void *state, enum flow_dir);
	/* The tap sees no more. Frees the state. The counts start as 0. */
	void	 (*close)(void *state, struct tap_counts *);
};

/* The place of a new tap. */
enum tap_place {
	/* On the server's side of the others. */
	TAP_SERVER,
	/* Behind the others in both directions: they are shown what each peer
	 * has sent, before this tap edits it. */
	TAP_BEHIND
};

struct tap {
	struct tap		*next[2];	/* by enum flow_dir */
	const struct tap_ops	*ops;
	void			*state;		/* NULL: it sees nothing */
	struct taps		*row;
	const char		*name;		/* the owner gave, or NULL */
	uint64_t		 pos[2];	/* let go */
	unsigned char		 ended[2];	/* it knows of the end */
};

/* The callbacks of a row's owner for its taps. */
struct tap_host {
	/* Pump again, in the same turn of the loop. */
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

/* The wire cannot go on: its owner gives up, soon. why is static. */
static inline void
tap_abort(struct tap *t, const char *why)
{
	t->row->host->abort(t->row->owner, why);
}

#endif
