/*
 * The Internet checksum (RFC 1071), eight bytes at a time. Sums may be added
 * in any order and folded at the end. They add 16-bit words in the machine's
 * byte order, so store the result of inet_fold() with inet_put(), not
 * put_u16().
 */
#ifndef CODEC_INETSUM_H
#define CODEC_INETSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
inet_add(uint64_t sum, uint64_t v)
{
	sum += v;
	return sum + (sum < v);		/* end-around carry */
}

/* Add len bytes. Every piece but the last must have an even length. */
static inline uint64_t
inet_sum(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = sum, b = 0, v[4];

	for (; len >= 32; p += 32, len -= 32) {
		memcpy(v, p, 32);
		a = inet_add(a, v[0]);
		b = inet_add(b, v[1]);
		a = inet_add(a, v[2]);
		b = inet_add(b, v[3]);
	}
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(v, p, 8);
		a = inet_add(a, v[0]);
	}
	if (len > 0) {
		v[0] = 0;
		memcpy(v, p, len);
		a = inet_add(a, v[0]);
	}
	return inet_add(a, b);
}

/* Fold to 16 bits, not complemented. */
static inline uint16_t
inet_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static inline void
inet_put(uint8_t *p, uint16_t folded)
{
	memcpy(p, &folded, 2);
}

#endif
