/*
 * What goes on in a message's place: its head, and its content, of which a
 * client may get the part that it asked for.
 */
#include <stdlib.h>

#include "adapt/adapt.h"

int
send_head(struct adapted_message *m, const struct http_head *h, int body,
    int64_t length, unsigned flags)
{
	const struct part *part = &m->a->part;
	struct exchange *x = &m->a->x;
	struct http_head *own = NULL;
	struct text bytes = { 0 };
	int rv;

	if (m->dir == DIR_DOWN && part->on) {
		h = own = part_head(part, h, &bytes);
		x->record.status = h->status;
		length = (int64_t)(part->end - part->first);
		flags |= HTTP_CHANGED;
	}
	rv = x->codec->head(x->conn, m->dir, h, body, length, flags);
	free(own);
	text_free(&bytes);
	if (rv != 0)
		exchange_refuse(x, 502, "what a service made of the message "
		    "cannot be sent");
	return rv;
}

size_t
send_body(struct adaptation *a, enum flow_dir dir, const uint8_t *p,
    size_t len, int *bad)
{
	int down = dir == DIR_DOWN, cut = down && a->part.on;
	struct exchange *x = &a->x;
	size_t skip = 0, n = cut ? part_cut(&a->part, len, &skip) : len;

	*bad = 0;
	if (n > 0)
		n = x->codec->data(x->conn, dir, p + skip, n, bad);
	if (down && x->record.by != NULL)
		x->record.length[DIR_DOWN] += n;
	if (cut)
		a->part.at += skip + n;
	return skip + n;
}
