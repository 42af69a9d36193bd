/*
 * Opening the taps that the verdict asks for, and closing them.
 */
#include "proxy/taps.h"

#include "codec/packet.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "proxy/unread.h"

static void
tap_open(struct session *s, const struct seat *seat, const char *name)
{
	struct tap *t;

	if (seat->ops == NULL || (t = wire_tap(&s->wire, seat->ops->tap,
	    TAP_BEHIND)) == NULL)
		return;
	t->name = name;
	t->state = seat->ops->begin(seat->seat, t, &s->rec);
}

void
taps_open(struct session *s)
{
	const struct conf_rule *rule = s->verdict.rule;
	const struct conf *conf = session_conf(s);
	struct worker *w = s->worker;
	struct tap *t;
	size_t i;

	if (rule->nmirrors > 0)
		s->rec.shown_port = packet_shown_port(
		    addr_port(&s->facts.server),
		    conf->mirrors[rule->mirrors[0]].ports_map);
	for (i = 0; i < rule->nmirrors && i < RECORD_MIRRORS; i++)
		tap_open(s, &w->seats[rule->mirrors[i]],
		    conf->mirrors[rule->mirrors[i]].name);
	/* What is not HTTP yet may become HTTP, and is for a scanner then. */
	if (s->verdict.action != ACTION_BYPASS && (rule->nicaps > 0 ||
	    policy_by_request(s->policy) ||
	    (w->env->http_events && s->facts.protocol != PROTO_OTHER)))
		tap_open(s, &w->exchange, NULL);
	/* Without taps it is spliced, and bypass.c looks at the bytes. */
	if (s->wire.taps.n > 0 && unread_looks(s) &&
	    (t = wire_tap(&s->wire, &unread_tap, TAP_BEHIND)) != NULL)
		t->state = s;
}

void
taps_close(struct session *s)
{
	struct record_mirror none, *m;
	struct tap *t;
	size_t i;

	for (i = 0; i < s->wire.taps.n; i++) {
		t = &s->wire.taps.tap[i];
		if (t->state == NULL || t->ops->close == NULL)
			continue;
		m = t->name == NULL ? &none :
		    &s->rec.mirrors[s->rec.nmirrors++];
		m->name = t->name;
		t->ops->close(t->state, &m->counts);
		t->state = NULL;
	}
	s->wire.taps.n = 0;
}

void
taps_reset(struct session *s, enum flow_dir dir)
{
	struct tap *t = s->wire.taps.tap;
	size_t i;

	for (i = 0; i < s->wire.taps.n; i++)
		if (t[i].state != NULL && t[i].ops->reset != NULL)
			t[i].ops->reset(t[i].state, dir);
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
