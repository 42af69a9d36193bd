/*
 * Brings the daemon up and down. Each step needs those before it. Steps that
 * need privileges come before these are dropped. The event log is opened after
 * that, because the user must be able to reopen it later.
 */
#include <errno.h>
#include <event2/event.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/chain.h"
#include "chain/device.h"
#include "chain/zone.h"
#include "chain/zone_helper.h"
#include "main/daemon.h"
#include "net/sock.h"
#include "adapt/engine.h"
#include "sink/sinks.h"
#include "http/spool.h"
#include "util/budget.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define PER_SESSION	4	/* descriptors: two ends, and the two of a pipe
				 * if it is bypassed */
#define OTHERS		1024	/* descriptors for everything else */
#define LOG_MS		2000	/* to write out the event log */

static const struct sink_ops *const sink_kinds[] = {
	[MIRROR_PORT] = &sink_mirror,
	[MIRROR_PCAP] = &sink_pcap,
	[MIRROR_PCAPIP] = &sink_pcapip
};

static void
boot_nofile(const struct conf *c)
{
	unsigned long each = PER_SESSION + 2 * conf_hops(c), want, got;

	want = (unsigned long)c->limits.connections * each + OTHERS;
	if ((got = sock_raise_nofile(want)) < want / 2)
		log_warn("only %lu descriptors, and %u connections may need "
		    "%lu: raise the hard limit (LimitNOFILE= in the unit)",
		    got, c->limits.connections, want);
}

/*
 * The helper of inline devices is this program run again: no key is in its
 * memory, and no descriptor of ours is open in it. It keeps the privileges that
 * we drop, so it is started only if there are devices.
 */
static int
boot_zones(struct daemon *d, const struct conf *c, struct text *why)
{
	static char name[] = "clearspan", arg[] = ZONE_HELPER_ARG;
	static char *const exec[] = { name, arg, NULL };
	int rv;

	if (c->ndevices == 0)
		return 0;
	if ((rv = zones_start(&d->zones, exec, why)) != 0)
		return rv;
	d->chains = chains_new(d->zones, c->workers);
	d->env.chain = &chain_inline;
	d->env.chain_env = d->chains;
	return 0;
}

#define CACHES_SHARE	8	/* of limits.memory, for the caches of TLS */

static int
boot_tls(struct daemon *d, const struct conf *c, struct text *why)
{
	struct tls_options o = {
		.ca_cert = c->ca_cert, .ca_key = c->ca_key,
		.untrusted_cert = c->untrusted_cert,
		.untrusted_key = c->untrusted_key,
		.trust = c->trust,
		.trust_also = c->trust_also.v,
		.ntrust_also = c->trust_also.n,
		.keylog = c->log.keys,
		.caches = c->limits.memory / CACHES_SHARE,
		.max_chain = c->max_chain,
		.profiles = &c->tls.profile, .nprofiles = 1
	};

	return tls_new(&o, &d->tls, why);
}

static int
boot_sinks(struct daemon *d, const struct conf *c, struct text *why)
{
	struct proxy_sink *s;
	size_t i;
	int rv;

	d->sinks = xcalloc(c->nmirrors, sizeof(*d->sinks));
	for (i = 0; i < c->nmirrors; i++) {
		s = &d->sinks[i];
		s->ops = sink_kinds[c->mirrors[i].kind];
		rv = s->ops->open(&c->mirrors[i], &s->sink, why);
		if (rv != 0)
			return rv;
		d->nsinks++;
	}
	return 0;
}

/*
 * The workers share a port by SO_REUSEPORT, and would silently share it with
 * another daemon of the same user. So try it first without that option.
 */
static int
boot_port_free(const struct conf_listen *l, struct text *why)
{
	int fd, on = 1, off = l->v6only, taken;
	char buf[ADDR_STRLEN];

	fd = socket(l->address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (l->address.sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	taken = bind(fd, &l->address.sa, addr_len(&l->address)) != 0 &&
	    errno == EADDRINUSE;
	close(fd);
	if (!taken)
		return 0;
	text_printf(why, "listener %s: %s is in use by another program "
	    "(ss -ltnp shows which); stop it, or choose another port",
	    l->name, addr_str(&l->address, buf));
	errno = EADDRINUSE;
	return ERR_SYS;
}

static void
session_ended(void *arg, const struct record *r)
{
	struct daemon *d = arg;

	tally_add(d->admin.tally, r);
	failures_note(d->admin.failures, r);
	top_add(d->admin.top, r, top_now());
	connlog_event(d->admin.log, EVENT_FLOW, r, NULL, NULL);
}

static void
session_handshaken(void *arg, const struct record *r)
{
	struct daemon *d = arg;

	connlog_event(d->admin.log, EVENT_TLS, r, NULL, NULL);
}

static void
exchange_ended(void *arg, const struct record *r, const struct http_record *h)
{
	struct daemon *d = arg;

	connlog_event(d->admin.log, EVENT_HTTP, r, h, NULL);
}

static void
icap_ended(void *arg, const struct record *r, const struct http_record *h,
    const struct icap_record *i)
{
	struct daemon *d = arg;

	connlog_event(d->admin.log, EVENT_ICAP, r, h, i);
}

static void
message_passed(void *arg, const struct record *r, const struct ws_message *m)
{
	struct daemon *d = arg;

	connlog_message(d->admin.log, r, m);
}

/* HTTP is read for ICAP, for rules on the name of each request, which a reload
 * may bring, and for the events of the log that are about it. */
#define SPOOL_SHARE	4	/* of limits.memory, for bodies */
#define SPOOL_DISK	((uint64_t)8 << 30)

static int
boot_engine(struct daemon *d, const struct conf *c, struct text *why)
{
	struct engine_env *x = &d->engine;
	int rv;

	if (c->log.file != NULL) {
		d->env.http_events = (c->log.events &
		    (1u << EVENT_HTTP | 1u << EVENT_WS)) != 0;
		if ((c->log.events & 1u << EVENT_HTTP) != 0)
			x->ended = exchange_ended;
		if ((c->log.events & 1u << EVENT_WS) != 0)
			x->message = message_passed;
	}
	spool_budget(c->limits.memory / SPOOL_SHARE, SPOOL_DISK);
	x->services = xcalloc(c->nicaps + 1, sizeof(struct icap_service *));
	for (; x->nservices < c->nicaps; x->nservices++) {
		rv = icap_service_new(&c->icaps[x->nservices],
		    &x->services[x->nservices], why);
		if (rv != 0)
			return rv;
	}
	x->icap_ended = icap_ended;
	x->arg = d;
	d->env.engine = &http_engine;
	d->env.engine_env = x;
	return 0;
}

/*
 * The policy in force, and that of the boot, into which listeners point as long
 * as the process lives. A device goes with the last snapshot that has it: so
 * the boot's has none, and the file is read once more for the other.
 */
static int
boot_policy(struct daemon *d, struct conf *c, struct text *why)
{
	struct conf *in_force;
	int rv;

	d->boot = policy_new(c);
	d->admin.conf = c;
	if (c->ndevices == 0) {
		d->policy = policy_ref(d->boot);
		return 0;
	}
	if ((rv = conf_load(c->path, &in_force, why)) != 0)
		return rv;
	device_attach(in_force, NULL);
	d->admin.conf = in_force;
	d->policy = policy_new(in_force);
	conf_unref(in_force);	/* the policy has its own reference */
	return 0;
}

static int
boot_workers(struct daemon *d, const struct conf *c, struct text *why)
{
	unsigned i;
	int rv;

	d->env.policy = d->policy;
	d->env.boot = d->boot;
	d->env.tls = d->tls;
	d->env.sinks = d->sinks;
	d->env.ended = session_ended;
	d->env.handshaken = session_handshaken;
	d->env.arg = d;
	for (i = 0; i < c->nlistens; i++)
		if ((rv = boot_port_free(&c->listens[i], why)) != 0)
			return rv;
	d->workers = xcalloc(c->workers, sizeof(*d->workers));
	for (i = 0; i < c->workers; i++) {
		rv = worker_new(&d->env, i, &d->workers[i], why);
		if (rv != 0)
			return rv;
		d->nworkers++;
	}
	return 0;
}

static int
boot_admin(struct daemon *d, const struct conf *c, struct text *why)
{
	struct admin_env *a = &d->admin;
	int rv = 0;

	a->base = d->base;
	a->workers = d->workers;
	a->nworkers = d->nworkers;
	a->sinks = d->sinks;
	a->tls = d->tls;
	a->icaps = d->engine.services;
	a->nicaps = d->engine.nservices;
	a->tally = tally_new();
	a->failures = failures_new(strcmp(c->path, CONF_BUILT_IN) == 0 ?
	    "quickstart --trust FILE|DIR with its CA" :
	    "its CA in `upstream: trust-also`");
	a->top = top_new();
	a->reload = daemon_reload;
	a->arg = d;
	a->started = clock_wall();
	if (c->control_socket != NULL)
		rv = control_new(a, c->control_socket, &d->control, why);
	if (rv == 0 && c->metrics.sa.sa_family != AF_UNSPEC)
		rv = metrics_new(a, &c->metrics, &d->metrics, why);
	return rv;
}

/*
 * Create the last directory of the log's path if it is missing, as for the
 * control socket. It belongs to the user, who will open the log.
 */
static void
boot_log_dir(const struct conf *c)
{
	struct passwd *pw = c->user != NULL && geteuid() == 0 ?
	    getpwnam(c->user) : NULL;
	char *dir = xdirname(c->log.file);

	/* If it fails, opening the log says why. */
	if (mkdir(dir, 0750) == 0 && pw != NULL &&
	    lchown(dir, pw->pw_uid, pw->pw_gid) != 0)
		log_warn("cannot give %s to the user %s: %s", dir, c->user,
		    strerror(errno));
	free(dir);
}

/* Root may write anywhere, so check again as the user who will write. */
static int
boot_dropped(struct daemon *d, struct text *why)
{
	size_t i;
	int rv;

	for (i = 0; i < d->nsinks; i++) {
		if (d->sinks[i].ops->dropped == NULL)
			continue;
		rv = d->sinks[i].ops->dropped(d->sinks[i].sink, why);
		if (rv != 0)
			return rv;
	}
	return 0;
}

static int
boot_devices(struct daemon *d, struct text *why)
{
	int rv = chains_open(d->chains, d->admin.conf, why);

	return rv != 0 ? rv : chains_watch(d->chains, d->admin.conf, why);
}

static int
boot_start(struct daemon *d, const struct conf *c, struct text *why)
{
	int rv;

	if (c->log.file != NULL)
		boot_log_dir(c);
	rv = drop_to(c->user, c->control_socket, why);
	if (rv == 0)
		rv = boot_dropped(d, why);
	if (rv == 0 && d->chains != NULL)
		rv = boot_devices(d, why);
	if (rv == 0 && c->log.file != NULL)
		rv = connlog_open(c->log.file, c->log.events, &d->admin.log,
		    why);
	if (rv != 0)
		return rv;
	for (; d->nrunning < d->nworkers; d->nrunning++)
		if (worker_start(d->workers[d->nrunning]) != 0) {
			text_printf(why, "cannot start a worker: %s",
			    strerror(errno));
			return ERR_SYS;
		}
	return 0;
}

int
daemon_up(struct daemon *d, struct conf *c, struct text *why)
{
	int rv;

	if ((d->base = event_base_new()) == NULL) {
		text_puts(why, "cannot make an event base");
		return ERR_SYS;
	}
	boot_nofile(c);
	budget_limit(c->limits.memory);
	if ((rv = boot_policy(d, c, why)) != 0 ||
	    (rv = boot_zones(d, c, why)) != 0 ||
	    (rv = boot_tls(d, c, why)) != 0 ||
	    (rv = boot_sinks(d, c, why)) != 0 ||
	    (rv = boot_engine(d, c, why)) != 0 ||
	    (rv = boot_workers(d, c, why)) != 0 ||
	    (rv = boot_admin(d, c, why)) != 0)
		return rv;
	return boot_start(d, c, why);
}

void
daemon_down(struct daemon *d)
{
	size_t i;

	control_stop(d->control);
	metrics_free(d->metrics);
	for (i = 0; i < d->nworkers; i++)
		worker_join(d->workers[i]);
	control_free(d->control);
	chains_forget(d->chains);
	for (i = 0; i < d->nsinks; i++)
		d->sinks[i].ops->close(d->sinks[i].sink);
	for (i = 0; i < d->engine.nservices; i++)
		icap_service_free(d->engine.services[i]);
	free(d->engine.services);
	connlog_close(d->admin.log, LOG_MS);
	tally_free(d->admin.tally);
	failures_free(d->admin.failures);
	top_free(d->admin.top);
	tls_free(d->tls);
	policy_unref(d->policy);
	policy_unref(d->boot);
	chains_free(d->chains);
	zones_stop(d->zones);
	free(d->sinks);
	free(d->workers);
	if (d->base != NULL)
		event_base_free(d->base);
}
