/*
 * The taps that read a dialogue.
 */
#include "proxy/dialogue.h"

#include "proxy/inner.h"
#include "proxy/session.h"
#include "proxy/unread.h"
#include "util/mem.h"

const char *
starttls_result_str(enum starttls_result r)
{
	static const char *const names[RESULT_MAX] = { "agreed", "refused",
	    "injected-by-client", "injected-by-server" };

	return names[r];
}

/* Whose flow in that direction comes from an end. */
static struct flow *
dialogue_flow(const struct session *s, enum flow_dir dir)
{
	return dir == DIR_UP ? (struct flow *)&s->wire.flow[DIR_UP] :
	    &session_last(s)->flow[DIR_DOWN];
}

void
dialogue_pause(struct session *s, int on)
{
	struct flow *f;
	int dir;

	for (dir = DIR_UP; dir <= DIR_DOWN; dir++) {
		f = dialogue_flow(s, dir);
		f->upto = on ? f->in : UINT64_MAX;
	}
}

size_t
dialogue_held(const struct session *s, enum flow_dir dir)
{
	const struct flow *f = dialogue_flow(s, dir);

	return (size_t)(f->in - f->clear);
}

/* Devices do not change how many bytes there are, so that what is inside one
 * shows in the positions of the wires. */
int
dialogue_drained(const struct session *s)
{
	const struct wire *w, *last = session_last(s);

	ROW_EACH(w, &s->row)
		if (w->flow[DIR_UP].out != w->flow[DIR_UP].clear ||
		    w->flow[DIR_DOWN].out != w->flow[DIR_DOWN].clear)
			return 0;
	return s->wire.flow[DIR_UP].out == last->flow[DIR_UP].out &&
	    s->wire.flow[DIR_DOWN].out == last->flow[DIR_DOWN].out;
}

/* The protocol has shown: a rule that refuses it counts now. */
static void
dialogue_known(struct session *s, int which)
{
	struct verdict v;

	s->facts.protocol = PROTO_DIALOGUE + (unsigned)which;
	policy_decide(s->policy, &s->facts, &v);
	if (v.action != ACTION_BLOCK && v.action != ACTION_RESET)
		return;
	s->verdict = v;
	session_due(s, step_reset(s, DIR_DOWN, "%s by rule %s",
	    v.action == ACTION_BLOCK ? "blocked" : "reset", v.rule->name));
}

/* Go on without looking. Alone, the kernel does that better. */
static void
dialogue_over(struct dialogue *d)
{
	d->over = 1;
	dialogue_pause(d->session, 0);
	if (!d->alone)
		return;
	dialogue_pause(d->session, 1);
	session_due(d->session, step_go(PHASE_UPGRADE));
}

static void
dialogue_agreed(struct dialogue *d)
{
	d->agreed = 1;
	dialogue_pause(d->session, 1);
	session_due(d->session, step_go(PHASE_UPGRADE));
}

/* Where the client does not wait for an answer, its hello is to stay in the
 * socket. */
static void
dialogue_limit(struct dialogue *d)
{
	struct flow *f = dialogue_flow(d->session, DIR_UP);
	size_t most = starttls_most(&d->reader);

	if (most > 0 && f->upto == UINT64_MAX)
		f->upto = f->in + most;
}

static void
dialogue_step(struct dialogue *d, enum starttls_step step)
{
	struct session *s = d->session;

	if (s->facts.protocol == PROTO_OTHER &&
	    starttls_which(&d->reader) != -1)
		dialogue_known(s, starttls_which(&d->reader));
	dialogue_limit(d);
	switch (step) {
	case STARTTLS_AGREED:
		dialogue_agreed(d);
		break;
	case STARTTLS_REFUSED:
		count(s->worker->counts.starttls[RESULT_REFUSED], 1);
		session_soon(s);	/* what was held may go */
		break;
	case STARTTLS_UNASKED:
		session_unread(s, UNDECRYPTED_STARTTLS, "STARTTLS");
		dialogue_over(d);
		break;
	case STARTTLS_OVER:
		dialogue_over(d);
		break;
	default:
		break;
	}
}

static int
dialogue_holds(const struct dialogue *d, enum flow_dir dir)
{
	return d->agreed || (dir == DIR_UP && d->reader.asked);
}

static size_t
dialogue_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	const struct dialogue_side *side = state;
	struct dialogue *d = side->dialogue;
	size_t n = 0, used;
	enum starttls_step step;

	if (dir != side->dir)
		return len;
	while (n < len && !d->over && !dialogue_holds(d, dir)) {
		step = starttls_read(&d->reader, dir == DIR_DOWN, p + n,
		    len - n, &used);
		n += used;
		dialogue_step(d, step);
	}
	return d->over ? len : n;
}

static const struct tap_ops dialogue_tap = {
	.data = dialogue_data,
};

static void
dialogue_tap_open(struct dialogue *d, struct wire *w, enum flow_dir dir)
{
	d->side[dir].dialogue = d;
	d->side[dir].dir = dir;
	wire_tap(w, &dialogue_tap, TAP_BEHIND)->state = &d->side[dir];
}

void
dialogue_open(struct session *s)
{
	struct dialogue *d;

	if (s->facts.protocol != PROTO_OTHER || s->dialogue != NULL ||
	    (s->verdict.action == ACTION_BYPASS &&
	    policy_bypasses(s->policy, &s->facts)))
		return;
	d = s->dialogue = xcalloc(1, sizeof(*d));
	d->session = s;
	d->alone = s->row.n == 1 && s->wire.taps.first[DIR_UP] == NULL;
	dialogue_tap_open(d, &s->wire, DIR_UP);
	dialogue_tap_open(d, session_last(s), DIR_DOWN);
}
