/*
 * A flow: one direction's bytes on their way. One buffer with positions,
 * counted from the stream's start:
 *
 *	out <= clear <= in	bytes written on, let go by every tap, read
 *
 * and a row of taps, each with its own position between. The buffer is the
 * pool's and is held only while bytes are inside.
 */
#ifndef PROXY_FLOW_H
#define PROXY_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"
#include "proxy/pool.h"
#include "proxy/tap.h"

struct session;

/* One tap of a session, in the row of both its flows. */
struct tap {
	const struct tap_ops	*ops;
	void			*state;
	struct session		*session;
	uint64_t		 pos[2];	/* let go, by enum flow_dir */
	unsigned char		 ended[2];	/* was told of the end */
};

struct flow {
	enum flow_dir	 dir;
	uint8_t		*buf;		/* or NULL when empty */
	uint64_t	 base;		/* position of buf[0] */
	uint64_t	 in, clear, out;
	enum end	 end_in;	/* how the source ended so far */
	enum end	 end_out;	/* what of it the sink was told */
	unsigned	 notify:1;	/* close_notify was among it */
	unsigned	 starved:1;	/* no buffer was to be had */
};

/* Where to read to, and how much room there is (0: full or starved). */
uint8_t		*flow_room(struct flow *, struct pool *, size_t *len);
/* n bytes were read there. */
void		 flow_filled(struct flow *, size_t n);
/* Offer what is new, and the end, to the taps; moves clear. */
void		 flow_offer(struct flow *, struct tap *, size_t ntaps);
/* What may be written. */
const uint8_t	*flow_ready(const struct flow *, size_t *len);
/* n bytes, or 0, were written; gives the buffer back when it is empty. */
void		 flow_wrote(struct flow *, struct pool *, size_t n);

/* What tap t has not let go of, for an editor or holder. */
uint8_t		*flow_held(const struct flow *, const struct tap *,
		    size_t *len);
/*
 * An editor puts n bytes in place of old bytes at its position. 0, or
 * ERR_LIMIT when there is no room for the difference.
 */
int		 flow_replace(struct flow *, const struct tap *, size_t old,
		    const void *, size_t n);

/* All that came has been written on, and the end that came was told. */
int		 flow_done(const struct flow *);
void		 flow_drop(struct flow *, struct pool *);

#endif
