/*
 * A chunked body from an ICAP server. Held to: read byte by byte it is what
 * it is read at once, with the same content and the same last words; and as
 * plain HTTP, where that accepts it, it has the same content.
 */
#include <assert.h>
#include <string.h>

#include "codec/icap.h"
#include "../unit/codec/http1_follow.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
follow(struct icap_body *b, const char *data, size_t len, size_t step,
    size_t *used)
{
	struct slice in, p;
	size_t n = 0;
	int e = ERR_SHORT;

	icap_body_init(b);
	while (e == ERR_SHORT && n < len) {
		in = slice_of(data + n, step < len - n ? step : len - n);
		n += in.len;
		while ((e = icap_body_next(b, &in, &p)) == 1)
			assert(p.len > 0);
		n -= in.len;
	}
	*used = n;
	return e;
}

static void
check_http(const struct icap_body *b, int e, const char *data, size_t len)
{
	static const char post[] = "POST / HTTP/1.1\r\nHost: a\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n";
	static struct http_text m;
	struct http1_body h;
	size_t used;
	int got;

	m.scanned = 0;
	assert(http_request(&m, post, sizeof(post) - 1) == 0);
	http1_body_init(&h, &m, slice_of(NULL, 0));
	got = http1_body_follow(&h, data, len, &used);
	if (got == 0 && e == 0)
		assert(h.payload == b->chunks.payload);
	/* ICAP refuses only what it was to understand: the last extensions. */
	if (got == 0 && e == ERR_FORMAT)
		assert(b->chunks.ext_len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct icap_body once, bytes;
	size_t used, n;
	int e;

	e = follow(&once, text, len, len, &used);
	assert(follow(&bytes, text, len, 1, &n) == e);
	assert(once.chunks.payload == bytes.chunks.payload);
	assert(once.original == bytes.original);
	assert(once.why == bytes.why && (e != ERR_FORMAT || once.why != NULL));
	if (e == 0)
		assert(n == used);
	check_http(&once, e, text, len);
	return 0;
}
