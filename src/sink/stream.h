/*
 * Packets as the bytes of a capture file, gathered in blocks. A worker's seat
 * fills a block, and hands it to a thread of the sink when it is full or a
 * little later. The bytes on their way are bounded; a packet that finds no room
 * is lost here, and its session counts it.
 */
#ifndef SINK_STREAM_H
#define SINK_STREAM_H

#include <stdatomic.h>

#include "net/mailbox.h"
#include "sink/synth.h"

struct stream;

struct block {
	struct mail	 mail;		/* first; the sink uses it */
	_Atomic unsigned refs;
	struct stream	*stream;
	uint32_t	 packets;
	uint64_t	 payload;	/* bytes */
	size_t		 room, len;
	uint8_t		 data[];
};

struct stream {
	struct synth_sink synth;
	int		 ng;		/* pcapng */
	size_t		 block;		/* bytes of a block */
	/*
	 * Bytes of packets in all blocks together. Only bytes count, not the
	 * free room of blocks being filled, so that a worker with few packets
	 * does not keep out those of others.
	 */
	size_t		 max;
	_Atomic size_t	 used;
	_Atomic size_t	 shared;	/* in blocks after block_share() */
	const char	*full;		/* reason of a loss when used is max */
	/*
	 * The sink's thread sets why writing fails (static text), or NULL: it
	 * works. While it fails, sessions lose and count their packets at once;
	 * only the packets of one event a second are tried.
	 */
	_Atomic(const char *) failing;
	_Atomic uint64_t probe;		/* monotonic ms of the next try */
	/* Somebody wants packets; NULL: always. Any worker. */
	int		 (*wanted)(struct stream *);
	/* Takes the block's reference. Any worker. */
	void		 (*give)(struct stream *, struct block *);
};

/* Reads c; the caller sets the rest. Returns 0, or an ERR_* with why. Cleared
 * by synth_sink_clear(). */
int	stream_init(struct stream *, const struct conf_mirror *c,
	    struct text *why);

/* As in struct sink_ops, for a sink that begins with a struct stream. */
void	*stream_attach(void *sink, struct event_base *);
void	 stream_detach(void *seat);
void	 stream_stats(void *sink, struct sink_stats *);

struct block *block_ref(struct block *);
void	block_unref(struct block *);
/* Take the block's bytes off the stream's account, once. */
void	block_settle(struct block *);
/* Stop counting it in limits.memory: another pool counts it from here on. */
void	block_uncount(struct block *);
/* Take its bytes off the account, but count it as shared until the last
 * unref. */
void	block_share(struct block *);

/*
 * Move times in the block that are a little before *last up to it. Blocks come
 * from several workers, but times in a file must not go back unless the clock
 * does. Only the block's owner may call this.
 */
void	block_order(struct block *, uint64_t *last);

#endif
