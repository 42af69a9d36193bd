/*
 * What one ring has of an endpoint, taken in the ring's thread at the cost of a
 * look at that endpoint's conversations, and read in another.
 */
#ifndef SINK_PICK_H
#define SINK_PICK_H

#include "sink/ring.h"
#include "verdict/contain.h"

struct ring_entry;
struct ring_seen;
struct ring_held;

struct ring_packet {
	uint64_t	 ns;		/* since 1970 */
	uint64_t	 seq;		/* its number in the ring */
	const struct ring_entry *entry;
	size_t		 seen;		/* its conversation's index */
};

struct ring_pick {
	struct ring	*ring;
	uint64_t	 from;		/* what is behind this seq */
	struct ring_seen *seen;		/* conversations */
	size_t		 nseen, cap;
	struct ring_held *chunks;	/* oldest first */
	size_t		 nchunks, let_go;
	/* From pick_open() on. */
	struct ring_packet *packets;	/* in their order */
	size_t		 n;
};

/*
 * Of an endpoint, the packets behind a seq (0: all). Those of a MAC address are
 * those of its conversations as a client, with it or, where the client's MAC
 * address was not known, with the address; and where its address is the
 * server's. NULL: there are none. For the ring's thread.
 */
struct ring_pick *pick_new(struct ring *, const struct endpoint *,
		    uint64_t from, uint64_t now);

/* The rest is for any one thread. Find the packets. */
void		 pick_open(struct ring_pick *);
/* The bytes that a packet takes in a pcapng file, all segments together,
 * without comments; and how many these are. */
size_t		 pick_bytes(const struct ring_packet *, unsigned *segments);
/* What is to be said of its conversation, the first time that is asked, if
 * none of its packets was before `from`; or NULL. */
const char	*pick_about(struct ring_pick *, const struct ring_packet *);
/* The most that all of that takes, with so much before each. */
uint64_t	 pick_about_bytes(const struct ring_pick *, size_t prefix);
/* Each segment of it as a frame, which is good during the call. */
void		 pick_frames(const struct ring_pick *,
		    const struct ring_packet *, frame_emit, void *arg);
uint64_t	 pick_session(const struct ring_pick *,
		    const struct ring_packet *);
/* What is before this packet (an index; n: all) may go. */
void		 pick_passed(struct ring_pick *, size_t at);
void		 pick_free(struct ring_pick *);		/* NULL is fine */

#endif
