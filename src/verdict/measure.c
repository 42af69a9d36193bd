/*
 * In the order of verdict/quarantine: the table, the guard, what is open, the
 * file.
 */
#include "verdict/measure.h"

#include <stdlib.h>
#include <string.h>

#include "conf/contained.h"
#include "conf/denied.h"
#include "conf/verdicts.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/denied.h"
#include "verdict/guard.h"
#include "verdict/server.h"

static const char *const words[MEASURE_MAX] = { "set", "extended", "released",
    "expired", "refused", "proposed", "approved", "rejected", "lapsed" };

const char *
measure_what_str(enum measure_what what)
{
	return words[what];
}

const char *
measure_str(enum state_kind kind)
{
	static const char *const kinds[STATE_KINDS] = {
	    [STATE_QUARANTINE] = "quarantine", [STATE_TAG] = "tag",
	    [STATE_DENIAL] = "denial", [STATE_STEP_UP] = "step-up",
	    [STATE_PROPOSAL] = "proposal" };

	return kinds[kind];
}

struct contain *
measure_table(const struct measures *m, enum state_kind kind)
{
	switch (kind) {
	case STATE_QUARANTINE:
		return m->quarantine->contain;
	case STATE_TAG:
		return m->quarantine->tags;
	case STATE_DENIAL:
		return denied_table(m->denied);
	case STATE_STEP_UP:
		return m->step_ups;
	default:
		return m->proposals;
	}
}

void
measure_tell(struct measures *m, enum state_kind kind, enum measure_what what,
    const struct contained *c, const char *why)
{
	m->counts[kind][what]++;
	m->told(m->arg, kind, what, c, why);
}

static enum state_kind
kind_of(const struct measure_order *o)
{
	return o->what == DO_DENY_SERVER ? STATE_DENIAL : STATE_STEP_UP;
}

static struct contained *
entry_of(struct measures *m, const struct measure_order *o)
{
	return o->what == DO_DENY_SERVER ? denied_of(m->denied, o->object) :
	    contain_of(o->what == DO_STEP_UP ? m->step_ups :
	    m->quarantine->contain, &o->who, NULL);
}

int
measure_held(struct measures *m, const struct measure_order *o)
{
	struct contained *c = entry_of(m, o);

	contained_unref(c);
	return c != NULL;
}

int
measure_may(const struct measures *m, const struct measure_order *o,
    struct text *why)
{
	const struct conf *conf = m->quarantine->conf;

	if (o->what == DO_QUARANTINE)
		return quarantine_may(m->quarantine, &o->who, why);
	if (o->what == DO_STEP_UP)
		return quarantine_inside(m->quarantine, &o->who, why);
	if (!conf_denies(conf)) {
		text_puts(why, "nothing is denied without do: deny-server or "
		    "quarantines in the configuration");
		return 0;
	}
	return server_may(conf, o->object, why);
}

/* Whether "a,b" has a name. */
static int
list_has(const char *list, const char *name, size_t len)
{
	size_t n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && strncmp(list, name, n) == 0)
			return 1;
	}
	return 0;
}

/* The mirrors of both. */
static char *
mirrors_join(const char *a, const char *b)
{
	struct text t = { 0 };
	size_t n;

	if (strcmp(a, "*") == 0 || strcmp(b, "*") == 0)
		return xstrdup("*");
	text_puts(&t, a);
	for (; *b != '\0'; b += n + (b[n] == ',')) {
		n = strcspn(b, ",");
		if (list_has(a, b, n))
			continue;
		text_puts(&t, t.len > 0 ? "," : "");
		text_add(&t, b, n);
	}
	return t.s != NULL ? t.s : xstrdup("");
}

/* Both together: the later end, and all mirrors. */
static struct contained *
merge(const struct measure_order *o, const struct contained *wish,
    const struct contained *old)
{
	struct contained c = *wish, *merged;
	char *mirrors = NULL;

	if (old != NULL) {
		c.id = old->id;
		c.since = old->since;
		if (old->end > c.end) {
			c.end = old->end;
			c.until = old->until;
		}
		if (o->what == DO_STEP_UP)
			c.profile = mirrors = mirrors_join(old->profile,
			    c.profile);
	}
	merged = contained_new(&c);
	free(mirrors);
	return merged;
}

static int
put(struct measures *m, const struct measure_order *o, struct contained *c)
{
	return o->what == DO_DENY_SERVER ? denied_put(m->denied, c) :
	    contain_put(m->step_ups, c);
}

static void
hold(struct measures *m, const struct measure_order *o,
    const struct contained *c, const struct contained *old, uint64_t now)
{
	struct quarantine *q = m->quarantine;
	struct text why = { 0 };

	if (o->what == DO_DENY_SERVER && q->guard != NULL &&
	    guard_deny(q->guard, c, now, &why) != 0)
		log_error("denial %llu of %s: only what comes through the "
		    "proxy is stopped: %s", (unsigned long long)c->id,
		    c->profile, why.s);
	if (o->what == DO_DENY_SERVER || o->cut)
		m->cut(m->arg, kind_of(o), c);
	state_held(q->state, kind_of(o), c);
	measure_tell(m, kind_of(o), old == NULL ? MEASURE_SET :
	    MEASURE_EXTENDED, c, why.len > 0 ? why.s : NULL);
	text_free(&why);
}

static int
set(struct measures *m, const struct measure_order *o, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	struct quarantine *q = m->quarantine;
	struct contained wish = { .id = o->id != 0 ? o->id : q->last + 1,
	    .who = o->who, .profile = (char *)(uintptr_t)o->object,
	    .since = wall, .until = wall + (int64_t)(o->ms / 1000),
	    .end = now + o->ms, .reason = (char *)(uintptr_t)o->reason,
	    .by = (char *)(uintptr_t)o->by };
	struct contained *old, *c;
	int rv = 0;

	if (!measure_may(m, o, why)) {
		measure_tell(m, kind_of(o), MEASURE_REFUSED, &wish, why->s);
		return ERR_DENIED;
	}
	old = entry_of(m, o);
	c = merge(o, &wish, old);
	if (old != NULL && strcmp(c->profile, old->profile) == 0 &&
	    c->end < old->end + QUARANTINE_WORTH) {
		*id = old->id;
	} else if ((rv = put(m, o, c)) != 0) {
		text_printf(why, "there are too many: %s", err_str(rv));
		measure_tell(m, kind_of(o), MEASURE_REFUSED, &wish, why->s);
	} else {
		q->last += old == NULL && o->id == 0;
		*id = c->id;
		hold(m, o, c, old, now);
	}
	contained_unref(old);
	contained_unref(c);
	return rv;
}

int
measure_do(struct measures *m, const struct measure_order *o, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	const struct quarantine_order q = { .who = o->who,
	    .profile = o->object, .ms = o->ms, .reason = o->reason,
	    .by = o->by, .id = o->id };
	struct measure_order mine = *o;

	if (o->what == DO_QUARANTINE)
		return quarantine_set(m->quarantine, &q, wall, now, id, why);
	if (o->what == DO_STEP_UP) {
		quarantine_identify(m->quarantine, &mine.who);
	} else {
		memset(&mine.who, 0, sizeof(mine.who));
		server_addr(o->object, &mine.who.addr);
	}
	return set(m, &mine, wall, now, id, why);
}

/* It is out of its table. */
static void
freed(struct measures *m, enum state_kind kind, struct contained *c,
    enum measure_what how)
{
	struct quarantine *q = m->quarantine;
	struct text why = { 0 };

	if (kind == STATE_DENIAL && q->guard != NULL)
		guard_permit(q->guard, c, &why);
	state_freed(q->state, c);
	measure_tell(m, kind, how, c, why.len > 0 ? why.s : NULL);
	contained_unref(c);
	text_free(&why);
}

int
measure_release(struct measures *m, enum state_kind kind, uint64_t id)
{
	struct contained *c = kind == STATE_DENIAL ?
	    denied_take(m->denied, id) : contain_take(m->step_ups, id);

	if (c == NULL)
		return ERR_NOTFOUND;
	freed(m, kind, c, MEASURE_RELEASED);
	return 0;
}

/* What is of an address is of its MAC address, once that is known. */
static void
named_anew(void *arg, struct contained *c)
{
	struct measures *m = arg;
	struct endpoint who = c->who;
	struct contained *is;

	quarantine_identify(m->quarantine, &who);
	if (!who.by_mac || (is = contain_rename(m->step_ups, c, &who)) == NULL)
		return;
	state_freed(m->quarantine->state, c);
	state_held(m->quarantine->state, STATE_STEP_UP, is);
	measure_tell(m, STATE_STEP_UP, MEASURE_EXTENDED, is, NULL);
	contained_unref(is);
}

void
measure_tick(struct measures *m, uint64_t now)
{
	struct contained *c;

	while ((c = denied_over(m->denied, now)) != NULL)
		freed(m, STATE_DENIAL, c, MEASURE_EXPIRED);
	while ((c = contain_over(m->step_ups, now)) != NULL)
		freed(m, STATE_STEP_UP, c, MEASURE_EXPIRED);
	if (!m->quarantine->conf->endpoints.by_address)
		contain_each_nameless(m->step_ups, named_anew, m);
}
