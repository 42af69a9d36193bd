/*
 * The row of a session's taps: which of them the verdict asks for, and their
 * end.
 */
#include <string.h>

#include "codec/packet.h"
#include "proxy/engine.h"
#include "proxy/inner.h"

/* The last of the row, which sees what comes from now on; NULL: no place. */
static struct tap *
tap_add(struct session *s, const struct tap_ops *ops)
{
	struct taps *row = &s->leg.taps;
	struct tap *t = &row->tap[row->n];

	if (row->n == RECORD_TAPS)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->ops = ops;
	t->session = s;
	t->pos[DIR_UP] = s->leg.flow[DIR_UP].clear;
	t->pos[DIR_DOWN] = s->leg.flow[DIR_DOWN].clear;
	row->n++;
	return t;
}

static void
tap_open(struct session *s, const struct seat *seat, const char *name,
    const struct engine_host *host)
{
	struct tap *t;

	if (seat->ops == NULL || (t = tap_add(s, seat->ops->tap)) ==
	    NULL)
		return;
	t->name = name;
	t->host = host;
	t->state = t->ops->open(seat->seat, t, &s->rec);
	t->host = NULL;
}

static void
tap_open_engine(struct session *s)
{
	const struct engine_host host = {
		.session = s,
		.flow = { &s->leg.flow[DIR_UP], &s->leg.flow[DIR_DOWN] },
		.by_request = policy_by_request(s->policy),
		.head_max = policy_conf(s->worker->policy)->limits.head,
		.hello_ms = session_conf(s)->timeouts.hello,
		.judge = session_judge,
		.unjudged = session_unjudged,
		.answered = session_answered,
		.undecrypted = session_unread,
		.unread = unread_note,
		.passed = unread_passed,
	};

	tap_open(s, &s->worker->exchange, NULL, &host);
}

/* Where the verdict wants the bytes seen: as they came first. */
void
session_open_taps(struct session *s)
{
	const struct conf_rule *rule = s->rec.verdict.rule;
	const struct conf *conf = session_conf(s);
	struct worker *w = s->worker;
	struct tap *t;
	size_t i;

	if (rule->nmirrors > 0)
		s->rec.shown_port = packet_shown_port(
		    addr_port(&s->rec.server),
		    conf->mirrors[rule->mirrors[0]].ports_map);
	for (i = 0; i < rule->nmirrors && i < RECORD_MIRRORS; i++)
		tap_open(s, &w->seats[rule->mirrors[i]],
		    conf->mirrors[rule->mirrors[i]].name, NULL);
	/* What a scanner is to see may be HTTP only later on. */
	if (!s->bypassed && (rule->nicaps > 0 ||
	    policy_by_request(s->policy) ||
	    (w->env->http_events && s->rec.protocol != PROTO_OTHER)))
		tap_open_engine(s);
	/* Without any it is spliced, and looked at there. */
	if (s->leg.taps.n > 0 && unread_looks(s) &&
	    (t = tap_add(s, &unread_tap)) != NULL)
		t->state = s;
}

void
session_close_taps(struct session *s)
{
	struct record_mirror none;
	struct tap *t;
	size_t i;

	for (i = 0; i < s->leg.taps.n; i++) {
		t = &s->leg.taps.tap[i];
		if (t->state == NULL || t->ops->close == NULL)
			continue;
		t->ops->close(t->state, t->name == NULL ? &none :
		    &s->rec.mirrors[s->rec.nmirrors]);
		if (t->name != NULL)
			s->rec.mirrors[s->rec.nmirrors++].name = t->name;
		t->state = NULL;
	}
	s->leg.taps.n = 0;
}

void
session_reset_taps(struct session *s, enum flow_dir dir)
{
	struct tap *t = s->leg.taps.tap;
	size_t i;

	for (i = 0; i < s->leg.taps.n; i++)
		if (t[i].state != NULL && t[i].ops->reset != NULL)
			t[i].ops->reset(t[i].state, dir);
}

void
session_drop_taps(struct session *s)
{
	session_reset_taps(s, DIR_UP);
	session_close_taps(s);
}

void
tap_abort(struct tap *t, const char *why)
{
	session_due(t->session, step_reset(t->session, DIR_DOWN, "%s", why));
}

void
tap_release(struct tap *t)
{
	session_soon(t->session);
}
