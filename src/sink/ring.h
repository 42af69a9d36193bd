/*
 * The packets that one worker has shown last, in memory, within a budget of
 * bytes and an age. The oldest go first. Packets of a conversation are chained,
 * and conversations are found by their ends, so that those of one endpoint can
 * be picked without a look at the others.
 *
 * A ring belongs to its worker's thread. A pick (sink/pick.h) may be read in
 * another: it holds the memory that it refers to, which counts in the budget
 * until it is let go. While that keeps the ring from having room, new packets
 * are not kept.
 *
 * Packets are kept as they come from codec/packet: superframes are cut, and
 * checksums made, when somebody reads them.
 */
#ifndef SINK_RING_H
#define SINK_RING_H

#include <stdint.h>

#include "codec/frame.h"
#include "util/addr.h"
#include "util/mac.h"
#include "util/text.h"

struct ring;
struct ring_flow;		/* a conversation with packets in a ring */

#define RING_MIN	((uint64_t)1 << 20)	/* the least budget */

struct ring_ends {
	uint64_t	 session;
	struct addr	 client, server;
	uint8_t		 mac[MAC_LEN];	/* the client's */
	int		 mac_known;
};

enum ring_gone {		/* why packets are not there any more */
	RING_AGED,
	RING_ROOM,		/* they were the oldest */
	RING_HELD,		/* they were new, and found no room */
	RING_MAX
};

struct ring_stats {
	uint64_t	 bytes;		/* of memory held now */
	uint64_t	 packets;	/* kept now; segments count */
	uint64_t	 put;		/* ever */
	uint64_t	 gone[RING_MAX];
};

/*
 * no tells rings apart. about writes what is to be said of a conversation that
 * has not ended; source is what it was opened with.
 */
struct ring	*ring_new(uint64_t no, uint64_t seed,
		    void (*about)(const void *source, struct text *));
void		 ring_free(struct ring *);	/* picks stay good */
uint64_t	 ring_no(const struct ring *);
/*
 * From now on: bytes in all (0: nothing is kept), and ms from the packet's time
 * until it goes. now is clock_ms() here and below.
 */
void		 ring_limit(struct ring *, uint64_t bytes, uint64_t age);
/* Let go what is too old or too much; about once a second. Returns whether
 * anything is left. */
int		 ring_tick(struct ring *, uint64_t now);

/*
 * A conversation begins, or goes on after all its packets have gone: then *slot
 * was set to NULL. NULL, as is *slot: there is no room. slot and source live
 * until ring_close().
 */
struct ring_flow *ring_open(struct ring *, const struct ring_ends *,
		    const void *source, struct ring_flow **slot);
/* Keep a packet of it. ns: since 1970. It may set *slot to NULL. */
void		 ring_put(struct ring *, struct ring_flow *,
		    const struct frame *, uint64_t ns, uint64_t now);
/* A packet could not be put, for want of a conversation. */
void		 ring_lost(struct ring *, const struct frame *);
/* It has ended; about is what is to be said of it, a malloc'ed text that is the
 * ring's now. */
void		 ring_close(struct ring *, struct ring_flow *, char *about);

/* Any thread. */
void		 ring_stats(struct ring *, struct ring_stats *);

#endif
