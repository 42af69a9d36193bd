/*
 * What bodies are made of: BLOCK bytes without structure, over and over, so
 * that the client can check each byte by its offset alone.
 */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stdint.h>

#define BLOCK	16384		/* one full TLS record */

static char	pattern[BLOCK];

static void
pattern_fill(void)
{
	uint32_t x = 2463534242u;
	unsigned i;

	for (i = 0; i < BLOCK; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		pattern[i] = (char)x;
	}
}

#endif
