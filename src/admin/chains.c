/*
 * What devices and chains say of themselves. Names here are of letters, digits
 * and "._-" (the configuration sees to it), so that no label needs escaping.
 */
#include "admin/chains.h"

#include <string.h>

#include "admin/say.h"
#include "chain/device.h"
#include "chain/zone.h"
#include "util/mem.h"

/* In one word. What the operator wants comes before what the probes say. */
static const char *
device_state(const struct device_stats *st)
{
	if (st->admin == DEVICE_FORCED_DOWN)
		return "down";
	if (st->health == DEVICE_DOWN)
		return st->open ? "open" : "down";
	if (st->admin == DEVICE_DRAIN)
		return st->sessions > 0 ? "draining" : "drained";
	return st->full ? "full" : device_health_str(st->health);
}

static void
put_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

/* The first members are the columns that a person reads first. */
static json_t *
device_object(const struct conf_device *d)
{
	struct device_stats st;
	json_t *o;
	size_t i;

	device_stats(d, &st);
	o = json_pack("{s:s,s:s,s:s,s:s}", "name", d->name, "state",
	    device_state(&st), "health", device_health_str(st.health),
	    "admin", device_admin_str(st.admin));
	put_count(o, "since_s", st.since / 1000);
	put_count(o, "sessions", st.sessions);
	put_count(o, "connections", d->connections);
	put_count(o, "weight", d->weight);
	for (i = 0; i < DEVICE_RESULTS; i++)
		put_count(o, device_result_str((enum device_result)i),
		    st.results[i]);
	put_count(o, "bytes_toserver", st.bytes[0]);
	put_count(o, "bytes_toclient", st.bytes[1]);
	put_count(o, "probes", st.probes);
	put_count(o, "probe_us", st.p50_us);
	put_count(o, "probe_p99_us", st.p99_us);
	put_count(o, "changes", st.changes);
	json_object_set_new(o, "kind", json_string(d->kind == DEVICE_L2 ?
	    "l2" : "l3"));
	json_object_set_new(o, "inside", json_string(d->inside));
	json_object_set_new(o, "outside", json_string(d->outside));
	json_object_set_new(o, "why", json_string(st.why));
	return o;
}

json_t *
chains_devices(const struct conf *c)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < c->ndevices; i++)
		json_array_append_new(all, device_object(&c->devices[i]));
	return json_pack("{s:o}", "devices", all);
}

static int
admin_of(const char *want, enum device_admin *admin)
{
	int i;

	for (i = DEVICE_AUTO; i <= DEVICE_FORCED_DOWN; i++)
		if (strcmp(want, device_admin_str((enum device_admin)i)) == 0) {
			*admin = (enum device_admin)i;
			return 1;
		}
	return 0;
}

json_t *
chains_device(const struct conf *c, const char *name, const char *want)
{
	enum device_admin admin;
	size_t i;

	for (i = 0; i < c->ndevices; i++)
		if (strcmp(c->devices[i].name, name) == 0)
			break;
	if (i == c->ndevices)
		return json_pack("{s:s}", "error",
		    "no such device: devices lists them");
	if (want != NULL) {
		if (!admin_of(want, &admin))
			return json_pack("{s:s}", "error",
			    "device NAME takes drain, down or auto");
		device_set_admin(c->devices[i].running, admin);
	}
	return device_object(&c->devices[i]);
}

/* "ips1 ips2"; with up, only those that would get a session. */
static json_t *
slot_devices(const struct conf_slot *s, int up)
{
	struct text t = { 0 };
	struct device_stats st;
	json_t *v;
	size_t i;

	for (i = 0; i < s->ndevices; i++) {
		device_stats(s->devices[i], &st);
		if (!up || (st.health != DEVICE_DOWN && !st.full &&
		    st.admin == DEVICE_AUTO))
			text_printf(&t, "%s%s", t.len > 0 ? " " : "",
			    s->devices[i]->name);
	}
	v = json_string(t.s != NULL ? t.s : "");
	text_free(&t);
	return v;
}

static json_t *
slot_object(const struct conf_chain *ch, const struct conf_slot *s)
{
	uint64_t results[SLOT_RESULTS];
	json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:s}", "chain", ch->name,
	    "slot", s->name, "devices", slot_devices(s, 0), "up",
	    slot_devices(s, 1), "fail", s->fail_open ? "open" : "closed");
	size_t i;

	slot_stats(s, results);
	for (i = 0; i < SLOT_RESULTS; i++)
		put_count(o, slot_result_str((enum slot_result)i), results[i]);
	return o;
}

json_t *
chains_chains(const struct conf *c)
{
	json_t *all = json_array();
	size_t i, k;

	for (i = 0; i < c->nchains; i++)
		for (k = 0; k < c->chains[i].nslots; k++)
			json_array_append_new(all, slot_object(&c->chains[i],
			    &c->chains[i].slots[k]));
	return json_pack("{s:o}", "chains", all);
}

/* The metrics of one device, each at the end of its own text. */
enum { M_UP, M_OPEN, M_NOW, M_TOTAL, M_BYTES, M_PROBE, M_CHANGES, M_MAX };

static void
metrics_probe(struct text *t, const char *name, const struct device_stats *st)
{
	const char *m = "clearspan_device_probe_seconds";

	text_printf(t, "%s{device=\"%s\",quantile=\"0.5\"} %.6f\n", m, name,
	    (double)st->p50_us / 1e6);
	text_printf(t, "%s{device=\"%s\",quantile=\"0.99\"} %.6f\n", m, name,
	    (double)st->p99_us / 1e6);
	text_printf(t, "%s_sum{device=\"%s\"} %.6f\n", m, name,
	    (double)st->probe_us / 1e6);
	text_printf(t, "%s_count{device=\"%s\"} %llu\n", m, name,
	    (unsigned long long)st->probes);
}

static void
metrics_device(struct text t[M_MAX], const struct conf_device *d)
{
	const char *name = d->name;
	struct device_stats st;
	size_t i;

	device_stats(d, &st);
	text_printf(&t[M_UP], "clearspan_device_up{device=\"%s\"} %d\n", name,
	    st.health != DEVICE_DOWN && st.admin != DEVICE_FORCED_DOWN);
	text_printf(&t[M_OPEN], "clearspan_device_open{device=\"%s\"} %d\n",
	    name, st.open);
	text_printf(&t[M_NOW], "clearspan_device_sessions{device=\"%s\"} "
	    "%llu\n", name, (unsigned long long)st.sessions);
	for (i = 0; i < DEVICE_RESULTS; i++)
		text_printf(&t[M_TOTAL], "clearspan_device_sessions_total{"
		    "device=\"%s\",result=\"%s\"} %llu\n", name,
		    device_result_str((enum device_result)i),
		    (unsigned long long)st.results[i]);
	for (i = 0; i < 2; i++)
		text_printf(&t[M_BYTES], "clearspan_device_bytes_total{device="
		    "\"%s\",direction=\"%s\"} %llu\n", name, i == 0 ?
		    "toserver" : "toclient", (unsigned long long)st.bytes[i]);
	metrics_probe(&t[M_PROBE], name, &st);
	text_printf(&t[M_CHANGES], "clearspan_device_changes_total{device="
	    "\"%s\"} %llu\n", name, (unsigned long long)st.changes);
}

static void
metrics_slots(struct text *t, const struct conf_chain *ch)
{
	uint64_t results[SLOT_RESULTS];
	size_t i, k;

	for (i = 0; i < ch->nslots; i++) {
		slot_stats(&ch->slots[i], results);
		for (k = 0; k < SLOT_RESULTS; k++)
			text_printf(t, "clearspan_chain_failed_total{chain="
			    "\"%s\",slot=\"%s\",result=\"%s\"} %llu\n",
			    ch->name, ch->slots[i].name,
			    slot_result_str((enum slot_result)k),
			    (unsigned long long)results[k]);
	}
}

/* All devices have the same helper, if they have any. */
static void
metrics_helper(struct text *out, const struct conf *c)
{
	const struct zone *zone;

	zone = c->ndevices > 0 ? device_zone(c->devices[0].running) : NULL;
	if (zone == NULL)
		return;
	say_metric(out, "zone_helper_up", "gauge",
	    "Whether the process is there without which no device takes a "
	    "session.");
	text_printf(out, "clearspan_zone_helper_up %d\n",
	    !zone_helpless(zone));
}

void
chains_metrics(const struct conf *c, struct text *out)
{
	static const char *const metrics[M_MAX][3] = {
		{ "device_up", "gauge", "Whether a device forwards." },
		{ "device_open", "gauge",
		    "Whether a device let through what it must block." },
		{ "device_sessions", "gauge", "Sessions in a device now." },
		{ "device_sessions_total", "counter",
		    "Sessions of a device, by what became of them." },
		{ "device_bytes_total", "counter",
		    "Payload that went through a device." },
		{ "device_probe_seconds", "summary",
		    "How long probes through a device took." },
		{ "device_changes_total", "counter",
		    "Times a device went down or came up." },
	};
	struct text t[M_MAX] = { 0 };
	size_t i;

	for (i = 0; i < c->ndevices; i++)
		metrics_device(t, &c->devices[i]);
	for (i = 0; i < M_MAX && c->ndevices > 0; i++) {
		say_metric(out, metrics[i][0], metrics[i][1], metrics[i][2]);
		text_puts(out, t[i].s);
		text_free(&t[i]);
	}
	metrics_helper(out, c);
	if (c->nchains > 0)
		say_metric(out, "chain_failed_total", "counter",
		    "Sessions whose device of a slot was not to be had, by "
		    "what was done.");
	for (i = 0; i < c->nchains; i++)
		metrics_slots(out, &c->chains[i]);
}
