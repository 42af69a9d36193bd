/*
 * Wires: two flows and their taps.
 */
#include "stream/wire.h"

#include <string.h>

void
wire_init(struct wire *w, struct conn *client, struct conn *server,
    struct pool *pool, const struct tap_host *host, void *owner)
{
	memset(w, 0, sizeof(*w));
	w->end[DIR_UP] = client;
	w->end[DIR_DOWN] = server;
	w->flow[DIR_UP].dir = DIR_UP;
	w->flow[DIR_DOWN].dir = DIR_DOWN;
	w->flow[DIR_UP].taps = w->flow[DIR_DOWN].taps = &w->taps;
	w->flow[DIR_UP].pool = w->flow[DIR_DOWN].pool = pool;
	w->taps.host = host;
	w->taps.owner = owner;
}

struct tap *
wire_tap(struct wire *w, const struct tap_ops *ops, enum tap_place place)
{
	struct taps *row = &w->taps;
	struct tap *t = &row->tap[row->n];
	uint8_t *down = row->order[DIR_DOWN];

	if (row->n == TAPS_MAX)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->ops = ops;
	t->row = row;
	t->pos[DIR_UP] = w->flow[DIR_UP].clear;
	row->order[DIR_UP][row->n] = (uint8_t)row->n;
	if (place == TAP_SERVER) {	/* the first that is shown an answer */
		t->pos[DIR_DOWN] = w->flow[DIR_DOWN].in;
		memmove(down + 1, down, row->n);
		down[0] = (uint8_t)row->n;
	} else {
		t->pos[DIR_DOWN] = w->flow[DIR_DOWN].clear;
		down[row->n] = (uint8_t)row->n;
	}
	row->n++;
	return t;
}

void
wire_hand_over(struct wire *to, struct wire *from, enum flow_dir dir)
{
	struct flow *f = &from->flow[dir], *t = &to->flow[dir];

	*t = *f;
	t->taps = &to->taps;
	t->clear = t->out;
	f->buf = NULL;
	f->in = f->clear = f->out;
}

void
wire_drop(struct wire *w)
{
	flow_drop(&w->flow[DIR_UP]);
	flow_drop(&w->flow[DIR_DOWN]);
}
