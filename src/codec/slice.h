/*
 * A stretch of someone else's text: not NUL-terminated, lives as long as the
 * bytes it was cut from. p may be NULL where len is 0.
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

/* Blank: SP or HTAB. Without the blanks around it. */
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

/* Cut s up to the first c into *front; what comes after it stays in s. */
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

/* The next item of a list with commas, trimmed, maybe empty; 0: no more. */
int	slice_item(struct slice *list, struct slice *item);
/* Whether a list with commas has the token, in any case of letters. */
int	slice_lists(struct slice list, const char *token);
/* Whether it is a token (RFC 9110, 5.6.2). */
int	slice_is_token(struct slice);
/* Decimal digits and nothing else: 0, or ERR_FORMAT, so if over INT64_MAX. */
int	slice_number(struct slice, int64_t *);

/* Whether it is one of these n texts, in any case of letters. */
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
