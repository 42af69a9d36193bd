/*
 * Blocks of HPACK, decoded as they come.
 */
#include "http/h2_block.h"

#include <stdlib.h>
#include <string.h>

#include "codec/hpack.h"
#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define STEP	16384		/* bytes that are charged at once */

struct h2_block {
	struct hpack	*hpack;
	struct text	 held;		/* the beginning of a line */
	size_t		 charged;	/* for both */
	struct h2_head	*head;
	int		 wanted;
	int		 capped;	/* a larger table was allowed */
};

struct h2_block *
h2_block_new(size_t limit)
{
	struct h2_block *b = xcalloc(1, sizeof(*b));

	b->hpack = hpack_new();
	b->head = h2_head_new(H2_REQUEST, limit);
	return b;
}

void
h2_block_free(struct h2_block *b)
{
	if (b == NULL)
		return;
	hpack_free(b->hpack);
	text_free(&b->held);
	budget_give(BUDGET_BUFFERS, b->charged);
	h2_head_free(b->head);
	free(b);
}

void
h2_block_table(struct h2_block *b, uint32_t size)
{
	b->capped = size > H2_TABLE_MAX;
	hpack_allow(b->hpack, b->capped ? H2_TABLE_MAX : size);
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
add_line(struct h2_head *h, const struct hpack_line *l)
{
	if (l->known > 0)
		h2_head_add_known(h, l->known, l->name, l->value, l->never);
	else if (is_raw(l->name, l->value))
		add_raw(h, l->name, l->value, l->never);
	else
		h2_head_add(h, l->name, l->value, l->never);
}

/* Whether what is kept may be as large as it is. */
static int
charge(struct h2_block *b, const char **why)
{
	size_t size = hpack_memory(b->hpack) + b->held.cap;

	while (size > b->charged + STEP) {
		if (budget_take(BUDGET_BUFFERS, STEP, 1) != 0) {
			*why = "no memory for a table of heads";
			return ERR_LIMIT;
		}
		b->charged += STEP;
	}
	return 0;
}

/* What is left of these bytes, which may be those held. */
static void
hold(struct h2_block *b, const struct cursor *w)
{
	size_t n = cursor_left(w);

	if (b->held.len > 0) {
		memmove(b->held.s, w->p, n);
		b->held.len = n;
	} else if (n > 0)
		text_add(&b->held, (const char *)w->p, n);
}

int
h2_block_add(struct h2_block *b, const uint8_t *p, size_t len, int last,
    const char **why)
{
	struct cursor w = cursor_of(p, len);
	struct hpack_line l;
	int rv;

	if (b->held.len > 0) {
		text_add(&b->held, (const char *)p, len);
		w = cursor_of(b->held.s, b->held.len);
	}
	while ((rv = hpack_next(b->hpack, &w, &l)) == 1)
		if (b->wanted)
			add_line(b->head, &l);
	if (rv == 0 && last)
		rv = hpack_end(b->hpack);
	if (rv == ERR_FORMAT || (rv == ERR_SHORT && last)) {
		*why = b->capped ? "a head that may need a larger table than "
		    "is kept" : "a head that is no HPACK";
		return b->capped ? ERR_LIMIT : ERR_FORMAT;
	}
	hold(b, &w);
	return charge(b, why);
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
