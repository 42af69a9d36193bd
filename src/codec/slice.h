/*
 * A slice is a part of someone else's text. It is not NUL-terminated, and lives
 * as long as the bytes it points into. p may be NULL if len is 0.
 */
#ifndef CODEC_SLICE_H
#define CODEC_SLICE_H

#include <stddef.h>
#include <stdint.h>
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

/* Whether s is this text, or begins with it; slice_is ignores case. */
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

/* Blank: SP or HTAB. slice_trim removes the blanks around s. */
static inline int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Move the part before the first c to *front; the part after c stays in s. */
static inline int
slice_cut(struct slice *s, char c, struct slice *front)
{
	const char *p = s->len > 0 ?
	    (const char *)memchr(s->p, c, s->len) : NULL;

	if (p == NULL)
		return 0;
	*front = slice_of(s->p, (size_t)(p - s->p));
	s->len -= front->len + 1;
	s->p = p + 1;
	return 1;
}

/* The next item of a comma list, trimmed, perhaps empty; 0: no more. */
int	slice_item(struct slice *list, struct slice *item);
/* Whether a comma list has the token, in any case. */
int	slice_lists(struct slice list, const char *token);
/* Whether s is a token (RFC 9110, 5.6.2). */
int	slice_is_token(struct slice);
/* ... without capitals, as HTTP/2 has names (RFC 9113, 8.2.1). */
int	slice_is_lower_token(struct slice);
/* Read decimal digits. Returns 0, or ERR_FORMAT for anything else and for
 * numbers over INT64_MAX. */
int	slice_number(struct slice, int64_t *);

static inline int
slice_starts(struct slice s, const char *text)
{
	return s.len >= strlen(text) && memcmp(s.p, text, strlen(text)) == 0;
}

/* Whether s is one of these n texts, in any case. */
static inline int
slice_among(struct slice s, const char *const *texts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (slice_is(s, texts[i]))
			return 1;
	return 0;
}

/* For printf: printf("%.*s", SLICE(s)). */
#define SLICE(s)	(int)(s).len, (s).p

#endif
