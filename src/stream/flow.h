/*
 * A flow: one direction's bytes on their way. One buffer with positions,
 * counted from the stream's start:
 *
 *	out <= clear <= in	bytes written on, let go by every tap, read
 *
 * and a row of taps, each with its own position between. The buffer is the
 * pool's and is held only while bytes are inside; it is a large one where the
 * last was full.
 */
#ifndef STREAM_FLOW_H
#define STREAM_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"
#include "stream/pool.h"
#include "stream/tap.h"

struct flow {
	enum flow_dir	 dir;
	struct taps	*taps;
	struct pool	*pool;
	uint8_t		*buf;		/* or NULL when empty */
	size_t		 size;		/* of buf */
	size_t		 used;		/* the most of it, before it was
					   given back */
	uint64_t	 base;		/* position of buf[0] */
	uint64_t	 in, clear, out;
	uint64_t	*passed;	/* counts what is written; or NULL */
	enum end	 end_in;	/* how the source ended so far */
	enum end	 end_out;	/* what of it the sink was told */
	unsigned	 notify:1;	/* close_notify was among it */
	unsigned	 starved:1;	/* no buffer was to be had */
	unsigned	 busy:1;	/* a tap has more to put in than room */
	unsigned	 finished:1;	/* a tap ended it: nothing is read */
};

/* Where to read to, and how much room there is (0: full or starved). */
uint8_t		*flow_room(struct flow *, size_t *len);
/* n bytes were read there. */
void		 flow_filled(struct flow *, size_t n);
/* Offer what is new, and the end, to the taps; moves clear. */
void		 flow_offer(struct flow *);
/* What may be written. */
const uint8_t	*flow_ready(const struct flow *, size_t *len);
/* n bytes, or 0, were written; gives the buffer back when it is empty. */
void		 flow_wrote(struct flow *, size_t n);

/*
 * For taps that edit. What the tap is shown and has not let go lies at its
 * position; taps ahead have seen it as it was, those behind will see what is
 * put in its place.
 *
 * flow_replace puts n bytes in the place of old bytes there, not let go yet;
 * 0, or ERR_LIMIT when there is no room. flow_put lets as many of n new bytes
 * go at the tap's position as there is room for, and returns how many.
 * flow_finish ends the direction behind what was put: what else comes from
 * its source is not read.
 */
int		 flow_replace(struct flow *, struct tap *, size_t old,
		    const void *, size_t n);
size_t		 flow_put(struct flow *, struct tap *, const void *, size_t n);
size_t		 flow_space(struct flow *);	/* how many it would take */
void		 flow_finish(struct flow *);

/* All that came has been written on, and the end that came was told. */
int		 flow_done(const struct flow *);
void		 flow_drop(struct flow *);
/* Empty, for another source, which has not ended. */
void		 flow_restart(struct flow *);

#endif
