/*
 * A read that got less than it asked for has very likely got all there was,
 * and is not followed by another just to be told EAGAIN: the next edge says
 * when there is more. One thing is announced by the same edge as the bytes
 * and would go unseen: an RST right behind them. And a read stops at urgent
 * data, though there is more. So those connections are looked at once more, a
 * little later, all together.
 */
#include <event2/event.h>

#include "proxy/inner.h"

#define SWEEP_US	100000

void
sweep_note(struct conn *c)
{
	static const struct timeval later = { 0, SWEEP_US };
	struct worker *w = c->session->worker;

	if (!c->sock.thin || c->sock.fd == -1)
		return;
	revisit_add(&w->thin, &c->sweep);
	if (!evtimer_pending(&w->sweep, NULL))
		evtimer_add(&w->sweep, &later);
}

void
sweep_forget(struct conn *c)
{
	if (visit_is_due(&c->sweep))
		revisit_forget(&c->session->worker->thin, &c->sweep);
}

void
sweep_run(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct visit *v;
	struct conn *c;

	revisit_turn(&w->thin);
	while ((v = revisit_next(&w->thin)) != NULL) {
		c = visit_of(v, struct conn, sweep);
		if (!c->sock.thin)
			continue;
		sock_mark(&c->sock);
		sock_look(&c->sock);
		session_event(c->session, c);
	}
}
