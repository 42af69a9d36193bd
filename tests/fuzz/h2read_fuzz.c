/*
 * HTTP/2 that passes, in both directions: pieces of up to 127 bytes, each
 * behind a byte that says how many and, by its first bit, that they come down;
 * the client's preface is not among them. Held to: what is read does not depend
 * on the pieces; a stream that began is over once; and a head, as the lines
 * that HTTP/2 would send, reads as the same head.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/h2frame.h"
#include "http/h2_head.h"
#include "http/h2_lines.h"
#include "http/h2_read.h"
#include "util/mem.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define LIMIT	8192

struct run {
	struct text	 said;
	int		 open;
};

struct stream {
	struct run	*run;
	uint32_t	 id;
	size_t		 data[2];
};

static void
check_again(const struct http_head *h)
{
	const struct h2_say say = { "https", { "a", 1 }, h->length, 0 };
	struct text bytes = { NULL, 0, 0 };
	struct h2_head *again = h2_head_new(h->response ? H2_RESPONSE :
	    H2_REQUEST, SIZE_MAX);
	struct http_head *m;
	struct h2_lines l;
	size_t i;

	assert(h2_lines(&l, h, &say) == 0);
	for (i = 0; i < l.n; i++)
		assert(h2_head_add(again, slice_of(l.v[i].name,
		    l.v[i].namelen), slice_of(l.v[i].value, l.v[i].valuelen),
		    l.v[i].flags & NGHTTP2_NV_FLAG_NO_INDEX) == 0);
	assert(h2_head_end(again, &m, &bytes) == 0);
	assert(m->status == h->status && m->length == h->length);
	assert(m->target.len == h->target.len);
	assert(h->target.len == 0 ||
	    memcmp(m->target.p, h->target.p, h->target.len) == 0);
	assert(m->authority.len == h->authority.len);
	assert(m->n <= h->n);
	free(m);
	text_free(&bytes);
	h2_lines_free(&l);
	h2_head_free(again);
}

static void *
on_begin(void *arg, uint32_t id, const struct http_head *h, int last)
{
	struct run *run = arg;
	struct stream *s = xcalloc(1, sizeof(*s));

	text_printf(&run->said, "%u begins %zu %lld %d\n", id, h->n,
	    (long long)h->length, last);
	check_again(h);
	s->run = run;
	s->id = id;
	run->open++;
	return s;
}

static void
on_head(void *stream, const struct http_head *h, int last)
{
	struct stream *s = stream;

	text_printf(&s->run->said, "%u head %d %d\n", s->id, h->status, last);
	check_again(h);
}

static void
on_data(void *stream, enum flow_dir dir, const uint8_t *p, size_t len)
{
	((struct stream *)stream)->data[dir] += len;
}

static void
on_end(void *stream, enum flow_dir dir, const struct text *trailers)
{
	struct stream *s = stream;

	text_printf(&s->run->said, "%u ends %d %zu %zu\n", s->id, dir,
	    s->data[dir], trailers != NULL ? trailers->len : 0);
}

static void
on_over(void *stream, enum flow_dir dir, int64_t code)
{
	struct stream *s = stream;

	text_printf(&s->run->said, "%u over %lld\n", s->id, (long long)code);
	s->run->open--;
	free(s);
}

static void
on_bad(void *arg, uint32_t id, void *stream, enum flow_dir dir,
    const char *why)
{
	struct run *run = arg;

	text_printf(&run->said, "%u bad %s\n", id, why);
	run->open -= stream != NULL;
	free(stream);
}

static const struct h2_read_user user = { on_begin, on_head, on_data, on_end,
	on_over, on_bad };

static void
run(struct run *run, const uint8_t *data, size_t len, size_t piece)
{
	struct h2_read *r = h2_read_new(&user, run, LIMIT, NULL);
	const char *why;
	enum flow_dir dir;
	size_t n, k;
	int rv = h2_read(r, DIR_UP, (const uint8_t *)H2FRAME_PREFACE,
	    strlen(H2FRAME_PREFACE), &why);

	while (len > 1 && rv == 0) {
		dir = data[0] & 0x80 ? DIR_DOWN : DIR_UP;
		n = data[0] & 0x7f;
		data++;
		len--;
		n = n < len ? n : len;
		for (k = 0; k < n && rv == 0; k += piece)
			rv = h2_read(r, dir, data + k, n - k < piece ? n - k :
			    piece, &why);
		data += n;
		len -= n;
	}
	text_printf(&run->said, "%d %s\n", rv, rv != 0 ? why : "");
	h2_read_free(r);
	assert(run->open == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run whole = { .open = 0 }, parts = { .open = 0 };

	run(&whole, data, len, 128);
	run(&parts, data, len, 1);
	assert(whole.said.len == parts.said.len);
	assert(memcmp(whole.said.s, parts.said.s, whole.said.len) == 0);
	text_free(&whole.said);
	text_free(&parts.said);
	return 0;
}
