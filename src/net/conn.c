/*
 * Connections: watching a socket, and looking at it again where no event will
 * come although there is something to read. There are two reasons for that.
 *
 * The sweep. A read that got less than it asked for very likely got all there
 * was, so we do not read again only to get EAGAIN: the next edge tells of more.
 * But the same edge also announces an RST right behind the bytes, which would
 * go unseen; and a read stops at urgent data although there is more. So the
 * sweep looks at these connections once more a little later, all together.
 *
 * The batch. A stream of small records or segments wakes us, and the peer, for
 * each of them, which is most of its cost. So after a number of small reads in
 * a row, while the other side was silent and little time passed, we ask the
 * kernel to wake us for more bytes at once (SO_RCVLOWAT). Fewer bytes are read
 * at each tick. A tick is a millisecond or, since libevent uses the coarse
 * clock, up to a tick of the kernel (4 ms). If nothing else was read between
 * two ticks, the stream is over or slow, and each byte wakes us again. FIN, RST
 * and a full window wake us in any case (tcp(7), socket(7)).
 */
#include "net/conn.h"

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"
#include "util/clock.h"

#define SWEEP_US	100000
#define BATCH_US	1000
/* More small reads than the files of a page need. */
#define BATCH_RUN	64
#define BATCH_MS	16	/* in no more than this, by the coarse clock */

static void	conn_event(evutil_socket_t, short, void *);
static void	round_run(evutil_socket_t, short, void *);
static void	batch_look(struct conn *);
static void	sweep_look(struct conn *);

static void
round_init(struct revisit_round *r, struct event_base *base, suseconds_t us,
    void (*look)(struct conn *))
{
	revisit_init(&r->list);
	evtimer_assign(&r->timer, base, round_run, r);
	r->every.tv_sec = 0;
	r->every.tv_usec = us;
	r->look = look;
}

void
revisits_init(struct revisits *r, struct event_base *base)
{
	r->base = base;
	round_init(&r->batch, base, BATCH_US, batch_look);
	round_init(&r->sweep, base, SWEEP_US, sweep_look);
}

void
conn_clear(struct conn *c, struct revisits *r,
    void (*event)(void *, struct conn *), void *owner)
{
	memset(c, 0, sizeof(*c));
	c->sock.fd = -1;
	c->revisits = r;
	c->event = event;
	c->owner = owner;
	c->ops = &transport_plain;
	c->tp = &c->sock;
}

void
conn_open(struct conn *c, int fd)
{
	c->sock.fd = fd;
	c->sock.readable = c->sock.writable = 1;
	c->sock.hup = c->sock.thin = c->sock.marks = 0;
	event_assign(&c->ev, c->revisits->base, fd, EV_READ | EV_WRITE |
	    EV_CLOSED | EV_ET | EV_PERSIST, conn_event, c);
	event_add(&c->ev, NULL);
}

static void
conn_tell(struct conn *c)
{
	c->event(c->owner, c);
	conn_note(c);
}

static void
conn_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	if (what & (EV_READ | EV_CLOSED))
		sock_look(&c->sock);
	if (what & EV_WRITE)
		c->sock.writable = 1;
	if (what & EV_CLOSED)
		c->sock.hup = 1;
	conn_tell(c);
}

void
conn_transport(struct conn *c, const struct transport_ops *ops, void *tp)
{
	c->ops->free(c->tp);
	c->ops = ops;
	c->tp = tp;
}

static void
round_arm(struct revisit_round *r)
{
	if (!revisit_empty(&r->list) && !evtimer_pending(&r->timer, NULL))
		evtimer_add(&r->timer, &r->every);
}

static void
round_add(struct revisit_round *r, struct conn *c)
{
	revisit_add(&r->list, &c->visit);
	round_arm(r);
}

static void
round_run(evutil_socket_t fd, short what, void *arg)
{
	struct revisit_round *r = arg;
	struct visit *v;

	revisit_turn(&r->list);
	while ((v = revisit_next(&r->list)) != NULL)
		r->look(visit_of(v, struct conn, visit));
	round_arm(r);
}

void
conn_note(struct conn *c)
{
	if (c->sock.thin && !c->batched && c->sock.fd != -1)
		round_add(&c->revisits->sweep, c);
}

static void
sweep_look(struct conn *c)
{
	if (!c->sock.thin)
		return;
	sock_mark(&c->sock);
	sock_look(&c->sock);
	conn_tell(c);
}

static void
batch_begin(struct conn *c)
{
	revisit_forget(&c->revisits->sweep.list, &c->visit);
	c->batched = 1;
	sock_lowat(c->sock.fd, CONN_SMALL);
	round_add(&c->revisits->batch, c);
}

static void
batch_over(struct conn *c)
{
	c->batched = 0;
	c->run = 0;
	sock_lowat(c->sock.fd, 1);
}

static void
batch_look(struct conn *c)
{
	if (c->heard)
		revisit_add(&c->revisits->batch.list, &c->visit);
	else
		batch_over(c);
	sock_look(&c->sock);
	conn_tell(c);
	c->heard = 0;		/* reads by the tick do not count */
}

void
conn_heard(struct conn *c, size_t n, int first)
{
	c->heard = 1;
	if (first)
		c->run = 0;
	if (n >= CONN_SMALL)
		c->run = 0;
	else if (c->run++ == 0)
		c->since = clock_coarse_ms();
	if (c->run < BATCH_RUN || c->batched)
		return;
	c->run = 0;
	if (clock_coarse_ms() - c->since <= BATCH_MS)
		batch_begin(c);
}

static void
conn_forget(struct conn *c)
{
	struct revisits *r = c->revisits;

	revisit_forget(c->batched ? &r->batch.list : &r->sweep.list,
	    &c->visit);
	if (c->batched)
		batch_over(c);
}

/* Stop watching. Returns the descriptor, or -1. */
static int
conn_release(struct conn *c)
{
	int fd = c->sock.fd;

	if (fd != -1) {
		conn_forget(c);
		event_del(&c->ev);
	}
	conn_transport(c, &transport_plain, &c->sock);
	c->sock.fd = -1;
	c->sock.readable = c->sock.writable = c->sock.thin = 0;
	return fd;
}

void
conn_close(struct conn *c, int reset)
{
	int fd = conn_release(c);

	if (fd == -1)
		return;
	if (reset)
		sock_reset(fd);
	else
		close(fd);
}

void
conn_move(struct conn *to, struct conn *from)
{
	struct sock was = from->sock;

	conn_open(to, conn_release(from));
	to->sock = was;
	conn_note(to);
}
