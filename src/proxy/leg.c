/*
 * Moving bytes between two connections.
 */
#include "proxy/leg.h"

#include "util/err.h"

#define PUMP_ROUNDS	8	/* of both directions, in one turn */
#define PUMP_MOST	(512 * 1024)	/* bytes read in it, and others wait */
#define PUMP_READ	4096	/* below this much room it is not worth it */
#define PUMP_SPARE	4096	/* for a tap that has something to put in */

void
leg_init(struct leg *l, struct conn *client, struct conn *server,
    struct pool *pool, uint64_t bytes[2])
{
	l->client = client;
	l->server = server;
	l->flow[DIR_UP].dir = DIR_UP;
	l->flow[DIR_DOWN].dir = DIR_DOWN;
	l->flow[DIR_UP].taps = l->flow[DIR_DOWN].taps = &l->taps;
	l->flow[DIR_UP].pool = l->flow[DIR_DOWN].pool = pool;
	l->bytes = bytes;
}

static int
conn_yields(const struct conn *c)
{
	return c->sock.readable && !c->sock.thin;
}

static void
leg_heard(struct leg *l, struct conn *from, size_t n)
{
	conn_heard(from, n, from != l->speaker);
	l->speaker = from;
	l->got += n;
}

/* Read from the flow's source. 1 something came, 0 nothing, or ERR_*. */
static int
leg_fill(struct leg *l, struct flow *f, struct conn *from)
{
	enum end how = END_NONE;
	uint8_t *p;
	size_t room;
	ssize_t n;

	if (f->end_in == END_FIN || f->finished ||
	    (!conn_yields(from) && !from->ops->pending(from->tp)))
		return 0;
	p = flow_room(f, &room);
	if (f->busy)
		room = room > PUMP_SPARE ? room - PUMP_SPARE : 0;
	if (room < PUMP_READ)
		return 0;
	n = from->ops->read(from->tp, p, room, &how);
	conn_note(from);
	if (n > 0) {
		flow_filled(f, (size_t)n);
		leg_heard(l, from, (size_t)n);
		return 1;
	}
	flow_wrote(f, 0);
	if (n == ERR_EOF) {
		f->end_in = how;
		f->notify |= how == END_NOTIFY;
		return 1;
	}
	/* After close_notify nothing more comes: RST is as good an end. */
	if (n == ERR_SYS && f->end_in == END_NOTIFY) {
		f->end_in = END_FIN;
		return 1;
	}
	if (n == ERR_AGAIN)	/* enough for a turn, of what is no payload? */
		return conn_yields(from);
	return (int)n;
}

/* Write to the flow's sink. 1 something went, 0 nothing, or ERR_*. */
static int
leg_flush(struct leg *l, struct flow *f, struct conn *to)
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
		l->bytes[f->dir] += (uint64_t)n;
		moved = 1;
	}
	rv = to->sock.fd != -1 ? to->ops->flush(to->tp) : 0;
	return rv == 0 || rv == ERR_AGAIN ? moved : rv;
}

/*
 * Pass on the end that came, once every byte is. 1, 0, or ERR_SYS when the
 * sink turns out to be gone; that is no matter where it had ended before:
 * there is nothing more to say to it then, or to hear from it.
 */
static int
leg_end(struct leg *l, struct flow *f, struct conn *to)
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
		if (rv < 0 && l->flow[!f->dir].end_in != END_FIN)
			return rv;
		f->end_out = next;
	}
	return 1;
}

/*
 * A source that has ended may still break: its RST must not go unseen. One
 * that a tap has cut off is left alone: it may send for ever.
 */
static int
leg_watch(struct flow *f, struct conn *from)
{
	char c;

	while (f->end_in == END_FIN && !f->finished && from->sock.readable)
		if (sock_recv(&from->sock, &c, 1) == ERR_SYS)
			return ERR_SYS;
	return 0;
}

/* One direction; *moved says that something did. */
static int
leg_turn(struct leg *l, enum flow_dir dir, int *moved, struct leg_why *why)
{
	struct conn *from = dir == DIR_UP ? l->client : l->server;
	struct conn *to = dir == DIR_UP ? l->server : l->client;
	struct flow *f = &l->flow[dir];
	uint64_t before;
	int rv;

	why->dir = dir;
	if ((rv = leg_fill(l, f, from)) < 0 || (rv == 0 &&
	    (rv = leg_watch(f, from)) < 0 && !flow_done(&l->flow[!dir])))
		return why->err = rv;
	*moved |= rv > 0;
	before = f->in;
	flow_offer(f);
	flow_wrote(f, 0);
	*moved |= f->in != before;	/* a tap made room, or put more in */
	why->dir = !dir;
	if ((rv = leg_flush(l, f, to)) < 0)
		return why->err = rv;
	*moved |= rv > 0;
	if ((rv = leg_end(l, f, to)) < 0)
		return why->err = rv;
	*moved |= rv;
	return 0;
}

enum leg_state
leg_pump(struct leg *l, struct leg_why *why)
{
	uint64_t most = l->got + PUMP_MOST;
	int round, moved;

	for (round = 0; round < PUMP_ROUNDS && l->got < most; round++) {
		moved = 0;
		if (leg_turn(l, DIR_UP, &moved, why) != 0 ||
		    leg_turn(l, DIR_DOWN, &moved, why) != 0)
			return LEG_FAILED;
		if (flow_done(&l->flow[DIR_UP]) &&
		    flow_done(&l->flow[DIR_DOWN]))
			return LEG_DONE;
		if (!moved)
			return l->flow[DIR_UP].starved ||
			    l->flow[DIR_DOWN].starved ? LEG_STARVED : LEG_WAIT;
	}
	return LEG_AGAIN;
}

void
leg_drop(struct leg *l)
{
	flow_drop(&l->flow[DIR_UP]);
	flow_drop(&l->flow[DIR_DOWN]);
}
