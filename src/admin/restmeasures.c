/*
 * The routes of REST for servers that are denied, endpoints under step-up, and
 * what waits to be approved.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/measures.h"
#include "admin/rest.h"
#include "admin/span.h"
#include "util/clock.h"
#include "util/err.h"
#include "verdict/proposal.h"
#include "verdict/server.h"
#include "verdict/state.h"

#define LOOKS	(ROLE_VIEWER | ROLE_OPERATOR)
#define DOES	ROLE_OPERATOR
#define HOUR	((uint64_t)3600 * 1000)

static void
get_all(struct rest_request *r, enum state_kind kind, const char *name)
{
	rest_json(r, 200, json_pack("{s:o}", name, measures_list(
	    r->env->measures, kind)));
}

static void
get_one(struct rest_request *r, enum state_kind kind)
{
	uint64_t id = rest_id(r, measure_str(kind));
	json_t *o;

	if (id == 0)
		return;
	if ((o = measures_one(r->env->measures, kind, id)) == NULL)
		rest_error(r, 404, "there is no %s of that number",
		    measure_str(kind));
	else
		rest_json(r, 200, o);
}

/* What became of a change to that number. */
static void
changed(struct rest_request *r, int rv, enum state_kind kind, const char *how,
    uint64_t id, const char *why)
{
	if (rv == ERR_NOTFOUND)
		rest_error(r, 404, "there is no %s of that number",
		    measure_str(kind));
	else if (rv != 0)
		rest_error(r, 409, "%s", why);
	else
		rest_json(r, 200, json_pack("{s:I}", how, (json_int_t)id));
}

static void
delete_one(struct rest_request *r, enum state_kind kind)
{
	uint64_t id = rest_id(r, measure_str(kind));
	int rv;

	if (id == 0)
		return;
	rest_acts(r);
	rv = measure_release(r->env->measures, kind, id);
	rest_acted(r);
	changed(r, rv, kind, "released", id, NULL);
}

/* --- what is asked for */

struct asked {
	struct measure_order order;
	uint64_t	 within;	/* ms, of a proposal */
	char		 server[SERVER_STRLEN];
	struct text	 mirrors;
};

static const char *
word(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* The time under a key; if there is none, it stays. 0: it has been answered. */
static int
asked_span(struct rest_request *r, const json_t *o, const char *key,
    uint64_t *ms)
{
	const json_t *span = json_object_get(o, key);

	if (span == NULL || (*ms = rest_span(span)) > 0)
		return 1;
	rest_error(r, 400, "%s: %s, or seconds", key, SPAN_HINT);
	return 0;
}

static int
asked_server(struct rest_request *r, const json_t *o, struct asked *a)
{
	const char *server = word(o, "server");

	if (server != NULL && server_read(a->server, server, 0) == 0) {
		a->order.object = a->server;
		return 1;
	}
	rest_error(r, 400, "write server as \"203.0.113.9\", "
	    "\"evil.example\" (and all below it), \"=evil.example\" or a URL");
	return 0;
}

static int
asked_endpoint(struct rest_request *r, const json_t *o, struct asked *a)
{
	const char *who = word(o, "endpoint");

	if (who != NULL && endpoint_parse(&a->order.who, who) == 0)
		return 1;
	rest_error(r, 400, "write endpoint as \"192.0.2.7\", \"2001:db8::7\" "
	    "or \"02:00:5e:10:00:01\"");
	return 0;
}

/* "mirror": ["a", "b"], or "a"; without it, all. */
static int
asked_mirrors(struct rest_request *r, const json_t *o, struct asked *a)
{
	const json_t *v = json_object_get(o, "mirror"), *one;
	size_t i = 0, n = json_is_array(v) ? json_array_size(v) : v != NULL;
	const char *name;

	text_puts(&a->mirrors, v == NULL ? "*" : "");
	for (; i < n; i++) {
		one = json_is_array(v) ? json_array_get(v, i) : v;
		name = json_string_value(one);
		if (name == NULL || !measures_mirror(r->env->conf, name)) {
			rest_error(r, 400, "mirror: a list of names of "
			    "\"mirrors\" in the configuration");
			return 0;
		}
		text_printf(&a->mirrors, "%s%s", i > 0 ? "," : "", name);
	}
	a->order.object = a->mirrors.s != NULL ? a->mirrors.s : "";
	return 1;
}

static int
asked_profile(struct rest_request *r, const json_t *o, struct asked *a)
{
	if ((a->order.object = word(o, "profile")) != NULL)
		return 1;
	rest_error(r, 400, "profile: one of \"quarantines\" in the "
	    "configuration");
	return 0;
}

/* What an order of that kind is about. 0: it has been answered. */
static int
asked_what(struct rest_request *r, const json_t *o, enum conf_do what,
    struct asked *a)
{
	a->order.what = what;
	a->order.ms = what == DO_STEP_UP ? HOUR : 8 * HOUR;
	a->within = HOUR;
	a->order.by = r->name;
	a->order.reason = word(o, "reason") != NULL ? word(o, "reason") :
	    "set by the operator";
	if (o == NULL) {
		rest_error(r, 400, "send one object of JSON");
		return 0;
	}
	if (what == DO_DENY_SERVER)
		return asked_server(r, o, a);
	return asked_endpoint(r, o, a) && (what == DO_STEP_UP ?
	    asked_mirrors(r, o, a) : asked_profile(r, o, a));
}

static void
made(struct rest_request *r, int rv, uint64_t id, const struct text *why)
{
	if (rv < 0)
		rest_error(r, 409, "%s", why->s);
	else
		rest_json(r, 201, json_pack("{s:I}", "id", (json_int_t)id));
}

typedef int (*order_set)(struct rest_request *, struct asked *, uint64_t *id,
	    struct text *why);

/* within: the key of a second time, or NULL. */
static void
post_order(struct rest_request *r, const json_t *o, enum conf_do what,
    const char *within, order_set set)
{
	struct asked a = { .within = 0 };
	struct text why = { 0 };
	uint64_t id = 0;
	int rv;

	if (asked_what(r, o, what, &a) && asked_span(r, o, "for",
	    &a.order.ms) && (within == NULL || asked_span(r, o, within,
	    &a.within))) {
		rest_acts(r);
		rv = set(r, &a, &id, &why);
		rest_acted(r);
		made(r, rv, id, &why);
	}
	text_free(&a.mirrors);
	text_free(&why);
}

static int
measure_set(struct rest_request *r, struct asked *a, uint64_t *id,
    struct text *why)
{
	return measure_do(r->env->measures, &a->order, clock_wall().tv_sec,
	    clock_ms(), id, why);
}

static void
post_measure(struct rest_request *r, enum conf_do what)
{
	json_t *o = rest_object(r);

	post_order(r, o, what, NULL, measure_set);
	json_decref(o);
}

/* --- denials and step-ups */

static void
get_denials(struct rest_request *r)
{
	get_all(r, STATE_DENIAL, "denials");
}

static void
get_denial(struct rest_request *r)
{
	get_one(r, STATE_DENIAL);
}

static void
post_denial(struct rest_request *r)
{
	post_measure(r, DO_DENY_SERVER);
}

static void
delete_denial(struct rest_request *r)
{
	delete_one(r, STATE_DENIAL);
}

static void
get_step_ups(struct rest_request *r)
{
	get_all(r, STATE_STEP_UP, "step-ups");
}

static void
get_step_up(struct rest_request *r)
{
	get_one(r, STATE_STEP_UP);
}

static void
post_step_up(struct rest_request *r)
{
	post_measure(r, DO_STEP_UP);
}

static void
delete_step_up(struct rest_request *r)
{
	delete_one(r, STATE_STEP_UP);
}

/* --- proposals */

static void
get_proposals(struct rest_request *r)
{
	get_all(r, STATE_PROPOSAL, "proposals");
}

static void
get_proposal(struct rest_request *r)
{
	get_one(r, STATE_PROPOSAL);
}

/* "do", and what an order of that has. 0: it has been answered. */
static int
asked_do(struct rest_request *r, const json_t *o, enum conf_do *what)
{
	static const struct {
		const char	*word;
		enum conf_do	 what;
	} words[] = { { "quarantine", DO_QUARANTINE },
	    { "deny-server", DO_DENY_SERVER }, { "step-up", DO_STEP_UP } };
	const char *s = word(o, "do");
	size_t i;

	for (i = 0; s != NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(s, words[i].word) == 0) {
			*what = words[i].what;
			return 1;
		}
	rest_error(r, 400, "do: \"quarantine\", \"deny-server\" or "
	    "\"step-up\"");
	return 0;
}

/* Of an endpoint as it will be known, so that the same is proposed once. */
static int
propose(struct rest_request *r, struct asked *a, uint64_t *id,
    struct text *why)
{
	struct measures *m = r->env->measures;

	if (a->order.what == DO_QUARANTINE)
		quarantine_whom(m->quarantine, &a->order.who);
	else if (a->order.what == DO_STEP_UP)
		quarantine_identify(m->quarantine, &a->order.who);
	if (a->order.what == DO_QUARANTINE && conf_quarantine_find(
	    m->quarantine->conf, a->order.object) < 0) {
		text_printf(why, "there is no profile %s under quarantines",
		    a->order.object);
		return ERR_NOTFOUND;
	}
	return proposal_add(m, &a->order, a->within, 0, clock_wall().tv_sec,
	    clock_ms(), id, why);
}

static void
post_proposal(struct rest_request *r)
{
	json_t *o = rest_object(r);
	enum conf_do what;

	if (asked_do(r, o, &what))
		post_order(r, o, what, "within", propose);
	json_decref(o);
}

static void
approve(struct rest_request *r)
{
	uint64_t id = rest_id(r, "proposal");
	struct text why = { 0 };
	int rv;

	if (id == 0)
		return;
	rest_acts(r);
	rv = proposal_approve(r->env->measures, r->name, clock_wall().tv_sec,
	    clock_ms(), &id, &why);
	rest_acted(r);
	changed(r, rv, STATE_PROPOSAL, "approved", id, why.s);
	text_free(&why);
}

static void
reject(struct rest_request *r)
{
	uint64_t id = rest_id(r, "proposal");
	int rv;

	if (id == 0)
		return;
	rest_acts(r);
	rv = proposal_reject(r->env->measures, id, r->name);
	rest_acted(r);
	changed(r, rv, STATE_PROPOSAL, "rejected", id, NULL);
}

const struct rest_route rest_measures[] = {
	{ "GET", "/v1/denials", LOOKS, get_denials },
	{ "POST", "/v1/denials", DOES, post_denial },
	{ "GET", "/v1/denials/{}", LOOKS, get_denial },
	{ "DELETE", "/v1/denials/{}", DOES, delete_denial },
	{ "GET", "/v1/step-ups", LOOKS, get_step_ups },
	{ "POST", "/v1/step-ups", DOES, post_step_up },
	{ "GET", "/v1/step-ups/{}", LOOKS, get_step_up },
	{ "DELETE", "/v1/step-ups/{}", DOES, delete_step_up },
	{ "GET", "/v1/proposals", LOOKS, get_proposals },
	{ "POST", "/v1/proposals", DOES, post_proposal },
	{ "GET", "/v1/proposals/{}", LOOKS, get_proposal },
	{ "DELETE", "/v1/proposals/{}", DOES, reject },
	{ "POST", "/v1/proposals/{}/approve", DOES, approve },
	{ "POST", "/v1/proposals/{}/reject", DOES, reject },
	{ NULL }
};
