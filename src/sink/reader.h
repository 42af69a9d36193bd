/*
 * One reader of a PCAP-over-IP server: a socket and the blocks it has not yet
 * taken. Bounded: what it is too slow for is left out for it, in whole
 * packets. The server's thread only.
 */
#ifndef SINK_READER_H
#define SINK_READER_H

#include <stddef.h>
#include <stdint.h>

#include "sink/stream.h"

struct reader;

struct reader_ops {
	void	(*gone)(void *ctx, struct reader *);	/* frees it */
};

/*
 * Takes the descriptor over. head, the file's header, goes out first and must
 * outlive the reader. max: bytes kept for it.
 */
struct reader	*reader_new(struct event_base *, int fd, const uint8_t *head,
		    size_t head_len, size_t max, const struct reader_ops *,
		    void *ctx);
void		 reader_free(struct reader *);

/* Queue a block, with a reference of its own: 0, or ERR_LIMIT: left out. */
int		 reader_give(struct reader *, struct block *);
/* Write what the socket takes now; may end in gone(). */
void		 reader_flush(struct reader *);
size_t		 reader_queued(const struct reader *);

#endif
