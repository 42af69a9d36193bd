/*
 * The routes of REST that programs use: quarantines, tags, cases, endpoints.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/endpoints.h"
#include "admin/rest.h"
#include "admin/span.h"
#include "admin/tags.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/tags.h"

#define LOOKS	(ROLE_VIEWER | ROLE_OPERATOR)
#define DOES	ROLE_OPERATOR

static void
get_status(struct rest_request *r)
{
	rest_json(r, 200, admin_status(r->env));
}

static void
get_quarantines(struct rest_request *r)
{
	rest_json(r, 200, contained_verb(r->env->quarantine, "list"));
}

static void
get_quarantine(struct rest_request *r)
{
	struct contained *c;
	uint64_t id = rest_id(r, "quarantine");

	if (id == 0)
		return;
	if ((c = contain_find(r->env->quarantine->contain, id)) == NULL)
		rest_error(r, 404, "there is no quarantine of that number");
	else
		rest_json(r, 200, contained_row(c, "profile"));
	contained_unref(c);
}

static void
delete_quarantine(struct rest_request *r)
{
	struct quarantine *q = r->env->quarantine;
	uint64_t id = rest_id(r, "quarantine");
	int rv;

	if (id == 0)
		return;
	rest_acts(r);
	rv = quarantine_release(q, id);
	rest_acted(r);
	if (rv != 0)
		rest_error(r, 404, "there is no quarantine of that number");
	else
		rest_json(r, 200, json_pack("{s:I}", "released",
		    (json_int_t)id));
}

/* The members of an order; word is what its profile is called. Returns 0 if
 * that has been answered. */
static int
order_read(struct rest_request *r, const json_t *o, const char *word,
    struct quarantine_order *order)
{
	const char *who = json_string_value(json_object_get(o, "endpoint"));
	const json_t *span = json_object_get(o, "for");
	const json_t *reason = json_object_get(o, "reason");

	order->profile = json_string_value(json_object_get(o, word));
	order->reason = json_is_string(reason) ? json_string_value(reason) :
	    "set by the operator";
	order->by = r->name;
	if (o == NULL || who == NULL || order->profile == NULL)
		rest_error(r, 400, "send {\"endpoint\": \"192.0.2.7\", "
		    "\"%s\": \"...\", \"for\": \"8h\", \"reason\": \"...\"}",
		    word);
	else if (endpoint_parse(&order->who, who) != 0)
		rest_error(r, 400, "write endpoint as 192.0.2.7, 2001:db8::7 "
		    "or 02:00:5e:10:00:01");
	else if (span != NULL && (order->ms = rest_span(span)) == 0)
		rest_error(r, 400, "for: %s, or seconds", SPAN_HINT);
	else
		return 1;
	return 0;
}

typedef int (*order_set)(struct quarantine *, const struct quarantine_order *,
	    int64_t, uint64_t, uint64_t *, struct text *);

static void
order_do(struct rest_request *r, const char *word, uint64_t ms, order_set set)
{
	struct quarantine *q = r->env->quarantine;
	struct quarantine_order order = { .ms = ms };
	json_t *o = rest_object(r);
	struct text why = { 0 };
	uint64_t id = 0;
	int rv;

	if (order_read(r, o, word, &order)) {
		rest_acts(r);
		rv = set(q, &order, clock_wall().tv_sec, clock_ms(), &id,
		    &why);
		rest_acted(r);
		if (rv != 0)
			rest_error(r, 409, "%s", why.s);
		else
			rest_json(r, 201, json_pack("{s:I}", "id",
			    (json_int_t)id));
	}
	json_decref(o);
	text_free(&why);
}

#define HOURS	((uint64_t)3600 * 1000)

static void
post_quarantine(struct rest_request *r)
{
	order_do(r, "profile", 8 * HOURS, quarantine_set);
}

static void
get_tags(struct rest_request *r)
{
	rest_json(r, 200, tags_verb(r->env->quarantine, "list"));
}

static void
post_tag(struct rest_request *r)
{
	order_do(r, "tag", TAG_FOREVER, tags_set);
}

static int
clear(struct quarantine *q, const struct quarantine_order *o, int64_t wall,
    uint64_t now, uint64_t *id, struct text *why)
{
	int rv = tags_clear(q, &o->who, o->profile, id);

	if (rv != 0)
		text_puts(why, "that endpoint has no such tag");
	return rv;
}

static void
post_clear(struct rest_request *r)
{
	order_do(r, "tag", TAG_FOREVER, clear);
}

static void
get_case(struct rest_request *r)
{
	uint64_t id = rest_id(r, "case");

	if (id != 0)
		rest_done(r, contained_case(r->env->quarantine, id));
}

static void
get_endpoints(struct rest_request *r)
{
	endpoints_list(r->env, r->mail, rest_limit(r, 1000, ENDPOINTS_MAX),
	    rest_done, r);
}

static void
get_endpoint(struct rest_request *r)
{
	endpoints_one(r->env, r->mail, r->param, rest_done, r);
}

const struct rest_route rest_api[] = {
	{ "GET", "/v1/status", LOOKS, get_status },
	{ "GET", "/v1/quarantine", LOOKS, get_quarantines },
	{ "POST", "/v1/quarantine", DOES, post_quarantine },
	{ "GET", "/v1/quarantine/{}", LOOKS, get_quarantine },
	{ "DELETE", "/v1/quarantine/{}", DOES, delete_quarantine },
	{ "GET", "/v1/cases/{}", LOOKS, get_case },
	{ "GET", "/v1/endpoints", LOOKS, get_endpoints },
	{ "GET", "/v1/endpoints/{}", LOOKS, get_endpoint },
	{ "GET", "/v1/tags", LOOKS, get_tags },
	{ "POST", "/v1/tags", DOES, post_tag },
	{ "POST", "/v1/tags/clear", DOES, post_clear },
	{ NULL }
};
