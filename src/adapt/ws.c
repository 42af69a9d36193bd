/*
 * The messages of a WebSocket that passes: each is an event. What is not
 * WebSocket passes too, and ends the reading.
 */
#include "codec/ws.h"

#include <stdlib.h>

#include "adapt/adapt.h"
#include "util/log.h"
#include "util/mem.h"

struct ws {
	const struct plan *plan;
	struct ws_reader reader[2];	/* by enum flow_dir */
	struct ws_message said;		/* the one being read */
	int		 lost;		/* it is not WebSocket */
};

struct ws *
ws_begin(const struct plan *p, unsigned tx)
{
	struct ws *w;

	if (p->env->message == NULL)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->plan = p;
	w->said.tx = tx;
	w->reader[DIR_UP].client = 1;
	return w;
}

void
ws_free(struct ws *w)
{
	free(w);
}

static int
ws_message(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	struct ws *w = arg;

	w->said.opcode = opcode;
	w->said.length = length;
	w->said.deflated = deflated;
	w->plan->env->message(w->plan->env->arg, w->plan->rec, &w->said);
	return 0;
}

static const struct ws_user ws_user = { .message = ws_message };

void
ws_seen(struct ws *w, enum flow_dir dir, const uint8_t *p, size_t len)
{
	if (w == NULL || w->lost)
		return;
	w->said.dir = dir;
	if (ws_read(&w->reader[dir], p, len, &ws_user, w) >= 0)
		return;
	w->lost = 1;
	log_info("session %llu: what the %s sends is not WebSocket: its "
	    "messages are not read any more",
	    (unsigned long long)w->plan->rec->id,
	    dir == DIR_UP ? "client" : "server");
}
