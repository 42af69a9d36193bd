/*
 * Wires: two flows and their taps.
 */
#include "stream/wire.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void
wire_init(struct wire *w, struct conn *client, struct conn *server,
    struct pool *pool, const struct tap_host *host, void *owner)
{
	memset(w, 0, sizeof(*w));
	w->end[DIR_UP] = client;
	w->end[DIR_DOWN] = server;
	w->flow[DIR_UP].dir = DIR_UP;
	w->flow[DIR_DOWN].dir = DIR_DOWN;
	w->flow[DIR_UP].wire.taps = w->flow[DIR_DOWN].wire.taps = &w->taps;
	w->flow[DIR_UP].pool = w->flow[DIR_DOWN].pool = pool;
	w->flow[DIR_UP].upto = w->flow[DIR_DOWN].upto = UINT64_MAX;
	w->taps.host = host;
	w->taps.owner = owner;
}

/* The last of the row in that direction, which has yet to see what is not
 * clear; or the first, which has let go all that is in. */
static void
tap_link(struct wire *w, struct tap *t, enum flow_dir dir, int first)
{
	struct tap **at = &w->taps.first[dir];

	while (!first && *at != NULL)
		at = &(*at)->next[dir];
	t->next[dir] = *at;
	*at = t;
	t->pos[dir] = first ? w->flow[dir].in : w->flow[dir].clear;
}

struct tap *
wire_tap(struct wire *w, const struct tap_ops *ops, enum tap_place place)
{
	struct tap *t = xcalloc(1, sizeof(*t));

	t->ops = ops;
	t->row = &w->taps;
	tap_link(w, t, DIR_UP, 0);
	tap_link(w, t, DIR_DOWN, place == TAP_SERVER);
	return t;
}

/* Take it out of the row of what the server sends. */
static void
tap_unlink(struct tap *t)
{
	struct tap **at = &t->row->first[DIR_DOWN];

	while (*at != t)
		at = &(*at)->next[DIR_DOWN];
	*at = t->next[DIR_DOWN];
}

int
wire_tap_server(struct tap *t)
{
	struct tap **first = &t->row->first[DIR_DOWN];

	if ((*first)->pos[DIR_DOWN] != t->pos[DIR_DOWN])
		return 0;
	tap_unlink(t);
	t->next[DIR_DOWN] = *first;
	*first = t;
	return 1;
}

int
wire_tap_behind(struct tap *t)
{
	struct tap **at;

	for (at = &t->next[DIR_DOWN]; *at != NULL; at = &(*at)->next[DIR_DOWN])
		if ((*at)->pos[DIR_DOWN] != t->pos[DIR_DOWN])
			return 0;
	if (t->next[DIR_DOWN] == NULL)
		return 1;
	tap_unlink(t);
	*at = t;
	t->next[DIR_DOWN] = NULL;
	return 1;
}

void
wire_untap(struct wire *w)
{
	struct tap *t;

	while ((t = w->taps.first[DIR_UP]) != NULL) {
		w->taps.first[DIR_UP] = t->next[DIR_UP];
		free(t);
	}
	w->taps.first[DIR_DOWN] = NULL;
}

void
wire_hand_over(struct wire *to, struct wire *from, enum flow_dir dir)
{
	struct flow *f = &from->flow[dir], *t = &to->flow[dir];
	struct flow_wire stays = t->wire;

	*t = *f;
	t->wire = stays;
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
