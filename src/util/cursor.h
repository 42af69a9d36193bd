/*
 * A cursor over bytes in network order. Reading past the end sets a sticky
 * error and yields zeros, so callers read on and check once at the end.
 */
#ifndef UTIL_CURSOR_H
#define UTIL_CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t	*p;	/* next byte */
	const uint8_t	*end;	/* one past the last */
	int		 bad;	/* a read went past the end */
};

/* p may be NULL if len is 0; the cursor's own pointers are never NULL. */
static inline struct cursor
cursor_of(const void *p, size_t len)
{
	const uint8_t *b = p != NULL ? p : (const uint8_t *)"";
	struct cursor w = { b, b + len, 0 };

	return w;
}

static inline size_t
cursor_left(const struct cursor *w)
{
	return (size_t)(w->end - w->p);
}

/* The next n bytes, or NULL. */
static inline const uint8_t *
cursor_bytes(struct cursor *w, size_t n)
{
	const uint8_t *p = w->p;

	if (w->bad || cursor_left(w) < n) {
		w->bad = 1;
		w->p = w->end;
		return NULL;
	}
	w->p += n;
	return p;
}

static inline uint8_t
cursor_u8(struct cursor *w)
{
	const uint8_t *p = cursor_bytes(w, 1);

	return p == NULL ? 0 : p[0];
}

static inline uint16_t
cursor_u16(struct cursor *w)
{
	const uint8_t *p = cursor_bytes(w, 2);

	return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
cursor_u24(struct cursor *w)
{
	const uint8_t *p = cursor_bytes(w, 3);

	return p == NULL ? 0 : (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 |
	    p[2];
}

static inline uint32_t
cursor_u32(struct cursor *w)
{
	const uint8_t *p = cursor_bytes(w, 4);

	return p == NULL ? 0 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* A new cursor over the next n bytes; bad if there are fewer. */
static inline struct cursor
cursor_sub(struct cursor *w, size_t n)
{
	const uint8_t *p = cursor_bytes(w, n);
	struct cursor sub = cursor_of(p, p == NULL ? 0 : n);

	sub.bad = w->bad;
	return sub;
}

static inline void
put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

#endif
