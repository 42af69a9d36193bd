/*
 * A WebSocket. Each of its messages is an event; what is not WebSocket ends the
 * reading, and passes. Services may look at the messages: wsscan.c.
 */
#include <stdlib.h>

#include "adapt/adapt.h"
#include "codec/ws.h"
#include "util/log.h"
#include "util/mem.h"

struct ws {
	const struct plan *plan;
	struct wsscan	*scan;		/* or NULL */
	struct ws_reader reader[2];	/* by enum flow_dir; for events */
	struct ws_message said;		/* the one being read */
	int		 unread;	/* it is not WebSocket, or not asked */
};

static struct ws *
ws_new(const struct plan *p, unsigned tx, struct wsscan *scan)
{
	struct ws *w;

	if (scan == NULL && p->env->message == NULL)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->plan = p;
	w->scan = scan;
	w->unread = p->env->message == NULL;
	w->said.tx = tx;
	w->reader[DIR_UP].client = 1;
	return w;
}

struct ws *
ws_begin(const struct plan *p, const struct exchange *x,
    const struct ws_out *out)
{
	return ws_new(p, x->record.number, wsscan_new(p, x, out));
}

struct ws *
ws_watch(const struct plan *p, unsigned tx)
{
	return ws_new(p, tx, NULL);
}

void
ws_free(struct ws *w)
{
	if (w != NULL)
		wsscan_free(w->scan);
	free(w);
}

int
ws_scans(const struct ws *w)
{
	return w != NULL && w->scan != NULL;
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

/* Tell of the messages in these bytes. */
static void
ws_tell(struct ws *w, enum flow_dir dir, const uint8_t *p, size_t len)
{
	w->said.dir = dir;
	if (ws_read(&w->reader[dir], p, len, &ws_user, w) >= 0)
		return;
	w->unread = 1;
	log_info("session %llu: what the %s sends is not WebSocket: its "
	    "messages are not read any more",
	    (unsigned long long)w->plan->rec->id,
	    dir == DIR_UP ? "client" : "server");
}

size_t
ws_take(struct ws *w, enum flow_dir dir, const uint8_t *p, size_t len)
{
	if (w == NULL)
		return len;
	if (w->scan != NULL)
		len = wsscan_take(w->scan, dir, p, len);
	if (!w->unread)
		ws_tell(w, dir, p, len);
	return len;
}

int
ws_flush(struct ws *w, enum flow_dir dir)
{
	return !ws_scans(w) || wsscan_flush(w->scan, dir);
}

int
ws_busy(const struct ws *w, enum flow_dir dir)
{
	return ws_scans(w) && wsscan_busy(w->scan, dir);
}
