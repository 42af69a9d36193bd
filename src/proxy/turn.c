/*
 * PHASE_TURN: a session waits until it may begin its handshakes. Here is what
 * counts those under way; turns.c has the rules (limits.handshakes).
 */
#include "proxy/turn.h"

#include "proxy/decide.h"
#include "proxy/inner.h"
#include "proxy/phases.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "util/log.h"

#define TURN_LOOK_MS	250	/* then look whether one has stalled */

/* Another handshake has ended, and this one has its turn. */
static void
turn_given(struct turn *t)
{
	struct session *s = visit_of(t, struct session, turn);

	count(s->worker->counts.handshaking, 1);
	session_soon(s);
}

void
turn_take(struct session *s)
{
	struct worker *w = s->worker;

	if (s->turn.state == TURN_HAS)
		return;
	count(w->counts.handshaking, 1);
	turns_take(&w->turns, &s->turn, &s->facts.client, &s->facts.server,
	    clock_coarse_ms());
}

void
turn_end(struct session *s)
{
	struct worker *w = s->worker;
	struct turn *next;

	if (s->turn.state == TURN_HAS)
		atomic_fetch_sub(&w->counts.handshaking, 1);
	if ((next = turns_end(&w->turns, &s->turn, clock_coarse_ms())) != NULL)
		turn_given(next);
}

static void
turn_gives_way(struct session *s)
{
	static struct log_gate gate;
	char to[ADDR_STRLEN];
	int held;

	if (log_gate(&gate, &held))
		log_warn("limits.handshakes are under way: one that had "
		    "stalled gave way, to %s (%d more like it not shown)",
		    addr_str(&s->facts.server, to), held);
	count(s->worker->counts.gave_way, 1);
	session_due(s, step_reset(s, s->phase == PHASE_SERVER_TLS ? DIR_DOWN :
	    DIR_UP, "handshake with %s: stalled while limits.handshakes were "
	    "under way", s->phase == PHASE_SERVER_TLS ? "server" : "client"));
	turn_end(s);
}

/* Begin, if need be in place of one that stalls; or wait on. */
static struct step
turn_try(struct session *s)
{
	struct worker *w = s->worker;
	uint64_t now = clock_coarse_ms();
	struct turn *stalled;

	if (s->turn.state != TURN_HAS && turns_ask(&w->turns, &s->turn,
	    &s->facts.client, &s->facts.server, now))
		count(w->counts.handshaking, 1);
	while ((stalled = turns_stalled(&w->turns, &s->turn, now)) != NULL)
		turn_gives_way(visit_of(stalled, struct session, turn));
	if (s->turn.state == TURN_HAS)
		return step_go(PHASE_SERVER_TLS);
	/* A verdict that needs the certificate first needs the handshake. */
	if (session_conf(s)->on.overload != ON_WAIT && !s->verdict.later)
		return decide_overload(s);
	session_timer(s, TURN_LOOK_MS);
	return step_wait();
}

static struct step
turn_enter(struct session *s)
{
	s->active = clock_coarse_ms();
	return turn_try(s);
}

static struct step
turn_event(struct session *s, struct conn *c)
{
	if (s->turn.state == TURN_HAS)
		return step_go(PHASE_SERVER_TLS);
	return step_client_event(s, c);
}

static struct step
turn_timeout(struct session *s)
{
	if (clock_coarse_ms() - s->active <
	    session_conf(s)->timeouts.handshake)
		return turn_try(s);
	return step_reset(s, DIR_DOWN, "limits.handshakes were under way all "
	    "the time");
}

const struct phase_ops phase_turn = {
	.name = "waiting for a handshake's turn",
	.enter = turn_enter,
	.event = turn_event,
	.timeout = turn_timeout
};
