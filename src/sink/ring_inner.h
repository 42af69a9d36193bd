/*
 * What sink/ring and sink/pick know of each other.
 */
#ifndef SINK_RING_INNER_H
#define SINK_RING_INNER_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "sink/ring.h"

struct ring_entry {			/* a packet; 8 bytes aligned */
	struct ring_entry *next;	/* of its conversation; not of the
					   last one */
	struct ring_flow *flow;
	uint64_t	 ns, seq;	/* its number in the ring, from 1 */
	uint64_t	 ms;		/* clock_ms() */
	uint32_t	 tcp_seq, tcp_ack;
	uint32_t	 len;		/* of the payload */
	uint16_t	 id, mss;
	uint8_t		 flags, dir;
	uint8_t		 options;	/* FRAME_OPTIONS bytes are in front of
					   the payload */
	uint8_t		 data[];
};

struct ring_chunk {
	TAILQ_ENTRY(ring_chunk) link;
	_Atomic unsigned refs;
	size_t		 size;		/* of data */
	size_t		 at, used;	/* entries gone, and in all */
	uint64_t	 first;		/* seq of the first ever in it */
	_Alignas(8) uint8_t data[];
};

enum ring_by { RING_BY_CLIENT, RING_BY_SERVER, RING_BY_MAC, RING_KEYS };

struct ring_key {
	LIST_ENTRY(ring_key) link;
	struct ring_flow *flow;
};

struct ring_flow {
	_Atomic unsigned refs;
	struct ring_key	 key[RING_KEYS];
	struct ring_ends ends;
	struct ring_flow **slot;	/* or NULL: it has ended */
	const void	*source;
	struct ring_entry *first, *last;	/* or NULL */
	uint64_t	 born;		/* seq of its first packet ever */
	uint64_t	 picked;	/* number of the pick it is in */
	/* Written before any packet of that direction is put. */
	struct frame_head head[2];
	char		*about;		/* once it has ended; or NULL */
};

#define RING_BUCKETS	4096

struct ring {
	_Atomic unsigned refs;		/* the worker's, and each pick's */
	_Atomic uint64_t held;		/* bytes */
	uint64_t	 no, seed;
	void		(*about)(const void *, struct text *);
	uint64_t	 max, age;
	uint64_t	 seq;		/* the last one given */
	uint64_t	 picks;
	const struct ring_flow *busy;	/* not dropped meanwhile */
	TAILQ_HEAD(ring_chunks, ring_chunk) chunks;	/* oldest first */
	LIST_HEAD(, ring_key) bucket[RING_BUCKETS];
	_Atomic uint64_t packets, put, gone[RING_MAX];
};

/* The bucket of an address without its port, or of a MAC address. */
size_t	ring_hash_addr(const struct ring *, const struct addr *);
size_t	ring_hash_mac(const struct ring *, const uint8_t *);

/* Any thread. Memory goes with the last reference. */
void	ring_unref(struct ring *);
void	ring_chunk_unref(struct ring *, struct ring_chunk *);
void	ring_flow_unref(struct ring *, struct ring_flow *);

#endif
