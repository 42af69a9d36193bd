/*
 * One sighting at a time.
 */
#include "verdict/verdicts.h"

#include <string.h>

#include "conf/contained.h"
#include "net/special.h"
#include "util/err.h"
#include "util/log.h"
#include "verdict/tags.h"

static const char *const results[VERDICT_RESULTS] = { "notified", "done",
    "dry-run", "ambiguous", "nobody", "breaker", "refused" };

const char *
verdict_result_str(enum verdict_result r)
{
	return results[r];
}

int
verdicts_inside(const struct conf *c, const struct addr *a)
{
	return c->inside.n > 0 ? conf_prefixes_have(&c->inside, a) :
	    special_inside(a) && special_of(a) == SPECIAL_NONE;
}

static int
is_inside(void *arg, const struct addr *a)
{
	return verdicts_inside(arg, a);
}

static const char *
reason_of(const struct sighting *s)
{
	return s->signature != NULL ? s->signature :
	    "a security system has reported it";
}

static enum verdict_result
contain(struct verdicts *v, struct verdict_told *t, int64_t wall,
    uint64_t now, struct text *why)
{
	const struct conf *conf = v->quarantine->conf;
	struct quarantine_order o = { .who = *t->who,
	    .profile = t->response->profile, .ms = t->response->span,
	    .by = t->sensor->name, .reason = reason_of(t->sighting) };
	struct contained *held;

	if (t->response->dry_run)
		return VERDICT_DRY_RUN;
	/* One that is contained costs the breaker nothing. */
	held = contain_of(v->quarantine->contain, t->who, NULL);
	contained_unref(held);
	if (held == NULL && quarantine_may(v->quarantine, t->who, why) &&
	    !respond_may(v->respond, &conf->breaker, now))
		return VERDICT_BREAKER;
	text_clear(why);
	return quarantine_set(v->quarantine, &o, wall, now, &t->id, why) ==
	    0 ? VERDICT_DONE : VERDICT_REFUSED;
}

static enum verdict_result
tag(struct verdicts *v, struct verdict_told *t, int64_t wall, uint64_t now,
    struct text *why)
{
	const struct conf_response *r = t->response;
	struct quarantine_order o = { .who = *t->who, .profile = r->tag,
	    .ms = r->span, .by = t->sensor->name,
	    .reason = reason_of(t->sighting) };

	if (r->dry_run)
		return VERDICT_DRY_RUN;
	if (r->clear != NULL)
		tags_clear(v->quarantine, t->who, r->clear, &t->id);
	if (r->tag == NULL)
		return VERDICT_DONE;
	return tags_set(v->quarantine, &o, wall, now, &t->id, why) == 0 ?
	    VERDICT_DONE : VERDICT_REFUSED;
}

static enum verdict_result
act(struct verdicts *v, struct verdict_told *t, int rv, int64_t wall,
    uint64_t now, struct text *why)
{
	if (t->response->what == DO_NOTIFY)
		return VERDICT_NOTIFIED;
	if (rv != 0)
		return rv == ERR_NOTFOUND ? VERDICT_NOBODY :
		    VERDICT_AMBIGUOUS;
	return t->response->what == DO_TAG ? tag(v, t, wall, now, why) :
	    contain(v, t, wall, now, why);
}

int
verdicts_who(const struct verdicts *v, const struct sighting *s,
    struct endpoint *who)
{
	int rv = sighting_who(s, who, is_inside,
	    (struct conf *)(uintptr_t)v->quarantine->conf);

	if (rv == 0)
		quarantine_identify(v->quarantine, who);
	return rv;
}

static void
became(const struct verdicts *v, const struct verdict_told *t)
{
	if (v->became != NULL)
		v->became(v->became_arg, t);
}

void
verdicts_said(struct verdicts *v, const struct conf_sensor *sensor,
    const struct fields *f, int64_t wall, uint64_t now, uint64_t us)
{
	const struct conf *conf = v->quarantine->conf;
	struct verdict_told t = { .sensor = sensor };
	struct text why = { 0 };
	struct sighting s;
	struct endpoint who;
	int rv;

	sighting_read(&s, f);
	t.sighting = &s;
	rv = verdicts_who(v, &s, &who);
	t.who = rv == 0 ? &who : NULL;
	t.response = respond_match(v->respond, conf, sensor->name, &s, t.who,
	    now);
	if (t.response == NULL) {
		v->ignored++;
		became(v, &t);
		return;
	}
	t.number = (size_t)(t.response - conf->responses) + 1;
	t.result = act(v, &t, rv, wall, now, &why);
	t.us = us > f->head.at ? us - f->head.at : 0;
	t.why = why.len > 0 ? why.s : NULL;
	v->results[t.result]++;
	became(v, &t);
	if (!respond_again(v->respond, t.response, &s, t.who, t.result, now))
		v->told(v->arg, &t);
	text_free(&why);
}
