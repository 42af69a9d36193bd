/*
 * One sighting at a time.
 */
#include "verdict/verdicts.h"

#include <string.h>

#include "conf/contained.h"
#include "net/special.h"
#include "util/err.h"
#include "util/log.h"
#include "verdict/proposal.h"
#include "verdict/server.h"
#include "verdict/tags.h"

static const char *const results[VERDICT_RESULTS] = { "notified", "done",
    "dry-run", "ambiguous", "nobody", "breaker", "refused",
    "proposed" };

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
result_of(int rv)
{
	return rv == 0 ? VERDICT_DONE : VERDICT_REFUSED;
}

static enum verdict_result
carry_out(struct verdicts *v, const struct conf_response *r,
    const struct measure_order *o, int64_t wall, uint64_t now, uint64_t *id,
    struct text *why)
{
	int rv;

	if (r->approval == APPROVAL_NO)
		return result_of(measure_do(v->measures, o, wall, now, id,
		    why));
	rv = proposal_add(v->measures, o, r->approve_within,
	    r->approval == APPROVAL_SECOND, wall, now, id, why);
	return rv == 0 ? VERDICT_PROPOSED : result_of(rv > 0 ? 0 : rv);
}

/* What the response orders, but for its object. */
static struct measure_order
order_of(const struct verdict_told *t)
{
	struct measure_order o = { .what = t->response->what,
	    .ms = t->response->span, .by = t->sensor->name,
	    .cut = t->response->cut, .reason = reason_of(t->sighting) };

	if (t->who != NULL)
		o.who = *t->who;
	return o;
}

/* "a,b"; "*" for all; "" for none. */
static void
mirrors_text(const struct conf *c, const struct conf_response *r,
    struct text *out)
{
	size_t i;

	text_puts(out, r->mirrors_given ? "" : "*");
	for (i = 0; i < r->nmirrors; i++)
		text_printf(out, "%s%s", i > 0 ? "," : "",
		    c->mirrors[r->mirrors[i]].name);
}

/* One order about the endpoint: a quarantine or a step-up. One that is held
 * already costs the breaker nothing. */
static enum verdict_result
contain(struct verdicts *v, struct verdict_told *t, int64_t wall,
    uint64_t now, struct text *why)
{
	const struct conf *conf = v->quarantine->conf;
	struct measure_order o = order_of(t);
	enum verdict_result result;
	struct text mirrors = { 0 };

	if (o.what == DO_QUARANTINE)
		quarantine_whom(v->quarantine, &o.who);
	mirrors_text(conf, t->response, &mirrors);
	o.object = o.what == DO_STEP_UP ? mirrors.s : t->response->profile;
	if (o.object == NULL)
		o.object = "";
	if (t->response->dry_run)
		result = VERDICT_DRY_RUN;
	else if (!measure_held(v->measures, &o) &&
	    measure_may(v->measures, &o, why) &&
	    !respond_may(v->respond, &conf->breaker, now))
		result = VERDICT_BREAKER;
	else {
		text_clear(why);
		result = carry_out(v, t->response, &o, wall, now, &t->id,
		    why);
	}
	text_free(&mirrors);
	return result;
}

/* Whether the breaker has to be asked: one of them would be new. */
static int
denies_more(struct verdicts *v, struct measure_order *o,
    const struct servers *s)
{
	struct text why = { 0 };
	size_t i;
	int more = 0;

	for (i = 0; i < s->n && !more; i++) {
		o->object = s->v[i];
		more = !measure_held(v->measures, o) &&
		    measure_may(v->measures, o, &why);
	}
	text_free(&why);
	return more;
}

/* Leave out what the response does not deny. */
static void
servers_keep(struct servers *s, enum conf_deny_by by)
{
	struct addr a;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		if (by == DENY_BOTH ||
		    (by == DENY_ADDRESS) == server_addr(s->v[i], &a))
			memmove(s->v[n++], s->v[i], sizeof(s->v[i]));
	s->n = n;
}

/*
 * Each server that the sighting names. What is done about one of them counts
 * more than that another is refused.
 */
static enum verdict_result
deny(struct verdicts *v, struct verdict_told *t, int64_t wall, uint64_t now,
    struct text *why)
{
	enum verdict_result one, result = VERDICT_REFUSED;
	struct measure_order o = order_of(t);
	struct text said = { 0 };
	struct servers s;
	size_t i, n = 0;

	servers_of(&s, t->sighting, t->who);
	servers_keep(&s, t->response->deny_by);
	if (s.n == 0)
		return VERDICT_NOBODY;
	if (t->response->dry_run)
		return VERDICT_DRY_RUN;
	if (denies_more(v, &o, &s) && !respond_may(v->respond,
	    &v->quarantine->conf->breaker, now))
		return VERDICT_BREAKER;
	for (i = 0; i < s.n; i++) {
		o.object = s.v[i];
		text_clear(&said);
		one = carry_out(v, t->response, &o, wall, now, &t->also[n],
		    &said);
		if (one != VERDICT_REFUSED) {
			result = one;
			n++;
			continue;
		}
		t->also[n] = 0;
		text_printf(why, "%s%s: %s", why->len > 0 ? "; " : "",
		    s.v[i], said.s);
	}
	text_free(&said);
	t->id = t->also[0];
	return result;
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
	if (t->response->what == DO_DENY_SERVER)	/* the other end */
		return deny(v, t, wall, now, why);
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
	uint64_t last = v->quarantine->last;
	int rv, again;

	sighting_read(&s, &conf->products, f);
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
	again = respond_again(v->respond, t.response, &s, t.who, t.result,
	    now);
	/* What has a new number has a case, which begins with its verdict. */
	if (!again || v->quarantine->last != last)
		v->told(v->arg, &t);
	text_free(&why);
}
