/*
 * A text of the operator's with %{name} in it, in whose place values are
 * written, escaped as what is around them wants it.
 */
#ifndef CODEC_FILL_H
#define CODEC_FILL_H

#include "codec/slice.h"
#include "util/text.h"

enum fill_as {
	FILL_PLAIN,	/* as it is, but for control characters: blanks */
	FILL_JSON,	/* within a string of JSON (RFC 8259, 7) */
	FILL_URL,	/* all but unreserved characters as %XX (RFC 3986) */
	FILL_XML	/* no markup, also not in a quoted attribute */
};
/* As a body of that media type wants it; NULL is JSON. */
enum fill_as fill_as_of(const char *type);

/* The value of a name, good until the next call; NULL is empty. *raw: it is
 * not escaped. */
typedef const char *(*fill_value)(void *arg, struct slice name, int *raw);

void	fill(struct text *out, const char *s, enum fill_as, fill_value,
	    void *arg);
void	fill_escape(struct text *out, const char *s, enum fill_as);

/* The next "%{name}" of s, *after behind it; or NULL. One without its "}" has
 * an empty name. */
const char *fill_next(const char *s, struct slice *name, const char **after);

#endif
