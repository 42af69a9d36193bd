/*
 * The verb quarantine, and its events.
 */
#include "admin/contained.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/admin.h"
#include "admin/say.h"
#include "admin/span.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/cases.h"
#include "verdict/guard.h"
#include "verdict/segments.h"
#include "verdict/leases.h"
#include "verdict/sensors.h"

json_t *
contained_time(int64_t seconds)
{
	char s[CLOCK_STAMP];

	return json_string(clock_stamp(seconds, s));
}

/* What a list and an event say of one. */
json_t *
contained_row(const struct contained *c, const char *name)
{
	char who[ADDR_STRLEN], ip[ADDR_STRLEN];

	return json_pack("{s:I,s:s,s:s?,s:o,s:o,s:o,s:o,s:o}", "id",
	    (json_int_t)c->id, "endpoint", endpoint_str(&c->who, who),
	    "address", c->who.addr.sa.sa_family == AF_UNSPEC ? NULL :
	    addr_ip_str(&c->who.addr, ip),
	    name, eve_string(c->profile), "since", contained_time(c->since),
	    "until", contained_time(c->until), "reason", eve_string(c->reason),
	    "by", eve_string(c->by));
}

json_t *
contained_event(enum quarantine_what what, const struct contained *c,
    const char *why)
{
	json_t *o = contained_row(c, "profile");

	json_object_set_new(o, "action", json_string(quarantine_str(what)));
	if (why != NULL)
		json_object_set_new(o, "error", eve_string(why));
	return o;
}

struct listing {
	struct quarantine *q;
	json_t		*rows;
};

static void
list_row(void *arg, const struct contained *c)
{
	struct listing *l = arg;
	uint64_t now = clock_ms();
	json_t *o = contained_row(c, "profile");
	char name[LEASE_NAME];

	if (c->who.by_mac && leases_name(l->q->leases, c->who.mac, name) == 0)
		json_object_set_new(o, "name", json_string(name));
	json_object_set_new(o, "left", json_integer(c->end > now ?
	    (json_int_t)((c->end - now) / 1000) : 0));
	json_array_append_new(l->rows, o);
}

static json_t *
verb_list(struct quarantine *q)
{
	struct listing l = { q, json_array() };

	contain_each(q->contain, list_row, &l);
	return json_pack("{s:o}", "quarantine", l.rows);
}

static json_t *
verb_add(struct quarantine *q, char *who, const char *profile,
    const char *span, const char *reason)
{
	struct quarantine_order o = { .profile = profile, .by = "operator",
	    .reason = reason };
	struct text why = { 0 };
	uint64_t id;
	json_t *a;

	if (who == NULL || profile == NULL || span == NULL)
		return say_wrong("quarantine add takes who (an address or a "
		    "MAC), a profile, a time (10m, 2h), and perhaps the "
		    "reason");
	if (endpoint_parse(&o.who, who) != 0)
		return say_wrong("write who as 192.0.2.7, 2001:db8::7 or "
		    "02:00:5e:10:00:01");
	if ((o.ms = (uint64_t)span_read(span) * 1000) == 0)
		return say_wrong(SPAN_HINT);
	if (quarantine_set(q, &o, clock_wall().tv_sec, clock_ms(), &id,
	    &why) != 0)
		a = say_wrong(why.s);
	else
		a = json_pack("{s:I}", "quarantine", (json_int_t)id);
	text_free(&why);
	return a;
}

static json_t *
verb_release(struct quarantine *q, const char *id)
{
	char *end;
	uint64_t n;

	if (id == NULL || id[0] < '0' || id[0] > '9' ||
	    (n = strtoull(id, &end, 10)) == 0 || *end != '\0')
		return say_wrong("quarantine release takes a number: see "
		    "quarantine list");
	if (quarantine_release(q, n) != 0)
		return say_wrong("there is no quarantine of that number: see "
		    "quarantine list");
	return json_pack("{s:I}", "released", (json_int_t)n);
}

static void
metrics_quarantine(struct quarantine *q, struct text *out)
{
	int i;

	say_metric(out, "contained", "gauge", "Endpoints in quarantine.");
	text_printf(out, "clearspan_contained %u\n",
	    contain_count(q->contain));
	say_metric(out, "quarantine_guard_up", "gauge",
	    "Whether the process is there that stops what is not intercepted.");
	text_printf(out, "clearspan_quarantine_guard_up %d\n",
	    guard_up(q->guard));
	say_metric(out, "quarantines_total", "counter", "What became of them.");
	for (i = 0; i < QUARANTINE_MAX; i++)
		text_printf(out, "clearspan_quarantines_total{action=\"%s\"} "
		    "%llu\n", quarantine_str((enum quarantine_what)i),
		    (unsigned long long)q->counts[i]);
}

static void
metrics_sensors(const struct admin_env *e, struct text *out)
{
	struct sensors_stats st = { 0 };
	int i;

	if (e->sensors != NULL)
		sensors_stats(e->sensors, &st);
	if (e->sensors != NULL) {
		say_metric(out, "sensors_up", "gauge",
		    "Whether the process is there that reads sensors.");
		text_printf(out, "clearspan_sensors_up %d\n", st.up);
	}
	say_metric(out, "sensor_reports_total", "counter",
	    "Reports that came.");
	text_printf(out, "clearspan_sensor_reports_total %llu\n",
	    (unsigned long long)st.reports);
	say_metric(out, "sensor_lost_total", "counter", "Lines that were no "
	    "reports, or too long, or from others.");
	text_printf(out, "clearspan_sensor_lost_total %llu\n",
	    (unsigned long long)st.lost);
	say_metric(out, "sensor_refused_total", "counter",
	    "Connections to sensors that were refused or had to go.");
	text_printf(out, "clearspan_sensor_refused_total %llu\n",
	    (unsigned long long)st.refused);
	say_metric(out, "verdicts_total", "counter",
	    "Reports, by what became of them.");
	text_printf(out, "clearspan_verdicts_total{result=\"ignored\"} "
	    "%llu\n", (unsigned long long)e->verdicts->ignored);
	for (i = 0; i < VERDICT_RESULTS; i++)
		text_printf(out, "clearspan_verdicts_total{result=\"%s\"} "
		    "%llu\n", verdict_result_str((enum verdict_result)i),
		    (unsigned long long)e->verdicts->results[i]);
}

void
contained_metrics(const struct admin_env *e, struct text *out)
{
	if (e->quarantine != NULL && e->quarantine->guard != NULL)
		metrics_quarantine(e->quarantine, out);
	if (e->quarantine != NULL && e->quarantine->segments != NULL)
		segments_metrics(e->quarantine->segments, out);
	if (e->conf->nsensors > 0)
		metrics_sensors(e, out);
}

/* Under what name an event has the number of what was done. */
static const char *
done_key(const struct verdict_told *t)
{
	static const char *const keys[] = { [DO_QUARANTINE] = "quarantine",
	    [DO_DENY_SERVER] = "denial", [DO_STEP_UP] = "step-up",
	    [DO_TAG] = "case" };

	return t->result == VERDICT_PROPOSED ? "proposal" :
	    keys[t->response->what];
}

/* A sighting may name several servers. */
json_t *
contained_ids(const struct verdict_told *t)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < VERDICT_ALSO && t->also[i] != 0; i++)
		json_array_append_new(a, json_integer((json_int_t)
		    t->also[i]));
	return a;
}

json_t *
verdict_event(const struct verdict_told *t)
{
	const struct sighting *s = t->sighting;
	const char *sender = fields_get(s->fields, "@sender");
	char who[ADDR_STRLEN];
	json_t *o;

	o = json_pack("{s:s,s:s,s:I,s:o,s:o,s:s?,s:o,s:I,s:s,s:f}", "sensor",
	    t->sensor->name, "product", s->product, "severity",
	    (json_int_t)s->severity, "signature", eve_string(s->signature),
	    "category", eve_string(s->category), "endpoint", t->who != NULL ?
	    endpoint_str(t->who, who) : NULL, "peer",
	    eve_string(sighting_peer(s, t->who)),
	    "response", (json_int_t)t->number, "result",
	    verdict_result_str(t->result), "seconds", (double)t->us / 1e6);
	if (t->id != 0)
		json_object_set_new(o, done_key(t),
		    json_integer((json_int_t)t->id));
	if (t->also[0] != 0)
		json_object_set_new(o, "denials", contained_ids(t));
	if (t->why != NULL)
		json_object_set_new(o, "error", eve_string(t->why));
	if (sender != NULL)
		json_object_set_new(o, "sender", eve_string(sender));
	json_object_set_new(o, "line", eve_string(s->fields->line));
	return o;
}

json_t *
contained_case(const struct quarantine *q, uint64_t id)
{
	json_t *lines;
	uint64_t broken;

	if (id == 0)
		return say_wrong("a case has the number of its quarantine");
	if (q->cases == NULL)
		return say_wrong("no cases are kept: quarantines are not "
		    "configured, or endpoints: cases is none");
	if ((lines = cases_read(q->cases, id, &broken)) == NULL)
		return say_wrong("the file of cases cannot be read");
	if (json_array_size(lines) == 0) {
		json_decref(lines);
		return say_wrong("there is no case of that number");
	}
	return json_pack("{s:o,s:o}", "chain", broken == 0 ?
	    json_string("whole") : json_sprintf("broken at line %llu",
	    (unsigned long long)broken), "case", lines);
}

json_t *
contained_verb(struct quarantine *q, const char *words)
{
	char *copy = xstrdup(words), *save = NULL, *verb, *a, *b, *c;
	json_t *o;

	verb = strtok_r(copy, " \t", &save);
	a = strtok_r(NULL, " \t", &save);
	b = strtok_r(NULL, " \t", &save);
	if (verb == NULL || (strcmp(verb, "list") == 0 && a == NULL)) {
		o = verb_list(q);
	} else if (strcmp(verb, "add") == 0) {
		c = strtok_r(NULL, " \t", &save);
		save = save != NULL ? save + strspn(save, " \t") : save;
		o = verb_add(q, a, b, c, save != NULL && *save != '\0' ?
		    save : "set by the operator");
	} else if (strcmp(verb, "release") == 0 && b == NULL) {
		o = verb_release(q, a);
	} else {
		o = say_wrong("quarantine takes list, add WHO PROFILE FOR "
		    "[REASON] or release ID");
	}
	free(copy);
	return o;
}
