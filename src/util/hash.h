/*
 * A hash for tables and shares: FNV-1a, 64 bits. Begin with HASH_START, add
 * what is to be hashed, and fold before taking few bits of the result: the low
 * ones of FNV are its weak ones. Where a peer chooses what is hashed, the start
 * is XORed with a random seed; this makes collisions hard to prepare, not
 * impossible, so that such a table must also be bounded.
 */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START	14695981039346656037u

static inline uint64_t
hash_byte(uint64_t h, uint8_t b)
{
	return (h ^ b) * 1099511628211u;
}

static inline uint64_t
hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len-- > 0)
		h = hash_byte(h, *p++);
	return h;
}

static inline uint64_t
hash_string(uint64_t h, const char *s)
{
	while (*s != '\0')
		h = hash_byte(h, (uint8_t)*s++);
	return h;
}

/* Every bit of the result depends on all of h. */
static inline uint64_t
hash_fold(uint64_t h)
{
	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

#endif
