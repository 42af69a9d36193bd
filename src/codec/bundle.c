/*
 * Reports in a body.
 */
#include "codec/bundle.h"

#include "util/err.h"

static const char bom[] = "\xef\xbb\xbf";	/* some put it first */

void
bundle_init(struct bundle *b, struct slice in)
{
	memset(b, 0, sizeof(*b));
	b->in = in;
	if (slice_starts(in, bom))
		b->in = slice_of(in.p + 3, in.len - 3);
}

static void
skip(struct bundle *b, size_t n)
{
	b->in.p += n;
	b->in.len -= n;
}

static void
skip_space(struct bundle *b)
{
	while (b->in.len > 0 && (is_blank(b->in.p[0]) ||
	    b->in.p[0] == '\n' || b->in.p[0] == '\r' || (b->array &&
	    b->in.p[0] == ',')))
		skip(b, 1);
}

/* The bytes of a string, from its quote to the one that ends it; 0: none
 * does. */
static size_t
string_len(struct slice s)
{
	size_t i;

	for (i = 1; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* The bytes of an object, to the bracket that ends it; 0: none does. */
static size_t
object_len(struct slice s)
{
	size_t i = 0, depth = 0, n;

	while (i < s.len) {
		if (s.p[i] == '"') {
			n = string_len(slice_of(s.p + i, s.len - i));
			if (n == 0)
				return 0;
			i += n;
			continue;
		}
		if (s.p[i] == '{' || s.p[i] == '[')
			depth++;
		if ((s.p[i] == '}' || s.p[i] == ']') && --depth == 0)
			return i + 1;
		i++;
	}
	return 0;
}

static int
fail(struct bundle *b, const char *why)
{
	b->why = why;
	return ERR_FORMAT;
}

int
bundle_next(struct bundle *b, struct slice *out)
{
	const char *nl;
	size_t len;

	if (b->why != NULL)
		return ERR_FORMAT;
	for (skip_space(b); b->in.len > 0 && (b->array ? b->in.p[0] == ']' :
	    b->in.p[0] == '['); skip_space(b)) {
		b->array = !b->array;
		skip(b, 1);
	}
	if (b->in.len == 0)
		return b->array ? fail(b, "an array does not end") : 0;
	if (b->in.p[0] == '{') {
		if ((len = object_len(b->in)) == 0)
			return fail(b, "an object does not end");
	} else if (b->array) {
		return fail(b, "an array has something else than objects");
	} else {
		nl = memchr(b->in.p, '\n', b->in.len);
		len = nl != NULL ? (size_t)(nl - b->in.p) : b->in.len;
	}
	*out = slice_of(b->in.p, len);
	skip(b, len);
	return 1;
}
