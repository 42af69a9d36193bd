/*
 * Sensors in the running daemon, and what the log says of their verdicts.
 */
#include "admin/contained.h"
#include "admin/measures.h"
#include "main/daemon.h"
#include "sink/connlog.h"
#include "util/clock.h"
#include "util/log.h"
#include "verdict/cases.h"
#include "verdict/sensors.h"

/* In the case of each thing that was done. */
static void
verdict_cases(struct daemon *d, const struct verdict_told *t, json_t *o)
{
	size_t i;

	if (t->id != 0 && t->also[0] == 0)
		cases_add(d->quarantine.cases, t->id, clock_wall().tv_sec,
		    "verdict", json_incref(o));
	for (i = 0; i < VERDICT_ALSO && t->also[i] != 0; i++)
		cases_add(d->quarantine.cases, t->also[i],
		    clock_wall().tv_sec, "verdict", json_incref(o));
}

static void
verdict_told(void *arg, const struct verdict_told *t)
{
	struct daemon *d = arg;
	char who[ADDR_STRLEN];
	json_t *o;

	log_info("sensor %s: %s (severity %d) about %s: response %zu: %s%s%s",
	    t->sensor->name, t->sighting->signature != NULL ?
	    t->sighting->signature : "a finding", t->sighting->severity,
	    t->who != NULL ? endpoint_str(t->who, who) : "nobody", t->number,
	    verdict_result_str(t->result), t->why != NULL ? ": " : "",
	    t->why != NULL ? t->why : "");
	o = contained_acted(d, verdict_event(t));
	verdict_cases(d, t, o);
	verdict_ring_add(d->admin.ring, o, clock_wall().tv_sec);
	notices_verdict(d, t, o);
	connlog_report(d->admin.log, "verdict", o);
}

static void
sensor_said(void *arg, const struct conf_sensor *c, const struct fields *f)
{
	struct daemon *d = arg;

	verdicts_said(&d->verdicts, c, f, clock_wall().tv_sec, clock_ms(),
	    clock_us());
}

int
verdicts_boot(struct daemon *d, struct conf *c, uint64_t seed,
    struct text *why)
{
	struct sensors *s;
	int rv;

	d->verdicts.quarantine = &d->quarantine;
	d->verdicts.respond = respond_new(seed);
	d->verdicts.told = verdict_told;
	d->verdicts.arg = d;
	d->admin.verdicts = &d->verdicts;
	if ((rv = verdicts_open(d, c, &s, why)) == 0)
		verdicts_begin(d, c, s);
	return rv;
}

int
verdicts_open(struct daemon *d, struct conf *c, struct sensors **out,
    struct text *why)
{
	return sensors_open(d->base, c, d->sensors, sensor_said, d, out, why);
}

void
verdicts_begin(struct daemon *d, struct conf *c, struct sensors *s)
{
	sensors_begin(s, c, d->sensors);
	d->sensors = d->admin.sensors = s;
}

void
verdicts_down(struct daemon *d)
{
	sensors_free(d->sensors);
	respond_free(d->verdicts.respond);
}
