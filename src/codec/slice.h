/*
 * A stretch of someone else's text: not NUL-terminated, lives as long as the
 * bytes it was cut from. p may be NULL where len is 0.
 */
#ifndef CODEC_SLICE_H
#define CODEC_SLICE_H

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char	*p;
	size_t		 len;
};

static inline struct slice
slice_of(const void *p, size_t len)
{
	struct slice s = { (const char *)p, len };

	return s;
}

/* Whether it is this text, exactly; slice_is: in any case of letters. */
static inline int
slice_eq(struct slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static inline int
slice_is(struct slice s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.p, text, s.len) == 0;
}

/* For printf: printf("%.*s", SLICE(s)). */
#define SLICE(s)	(int)(s).len, (s).p

#endif
