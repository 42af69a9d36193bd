/*
 * The codec of HTTP/1 as a whole: its beginning and end, and what an exchange
 * does with it. h1_read.c takes messages out of the flows, h1_write.c puts
 * what goes on into them.
 */
#include "http/h1.h"

#include <string.h>

#include "util/budget.h"

void
h1_init(struct h1 *h1, struct tap *tap, struct flow *up, struct flow *down,
    struct exchange *x, size_t limit, int ends)
{
	struct h1_dir *d;
	int i;

	memset(h1, 0, sizeof(*h1));
	h1->ends = ends != 0;
	for (i = 0; i < 2; i++) {
		d = &h1->dir[i];
		d->flow = i == DIR_UP ? up : down;
		d->tap = tap;
		d->m = &x->msg[i];
		d->limit = limit;
	}
	x->codec = &h1_codec;
	x->conn = h1;
}

static void
h1_again(void *conn, enum flow_dir dir)
{
	struct h1_dir *d = &((struct h1 *)conn)->dir[dir];

	budget_give(BUDGET_BUFFERS, d->charged);
	text_free(&d->piece);
	d->mode = H1_HOLD;
	d->charged = d->scanned = d->wire = d->held = 0;
	d->edited = d->passed = 0;
	d->began = d->ended = 0;
}

void
h1_done(struct h1 *h1)
{
	h1_again(h1, DIR_UP);
	h1_again(h1, DIR_DOWN);
	text_free(&h1->dir[DIR_UP].pend);
	text_free(&h1->dir[DIR_DOWN].pend);
	text_free(&h1->method);
	text_free(&h1->asked);
}

static uint64_t
h1_page(void *conn, const char *page, size_t len)
{
	struct h1 *h1 = conn;
	struct h1_dir *d = &h1->dir[DIR_DOWN];
	size_t head = (size_t)(strstr(page, "\r\n\r\n") + 4 - page);

	if (slice_eq(slice_of(h1->method.s, h1->method.len), "HEAD"))
		len = head;
	h1_text(d, page, len);
	d->ended = 1;
	h1->closing = 1;
	if (d->m->head != NULL)
		h1_drop(h1, DIR_DOWN);
	else			/* or the page would have no room */
		h1_discard(h1, DIR_DOWN);
	return len - head;
}

void
h1_finish(struct h1 *h1)
{
	if (!h1->dir[DIR_DOWN].eof)	/* else it ends as the server did */
		flow_finish(h1->dir[DIR_DOWN].flow);
	flow_finish(h1->dir[DIR_UP].flow);
}

const struct http_codec h1_codec = {
	.edit = h1_edit,
	.pass = h1_pass,
	.take = h1_take,
	.drop = h1_drop,
	.head = h1_send_head,
	.data = h1_send_data,
	.end = h1_send_end,
	.page = h1_page,
	.go_ahead = h1_go_ahead,
	.revoke = h1_revoke,
	.commit = h1_commit,
	.again = h1_again,
	.began = h1_began,
	.ended = h1_ended,
	.room = h1_room,
	.blocked = h1_blocked,
};
