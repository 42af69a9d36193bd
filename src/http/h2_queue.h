/*
 * Bytes of a body that wait in memory. They count in limits.memory.
 */
#ifndef HTTP_H2_QUEUE_H
#define HTTP_H2_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct h2_queue {		/* all zero: empty */
	uint8_t		*buf;
	size_t		 off, len, cap;
};

/* 0, or ERR_MEM. */
int	h2_queue_add(struct h2_queue *, const uint8_t *, size_t);
void	h2_queue_drop(struct h2_queue *, size_t);	/* from the front */
void	h2_queue_cut(struct h2_queue *, size_t);	/* from the end */
void	h2_queue_free(struct h2_queue *);

#endif
