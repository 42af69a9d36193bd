/*
 * PHASE_RELAY, PHASE_SPLICE and PHASE_PAGE: the row is pumped until it ends,
 * by us or inside the kernel. In a page's, the server is our own text.
 */
#include <stdio.h>
#include <string.h>

#include "proxy/answer.h"
#include "proxy/chain.h"
#include "proxy/forward.h"
#include "proxy/idle.h"
#include "proxy/inner.h"
#include "proxy/phases.h"
#include "proxy/session.h"
#include "proxy/taps.h"
#include "proxy/versions.h"
#include "stream/node.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define STARVED_MS	10	/* until a buffer is asked for again */
/* A session may wait for a buffer for so long, or hold one whose bytes its
 * peer does not read. Then the one that holds must give way. */
#define STALLED_MS	1000
#define MAKE_ROOM_MS	50	/* between two: each looks at all sessions */

static const char hung_up[] = "the server ended without a byte: it "
    "may speak HTTP/2 only, which the next session offers";

static struct step
relay_failed(struct session *s, const struct pump_why *why)
{
	enum flow_dir dir = why->broke == &s->client ? DIR_UP : DIR_DOWN;
	const char *who = dir == DIR_UP ? "client" : "server";
	struct step next;

	if (chain_broke(s, why->broke, &next))
		return next;
	if (why->err == ERR_TLS)
		return step_broke(s, dir, "TLS of %s broke: a bad record "
		    "or an alert", who);
	if (dir == DIR_DOWN && versions_hung_up(s))
		return step_broke(s, dir, "%s", hung_up);
	return step_broke(s, dir, "%s: %s", who,
	    strerror(why->broke->sock.err));
}

/* The log says who ended first: the client's or the server's own flow did. */
static void
relay_note_end(struct session *s)
{
	const struct flow *up = &s->wire.flow[DIR_UP];
	const struct flow *down = &session_last(s)->flow[DIR_DOWN];

	if (s->rec.reason[0] != '\0' || session_answers(s) ||
	    (up->end_in == END_NONE) == (down->end_in == END_NONE))
		return;
	snprintf(s->rec.reason, sizeof(s->rec.reason), "%s",
	    up->end_in != END_NONE ? "client closed" :
	    versions_hung_up(s) ? hung_up : "server closed");
}

/*
 * A tap has answered in the server's place and ignores the rest of the
 * request. The client may still be sending it: if we closed now, the kernel
 * would reset the connection and the client would lose the answer. So we
 * discard what it sends until it ends, or timeouts.linger is over.
 */
static struct step
relay_linger(struct session *s)
{
	struct flow *up = &s->wire.flow[DIR_UP];

	taps_close(s);
	chain_shorten(s, 0);
	conn_close(&s->server, 0);
	flow_restart(up);
	up->end_out = END_NONE;
	return step_go(PHASE_PAGE);
}

/* Both directions of the client have ended, by FIN or close_notify. */
static int
relay_is_over(const struct session *s)
{
	return s->wire.flow[DIR_UP].end_out != END_NONE &&
	    s->wire.flow[DIR_DOWN].end_out != END_NONE;
}

/* Whether a flow of that direction has bytes for a peer that takes none. */
static int
relay_holds(const struct session *s, enum flow_dir dir)
{
	const struct wire *w;

	ROW_EACH(w, &s->row)
		if (w->flow[dir].out != w->flow[dir].clear)
			return 1;
	return 0;
}

/* The session that has stalled longest: its peer reads nothing. */
static struct session *
relay_stalled(const struct worker *w, uint64_t before)
{
	struct session *s, *worst = NULL;

	TAILQ_FOREACH(s, &w->sessions, link)
		if (s->active < before && (relay_holds(s, DIR_UP) ||
		    relay_holds(s, DIR_DOWN))) {
			worst = s;
			before = s->active;
		}
	return worst;
}

/* limits.memory is used up: reset a session that holds buffers and stalls. */
static void
relay_make_room(struct worker *w, uint64_t now)
{
	static struct log_gate gate;
	struct session *s;
	int held;

	w->made_room = now;
	if ((s = relay_stalled(w, now - STALLED_MS)) == NULL)
		return;
	if (log_gate(&gate, &held))
		log_warn("limits.memory is spent: a session that had stalled "
		    "for %llus was reset (%d more like it not shown)",
		    (unsigned long long)(now - s->active) / 1000, held);
	count(w->counts.stalled, 1);
	session_due(s, step_reset(s, relay_holds(s, DIR_DOWN) ? DIR_UP :
	    DIR_DOWN, "stalled for %llus while limits.memory was spent",
	    (unsigned long long)(now - s->active) / 1000));
}

static void
relay_starved(struct session *s)
{
	struct worker *w = s->worker;
	uint64_t now = clock_coarse_ms();

	session_later(s, STARVED_MS);
	if (s->splice != NULL)	/* of descriptors: they come back */
		return;
	if (s->starved == 0)
		s->starved = now;
	if (now - s->starved > STALLED_MS && now - w->made_room > MAKE_ROOM_MS)
		relay_make_room(w, now);
}

/* How long the rest may take when the client is done. */
static uint64_t
relay_linger_ms(const struct session *s)
{
	uint64_t linger = session_conf(s)->timeouts.linger;
	uint64_t verdict = chain_patience(s);

	return verdict != 0 && verdict < linger && !relay_holds(s, DIR_UP) ?
	    verdict : linger;
}

/* What it counts by, to be compared: bytes, and ends, that came. */
static uint64_t
relay_motion(const struct session *s)
{
	uint64_t n = s->row.read + s->row.written;
	const struct wire *w;

	ROW_EACH(w, &s->row)
		n += w->flow[DIR_UP].end_in + w->flow[DIR_DOWN].end_in;
	return n;
}

static struct step
relay_event(struct session *s, struct conn *c)
{
	uint64_t before = relay_motion(s);
	int over = relay_is_over(s);
	struct pump_why why;
	enum pump_state st;

	st = s->splice != NULL ? splice_pump(s->splice, &why) :
	    pump(&s->row, &why);
	if (relay_motion(s) != before) {
		s->active = clock_coarse_ms();
		if (s->makes_way)	/* or was busy until now */
			session_timer(s, idle_least(s));
		chain_moved(s);
	}
	if (st != PUMP_STARVED)
		s->starved = 0;
	relay_note_end(s);
	switch (st) {
	case PUMP_WAIT:
		if (!over && relay_is_over(s))
			session_timer(s, relay_linger_ms(s));
		if (s->forward != NULL)
			return forward_check(s);
		break;
	case PUMP_AGAIN:
		session_again(s);
		break;
	case PUMP_STARVED:
		relay_starved(s);
		break;
	case PUMP_DONE:
		if (s->wire.flow[DIR_UP].finished)
			return relay_linger(s);
		return step_end(s, "closed");
	case PUMP_FAILED:
		return relay_failed(s, &why);
	}
	return step_wait();
}

static struct step
relay_enter(struct session *s)
{
	s->active = clock_coarse_ms();
	session_timer(s, idle_least(s));
	return relay_event(s, NULL);
}

/*
 * The client is done. The server may not be: it reads slowly what the client
 * sent; or a device has ended the session towards the client alone, as those do
 * that answer themselves.
 */
static struct step
relay_over(struct session *s, uint64_t quiet)
{
	uint64_t linger = relay_linger_ms(s);

	if (session_last(s)->flow[DIR_UP].end_out != END_NONE)
		return step_end(s, "closed");
	if (quiet >= linger)
		return step_reset(s, DIR_UP, "ended by a device towards the "
		    "client alone");
	session_timer(s, linger - quiet);
	return step_wait();
}

static struct step
relay_timeout(struct session *s)
{
	const char *kind;
	uint64_t idle = idle_limit(s, &kind);
	uint64_t quiet = clock_coarse_ms() - s->active;

	if (relay_is_over(s))
		return relay_over(s, quiet);
	if (quiet >= idle && kind == NULL)
		return step_end(s, "closed");
	if (quiet >= idle)
		return step_reset(s, DIR_DOWN, "idle for %llus (%s)",
		    (unsigned long long)(quiet / 1000), kind);
	session_timer(s, idle - quiet);
	return step_wait();
}

const struct phase_ops phase_relay = {
	.name = "relay",
	.enter = relay_enter,
	.event = relay_event,
	.timeout = relay_timeout
};

static struct step
splice_enter(struct session *s)
{
	s->splice = splice_new(&s->row, &s->worker->pipes);
	s->client.sock.readable = s->server.sock.readable = 1;
	return relay_enter(s);
}

static void
splice_leave(struct session *s)
{
	splice_free(s->splice);
	s->splice = NULL;
}

const struct phase_ops phase_splice = {
	.name = "bypass",
	.enter = splice_enter,
	.event = relay_event,
	.timeout = relay_timeout,
	.leave = splice_leave
};

static struct step
page_enter(struct session *s)
{
	struct wire *w = &s->wire;

	taps_drop(s);
	chain_shorten(s, 1);
	conn_close(&s->server, 0);
	w->flow[DIR_UP].wire.passed = NULL;
	w->flow[DIR_DOWN].wire.passed = NULL;
	if (session_answers(s))
		flow_restart(&w->flow[DIR_DOWN]);
	answer_begin(s);
	if (s->client.ops == &transport_plain)
		sock_look(&s->client.sock);
	session_timer(s, session_conf(s)->timeouts.linger);
	return relay_event(s, NULL);
}

static struct step
page_timeout(struct session *s)
{
	if (s->page_due != 0 && answer_anyway(s)) {
		session_timer(s, session_conf(s)->timeouts.linger);
		return relay_event(s, NULL);
	}
	return step_end(s, s->page_due != 0 ? "page: nothing was asked" :
	    "page: the client did not close");
}

const struct phase_ops phase_page = {
	.name = "page",
	.enter = page_enter,
	.event = relay_event,
	.timeout = page_timeout
};
