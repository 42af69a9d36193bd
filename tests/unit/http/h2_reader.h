/*
 * A reader of HTTP/2 for tests, and what it said.
 */
#ifndef H2_READER_H
#define H2_READER_H

#include <stdlib.h>
#include <string.h>

#include "http/h2_read.h"
#include "test.h"
#include "util/mem.h"

/* What the reader said, as a text: a word a call. */
static struct text said;
static struct h2_read *reader;
static int rv;
static const char *why;
static int streams;			/* not over */
static int bored;			/* no stream is of interest */

struct seen {
	uint32_t	 id;
	size_t		 data[2];
};

static void *
on_begin(void *arg, uint32_t id, const struct http_head *h, int last)
{
	struct seen *s = xcalloc(1, sizeof(*s));

	text_printf(&said, "%u>%.*s %.*s%.*s%s ", id, SLICE(h->method),
	    SLICE(h->authority), SLICE(h->target), last ? "." : "");
	if (bored) {
		free(s);
		return NULL;
	}
	s->id = id;
	streams++;
	return s;
}

static void
on_head(void *stream, const struct http_head *h, int last)
{
	text_printf(&said, "%u<%d%s ", ((struct seen *)stream)->id, h->status,
	    last ? "." : "");
}

static void
on_data(void *stream, enum flow_dir dir, const uint8_t *p, size_t len)
{
	((struct seen *)stream)->data[dir] += len;
}

static void
on_end(void *stream, enum flow_dir dir, const struct text *trailers)
{
	struct seen *s = stream;

	text_printf(&said, "%u%cend:%zu", s->id, "><"[dir], s->data[dir]);
	if (trailers != NULL)
		text_printf(&said, "[%.*s]", (int)trailers->len - 2,
		    trailers->s);
	text_puts(&said, " ");
}

static void
on_over(void *stream, enum flow_dir dir, int64_t code)
{
	struct seen *s = stream;

	text_printf(&said, "%u%cover:%d ", s->id, "><"[dir], (int)code);
	streams--;
	free(s);
}

static void
on_bad(void *arg, uint32_t id, void *stream, enum flow_dir dir,
    const char *reason)
{
	text_printf(&said, "%u%cbad:%s ", id, "><"[dir], reason);
	streams -= stream != NULL;
	free(stream);
}

static const struct h2_read_user user = { on_begin, on_head, on_data, on_end,
	on_over, on_bad };

static inline void
show(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	rv = h2_read(reader, dir, p, len, &why);
}

static inline void
begin(size_t limit, const struct http_head *first)
{
	rv = 0;
	text_clear(&said);
	text_puts(&said, "");
	reader = h2_read_new(&user, NULL, limit, first);
}

static inline void
done(void)
{
	h2_read_free(reader);
	ck_assert_int_eq(streams, 0);
	text_free(&said);
}

#endif
