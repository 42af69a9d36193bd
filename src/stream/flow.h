/*
 * A flow: the bytes of one direction on their way. It has one buffer with
 * positions, counted from the start of the stream:
 *
 *	out <= clear <= in	bytes written on, let go by every tap, read
 *
 * and a row of taps, each with its own position between clear and in. The
 * buffer is from the pool, and is held only while bytes are inside. It is a
 * large one if the last was full.
 */
#ifndef STREAM_FLOW_H
#define STREAM_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"
#include "stream/pool.h"
#include "stream/tap.h"

/* What stays when a flow's bytes and ends go to another wire's. */
struct flow_wire {
	struct taps	*taps;
	uint64_t	*passed;	/* counts bytes written; or NULL */
};

struct flow {
	struct flow_wire wire;
	enum flow_dir	 dir;
	struct pool	*pool;
	uint8_t		*buf;		/* or NULL when empty */
	size_t		 size;		/* of buf */
	size_t		 used;		/* the peak of the last buffer */
	uint64_t	 base;		/* position of buf[0] */
	uint64_t	 in, clear, out;
	uint64_t	 upto;		/* what is behind it is not read yet */
	enum end	 end_in;	/* the end of the source so far */
	enum end	 end_out;	/* the end passed to the sink so far */
	unsigned	 notify:1;	/* close_notify was part of it */
	unsigned	 starved:1;	/* no buffer was free */
	unsigned	 busy:1;	/* a tap has more bytes to add */
	unsigned	 finished:1;	/* a tap ended it: nothing is read */
};

/* The place to read to, and the room there (0: full or starved). */
uint8_t		*flow_room(struct flow *, size_t *len);
/* n bytes were read there. */
void		 flow_filled(struct flow *, size_t n);
/* Show the new bytes, and the end, to the taps. Moves clear. */
void		 flow_offer(struct flow *);
/* The bytes that may be written. */
const uint8_t	*flow_ready(const struct flow *, size_t *len);
/* n bytes, or 0, were written. Gives the buffer back if it is empty. */
void		 flow_wrote(struct flow *, size_t n);

/*
 * For editors. The bytes that the tap has not let go are at its position. Taps
 * ahead of it have seen them as they were; those behind it will see the
 * replacement.
 *
 * flow_replace replaces old bytes there by n bytes. Returns 0, or ERR_LIMIT if
 * there is no room. flow_put adds as many of n new bytes at the tap's position
 * as there is room for, lets them go, and returns their number. flow_finish
 * ends the direction after these bytes: nothing more is read from its source.
 */
int		 flow_replace(struct flow *, struct tap *, size_t old,
		    const void *, size_t n);
size_t		 flow_put(struct flow *, struct tap *, const void *, size_t n);
size_t		 flow_space(struct flow *);	/* how many it would take */
void		 flow_finish(struct flow *);

/* Whether all bytes have been written, and the end passed on. */
int		 flow_done(const struct flow *);
void		 flow_drop(struct flow *);
/* Make it empty, for another source, which has not ended. */
void		 flow_restart(struct flow *);

#endif
