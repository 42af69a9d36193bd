/*
 * One reader of a PCAP-over-IP server: a socket, and the blocks that it has not
 * yet taken. They are bounded: a reader that is too slow misses whole blocks of
 * packets. For the server's thread only.
 */
#ifndef SINK_READER_H
#define SINK_READER_H

#include <stddef.h>
#include <stdint.h>

#include "sink/stream.h"

struct reader;

struct reader_ops {
	void	(*gone)(void *ctx, struct reader *);	/* frees it */
	void	(*lost)(void *ctx, const struct block *);	/* missed */
};

/*
 * Takes ownership of the descriptor. head, the file's header, is sent first.
 * No block is queued before reader_limit().
 */
struct reader	*reader_new(struct event_base *, int fd, const uint8_t *head,
		    size_t head_len, const struct reader_ops *, void *ctx);
void		 reader_free(struct reader *);

/* Bound the bytes queued from now on; newer blocks beyond it are left out. */
void		 reader_limit(struct reader *, size_t max);
/* Queue a block with a new reference, or leave it out. */
void		 reader_give(struct reader *, struct block *);
/* Write what the socket takes now. May call gone(). The process ignores
 * SIGPIPE, or its thread blocks it. */
void		 reader_flush(struct reader *);
int		 reader_idle(const struct reader *);	/* all is written */

#endif
