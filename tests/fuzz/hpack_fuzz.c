/*
 * HPACK, beside libnghttp2's decoder: blocks in pieces. An input is a row of
 * pieces, each behind a byte: the bytes of the piece (up to 63), and by its
 * first bit that the block ends with it, or by its second that it is a size of
 * the table to allow, by its square, between two blocks. Both must yield the
 * same lines, and fail in the same block.
 */
#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "codec/hpack.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ENDS	0x80
#define ALLOWS	0x40
#define MANY	(256 * 1024)	/* bytes of lines: no more is compared */

struct pair {
	struct hpack	*ours;
	nghttp2_hd_inflater *theirs;
	struct text	 held;		/* for ours */
	struct text	 lines[2];
};

static void
say(struct text *t, struct slice name, struct slice value, int never)
{
	text_printf(t, "%zu %zu %d ", name.len, value.len, never);
	text_add(t, name.p, name.len);
	text_add(t, value.p, value.len);
}

static int
ours(struct pair *r, const uint8_t *p, size_t len, int last)
{
	struct hpack_line l;
	struct cursor w;
	uint8_t *exact;
	int rv;

	text_add(&r->held, (const char *)p, len);
	exact = xmemdup(r->held.s, r->held.len);
	w = cursor_of(exact, r->held.len);
	while ((rv = hpack_next(r->ours, &w, &l)) == 1)
		say(&r->lines[0], l.name, l.value, l.never);
	text_clear(&r->held);
	text_add(&r->held, (const char *)w.p, cursor_left(&w));
	free(exact);
	if (last && rv == 0)
		rv = hpack_end(r->ours);
	return rv == ERR_SHORT && !last ? 0 : rv;
}

static int
theirs(struct pair *r, const uint8_t *p, size_t len, int last)
{
	nghttp2_nv nv;
	int flags;
	ssize_t n;

	do {
		flags = 0;
		n = nghttp2_hd_inflate_hd2(r->theirs, &nv, &flags, p, len,
		    last);
		if (n < 0)
			return ERR_FORMAT;
		p += n;
		len -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			say(&r->lines[1], slice_of(nv.name, nv.namelen),
			    slice_of(nv.value, nv.valuelen),
			    (nv.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
	} while (len > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT));
	if (last)
		nghttp2_hd_inflate_end_headers(r->theirs);
	return 0;
}

/*
 * Bytes of a block, perhaps its last. They may find a fault at different
 * pieces, as ours waits until a line is whole. 0: go on.
 */
static int
piece(struct pair *r, const uint8_t *p, size_t len, int last, int *failed)
{
	int rv = *failed & 1 ? ERR_FORMAT : ours(r, p, len, last);
	int other = *failed & 2 ? ERR_FORMAT : theirs(r, p, len, last);

	*failed |= (rv != 0) | (other != 0) << 1;
	assert(!last || *failed == 0 || *failed == 3);
	if (*failed == 0 && last) {
		assert(r->lines[0].len == r->lines[1].len);
		assert(r->lines[0].len == 0 || memcmp(r->lines[0].s,
		    r->lines[1].s, r->lines[0].len) == 0);
		text_clear(&r->lines[0]);
		text_clear(&r->lines[1]);
	}
	return *failed == 3 || r->lines[0].len > MANY;
}

static void
allow(struct pair *r, size_t size)
{
	hpack_allow(r->ours, (uint32_t)size);
	assert(nghttp2_hd_inflate_change_table_size(r->theirs, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pair r = { .ours = hpack_new() };
	const uint8_t *end = data + len;
	int failed = 0, amid = 0, stop = 0;
	uint8_t how;
	size_t n;

	nghttp2_hd_inflate_new(&r.theirs);
	while (data < end && !stop) {
		how = *data++;
		n = how & 0x3f;
		if (how & ALLOWS) {
			if (!amid)
				allow(&r, n * n * 16);
			continue;
		}
		n = n < (size_t)(end - data) ? n : (size_t)(end - data);
		amid = !(how & ENDS);
		stop = piece(&r, data, n, !amid, &failed);
		data += n;
	}
	if (!stop && amid)
		piece(&r, data, 0, 1, &failed);
	assert(hpack_memory(r.ours) < 1 << 20);
	hpack_free(r.ours);
	nghttp2_hd_inflate_del(r.theirs);
	text_free(&r.held);
	text_free(&r.lines[0]);
	text_free(&r.lines[1]);
	return 0;
}
