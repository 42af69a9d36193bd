/*
 * A daemon with one listener, one mirror that loses, one ICAP service nobody
 * uses, and no workers: enough for the control socket and the metrics to tell
 * of.
 */
#ifndef ADMIN_ENV_H
#define ADMIN_ENV_H

#include <event2/event.h>
#include <string.h>

#include "admin/admin.h"
#include "util/err.h"

static struct sink_stats env_lost = { .packets = 5, .lost_bytes = 9,
    .lost_reason = "port down" };

static void
env_stats(void *sink, struct sink_stats *st)
{
	*st = env_lost;
}

static int
env_reload(void *arg, struct text *said)
{
	text_puts(said, "nothing was changed: \xff");
	return ERR_USAGE;
}

static void
env_fill(struct admin_env *e)
{
	static const struct sink_ops ops = { .stats = env_stats };
	static struct proxy_sink sinks[] = { { &ops, NULL } };
	static struct conf_listen listens[1] = { { .name = (char *)"proxy" } };
	static struct conf_mirror mirrors[1] = { { .name = (char *)"a\"b\\c" } };
	static struct conf_icap_url urls[1] = { {
	    .url = (char *)"icap://127.0.0.1:9/av",
	    .host = (char *)"127.0.0.1", .port = 9, .weight = 1 } };
	static struct conf_icap icaps[1] = { { .name = (char *)"av",
	    .respmod = urls, .nrespmod = 1,
	    .options = 1, .preview = ICAP_PREVIEW_AUTO } };
	static struct icap_service *services[1];
	static struct conf conf;
	struct text why = { 0 };

	addr_parse(&listens[0].address, "127.0.0.1:8080");
	memset(&conf, 0, sizeof(conf));
	conf.path = (char *)"test.yaml";
	conf.listens = listens;
	conf.mirrors = mirrors;
	conf.icaps = icaps;
	conf.nlistens = conf.nmirrors = conf.nicaps = 1;
	if (icap_service_new(&icaps[0], &services[0], &why) != 0)
		abort();
	memset(e, 0, sizeof(*e));
	e->base = event_base_new();
	e->conf = &conf;
	e->sinks = sinks;
	e->icaps = services;
	e->tally = tally_new();
	e->failures = failures_new("trust it");
	e->top = top_new();
	e->reload = env_reload;
}

static void
env_done(struct admin_env *e)
{
	icap_service_free(e->icaps[0]);
	tally_free(e->tally);
	failures_free(e->failures);
	top_free(e->top);
	event_base_free(e->base);
}

#endif
