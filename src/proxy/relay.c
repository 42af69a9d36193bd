/*
 * PHASE_RELAY, PHASE_SPLICE and PHASE_PAGE: the row is pumped until it ends,
 * by us or inside the kernel. In a page's, the server is our own text.
 */
#include <event2/event.h>
#include <string.h>

#include "proxy/inner.h"
#include "stream/node.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define STARVED_MS	10	/* until a buffer is asked for again */
/* So long may a session go without a buffer, or sit on one whose bytes its
 * peer does not take, before one must give way to the other. */
#define STALLED_MS	1000
#define RELIEVE_MS	50	/* between two that must: a look at all */

static struct step
relay_failed(struct session *s, const struct pump_why *why)
{
	enum flow_dir dir = why->broke == &s->client ? DIR_UP : DIR_DOWN;
	const char *who = dir == DIR_UP ? "client" : "server";

	if (why->err == ERR_TLS)
		return step_broke(s, dir, "TLS of %s broke: a bad record "
		    "or an alert", who);
	return step_broke(s, dir, "%s: %s", who,
	    strerror(why->broke->sock.err));
}

/* Who ended first is what the log says of an orderly end. */
static void
relay_note_end(struct session *s)
{
	const struct flow *up = &s->wire.flow[DIR_UP];
	const struct flow *down = &s->wire.flow[DIR_DOWN];

	if (s->rec.reason[0] != '\0' || s->page != NULL ||
	    (up->end_in == END_NONE) == (down->end_in == END_NONE))
		return;
	strcpy(s->rec.reason, up->end_in != END_NONE ? "client closed" :
	    "server closed");
}

/*
 * A tap has answered for the server and cut the client off, who may still be
 * sending: to close now would reset it, and lose it the answer. What it says
 * goes nowhere until it ends, or timeouts.linger does.
 */
static struct step
relay_linger(struct session *s)
{
	struct flow *up = &s->wire.flow[DIR_UP];

	session_close_taps(s);
	conn_close(&s->server, 0);
	flow_restart(up);
	up->end_out = END_NONE;
	return step_go(PHASE_PAGE);
}

/* Both have said that they end, though not both by FIN. */
static int
relay_is_over(const struct session *s)
{
	return s->wire.flow[DIR_UP].end_out != END_NONE &&
	    s->wire.flow[DIR_DOWN].end_out != END_NONE;
}

/* Who of this worker's has held bytes longest for a peer that reads none. */
static struct session *
relay_stalled(const struct worker *w, uint64_t before)
{
	struct session *s, *worst = NULL;
	const struct flow *f;

	TAILQ_FOREACH(s, &w->sessions, link) {
		f = s->wire.flow;
		if (s->active < before && (f[DIR_UP].out != f[DIR_UP].clear ||
		    f[DIR_DOWN].out != f[DIR_DOWN].clear)) {
			worst = s;
			before = s->active;
		}
	}
	return worst;
}

/* limits.memory is spent, and those who stall would stall everybody. */
static void
relay_relieve(struct worker *w, uint64_t now)
{
	static struct log_gate gate;
	struct session *s;
	int held;

	w->relieved = now;
	if ((s = relay_stalled(w, now - STALLED_MS)) == NULL)
		return;
	if (log_gate(&gate, &held))
		log_warn("limits.memory is spent: a session that had stalled "
		    "for %llus was reset (%d more like it not shown)",
		    (unsigned long long)(now - s->active) / 1000, held);
	count(w->counts.stalled, 1);
	session_due(s, step_reset(s, s->wire.flow[DIR_DOWN].out !=
	    s->wire.flow[DIR_DOWN].clear ? DIR_UP : DIR_DOWN,
	    "stalled for %llus while limits.memory was spent",
	    (unsigned long long)(now - s->active) / 1000));
}

static void
relay_starved(struct session *s)
{
	struct worker *w = s->worker;
	uint64_t now = clock_coarse_ms();

	if (s->splice != NULL) {	/* of descriptors: they come back */
		session_later(s, STARVED_MS);
		return;
	}
	if (s->starved == 0)
		s->starved = now;
	session_later(s, STARVED_MS);
	if (now - s->starved > STALLED_MS && now - w->relieved > RELIEVE_MS)
		relay_relieve(w, now);
}

/* What it counts by, to be compared: bytes, and ends, that came. */
static uint64_t
relay_motion(const struct session *s)
{
	return s->row.read + s->row.written +
	    s->wire.flow[DIR_UP].end_in + s->wire.flow[DIR_DOWN].end_in;
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
	if (relay_motion(s) != before)
		s->active = clock_coarse_ms();
	if (st != PUMP_STARVED)
		s->starved = 0;
	relay_note_end(s);
	switch (st) {
	case PUMP_WAIT:
		if (!over && relay_is_over(s))
			session_timer(s, session_conf(s)->timeouts.linger);
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
	session_timer(s, session_conf(s)->timeouts.idle);
	return relay_event(s, NULL);
}

static struct step
relay_timeout(struct session *s)
{
	return relay_is_over(s) ? step_end(s, "closed") : step_if_idle(s);
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
	s->splice = splice_new(&s->row, &s->worker->pipes, unread_ahead, s);
	s->client.sock.readable = s->server.sock.readable = 1;
	return relay_enter(s);
}

const struct phase_ops phase_splice = {
	.name = "bypass",
	.enter = splice_enter,
	.event = relay_event,
	.timeout = relay_timeout
};

static struct step
page_enter(struct session *s)
{
	struct wire *w = &s->wire;

	session_drop_taps(s);
	conn_close(&s->server, 0);
	w->flow[DIR_UP].passed = w->flow[DIR_DOWN].passed = NULL;
	if (s->page != NULL)
		flow_restart(&w->flow[DIR_DOWN]);
	node_speak(&s->server, s->page, s->page_len);
	if (s->client.ops == &transport_plain)
		sock_look(&s->client.sock);
	session_timer(s, session_conf(s)->timeouts.linger);
	return relay_event(s, NULL);
}

static struct step
page_timeout(struct session *s)
{
	return step_end(s, "page: the client did not close");
}

const struct phase_ops phase_page = {
	.name = "page",
	.enter = page_enter,
	.event = relay_event,
	.timeout = page_timeout
};
