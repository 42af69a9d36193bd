/*
 * POST /v1/verdicts, and their undoing. What was posted is read here, in the
 * daemon itself, and not in the process that reads sensors: it comes from who
 * has a token, is 1 MiB at the most and 64 KiB for each report, and goes
 * through the same readers. A part is done in each turn of the loop, so that
 * a thousand reports hold up nothing else.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/measures.h"
#include "admin/rest.h"
#include "admin/undone.h"
#include "codec/bundle.h"
#include "codec/report.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define TURN		64	/* reports */
#define REPORTS		10000	/* of a body: what becomes of each is told */

#define SAYS	(ROLE_SENSOR | ROLE_OPERATOR)

struct job {
	struct rest_request *r;
	struct conf	*conf;		/* a reference; the sensor is its */
	const struct conf_sensor *sensor;
	struct bundle	 bundle;
	void		(*one)(struct job *, const struct fields *);
	const char	*name;		/* of the results in the answer */
	char		*actor;
	struct event	*ev;
	struct text	 message;
	json_t		*results;
	json_t		*result;	/* of the report under way */
	size_t		 n, done;	/* reports; good ones */
	int		 over;		/* there were more than REPORTS */
};

/* What the daemon says of a report. */
static void
became(void *arg, const struct verdict_told *t)
{
	struct job *j = arg;
	char who[ADDR_STRLEN];

	j->done++;
	j->result = json_pack("{s:s,s:o,s:s,s:I,s:o}", "result",
	    t->response != NULL ? verdict_result_str(t->result) : "ignored",
	    "endpoint", t->who != NULL ?
	    json_string(endpoint_str(t->who, who)) : json_null(), "product",
	    t->sighting->product, "severity",
	    (json_int_t)t->sighting->severity, "signature",
	    eve_string(t->sighting->signature));
	if (t->response != NULL)
		json_object_set_new(j->result, "response",
		    json_integer((json_int_t)t->number));
	if (t->id != 0)
		json_object_set_new(j->result, "id",
		    json_integer((json_int_t)t->id));
	if (t->also[1] != 0)
		json_object_set_new(j->result, "ids", contained_ids(t));
	if (t->response == NULL)
		json_object_set_new(j->result, "why", json_string(
		    "no response matches"));
	else if (t->why != NULL)
		json_object_set_new(j->result, "why", eve_string(t->why));
}

static void
verdict_one(struct job *j, const struct fields *f)
{
	struct verdicts *v = j->r->env->verdicts;

	v->became = became;
	v->became_arg = j;
	verdicts_said(v, j->sensor, f, clock_wall().tv_sec, clock_ms(),
	    clock_us());
	v->became = NULL;
}

/* A sensor takes back what it has said itself. */
static struct undoing
undoing_of(const struct rest_request *r, const struct conf_sensor *sensor)
{
	return (struct undoing){ r->env->verdicts, r->env->ring, sensor,
	    r->role == ROLE_SENSOR, r->name };
}

static int
is_undone(const json_t *row)
{
	return strcmp(json_string_value(json_object_get(row, "result")),
	    "released") == 0;
}

static void
undo_one(struct job *j, const struct fields *f)
{
	struct undoing u = undoing_of(j->r, j->sensor);
	const char *id = fields_get(f, "id");

	j->result = id != NULL ? undone_id(&u, strtoull(id, NULL, 10)) :
	    undone_said(&u, f);
	j->done += is_undone(j->result);
}

static json_t *
bad(const char *why)
{
	return json_pack("{s:s,s:s}", "result", "unreadable", "why", why);
}

static void
report_take(struct job *j, struct slice s)
{
	static struct fields f;
	const char *why = NULL;
	char *line = xstrndup(s.p, s.len);
	int rv;

	j->result = NULL;
	if (s.len > REPORT_MAX)
		j->result = bad("it is longer than 64 KiB");
	else if ((rv = fields_make(&j->message, 0, clock_us(), line, s.len,
	    &why)) == ERR_NOTFOUND)
		j->result = json_pack("{s:s}", "result", "no finding");
	else if (rv != 0 || fields_read(&f, j->message.s, j->message.len) != 0)
		j->result = bad(why != NULL ? why : "it cannot be read");
	else
		j->one(j, &f);
	json_array_append_new(j->results, j->result);
	free(line);
}

static void
job_end(struct job *j)
{
	json_t *o = json_pack("{s:o,s:I}", j->name, j->results, "taken",
	    (json_int_t)j->done);
	const char *error = j->bundle.why;
	int status = j->done > 0 ? 200 : 400;

	if (j->over) {
		error = "only the first 10000 were taken";
		status = 413;
	} else if (j->n == 0 && error == NULL) {
		error = "there is no report in the body";
	}
	if (error != NULL)
		json_object_set_new(o, "error", json_string(error));
	rest_json(j->r, error != NULL && status == 200 ? 400 : status, o);
	event_free(j->ev);
	conf_unref(j->conf);
	text_free(&j->message);
	free(j->actor);
	free(j);
}

static void
job_turn(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = { 0, 0 };
	struct job *j = arg;
	struct slice s;
	int i, rv = 1;

	j->r->env->quarantine->actor = j->actor;
	for (i = 0; i < TURN && !j->over &&
	    (rv = bundle_next(&j->bundle, &s)) == 1; i++) {
		if (j->n < REPORTS)
			report_take(j, s);
		j->over = j->n++ == REPORTS;
	}
	j->r->env->quarantine->actor = NULL;
	if (rv == 1 && !j->over)
		event_add(j->ev, &at_once);	/* behind all that is due */
	else
		job_end(j);
}

static void
job_start(struct rest_request *r, const char *name,
    void (*one)(struct job *, const struct fields *))
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->r = r;
	j->conf = conf_ref(rest_conf(r));
	j->sensor = r->sensor;
	j->one = one;
	j->name = name;
	j->actor = rest_actor(r);
	j->results = json_array();
	bundle_init(&j->bundle, slice_of(r->body, r->len));
	j->ev = event_new(r->env->base, -1, 0, job_turn, j);
	job_turn(-1, 0, j);
}

static void
post_verdicts(struct rest_request *r)
{
	job_start(r, "verdicts", verdict_one);
}

static void
post_undo(struct rest_request *r)
{
	job_start(r, "undone", undo_one);
}

static void
delete_verdict(struct rest_request *r)
{
	struct undoing u = undoing_of(r, r->sensor);
	uint64_t id = rest_id(r, "verdict");
	json_t *row;

	if (id == 0)
		return;
	rest_acts(r);
	row = undone_id(&u, id);
	rest_acted(r);
	if (is_undone(row)) {
		rest_json(r, 200, row);
		return;
	}
	if (json_object_get(row, "id") == NULL)
		rest_error(r, 404, "nothing that a verdict has done has that "
		    "number");
	else
		rest_error(r, 403, "%s", json_string_value(json_object_get(
		    row, "why")));
	json_decref(row);
}

#define LIMIT	100

static void
get_verdicts(struct rest_request *r)
{
	char n[16];

	snprintf(n, sizeof(n), "%zu", rest_limit(r, LIMIT, 1000));
	rest_json(r, 200, verdicts_verb(r->env->ring, r->env->measures, n));
}

const struct rest_route rest_verdicts[] = {
	{ "POST", "/v1/verdicts", SAYS, post_verdicts },
	{ "POST", "/v1/verdicts/undo", SAYS, post_undo },
	{ "DELETE", "/v1/verdicts/{}", SAYS, delete_verdict },
	{ "GET", "/v1/verdicts", ROLE_VIEWER | ROLE_OPERATOR, get_verdicts },
	{ NULL }
};
