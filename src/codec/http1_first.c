/*
 * Is this HTTP? The first line of a connection on which any protocol may come,
 * looked at byte by byte as it arrives. In doubt it is: what is taken for
 * HTTP here is read strictly afterwards, or refused, whereas what is not goes
 * on unread.
 */
#include <string.h>
#include <strings.h>

#include "codec/http1.h"
#include "util/err.h"
#include "util/mem.h"

enum first_state {
	FIRST_LEAD,		/* blanks and empty lines before it */
	FIRST_METHOD,
	FIRST_CR,		/* a CR behind the method */
	FIRST_GAP,		/* blanks behind it */
	FIRST_WORD,		/* the first word behind it */
	FIRST_MORE,		/* words behind that */
	FIRST_YES,
	FIRST_NO
};

static int
is_known_method(const struct http_first *f)
{
	static const char *const known[] = { "GET", "HEAD", "POST", "PUT",
	    "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PROPFIND",
	    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT",
	    "SEARCH", "QUERY", "PURGE" };
	struct slice method = slice_of(f->word, f->n);
	size_t i;

	if (f->n > sizeof(f->word))
		return 0;
	for (i = 0; i < NELEM(known); i++)
		if (slice_eq(method, known[i]))
			return 1;
	return 0;
}

/* What some server takes for a blank within a line. */
static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static enum first_state
first_method(struct http_first *f, char c)
{
	if (slice_is_token(slice_of(&c, 1))) {
		if (f->n < sizeof(f->word))
			f->word[f->n] = c;
		f->n++;
		return FIRST_METHOD;
	}
	if (c == '\r')
		return FIRST_CR;
	return is_space(c) ? FIRST_GAP : FIRST_NO;
}

/* "HTTP/" begins a word, or a URL is the first of them. */
static enum first_state
first_word(struct http_first *f, char c, enum first_state state)
{
	if (c == '\n')
		return FIRST_NO;
	if (is_space(c)) {
		f->n = 0;
		return FIRST_MORE;
	}
	if (f->n < 5)
		f->word[f->n] = c;
	f->n++;
	if (f->n == 5 && strncasecmp(f->word, "HTTP/", 5) == 0)
		return FIRST_YES;
	if (state == FIRST_WORD && f->n > 3 && c == '/' &&
	    f->last[1] == '/' && f->last[0] == ':')
		return FIRST_YES;
	f->last[0] = f->last[1];
	f->last[1] = c;
	return state;
}

static enum first_state
first_gap(struct http_first *f, char c)
{
	if (is_known_method(f) || c == '/' || c == '*')
		return FIRST_YES;
	if (is_space(c))
		return FIRST_GAP;
	f->n = 0;
	return first_word(f, c, FIRST_WORD);
}

static enum first_state
first_byte(struct http_first *f, char c)
{
	switch (f->state) {
	case FIRST_LEAD:
		return c == '\n' || is_space(c) ? FIRST_LEAD :
		    first_method(f, c);
	case FIRST_METHOD:
		return first_method(f, c);
	case FIRST_CR:
		return c == '\n' ? FIRST_NO : first_gap(f, c);
	case FIRST_GAP:
		return first_gap(f, c);
	case FIRST_WORD:
	case FIRST_MORE:
		return first_word(f, c, (enum first_state)f->state);
	}
	return (enum first_state)f->state;
}

int
http_first(struct http_first *f, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && f->state < FIRST_YES; i++)
		f->state = first_byte(f, data[i]);
	if (f->state < FIRST_YES)
		return ERR_SHORT;
	return f->state == FIRST_YES;
}

int
http_starts_request(const char *data, size_t len)
{
	struct http_first f = { 0 };

	return http_first(&f, data, len);
}
