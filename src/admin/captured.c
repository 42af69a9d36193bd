/*
 * What is said of captures.
 */
#include "admin/captured.h"

#include "admin/admin.h"
#include "admin/say.h"
#include "admin/span.h"
#include "sink/eve.h"
#include "sink/history.h"

static json_t *
ns_json(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000),
	    (long)(ns % 1000000000) };

	return eve_time(&ts);
}

json_t *
captured_json(const struct capture_told *t, uint64_t id,
    const struct endpoint *who)
{
	char name[ADDR_STRLEN];
	json_t *o = json_pack("{s:s,s:s,s:I,s:I}", "endpoint",
	    endpoint_str(who, name), "result", capture_end_str(t->how),
	    "packets", (json_int_t)t->packets, "sessions",
	    (json_int_t)t->sessions);

	if (id != 0)
		json_object_set_new(o, "case", json_integer((json_int_t)id));
	if (t->skipped != 0)
		json_object_set_new(o, "skipped",
		    json_integer((json_int_t)t->skipped));
	if (t->why != NULL)
		json_object_set_new(o, "error", eve_string(t->why));
	if (t->path == NULL)
		return o;
	json_object_set_new(o, "file", eve_string(t->path));
	json_object_set_new(o, "bytes", json_integer((json_int_t)t->bytes));
	if (t->first != 0) {
		json_object_set_new(o, "first", ns_json(t->first));
		json_object_set_new(o, "last", ns_json(t->last));
	}
	if (t->sha256[0] != '\0')
		json_object_set_new(o, "sha256", json_string(t->sha256));
	return o;
}

void
captured_verb(const struct admin_env *e, const char *word, const char *span,
    void (*done)(void *, json_t *), void *arg)
{
	const char *wrong = NULL;
	unsigned long s = 0;
	struct endpoint who;

	if (word == NULL)
		wrong = "capture takes who (an address or a MAC), and perhaps "
		    "for how long it goes on (30s, 10m)";
	else if (endpoint_parse(&who, word) != 0)
		wrong = "write who as 192.0.2.7, 2001:db8::7 or "
		    "02:00:5e:10:00:01";
	else if (span != NULL && (s = span_read(span)) == 0)
		wrong = SPAN_HINT;
	if (wrong != NULL)
		done(arg, say_wrong(wrong));
	else
		e->capture(e->arg, &who, (uint64_t)s * 1000, done, arg);
}

static void
metrics_captures(const struct capture_counts *c, struct text *out)
{
	int i;

	say_metric(out, "captures_open", "gauge", "Captures under way.");
	text_printf(out, "clearspan_captures_open %llu\n",
	    (unsigned long long)c->open);
	say_metric(out, "captures_total", "counter", "Captures, by their end.");
	for (i = 0; i < CAPTURE_ENDS; i++)
		text_printf(out, "clearspan_captures_total{result=\"%s\"} "
		    "%llu\n", capture_end_str((enum capture_end)i),
		    (unsigned long long)c->ended[i]);
	text_printf(out, "clearspan_captures_total{result=\"refused\"} "
	    "%llu\n", (unsigned long long)c->refused);
}

void
captured_metrics(const struct admin_env *e, struct text *out)
{
	static const char *const reasons[RING_MAX] = { "age", "size",
	    "no-room" };
	struct ring_stats st;
	int i;

	if (!e->conf->history.given)
		return;
	history_stats(e->history, &st);
	say_metric(out, "history_bytes", "gauge",
	    "Memory that packets kept take.");
	text_printf(out, "clearspan_history_bytes %llu\n",
	    (unsigned long long)st.bytes);
	say_metric(out, "history_packets", "gauge", "Packets kept now.");
	text_printf(out, "clearspan_history_packets %llu\n",
	    (unsigned long long)st.packets);
	say_metric(out, "history_packets_total", "counter",
	    "Packets ever kept.");
	text_printf(out, "clearspan_history_packets_total %llu\n",
	    (unsigned long long)st.put);
	say_metric(out, "history_dropped_packets_total", "counter",
	    "Packets that went, or (no-room) were not kept.");
	for (i = 0; i < RING_MAX; i++)
		text_printf(out, "clearspan_history_dropped_packets_total"
		    "{reason=\"%s\"} %llu\n", reasons[i],
		    (unsigned long long)st.gone[i]);
	metrics_captures(e->captures, out);
}
