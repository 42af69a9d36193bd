/*
 * Sensors in the running daemon, and what the log says of their verdicts.
 */
#include "admin/contained.h"
#include "main/daemon.h"
#include "sink/connlog.h"
#include "util/clock.h"
#include "util/log.h"
#include "verdict/cases.h"
#include "verdict/sensors.h"

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
	o = verdict_event(t);
	if (t->id != 0)
		cases_add(d->quarantine.cases, t->id, clock_wall().tv_sec,
		    "verdict", json_incref(o));
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
	d->verdicts.quarantine = &d->quarantine;
	d->verdicts.respond = respond_new(seed);
	d->verdicts.told = verdict_told;
	d->verdicts.arg = d;
	d->admin.verdicts = &d->verdicts;
	return verdicts_renew(d, c, why);
}

int
verdicts_renew(struct daemon *d, struct conf *c, struct text *why)
{
	int rv = 0;

	if (d->sensors == NULL && c->nsensors > 0)
		rv = sensors_new(d->base, c, sensor_said, d, &d->sensors,
		    why);
	else if (d->sensors != NULL)
		rv = sensors_renew(d->sensors, c, &d->sensors, why);
	d->admin.sensors = d->sensors;
	return rv;
}

void
verdicts_down(struct daemon *d)
{
	sensors_free(d->sensors);
	respond_free(d->verdicts.respond);
}
