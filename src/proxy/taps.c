/*
 * Opening the taps that the verdict asks for, and closing them.
 */
#include "proxy/taps.h"

#include "codec/packet.h"
#include "proxy/answer.h"
#include "proxy/dialogue.h"
#include "proxy/dnstap.h"
#include "proxy/engine.h"
#include "proxy/forward.h"
#include "proxy/idle.h"
#include "proxy/inner.h"
#include "proxy/judge.h"
#include "proxy/measures.h"
#include "proxy/session.h"
#include "proxy/unread.h"
#include "proxy/versions.h"

static const char *const streamed[STREAM_RESULTS] = { "done", "cut-off",
    "reset" };
const char *
streamed_str(enum streamed how)
{
	return streamed[how];
}

static void
tap_open(struct session *s, struct wire *w, size_t mirror, const char *name)
{
	const struct sink_ops *ops = s->place->parts->sinks[mirror].ops;
	struct tap *t = wire_tap(w, ops->tap, TAP_BEHIND);

	t->name = name;
	t->state = ops->begin(s->place->seats[mirror]->seat, t, &s->rec);
}

static void
tap_streamed(struct session *s, enum streamed how)
{
	count(s->worker->counts.streams[how], 1);
}

static void
tap_open_engine(struct session *s)
{
	const struct engine_host host = {
		.session = s,
		.flow = { &s->wire.flow[DIR_UP],
		    &s->wire.flow[DIR_DOWN] },
		.by_request = measures_by_request(s),
		.page = answer_about(s),
		.head_max = session_conf(s)->limits.head,
		.hello_ms = session_conf(s)->timeouts.hello,
		.judge = session_judge,
		.tunnels = session_tunnels,
		.streamed = tap_streamed,
		.abused = versions_abused,
		.answered = session_answered,
		.undecrypted = session_unread,
		.unread = unread_note,
		.unread_http2 = unread_http2,
		.passed = unread_passed,
	};
	const struct engine_ops *ops = s->place->parts->engine;
	struct tap *t = wire_tap(&s->wire, ops->tap, TAP_BEHIND);

	s->is_read = 1;
	t->state = ops->begin(s->place->engine->seat, t, &s->rec, &host);
}

/* The ports of streams, if a mirror shows these by themselves. */
static void
taps_open_shown(struct session *s, int http11, int ports_map)
{
	struct addr server = s->facts.server;

	if (!http11 || s->rec.shown != NULL)
		return;
	addr_set_port(&server, packet_shown_port(addr_port(&server),
	    ports_map));
	s->rec.shown = shown_new(&s->facts.client, &server);
}

/* Whatever the rule's mirrors are: what is clear text here is kept. */
static void
taps_open_history(struct session *s)
{
	const struct conf_history *h = &session_conf(s)->history;
	const struct sink_ops *ops = s->place->parts->history.ops;
	struct tap *t;

	if (s->place->history == NULL || s->verdict.action == ACTION_BYPASS)
		return;
	taps_open_shown(s, h->http11, h->ports_map);
	t = wire_tap(&s->wire, ops->tap, TAP_BEHIND);
	t->state = ops->begin(s->place->history->seat, t, &s->rec);
}

void
taps_open(struct session *s)
{
	const struct conf_rule *rule = s->verdict.rule;
	const struct conf_mirror *m;
	const struct conf *conf = session_conf(s);
	struct conf_seen mirrors[MEASURES_MIRRORS];
	size_t i, n;

	if (conf->monitor)
		return;
	n = measures_mirrors(s, mirrors);
	if (n > 0)
		s->rec.shown_port = packet_shown_port(
		    addr_port(&s->facts.server),
		    conf->mirrors[mirrors[0].mirror].ports_map);
	for (i = 0; i < n; i++) {
		m = &conf->mirrors[mirrors[i].mirror];
		taps_open_shown(s, m->http11, m->ports_map);
		tap_open(s, mirrors[i].after ? session_last(s) : &s->wire,
		    mirrors[i].mirror, m->name);
	}
	taps_open_history(s);
	/* What is not HTTP yet may become HTTP, and is for a scanner then. */
	if (s->verdict.action != ACTION_BYPASS && (rule->nicaps > 0 ||
	    measures_by_request(s) ||
	    (s->place->parts->http_events && s->facts.protocol < PROTO_OTHER)))
		tap_open_engine(s);
	dnstap_open(s);
	dialogue_open(s);
}

static void
taps_close_wire(struct session *s, struct wire *w)
{
	struct record_mirror none, *m;
	struct tap *t;

	TAPS_EACH(t, &w->taps) {
		if (t->state == NULL || t->ops->close == NULL)
			continue;
		m = t->name == NULL ? &none :
		    &s->rec.mirrors[s->rec.nmirrors++];
		m->name = t->name;
		t->ops->close(t->state, &m->counts);
	}
	wire_untap(w);
}

void
taps_close(struct session *s)
{
	struct wire *w;

	ROW_EACH(w, &s->row)
		taps_close_wire(s, w);
}

static void
taps_reset_wire(struct wire *w, enum flow_dir dir)
{
	struct tap *t;

	TAPS_EACH(t, &w->taps)
		if (t->state != NULL && t->ops->reset != NULL)
			t->ops->reset(t->state, dir);
}

void
taps_reset(struct session *s, enum flow_dir dir)
{
	struct wire *w;

	ROW_EACH(w, &s->row)
		taps_reset_wire(w, dir);
}

void
taps_cut(struct session *s, struct wire *w, enum flow_dir dir)
{
	taps_reset_wire(w, dir);
	taps_close_wire(s, w);
}

void
taps_facts(struct session *s)
{
	struct wire *w;
	struct tap *t;

	ROW_EACH(w, &s->row)
		TAPS_EACH(t, &w->taps)
			if (t->state != NULL && t->ops->facts != NULL)
				t->ops->facts(t->state);
}

void
taps_drop(struct session *s)
{
	taps_reset(s, DIR_UP);
	taps_close(s);
}

static void
taps_abort(void *owner, const char *why)
{
	session_due(owner, step_reset(owner, DIR_DOWN, "%s", why));
}

static void
taps_again(void *owner)
{
	session_soon(owner);
}

const struct tap_host session_taps = {
	.again = taps_again,
	.abort = taps_abort
};
