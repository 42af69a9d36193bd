/*
 * The verb notify, and its metrics.
 */
#include "admin/notices.h"

#include <string.h>

#include "sink/eve.h"
#include "util/clock.h"
#include "verdict/notices.h"

static const char *
kind_str(const struct target *t)
{
	switch (t->conf->act.url.kind) {
	case TARGET_WEBHOOK:
		return "webhook";
	case TARGET_RADIUS:
		return "radius";
	default:
		return "syslog";
	}
}

static const char *
state_str(const struct target *t)
{
	if (t->flying > 0)
		return "telling";
	return t->next != 0 ? "waiting" : "idle";
}

/* The path may have a secret in it. */
static json_t *
where(const struct target *t)
{
	const struct conf_url *u = &t->conf->act.url;

	return json_sprintf("%s%s%s:%u", strchr(u->host, ':') != NULL ? "[" :
	    "", u->host, strchr(u->host, ':') != NULL ? "]" : "", u->port);
}

static json_t *
row(const struct target *t)
{
	uint64_t now = clock_ms();
	json_t *o = json_pack("{s:s,s:s,s:o,s:s,s:I,s:I}", "target",
	    t->conf->name, "kind", kind_str(t), "server", where(t), "state",
	    state_str(t), "queued", (json_int_t)t->queued, "next", (json_int_t)
	    (t->next > now ? (t->next - now + 999) / 1000 : 0));
	int i;

	for (i = 0; i < TARGET_RESULTS; i++)
		json_object_set_new(o, target_result_str((enum target_result)
		    i), json_integer((json_int_t)t->counts[i]));
	json_object_set_new(o, "problem", eve_string(t->problem));
	return o;
}

static json_t *
test(struct notices *s, const char *name)
{
	struct timespec now = clock_wall();
	json_t *about = json_pack("{s:b}", "test", 1);
	struct text line = { 0 };
	struct notice *n;
	size_t told;

	eve_object(&line, "notify", json_incref(about), &now);
	n = notice_new(NOTICE_TEST, 0, now.tv_sec, 0, about, line.s);
	told = notices_test(s, name, n);
	notice_unref(n);
	text_free(&line);
	if (told == 0)
		return json_pack("{s:s}", "error", "there is no such target: "
		    "see notify");
	return json_pack("{s:I}", "tested", (json_int_t)told);
}

json_t *
notices_verb(struct notices *s, const char *verb, const char *name)
{
	json_t *rows;
	size_t i;

	if (verb != NULL && strcmp(verb, "test") == 0)
		return test(s, name);
	if (verb != NULL)
		return json_pack("{s:s}", "error", "notify takes nothing, or "
		    "test [TARGET]");
	rows = json_array();
	for (i = 0; i < notices_count(s); i++)
		json_array_append_new(rows, row(notices_target(s, i)));
	return json_pack("{s:o}", "notify", rows);
}

void
notices_metrics(const struct notices *s, struct text *out)
{
	const struct target *t;
	size_t i;
	int r;

	if (notices_count(s) == 0)
		return;
	text_puts(out, "# HELP clearspan_notify_queued Notices that wait.\n"
	    "# TYPE clearspan_notify_queued gauge\n");
	for (i = 0; i < notices_count(s); i++) {
		t = notices_target(s, i);
		text_printf(out, "clearspan_notify_queued{target=\"%s\"} "
		    "%u\n", t->conf->name, t->queued);
	}
	text_puts(out, "# HELP clearspan_notify_total Notices, by what became "
	    "of them; each try that failed is one that is retried.\n"
	    "# TYPE clearspan_notify_total counter\n");
	for (i = 0; i < notices_count(s); i++)
		for (r = 0; r < TARGET_RESULTS; r++) {
			t = notices_target(s, i);
			text_printf(out, "clearspan_notify_total{target=\"%s\""
			    ",result=\"%s\"} %llu\n", t->conf->name,
			    target_result_str((enum target_result)r),
			    (unsigned long long)t->counts[r]);
		}
}
