/*
 * Quarantines in the running daemon: what boot makes for them, and what they do
 * to the other parts.
 */
#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/tags.h"
#include "conf/denied.h"
#include "conf/group.h"
#include "main/cut.h"
#include "conf/segment.h"
#include "main/daemon.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/cases.h"
#include "verdict/guard.h"
#include "verdict/notices.h"
#include "verdict/segments.h"
#include "verdict/leased.h"
#include "verdict/sensors.h"
#include "verdict/state.h"
#include "verdict/tags.h"

#define TICK	1	/* s between looks for what is over */

/* A question to a worker that ends what its rules refuse by now. */
struct retag {
	struct worker_query query;
	struct endpoint	 who;
};

/* What began meanwhile gets its page. */
static int
ends_contained(const struct contained *by, const struct record *r)
{
	const struct facts *f = r->facts;

	return cut_is_of(&by->who, f) && !(f->contained != NULL &&
	    strcmp(f->contained, by->profile) == 0);
}

static void
contained_cut(void *arg, const struct contained *by)
{
	cut_sessions(arg, by, "quarantined", ends_contained);
}

/* What it did before the alarm. Without a history there is none. */
static void
contained_capture(struct daemon *d, const struct contained *c)
{
	struct text why = { 0 };

	history_write(d, &c->who, c->id, c->reason, &why);
	text_free(&why);
}

static void
contained_told(void *arg, enum quarantine_what what,
    const struct contained *c, const char *why)
{
	struct daemon *d = arg;
	json_t *o = contained_acted(d, contained_event(what, c, why));
	char who[ADDR_STRLEN];

	log_warn("quarantine %llu of %s (%s) by %s: %s: %s%s%s",
	    (unsigned long long)c->id, endpoint_str(&c->who, who),
	    c->profile, c->by, quarantine_str(what), c->reason,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	if (what != QUARANTINE_REFUSED)
		cases_add(d->quarantine.cases, c->id, clock_wall().tv_sec,
		    quarantine_str(what), json_incref(o));
	notices_quarantine(d, what, c, o);
	connlog_report(d->admin.log, "quarantine", o);
	if (what == QUARANTINE_SET)
		contained_capture(d, c);
}

/* Whether the server is that endpoint. */
static int
endpoint_serves(const struct endpoint *who, const struct facts *f)
{
	struct endpoint server = { .addr = f->server };

	if (f->proxied)
		return 0;
	return who->by_mac ? f->server_mac_known &&
	    memcmp(who->mac, f->server_mac, MAC_LEN) == 0 :
	    endpoint_same(who, &server);
}

/* Whether the rules now refuse what it has open. */
static int
retag_ends(const struct worker_query *q, const struct record *r)
{
	const struct retag *t = q->arg;
	enum conf_action is = r->verdict->action;
	struct verdict v;

	if ((!cut_is_of(&t->who, r->facts) &&
	    !endpoint_serves(&t->who, r->facts)) ||
	    policy_conf(r->policy)->monitor || r->verdict->rule == NULL ||
	    is == ACTION_BLOCK || is == ACTION_RESET)
		return 0;
	policy_decide(r->policy, r->facts, &v);
	return v.action == ACTION_BLOCK || v.action == ACTION_RESET;
}

static void
retag_done(struct worker_query *q)
{
	free(q->arg);
}

static void
contained_retagged(void *arg, const struct endpoint *who)
{
	struct daemon *d = arg;
	struct retag *t;
	size_t i;

	for (i = 0; i < d->nrunning; i++) {
		t = xcalloc(1, sizeof(*t));
		t->who = *who;
		t->query.ends = retag_ends;
		t->query.done = retag_done;
		t->query.why = "the endpoint's tags have changed";
		t->query.arg = t;
		worker_ask(d->workers[i], &t->query);
	}
}

static void
contained_tagged(void *arg, enum quarantine_what what,
    const struct contained *c)
{
	struct daemon *d = arg;
	json_t *o = contained_acted(d, tag_event(what, c));
	char who[ADDR_STRLEN];

	log_info("tag %s of %s by %s: %s: %s", c->profile, endpoint_str(&c->who,
	    who), c->by, tag_action(what), c->reason);
	cases_add(d->quarantine.cases, c->id, clock_wall().tv_sec,
	    "tag", json_incref(o));
	connlog_report(d->admin.log, "tag", o);
}

static void
contained_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	quarantine_tick(&d->quarantine, clock_ms());
	tags_tick(&d->quarantine, clock_ms());
	measures_tick(d);
	leased_tick(&d->quarantine, clock_ms());
	sensors_tick(d->sensors);
	notices_tick(d->notices);
}

int
contained_guards(const struct conf *c)
{
	return conf_denies(c) || conf_segmented(c);
}

/* Beside the file of state, unless it is named. */
static int
leases_boot(struct leases *l, const struct conf *c, struct text *why)
{
	char *path = c->endpoints.leases != NULL ?
	    xstrdup(c->endpoints.leases) : c->endpoints.state != NULL ?
	    xasprintf("%s.leases", c->endpoints.state) : NULL;
	int rv = path != NULL ? leases_open(l, path, c->user,
	    clock_wall().tv_sec, clock_ms(), why) : 0;

	free(path);
	return rv;
}

int
contained_boot(struct daemon *d, const struct conf *c, uint64_t seed,
    struct text *why)
{
	struct contain *tables[STATE_KINDS];
	struct quarantine *q = &d->quarantine;
	uint64_t last = 0;
	int rv;

	q->conf = c;
	q->told = contained_told;
	q->cut = contained_cut;
	q->arg = d;
	q->tagged = contained_tagged;
	q->retagged = contained_retagged;
	d->env.contain = q->contain = tables[STATE_QUARANTINE] =
	    contain_new(seed, 0);
	d->env.tags = q->tags = tables[STATE_TAG] = contain_new(seed, 1);
	d->env.leases = q->leases = leases_new(seed);
	d->admin.quarantine = q;
	measures_boot(d, seed, tables);
	if (!contained_guards(c) && !conf_tags(c) && !conf_measures(c))
		return 0;
	rv = contained_guards(c) ? guard_start(&q->guard, why) : 0;
	if (rv == 0 && c->endpoints.cases != NULL)
		rv = cases_open(c->endpoints.cases, c->user, &last,
		    &q->cases, why);
	if (rv == 0 && c->endpoints.state != NULL)
		rv = state_open(c->endpoints.state, c->user, tables,
		    clock_wall().tv_sec, clock_ms(), &q->last, &q->state,
		    why);
	/* A state that was lost does not mix new cases into old ones. */
	if (q->last < last)
		q->last = last;
	if (rv == 0)
		rv = leases_boot(q->leases, c, why);
	return rv;
}

void
contained_start(struct daemon *d)
{
	static const struct timeval every = { TICK, 0 };

	d->tick = event_new(d->base, -1, EV_PERSIST, contained_tick, d);
	event_add(d->tick, &every);
	measures_start(d);
	if (d->quarantine.guard != NULL)
		d->quarantine.segments = segments_new(d->quarantine.tags,
		    d->env.neighbours, d->mailbox);
	quarantine_renew(&d->quarantine, d->admin.conf, clock_ms());
	tags_renew(&d->quarantine, d->admin.conf, clock_wall().tv_sec,
	    clock_ms());
}

void
contained_down(struct daemon *d)
{
	if (d->tick != NULL)
		event_free(d->tick);
	guard_stop(d->quarantine.guard);
	segments_free(d->quarantine.segments);
	state_close(d->quarantine.state);
	cases_close(d->quarantine.cases);
	contain_free(d->quarantine.contain);
	contain_free(d->quarantine.tags);
	measures_down(d);
	leases_free(d->quarantine.leases);
}
