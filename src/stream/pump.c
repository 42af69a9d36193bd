/*
 * The pump. Read this file from its end: pump() gives turns to the flows of all
 * wires. A turn of a flow (pump_flow) reads from its source, shows the bytes to
 * the taps, writes the bytes that they let go to its sink, and passes on the
 * end.
 */
#include "stream/pump.h"

#include <errno.h>

#include "util/err.h"

#define PUMP_ROUNDS	8	/* of all flows, in one call */
#define PUMP_MOST	(512 * 1024)	/* bytes read in one call */
#define PUMP_READ	4096	/* with less room, do not read */
#define PUMP_SPARE	4096	/* for a tap that has something to put in */

static int
conn_yields(const struct conn *c)
{
	return c->sock.readable && !c->sock.thin;
}

static void
pump_heard(struct row *r, struct wire *w, struct conn *from, size_t n)
{
	conn_heard(from, n, from != w->speaker);
	w->speaker = from;
	r->read += n;
}

/* Read from the flow's source. 1: bytes came; 0: none did; or ERR_*. */
static int
pump_fill(struct row *r, struct wire *w, struct flow *f, struct conn *from)
{
	enum end how = END_NONE;
	uint8_t *p;
	size_t room;
	ssize_t n;

	if (f->end_in == END_FIN || f->finished || f->in == f->upto ||
	    (!conn_yields(from) && !from->ops->pending(from->tp)))
		return 0;
	p = flow_room(f, &room);
	if (f->busy)
		room = room > PUMP_SPARE ? room - PUMP_SPARE : 0;
	if (room < PUMP_READ)
		return 0;
	if (room > f->upto - f->in)
		room = (size_t)(f->upto - f->in);
	n = from->ops->read(from->tp, p, room, &how);
	conn_note(from);
	if (n > 0) {
		flow_filled(f, (size_t)n);
		pump_heard(r, w, from, (size_t)n);
		return 1;
	}
	flow_wrote(f, 0);
	if (n == ERR_EOF) {
		f->end_in = how;
		f->notify |= how == END_NOTIFY;
		return 1;
	}
	/* After close_notify nothing more comes, so RST is as good as FIN. */
	if (n == ERR_SYS && f->end_in == END_NOTIFY) {
		f->end_in = END_FIN;
		return 1;
	}
	if (n == ERR_AGAIN)	/* enough for a turn, of what is no payload? */
		return conn_yields(from);
	return (int)n;
}

/*
 * A source that has ended may still break, and its RST must be seen. A source
 * that a tap has cut off is left alone, because it may send forever; and so may
 * one whose transport ended before its socket did. Returns 0 or ERR_SYS.
 */
static int
pump_watch(struct flow *f, struct conn *from)
{
	char c;

	if (f->end_in != END_FIN || f->finished || !from->sock.readable)
		return 0;
	from->sock.readable = 0;
	if (sock_peek(&from->sock, &c, 1) >= 0 || errno == EAGAIN ||
	    errno == EINTR)
		return 0;
	from->sock.err = errno;
	return ERR_SYS;
}

/* Show the taps the new bytes. 1: a tap made room, or added bytes. */
static int
pump_show(struct flow *f)
{
	uint64_t before = f->in;

	flow_offer(f);
	flow_wrote(f, 0);
	return f->in != before;
}

/* Write to the flow's sink. 1: bytes went; 0: none did; or ERR_*. */
static int
pump_flush(struct row *r, struct flow *f, struct conn *to)
{
	const uint8_t *p;
	size_t len;
	ssize_t n;
	int moved = 0, rv;

	while (p = flow_ready(f, &len), len > 0) {
		n = to->ops->write(to->tp, p, len);
		if (n == ERR_AGAIN)
			return moved;
		if (n < 0)
			return (int)n;
		flow_wrote(f, (size_t)n);
		r->written += (uint64_t)n;
		if (f->wire.passed != NULL)
			*f->wire.passed += (uint64_t)n;
		moved = 1;
	}
	rv = to->sock.fd != -1 ? to->ops->flush(to->tp) : 0;
	return rv == 0 || rv == ERR_AGAIN ? moved : rv;
}

/*
 * Pass on the source's end, once every byte has been written. Returns 1, 0, or
 * ERR_SYS if the sink is gone. If the sink has ended its own direction, its
 * loss does not matter: there is nothing more to send to it or to read.
 */
static int
pump_end(struct wire *w, struct flow *f, struct conn *to)
{
	enum end next;
	int rv;

	if (f->end_in == f->end_out || f->out != f->in || f->busy)
		return 0;
	while (f->end_out < f->end_in) {
		next = f->notify && f->end_out == END_NONE ? END_NOTIFY :
		    END_FIN;
		rv = to->ops->shut(to->tp, next);
		if (rv == ERR_AGAIN)
			return 0;
		if (rv < 0 && w->flow[!f->dir].end_in != END_FIN)
			return rv;
		f->end_out = next;
	}
	return 1;
}

/* One turn of one flow. 1: something moved; 0: nothing did; or ERR_*. */
static int
pump_flow(struct row *r, struct wire *w, enum flow_dir dir,
    struct pump_why *why)
{
	struct conn *from = w->end[dir], *to = w->end[!dir];
	struct flow *f = &w->flow[dir];
	int moved, rv;

	why->broke = from;
	if ((rv = pump_fill(r, w, f, from)) < 0)
		return rv;
	moved = rv;
	if (!moved && (rv = pump_watch(f, from)) < 0 &&
	    !flow_done(&w->flow[!dir]))
		return rv;
	moved |= pump_show(f);
	why->broke = to;
	if ((rv = pump_flush(r, f, to)) < 0)
		return rv;
	moved |= rv;
	if ((rv = pump_end(w, f, to)) < 0)
		return rv;
	return moved | rv;
}

/* Go up the row and down. 1: something moved; 0: nothing did; or ERR_*. */
static int
pump_round(struct row *r, struct pump_why *why)
{
	unsigned i, n = r->n;
	int rv, moved = 0;

	for (i = 0; i < 2 * n; i++) {
		rv = i < n ? pump_flow(r, row_wire(r, i), DIR_UP, why) :
		    pump_flow(r, row_wire(r, 2 * n - 1 - i), DIR_DOWN, why);
		if (rv < 0)
			return why->err = rv;
		moved |= rv;
	}
	return moved;
}

/* Nothing moves: what does the row wait for? */
static enum pump_state
pump_rests(const struct row *r)
{
	const struct wire *w;

	ROW_EACH(w, r)
		if (w->flow[DIR_UP].starved || w->flow[DIR_DOWN].starved)
			return PUMP_STARVED;
	return PUMP_WAIT;
}

static int
pump_done(const struct row *r)
{
	const struct wire *w;

	ROW_EACH(w, r)
		if (!flow_done(&w->flow[DIR_UP]) ||
		    !flow_done(&w->flow[DIR_DOWN]))
			return 0;
	return 1;
}

enum pump_state
pump(struct row *r, struct pump_why *why)
{
	uint64_t most = r->read + PUMP_MOST;
	int round, moved;

	for (round = 0; round < PUMP_ROUNDS && r->read < most; round++) {
		if ((moved = pump_round(r, why)) < 0)
			return PUMP_FAILED;
		if (pump_done(r))
			return PUMP_DONE;
		if (!moved)
			return pump_rests(r);
	}
	return PUMP_AGAIN;
}
