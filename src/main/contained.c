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
#include "conf/group.h"
#include "main/daemon.h"
#include "net/mailbox.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/cases.h"
#include "verdict/guard.h"
#include "verdict/sensors.h"
#include "verdict/state.h"
#include "verdict/tags.h"

#define TICK	1	/* s between looks for what is over */

/* A question to a worker that ends what an endpoint has open; and how many
 * sessions that were, home. */
struct cut {
	struct worker_query query;
	struct mail	 home;
	struct daemon	*d;
	uint64_t	 id;
	struct endpoint	 who;
	char		*profile, *why;
	json_t		*sessions;	/* their ids */
};

/* A question to a worker that ends what its rules refuse by now. */
struct retag {
	struct worker_query query;
	struct endpoint	 who;
};

/* Whether the client is that endpoint. */
static int
endpoint_is(const struct endpoint *who, const struct facts *f)
{
	struct endpoint client = { .addr = f->client };

	return who->by_mac ? f->mac_known &&
	    memcmp(who->mac, f->mac, MAC_LEN) == 0 :
	    endpoint_same(who, &client);
}

static int
cut_ends(const struct worker_query *q, const struct record *r)
{
	const struct cut *c = q->arg;
	const struct facts *f = r->facts;

	if (!endpoint_is(&c->who, f))
		return 0;
	/* It began meanwhile, and gets its page. */
	if (f->contained != NULL && strcmp(f->contained, c->profile) == 0)
		return 0;
	json_array_append_new(c->sessions, json_integer((json_int_t)r->id));
	return 1;
}

/* In the main thread. */
static void
cut_home(struct mail *m)
{
	struct cut *c = (struct cut *)((char *)m - offsetof(struct cut, home));

	if (json_array_size(c->sessions) > 0)
		cases_add(c->d->quarantine.cases, c->id, clock_wall().tv_sec,
		    "sessions ended", json_pack("{s:O}", "sessions",
		    c->sessions));
	json_decref(c->sessions);
	free(c->profile);
	free(c->why);
	free(c);
}

static void
cut_done(struct worker_query *q)
{
	struct cut *c = q->arg;

	c->home.run = cut_home;
	mailbox_post(c->d->mailbox, &c->home);
}

static void
contained_cut(void *arg, const struct contained *by)
{
	struct daemon *d = arg;
	struct cut *c;
	size_t i;

	for (i = 0; i < d->nrunning; i++) {
		c = xcalloc(1, sizeof(*c));
		c->d = d;
		c->id = by->id;
		c->sessions = json_array();
		c->who = by->who;
		c->profile = xstrdup(by->profile);
		c->why = xasprintf("quarantined: %s", by->reason);
		c->query.ends = cut_ends;
		c->query.done = cut_done;
		c->query.why = c->why;
		c->query.arg = c;
		worker_ask(d->workers[i], &c->query);
	}
}

/* An event, with who has done it. */
static json_t *
acted(const struct daemon *d, json_t *o)
{
	if (d->quarantine.actor != NULL)
		json_object_set_new(o, "actor",
		    eve_string(d->quarantine.actor));
	return o;
}

static void
contained_told(void *arg, enum quarantine_what what,
    const struct contained *c, const char *why)
{
	struct daemon *d = arg;
	json_t *o = acted(d, contained_event(what, c, why));
	char who[ADDR_STRLEN];

	log_warn("quarantine %llu of %s (%s) by %s: %s: %s%s%s",
	    (unsigned long long)c->id, endpoint_str(&c->who, who),
	    c->profile, c->by, quarantine_str(what), c->reason,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	if (what != QUARANTINE_REFUSED)
		cases_add(d->quarantine.cases, c->id, clock_wall().tv_sec,
		    quarantine_str(what), json_incref(o));
	connlog_report(d->admin.log, "quarantine", o);
}

/* Whether the rules now refuse what it has open. */
static int
retag_ends(const struct worker_query *q, const struct record *r)
{
	const struct retag *t = q->arg;
	enum conf_action is = r->verdict->action;
	struct verdict v;

	if (!endpoint_is(&t->who, r->facts) ||
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
	json_t *o = acted(d, tag_event(what, c));
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
	sensors_tick(d->sensors);
}

int
contained_boot(struct daemon *d, const struct conf *c, uint64_t seed,
    struct text *why)
{
	struct contain *tables[STATE_KINDS];
	struct quarantine *q = &d->quarantine;
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
	d->admin.quarantine = q;
	if (c->nquarantines == 0 && !conf_tags(c))
		return 0;
	rv = c->nquarantines > 0 ? guard_start(&q->guard, why) : 0;
	if (rv == 0 && c->endpoints.cases != NULL)
		rv = cases_open(c->endpoints.cases, &q->cases, why);
	if (rv == 0 && c->endpoints.state != NULL)
		rv = state_open(c->endpoints.state, tables,
		    clock_wall().tv_sec, clock_ms(), &q->last, &q->state,
		    why);
	return rv;
}

int
contained_start(struct daemon *d, const struct conf *c, struct text *why)
{
	static const struct timeval every = { TICK, 0 };

	d->tick = event_new(d->base, -1, EV_PERSIST, contained_tick, d);
	event_add(d->tick, &every);
	if ((d->quarantine.state != NULL &&
	    state_give(d->quarantine.state, c->user) != 0) ||
	    (d->quarantine.cases != NULL &&
	    cases_give(d->quarantine.cases, c->user) != 0)) {
		text_printf(why, "cannot give the files of endpoints to the "
		    "user %s: %m", c->user);
		return ERR_SYS;
	}
	quarantine_renew(&d->quarantine, d->admin.conf, clock_ms());
	return 0;
}

void
contained_down(struct daemon *d)
{
	if (d->tick != NULL)
		event_free(d->tick);
	guard_stop(d->quarantine.guard);
	state_close(d->quarantine.state);
	cases_close(d->quarantine.cases);
	contain_free(d->quarantine.contain);
	contain_free(d->quarantine.tags);
}
