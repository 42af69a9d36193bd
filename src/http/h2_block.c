/*
 * Blocks of HPACK, decoded as they come.
 */
#include "http/h2_block.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define TABLE_STEP	16384

struct h2_block {
	nghttp2_hd_inflater *hd;
	size_t		 charged;	/* for its table */
	struct h2_head	*head;
	int		 wanted;
	int		 capped;	/* a larger table was allowed */
};

struct h2_block *
h2_block_new(size_t limit)
{
	struct h2_block *b = xcalloc(1, sizeof(*b));

	if (nghttp2_hd_inflate_new(&b->hd) != 0)
		abort();	/* no memory */
	b->head = h2_head_new(H2_REQUEST, limit);
	return b;
}

void
h2_block_free(struct h2_block *b)
{
	if (b == NULL)
		return;
	nghttp2_hd_inflate_del(b->hd);
	budget_give(BUDGET_BUFFERS, b->charged);
	h2_head_free(b->head);
	free(b);
}

void
h2_block_table(struct h2_block *b, uint32_t size)
{
	b->capped = size > H2_TABLE_MAX;
	nghttp2_hd_inflate_change_table_size(b->hd,
	    b->capped ? H2_TABLE_MAX : size);
}

void
h2_block_begin(struct h2_block *b, int wanted, enum h2_kind kind)
{
	b->wanted = wanted;
	h2_head_again(b->head, kind);
}

/*
 * To a peer that takes it (SETTINGS 0xfe03), gRPC sends bytes as they are,
 * behind a NUL, in a field whose name ends in "-bin" (gRFC G1). What it would
 * send otherwise is their base64.
 */
static int
is_raw(struct slice name, struct slice value)
{
	return value.len > 0 && value.p[0] == '\0' && name.len > 4 &&
	    memcmp(name.p + name.len - 4, "-bin", 4) == 0;
}

static void
add_raw(struct h2_head *h, struct slice name, struct slice value, int never)
{
	struct text t = { NULL, 0, 0 };

	text_base64(&t, value.p + 1, value.len - 1);
	h2_head_add(h, name, slice_of(t.s, t.len), never);
	text_free(&t);
}

static void
add_line(struct h2_head *h, const nghttp2_nv *nv)
{
	struct slice name = slice_of(nv->name, nv->namelen);
	struct slice value = slice_of(nv->value, nv->valuelen);
	int never = (nv->flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;

	if (is_raw(name, value))
		add_raw(h, name, value, never);
	else
		h2_head_add(h, name, value, never);
}

/* Whether the table may be as large as it is. */
static int
charge(struct h2_block *b, const char **why)
{
	size_t size = nghttp2_hd_inflate_get_dynamic_table_size(b->hd);

	while (size > b->charged + TABLE_STEP) {
		if (budget_take(BUDGET_BUFFERS, TABLE_STEP, 1) != 0) {
			*why = "no memory for a table of heads";
			return ERR_LIMIT;
		}
		b->charged += TABLE_STEP;
	}
	return 0;
}

int
h2_block_add(struct h2_block *b, const uint8_t *p, size_t len, int last,
    const char **why)
{
	nghttp2_nv nv;
	ssize_t n;
	int flags;

	do {
		flags = 0;
		n = nghttp2_hd_inflate_hd2(b->hd, &nv, &flags, p, len, last);
		if (n < 0) {
			*why = b->capped ? "a head that may need a larger "
			    "table than is kept" : "a head that is no HPACK";
			return b->capped ? ERR_LIMIT : ERR_FORMAT;
		}
		p += n;
		len -= (size_t)n;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) && b->wanted)
			add_line(b->head, &nv);
	} while (len > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT));
	if (last)
		nghttp2_hd_inflate_end_headers(b->hd);
	return last ? charge(b, why) : 0;
}

int
h2_block_head(struct h2_block *b, const struct http_head **head,
    const char **why)
{
	int rv = h2_head_view(b->head, head);

	*why = h2_head_why(b->head);
	return rv;
}

int
h2_block_trailers(struct h2_block *b, struct text *lines, const char **why)
{
	struct http_head *none;
	int rv = h2_head_end(b->head, &none, lines);

	*why = h2_head_why(b->head);
	return rv;
}
