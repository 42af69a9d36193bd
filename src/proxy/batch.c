/*
 * A stream of small records or segments wakes us for each of them, and we its
 * ends: most of what it costs. So after a number of small reads in a row, in
 * which the other side said nothing and little time passed, the kernel is told
 * to wake us for more at once (SO_RCVLOWAT). What stays below that is read at
 * each tick, which is a millisecond or, as libevent asks for the coarse clock,
 * up to one of the kernel's (4 ms); and when nothing but that was read between
 * two of them, the stream is over, or slow, and each byte wakes us again. FIN,
 * RST and a full window wake us in any case (tcp(7), socket(7)).
 */
#include <event2/event.h>

#include "net/sock.h"
#include "proxy/inner.h"
#include "util/clock.h"

/* More small reads than a page's files are sent in ... */
#define BATCH_RUN	64
#define BATCH_MS	16	/* in no more than this, by the coarse clock */
#define BATCH_TICK_US	1000

static void
batch_tick(struct worker *w)
{
	static const struct timeval tick = { 0, BATCH_TICK_US };

	if (!revisit_empty(&w->batched) && !evtimer_pending(&w->batch, NULL))
		evtimer_add(&w->batch, &tick);
}

void
batch_note(struct conn *c)
{
	struct worker *w = c->session->worker;
	uint64_t now;

	if (c->run == 0)
		c->since = 0;
	if (c->run == 0 || visit_is_due(&c->batch) || c->sock.fd == -1)
		return;
	now = clock_coarse_ms();
	if (c->since == 0)
		c->since = now;
	if (c->run < BATCH_RUN)
		return;
	now -= c->since;
	c->since = c->run = 0;
	if (now > BATCH_MS)
		return;
	sock_lowat(c->sock.fd, CONN_SMALL);
	revisit_add(&w->batched, &c->batch);
	batch_tick(w);
}

static void
batch_over(struct conn *c)
{
	c->since = c->run = 0;
	sock_lowat(c->sock.fd, 1);
}

void
batch_forget(struct conn *c)
{
	if (!visit_is_due(&c->batch))
		return;
	revisit_forget(&c->session->worker->batched, &c->batch);
	batch_over(c);
}

void
batch_run(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct visit *v;
	struct conn *c;

	revisit_turn(&w->batched);
	while ((v = revisit_next(&w->batched)) != NULL) {
		c = visit_of(v, struct conn, batch);
		if (c->heard)
			revisit_add(&w->batched, v);
		else
			batch_over(c);
		sock_look(&c->sock);
		session_event(c->session, c);
		c->heard = 0;
	}
	batch_tick(w);
}
