/*
 * Reads the configuration again. What is new is made first, and only when
 * all of it is there do the workers get it, for new sessions: so an error
 * changes nothing. A few keys cannot change while the daemon runs; a file that
 * changes one is refused whole, with the name of the key, so that the daemon
 * always runs the text of one file.
 */
#include <stdlib.h>
#include <string.h>

#include "chain/chain.h"
#include "chain/device.h"
#include "conf/denied.h"
#include "conf/notify.h"
#include "main/daemon.h"
#include "main/setup.h"
#include "proxy/accept.h"
#include "sink/history.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/denied.h"
#include "verdict/notices.h"
#include "verdict/sensors.h"
#include "verdict/tags.h"

static const struct {
	const char	*name;
	const char	*keys[3];
} fixed[] = {
	{ "workers or user", { "workers", "user" } },
	{ "control", { "control" } },
	{ "endpoints state or cases", { "endpoints.state",
	    "endpoints.cases" } },
	{ "history ports, http2 or starttls", { "history.ports",
	    "history.http2", "history.starttls" } },
	{ "endpoints leases", { "endpoints.leases" } },
};

static int
same(const struct conf *a, const struct conf *b, size_t i)
{
	size_t k;

	for (k = 0; k < NELEM(fixed[i].keys) && fixed[i].keys[k] != NULL; k++)
		if (!conf_same(a, b, fixed[i].keys[k]))
			return 0;
	return 1;
}

/* Name the keys that differ. Returns 0 if none does. */
static int
reload_differs(const struct conf *a, const struct conf *b, struct text *out)
{
	const struct conf_ca *moved = conf_ca_moved(a, b);
	size_t i;
	int n = 0;

	for (i = 0; i < NELEM(fixed); i++)
		if (!same(a, b, i))
			text_printf(out, "%s%s", n++ > 0 ? ", " :
			    "needs a restart: ", fixed[i].name);
	if (moved != NULL)
		text_printf(out, "%sca key%s%s", n++ > 0 ? ", " :
		    "needs a restart: ", moved->name != NULL ? " of " : "",
		    moved->name != NULL ? moved->name : "");
	return n;
}

/* They are watched, and others no longer. */
static void
reload_watch(struct daemon *d)
{
	struct text why = { 0 };

	if (d->chains != NULL &&
	    chains_watch(d->chains, d->admin.conf, &why) != 0)
		log_error("devices are not watched: %s", why.s);
	text_free(&why);
}

/* What makes their zones is started while there are privileges. */
static int
reload_first_device(const struct daemon *d, const struct conf *c,
    struct text *out)
{
	if (c->ndevices == 0 || d->zones != NULL)
		return 0;
	text_puts(out, "needs a restart: devices, as it was started without "
	    "any");
	return 1;
}

/* The guard starts with the first quarantine or segment, which a reload cannot
 * bring; nor may the last quarantine go while anybody is in it. */
static int
reload_first_quarantine(const struct daemon *d, const struct conf *c,
    struct text *out)
{
	unsigned n = contain_count(d->quarantine.contain);
	unsigned denied = contain_count(denied_table(d->measures.denied));

	if (contained_guards(c) && d->quarantine.guard == NULL)
		text_puts(out, "needs a restart: quarantines, segments or do: "
		    "deny-server, as it was started without any");
	else if (conf_measures(c) && c->endpoints.state != NULL &&
	    d->quarantine.state == NULL)
		text_puts(out, "needs a restart: do: step-up, as it was "
		    "started without any response that lasts");
	else if (!conf_denies(c) && denied > 0)
		text_printf(out, "quarantines and do: deny-server cannot go "
		    "while %u servers are denied (ctl deny list)", denied);
	else if (c->nquarantines == 0 && n > 0)
		text_printf(out, "quarantines cannot go while %u endpoints "
		    "are contained (ctl quarantine list)", n);
	else
		return 0;
	return 1;
}

/* The file that is open stays the one of what waits. */
static int
reload_other_state(const struct daemon *d, const struct conf *c,
    struct text *out)
{
	const char *is = notices_path(d->notices), *state = c->notify.state;

	if (is == NULL || conf_targets(&c->notify) == 0 ||
	    (state != NULL && strcmp(is, state) == 0))
		return 0;
	text_puts(out, "needs a restart: notify state");
	return 1;
}

/* What a reload has made, and is not in force yet. */
struct fresh {
	struct setup	*setup;
	int		**sockets;	/* of each worker, for new listeners */
	struct metrics	*metrics;	/* at a new address, or NULL */
	struct sensors	*sensors;	/* perhaps those in force */
	struct notices	*notices;
	struct rest_fresh *rest;
};

static int
fresh_metrics(struct daemon *d, const struct conf *c, struct fresh *f,
    struct text *why)
{
	if (c->metrics.sa.sa_family == AF_UNSPEC ||
	    conf_same(d->admin.conf, c, "metrics"))
		return 0;
	return metrics_new(&d->admin, &c->metrics, &f->metrics, why);
}

/* Devices that are new get zones, too. */
static int
fresh_make(struct daemon *d, struct conf *c, struct fresh *f,
    struct text *why)
{
	size_t i;
	int rv;

	for (i = 0; i < c->nlistens; i++)
		if (!setup_listens(&c->listens[i]) &&
		    (rv = port_free(&c->listens[i], why)) != 0)
			return rv;
	device_attach(c, d->admin.conf);
	captures_directory(c);
	if ((rv = captures_usable(c, why)) != 0)
		return rv;
	if ((rv = setup_new(d, c, d->setup, &f->setup, why)) != 0)
		return rv;
	if (d->chains != NULL && (rv = chains_open(d->chains, c, why)) != 0)
		return rv;
	if ((rv = accept_open(c, d->admin.conf, d->nrunning, &f->sockets,
	    why)) != 0 || (rv = fresh_metrics(d, c, f, why)) != 0 ||
	    (rv = verdicts_open(d, c, &f->sensors, why)) != 0 ||
	    (rv = notices_make(d, c, &f->notices, why)) != 0 ||
	    (rv = rest_open(d->rest, c, &f->rest, why)) != 0)
		return rv;
	return connlog_turn(d->admin.log, c->log.file, c->log.events, why);
}

/* It was not to be. */
static void
fresh_drop(struct daemon *d, const struct conf *c, struct fresh *f)
{
	accept_drop(f->sockets, d->nrunning, c->nlistens);
	metrics_free(f->metrics);
	sensors_drop(f->sensors, d->sensors);
	notices_free(f->notices);
	rest_drop(f->rest);
	setup_release(f->setup);
}

static void
reload_apply(struct daemon *d, struct conf *c, struct fresh *f)
{
	struct setup *old = d->setup;
	size_t i;

	if (!conf_same(d->admin.conf, c, "metrics")) {
		metrics_free(d->metrics);
		d->metrics = f->metrics;
	}
	history_renew(d->history, c);
	for (i = 0; i < d->nrunning; i++)
		worker_renew(d->workers[i], setup_parts(f->setup),
		    f->sockets[i]);
	free(f->sockets);	/* the workers have them */
	d->setup = f->setup;
	daemon_show(d);
	quarantine_renew(&d->quarantine, d->admin.conf, clock_ms());
	tags_renew(&d->quarantine, d->admin.conf, clock_wall().tv_sec,
	    clock_ms());
	verdicts_begin(d, c, f->sensors);
	notices_turn(d, f->notices);
	rest_begin(d->rest, f->rest);
	daemon_memory(c);
	log_level = c->log.level;
	reload_watch(d);
	setup_release(old);
}

static int
reload_try(struct daemon *d, struct text *said)
{
	struct fresh f = { 0 };
	struct conf *c;
	int rv;

	if ((rv = conf_load(d->admin.conf->path, &c, said)) != 0)
		return rv;
	if (reload_differs(d->admin.conf, c, said) ||
	    reload_first_device(d, c, said) ||
	    reload_first_quarantine(d, c, said) ||
	    reload_other_state(d, c, said))
		rv = ERR_UNSUPPORTED;
	else if ((rv = fresh_make(d, c, &f, said)) == 0)
		reload_apply(d, c, &f);
	else
		fresh_drop(d, c, &f);
	conf_unref(c);		/* the setup has its own reference */
	return rv;
}

/* Join the lines of the errors into one sentence. */
static void
join_lines(struct text *t)
{
	size_t i;

	while (t->len > 0 && t->s[t->len - 1] == '\n')
		t->s[--t->len] = '\0';
	for (i = 0; i < t->len; i++)
		if (t->s[i] == '\n')
			t->s[i] = ';';
}

int
daemon_reload(void *arg, struct text *said)
{
	struct daemon *d = arg;
	struct text why = { 0 };
	int rv;

	if (strcmp(d->admin.conf->path, CONF_BUILT_IN) == 0) {
		text_puts(&why, "this configuration is built in");
		rv = ERR_UNSUPPORTED;
	} else {
		rv = reload_try(d, &why);
	}
	join_lines(&why);
	d->admin.reloads[rv == 0]++;
	if (rv == 0) {
		text_printf(said, "%s: %zu rules, for new sessions",
		    d->admin.conf->path, d->admin.conf->nrules);
		log_info("reloaded %s", said->s);
	} else {
		text_printf(said, "nothing was changed: %s", why.s);
		log_error("reload: %s", said->s);
	}
	text_free(&why);
	return rv;
}
