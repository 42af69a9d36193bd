/*
 * What a peer of HTTP/2 may do often, but not without end: a meter for each
 * peer of a connection, and what its frames count as. Whoever reads the frames
 * (http/h2, http/cross) ends the connection once the meter has failed.
 */
#ifndef HTTP_H2_ABUSE_H
#define HTTP_H2_ABUSE_H

#include <nghttp2/nghttp2.h>

#include "http/h2.h"

#define H2_QUEUE_MAX	2000	/* frames, for a peer that does not read */

struct h2_bucket {		/* what is used up of an allowance */
	int64_t		 used;
	uint64_t	 at;
};

struct h2_meter {
	enum flow_dir	 dir;		/* of what the peer sends */
	/* Each abuse that counts, also one that costs a stream alone. */
	void		(*abuse)(void *arg, enum flow_dir, enum h2_abuse);
	void		*arg;
	struct h2_bucket bucket[H2_ABUSE_MAX];
	uint8_t		 type;		/* of the frame that came last */
	uint32_t	 code;		/* GOAWAY for it; or 0 */
	unsigned	 failed:1;	/* the connection has an error */
};

/* A frame begins, or was sent, or nghttp2 can read no further for that reason
 * of its own. 1: it is too much, and the connection ends. */
int	h2_meter_frame(struct h2_meter *, nghttp2_session *,
	    const nghttp2_frame_hd *);
void	h2_meter_sent(struct h2_meter *, const nghttp2_frame *);
void	h2_meter_error(struct h2_meter *, int error);

/* The peer did that once more. 1: it is too much, and the connection ends. */
int	h2_abused(struct h2_meter *, enum h2_abuse);
/* It did, and its connection ends for it. */
void	h2_accuse(struct h2_meter *, enum h2_abuse);
/* It did, and its stream ends for it. */
void	h2_report(const struct h2_meter *, enum h2_abuse);
void	h2_worked(struct h2_meter *);		/* content came or went */
/* A frame of content went, of n bytes out of those that there are. */
void	h2_flowed(struct h2_meter *, size_t n, size_t all);
void	h2_ended_well(struct h2_meter *);	/* a stream did */

/* The peer makes us answer, and does not read the answers. */
static inline int
h2_is_clogged(nghttp2_session *ng)
{
	return nghttp2_session_get_outbound_queue_size(ng) > H2_QUEUE_MAX;
}

#endif
