/*
 * What goes on in a message's place: its head, and its content, of which a
 * client may get the part that it asked for, or may have got the beginning.
 */
#include "adapt/adapt.h"
#include "util/err.h"

int
send_head(struct adapted_message *m, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	int rv = m->dir == DIR_DOWN ? trickle_head(m, h, body, length) : 1;

	return rv == 1 ? part_send(m, h, body, length, flags) : rv;
}

/* Bytes that the client has not. */
static size_t
next_body(struct adaptation *a, enum flow_dir dir, const uint8_t *p,
    size_t len, int *bad)
{
	size_t n = a->x.codec->data(a->x.conn, dir, p, len, bad);

	if (dir == DIR_DOWN && n > 0)
		a->trickle.past = 1;
	return n;
}

size_t
send_body(struct adaptation *a, enum flow_dir dir, const uint8_t *p,
    size_t len, int *bad)
{
	int down = dir == DIR_DOWN, cut = down && a->part.on;
	struct exchange *x = &a->x;
	size_t skip = 0, n = cut ? part_cut(&a->part, len, &skip) : len;
	size_t had = 0;

	*bad = 0;
	if (down)
		had = trickle_body(a, p + skip, n, bad);
	if (had < n && !*bad)
		had += next_body(a, dir, p + skip + had, n - had, bad);
	if (down && x->record.by != NULL)
		x->record.length[DIR_DOWN] += had;
	if (cut)
		a->part.at += skip + had;
	return skip + had;
}

int
send_end(struct adaptation *a, enum flow_dir dir, const struct text *trailers)
{
	if (dir == DIR_DOWN && !trickle_ends(a))
		return ERR_SHORT;
	return a->x.codec->end(a->x.conn, dir, trailers);
}
