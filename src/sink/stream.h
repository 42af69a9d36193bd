/*
 * Packets as the bytes of a capture file, gathered in blocks: a worker's seat
 * fills one and hands it over when it is full or a little later; a thread of
 * the sink's takes it from there. What is on its way is bounded in bytes, so
 * what does not get out is lost here, packet by packet, to its session.
 */
#ifndef SINK_STREAM_H
#define SINK_STREAM_H

#include <stdatomic.h>

#include "net/mailbox.h"
#include "sink/synth.h"

struct event;
struct stream;

struct block {
	struct mail	 mail;		/* first; the sink's, once given */
	_Atomic unsigned refs;
	struct stream	*stream;
	uint32_t	 packets;
	uint64_t	 payload;	/* bytes of it */
	size_t		 room, len;
	uint8_t		 data[];
};

struct stream {
	struct synth_sink synth;
	int		 ng;		/* pcapng */
	size_t		 block;		/* bytes of a block */
	/*
	 * Bytes of packets in all blocks together. A worker's block that is
	 * being filled may have more room than that: a worker whose packets
	 * are few must not keep the others' out.
	 */
	size_t		 max;
	_Atomic size_t	 used;
	_Atomic size_t	 shared;	/* in blocks after block_share() */
	const char	*full;		/* the loss's reason when used is max */
	/* What is given fails for that now, or NULL; see stream_failing(). */
	_Atomic(const char *) failing;
	_Atomic uint64_t probe;		/* monotonic ms of the next try */
	/* Somebody wants packets; NULL: always. Any worker. */
	int		 (*wanted)(struct stream *);
	/* Takes the block's reference. Any worker. */
	void		 (*give)(struct stream *, struct block *);
};

struct stream_seat;

/* Reads c; the caller sets the rest. 0, or an ERR_* with why. */
int	stream_init(struct stream *, const struct conf_mirror *c,
	    struct text *why);
void	stream_clear(struct stream *);
void	stream_stats(struct stream *, struct sink_stats *);

/*
 * What was given could not be written, for that reason (static text); NULL:
 * it was. Meanwhile sessions lose their packets at once, and know it, but for
 * those of one event a second, which try anew. The sink's thread.
 */
void	stream_failing(struct stream *, const char *why);

/* As sink_ops.attach and detach. */
struct stream_seat *stream_attach(struct stream *, struct event_base *);
void	stream_detach(struct stream_seat *);

struct block *block_ref(struct block *);
void	block_unref(struct block *);
/* Takes its bytes off the stream's account; once. */
void	block_settle(struct block *);
/* Of limits.memory: another counts it from here on. */
void	block_uncount(struct block *);
/* The same, but it lives on until the last unref, and is counted as such. */
void	block_share(struct block *);

/*
 * Move times in the block up to *last where they are a little before it:
 * blocks come from several workers, and a file's times only grow while the
 * clock does. Owner alone.
 */
void	block_order(struct block *, uint64_t *last);

#endif
