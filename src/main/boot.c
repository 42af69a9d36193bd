/*
 * Brings the daemon up and down. Each step needs those before it. Steps that
 * need privileges come before these are dropped. The event log is opened after
 * that, because the user must be able to reopen it later.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "admin/web.h"
#include "chain/chain.h"
#include "chain/device.h"
#include "chain/zone.h"
#include "chain/zone_helper.h"
#include "main/daemon.h"
#include "main/setup.h"
#include "net/mailbox.h"
#include "net/neighbours.h"
#include "net/sock.h"
#include "proxy/accept.h"
#include "proxy/bypasses.h"
#include "proxy/learned.h"
#include "http/spool.h"
#include "util/budget.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"

#define PER_SESSION	4	/* descriptors: two ends, and the two of a pipe
				 * if it is bypassed */
#define OTHERS		1024	/* descriptors for everything else */
#define LOG_MS		2000	/* to write out the event log */

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

static uint64_t
boot_seed(void)
{
	uint64_t seed;

	return getrandom(&seed, sizeof(seed), 0) == sizeof(seed) ? seed :
	    clock_us();
}

/* So try it first without that option. */
int
port_free(const struct conf_listen *l, struct text *why)
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
bypass_learned(void *arg, const struct record *r)
{
	struct daemon *d = arg;
	const char *name = facts_name(r->facts);
	char from[ADDR_STRLEN], to[ADDR_STRLEN];

	log_warn("session %llu: %s to %s: not decrypted from now on, nor "
	    "others like it: %s; rule %s (ctl learned)",
	    (unsigned long long)r->id, addr_ip_str(&r->facts->client, from),
	    name != NULL ? name : addr_str(&r->facts->server, to),
	    r->reason[0] != '\0' ? r->reason : "it would fail again",
	    r->verdict->rule->name);
	connlog_event(d->admin.log, EVENT_ALERT, r, NULL, NULL);
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

#define SPOOL_SHARE	4	/* of limits.memory, for bodies */
#define SPOOL_DISK	((uint64_t)8 << 30)

void
daemon_memory(const struct conf *c)
{
	budget_limit(c->limits.memory);
	spool_budget(c->limits.memory / SPOOL_SHARE, SPOOL_DISK);
}

static int
boot_setup(struct daemon *d, struct conf *c, struct text *why)
{
	int rv;

	if ((d->mailbox = mailbox_new(d->base)) == NULL) {
		text_puts(why, "no descriptors are left");
		return ERR_SYS;
	}
	d->engine.ended = exchange_ended;
	d->engine.message = message_passed;
	d->engine.icap_ended = icap_ended;
	d->engine.arg = d;
	device_attach(c, NULL);
	rv = setup_new(d, c, NULL, &d->setup, why);
	if (rv == 0)
		daemon_show(d);
	return rv;
}

/* What is in force is what ctl and the metrics show. */
void
daemon_show(struct daemon *d)
{
	const struct parts *p = setup_parts(d->setup);

	d->admin.conf = setup_conf(d->setup);
	d->admin.policy = p->policy;
	d->admin.sinks = p->sinks;
	d->admin.tls = p->tls;
	d->admin.owns = p->owns;
	d->admin.icaps = setup_services(d->setup);
}

static int
boot_worker(struct daemon *d, int **sockets, struct text *why)
{
	size_t i = d->nworkers;
	int rv = worker_new(&d->env, setup_parts(d->setup), sockets[i],
	    (unsigned)i, &d->workers[i], why);

	free(sockets[i]);
	sockets[i] = NULL;
	d->nworkers += rv == 0;
	return rv;
}

#define BYPASSES	4096	/* rows, half a KiB each */

static int
boot_workers(struct daemon *d, const struct conf *c, struct text *why)
{
	int **sockets, rv;
	size_t i;

	d->env.ended = session_ended;
	d->env.handshaken = session_handshaken;
	d->env.learned = bypass_learned;
	d->env.bypasses = bypasses_new(BYPASSES, boot_seed());
	d->env.servers = learned_new();
	if (neighbours_new(d->base, &d->env.neighbours) != 0)
		log_warn("the table of neighbours cannot be read: %s; no "
		    "client has a MAC address here", strerror(errno));
	d->env.arg = d;
	for (i = 0; i < c->nlistens; i++)
		if ((rv = port_free(&c->listens[i], why)) != 0)
			return rv;
	if ((rv = accept_open(c, NULL, c->workers, &sockets, why)) != 0)
		return rv;
	d->workers = xcalloc(c->workers, sizeof(*d->workers));
	while (rv == 0 && d->nworkers < c->workers)
		rv = boot_worker(d, sockets, why);
	accept_drop(sockets, c->workers, c->nlistens);
	return rv;
}

static int
boot_rest(struct daemon *d, struct conf *c, struct text *why)
{
	static const struct rest_route *const tables[] = { rest_api,
	    rest_verdicts, rest_measures, rest_web, NULL };
	struct rest_fresh *f;
	int rv;

	d->rest = d->admin.rest = rest_new(&d->admin, tables);
	if (d->rest == NULL) {
		text_puts(why, "no descriptors are left");
		return ERR_SYS;
	}
	if ((rv = rest_open(d->rest, c, &f, why)) == 0)
		rest_begin(d->rest, f);
	return rv;
}

static int
boot_admin(struct daemon *d, struct conf *c, struct text *why)
{
	struct admin_env *a = &d->admin;
	int rv = 0;

	a->base = d->base;
	a->workers = d->workers;
	a->nworkers = d->nworkers;
	a->tally = tally_new();
	a->failures = failures_new(strcmp(c->path, CONF_BUILT_IN) == 0 ?
	    "quickstart --trust FILE|DIR with its CA" :
	    "its CA in `upstream: trust-also`");
	a->top = top_new();
	a->bypasses = d->env.bypasses;
	a->neighbours = d->env.neighbours;
	d->quarantine.neighbours = d->env.neighbours;
	a->arg = d;
	a->started = clock_wall();
	if (c->control_socket != NULL)
		rv = control_new(a, c->control_socket, &d->control, why);
	if (rv == 0)
		rv = boot_rest(d, c, why);
	if (rv == 0 && c->metrics.sa.sa_family != AF_UNSPEC)
		rv = metrics_new(a, &c->metrics, &d->metrics, why);
	return rv;
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
		keep_dir(c->log.file, 0750, c->user);
	contained_start(d);
	rv = drop_to(c->user, c->control_socket, why);
	if (rv == 0)	/* root may write anywhere; so check again */
		rv = setup_dropped(d->setup, why);
	if (rv == 0)
		rv = captures_usable(c, why);
	if (rv == 0 && d->chains != NULL)
		rv = boot_devices(d, why);
	if (rv == 0)
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
	daemon_memory(c);
	captures_directory(c);
	d->captures = captures_new(d, c);
	if ((rv = boot_zones(d, c, why)) != 0 ||
	    (rv = contained_boot(d, c, boot_seed(), why)) != 0 ||
	    (rv = notices_boot(d, c, why)) != 0 ||
	    (rv = verdicts_boot(d, c, boot_seed(), why)) != 0 ||
	    (rv = boot_setup(d, c, why)) != 0 ||
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
	rest_stop(d->rest);
	metrics_free(d->metrics);
	for (i = 0; i < d->nworkers; i++)
		worker_join(d->workers[i]);
	captures_stop(d->captures);
	control_free(d->control);
	rest_free(d->rest);
	chains_forget(d->chains);
	setup_release(d->setup);
	if (d->mailbox != NULL)
		mailbox_free(d->mailbox);	/* closes the setups */
	connlog_close(d->admin.log, LOG_MS);
	tally_free(d->admin.tally);
	failures_free(d->admin.failures);
	top_free(d->admin.top);
	bypasses_free(d->env.bypasses);
	learned_free(d->env.servers);
	neighbours_free(d->env.neighbours);
	verdicts_down(d);
	notices_down(d);
	contained_down(d);
	captures_free(d->captures);
	chains_free(d->chains);
	zones_stop(d->zones);
	free(d->workers);
	if (d->base != NULL)
		event_base_free(d->base);
}
