/*
 * Denied servers, step-ups and what waits to be approved, in the running
 * daemon.
 */
#include "admin/measures.h"
#include "main/cut.h"
#include "main/daemon.h"
#include "policy/denied.h"
#include "util/clock.h"
#include "util/log.h"
#include "verdict/cases.h"
#include "verdict/denied.h"
#include "verdict/guard.h"
#include "verdict/proposal.h"

/* What began meanwhile gets its page. */
static int
ends_denied(const struct contained *by, const struct record *r)
{
	char addr[ADDR_STRLEN];

	return denied_by(r->facts, addr, NULL) != NULL &&
	    !(r->verdict->rule != NULL && r->verdict->rule->match.denied);
}

/* What began before, so that it begins again: but for what is never decrypted.
 */
static int
ends_lower(const struct contained *by, const struct record *r)
{
	return r->facts->step_up == NULL && cut_is_of(&by->who, r->facts) &&
	    !(r->verdict->rule != NULL && r->verdict->rule->never_decrypt);
}

static void
measures_cut(void *arg, enum state_kind kind, const struct contained *by)
{
	if (kind == STATE_DENIAL)
		cut_sessions(arg, by, "server denied", ends_denied);
	else
		cut_sessions(arg, by, "step-up", ends_lower);
}

static void
measures_told(void *arg, enum state_kind kind, enum measure_what what,
    const struct contained *c, const char *why)
{
	struct daemon *d = arg;
	json_t *o = contained_acted(d, measure_event(kind, what, c, why));

	log_warn("%s %llu of %s by %s: %s: %s%s%s", measure_str(kind),
	    (unsigned long long)c->id, measure_subject(kind, c), c->by,
	    measure_what_str(what), c->reason, why != NULL ? ": " : "",
	    why != NULL ? why : "");
	if (what != MEASURE_REFUSED)
		cases_add(d->quarantine.cases, c->id, clock_wall().tv_sec,
		    measure_what_str(what), json_incref(o));
	notices_measure(d, kind, what, c, o);
	connlog_report(d->admin.log, measure_str(kind), o);
}

void
measures_boot(struct daemon *d, uint64_t seed,
    struct contain *tables[STATE_KINDS])
{
	struct measures *m = &d->measures;

	m->quarantine = &d->quarantine;
	m->denied = denied_new(seed);
	m->step_ups = contain_new(seed, CONTAIN_BY_ENDPOINT);
	m->proposals = contain_new(seed, CONTAIN_BY_BOTH);
	tables[STATE_DENIAL] = denied_table(m->denied);
	tables[STATE_STEP_UP] = m->step_ups;
	tables[STATE_PROPOSAL] = m->proposals;
	m->told = measures_told;
	m->cut = measures_cut;
	m->arg = d;
	d->env.denied = m->denied;
	d->env.step_ups = m->step_ups;
	d->admin.measures = m;
	d->admin.ring = verdict_ring_new();
	d->verdicts.measures = m;
}

void
measures_start(struct daemon *d)
{
	denied_filled(d->measures.denied);
	if (d->quarantine.guard != NULL)
		guard_denials(d->quarantine.guard,
		    denied_table(d->measures.denied));
}

void
measures_tick(struct daemon *d)
{
	uint64_t now = clock_ms();

	measure_tick(&d->measures, now);
	proposal_tick(&d->measures, now);
}

void
measures_down(struct daemon *d)
{
	if (d->measures.denied == NULL)	/* it did not come so far */
		return;
	denied_free(d->measures.denied);
	contain_free(d->measures.step_ups);
	contain_free(d->measures.proposals);
	verdict_ring_free(d->admin.ring);
}
