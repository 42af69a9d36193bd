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
	void	(*lost)(void *ctx, const struct block *);	/* left out */
};

/*
 * Takes the descriptor over. head, the file's header, goes out first and must
 * outlive the reader. It is kept nothing for before reader_limit().
 */
struct reader	*reader_new(struct event_base *, int fd, const uint8_t *head,
		    size_t head_len, const struct reader_ops *, void *ctx);
void		 reader_free(struct reader *);

/* Bytes kept for it from now on; the newest of what is more are left out. */
void		 reader_limit(struct reader *, size_t max);
/* Queue a block, with a reference of its own, or leave it out. */
void		 reader_give(struct reader *, struct block *);
/* Write what the socket takes now; may end in gone(). */
void		 reader_flush(struct reader *);
size_t		 reader_queued(const struct reader *);

#endif
