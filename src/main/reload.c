/*
 * Reads the configuration again. Rules, lists, `on`, timeouts, limits other
 * than memory, and the log level may change while the daemon runs. The keys
 * that sockets, files and threads were made from may not: a file that changes
 * one is refused whole, with the name of the key, so that the daemon always
 * runs the text of one file.
 */
#include <string.h>

#include "chain/device.h"
#include "main/daemon.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

static int
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static int
same_list(const struct conf_list *a, const struct conf_list *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (!same_text(a->v[i], b->v[i]))
			return 0;
	return 1;
}

static int
same_addr(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return 0;
	return a->sa.sa_family == AF_UNSPEC || addr_eq(a, b);
}

static int
same_prefixes(const struct conf_prefixes *a, const struct conf_prefixes *b)
{
	return a->n == b->n && (a->n == 0 ||
	    memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

static int
same_process(const struct conf *a, const struct conf *b)
{
	return a->workers == b->workers && same_text(a->user, b->user);
}

/* Compare hashes of files. Zeros mean unknown, and count as the same. */
static int
same_sum(const uint8_t a[32], const uint8_t b[32])
{
	static const uint8_t unknown[32];

	return memcmp(a, b, 32) == 0 || memcmp(a, unknown, 32) == 0 ||
	    memcmp(b, unknown, 32) == 0;
}

static int
same_ca(const struct conf *a, const struct conf *b)
{
	return same_sum(a->ca_sum, b->ca_sum) &&
	    same_text(a->ca_cert, b->ca_cert) &&
	    same_text(a->ca_key, b->ca_key) &&
	    same_text(a->untrusted_cert, b->untrusted_cert) &&
	    same_text(a->untrusted_key, b->untrusted_key);
}

static int
same_listen(const struct conf *a, const struct conf *b)
{
	const struct conf_listen *x, *y;
	size_t i;

	for (i = 0; i < a->nlistens && i < b->nlistens; i++) {
		x = &a->listens[i];
		y = &b->listens[i];
		if (!same_text(x->name, y->name) || x->mode != y->mode ||
		    x->v6only != y->v6only ||
		    !same_addr(&x->address, &y->address) ||
		    !same_prefixes(&x->allow, &y->allow) ||
		    x->destinations_given != y->destinations_given ||
		    !same_prefixes(&x->destinations, &y->destinations))
			return 0;
	}
	return a->nlistens == b->nlistens;
}

static int
same_trust(const struct conf *a, const struct conf *b)
{
	return same_sum(a->trust_sum, b->trust_sum) &&
	    same_text(a->trust, b->trust) &&
	    same_list(&a->trust_also, &b->trust_also);
}

static int
same_side(const struct conf_tls_side *a, const struct conf_tls_side *b)
{
	return a->min == b->min && a->max == b->max &&
	    same_text(a->ciphers, b->ciphers) &&
	    same_text(a->groups, b->groups);
}

static int
same_tls(const struct conf *a, const struct conf *b)
{
	size_t i;

	for (i = 0; i < a->ntls && i < b->ntls; i++)
		if (!same_text(a->tls[i].name, b->tls[i].name) ||
		    a->tls[i].alpn_http11 != b->tls[i].alpn_http11 ||
		    a->tls[i].libssl != b->tls[i].libssl ||
		    !same_side(&a->tls[i].client, &b->tls[i].client) ||
		    !same_side(&a->tls[i].server, &b->tls[i].server))
			return 0;
	return a->ntls == b->ntls;
}

static int
same_port(const struct conf_mirror *x, const struct conf_mirror *y)
{
	return same_text(x->interface, y->interface) &&
	    memcmp(x->source_mac, y->source_mac, 6) == 0 &&
	    memcmp(x->reply_mac, y->reply_mac, 6) == 0 &&
	    memcmp(x->destination_mac, y->destination_mac, 6) == 0 &&
	    x->mtu == y->mtu && x->vlan == y->vlan &&
	    x->offload == y->offload;
}

static int
same_mirror(const struct conf_mirror *x, const struct conf_mirror *y)
{
	return same_text(x->name, y->name) && x->kind == y->kind &&
	    same_port(x, y) &&
	    x->ports_map == y->ports_map && x->acks == y->acks &&
	    same_text(x->filter, y->filter) &&
	    same_text(x->path, y->path) && x->pcapng == y->pcapng &&
	    x->rotate_size == y->rotate_size &&
	    x->rotate_ms == y->rotate_ms && x->rotate_keep == y->rotate_keep &&
	    same_addr(&x->listen, &y->listen) &&
	    same_prefixes(&x->allow, &y->allow) && x->queue == y->queue;
}

static int
same_mirrors(const struct conf *a, const struct conf *b)
{
	size_t i;

	for (i = 0; i < a->nmirrors && i < b->nmirrors; i++)
		if (!same_mirror(&a->mirrors[i], &b->mirrors[i]))
			return 0;
	return a->nmirrors == b->nmirrors;
}

static int
same_urls(const struct conf_icap_url *a, size_t na,
    const struct conf_icap_url *b, size_t nb)
{
	size_t i;

	for (i = 0; i < na && i < nb; i++)
		if (!same_text(a[i].url, b[i].url) ||
		    a[i].weight != b[i].weight || a[i].tier != b[i].tier)
			return 0;
	return na == nb;
}

static int
same_icap(const struct conf_icap *x, const struct conf_icap *y)
{
	return same_text(x->name, y->name) &&
	    same_urls(x->reqmod, x->nreqmod, y->reqmod, y->nreqmod) &&
	    same_urls(x->respmod, x->nrespmod, y->respmod, y->nrespmod) &&
	    x->fail.reqmod == y->fail.reqmod &&
	    x->fail.respmod == y->fail.respmod &&
	    x->tls_fail_open == y->tls_fail_open &&
	    x->preview == y->preview &&
	    x->connect_timeout == y->connect_timeout &&
	    x->first_byte_timeout == y->first_byte_timeout &&
	    x->idle_timeout == y->idle_timeout &&
	    x->max_body == y->max_body && x->oversize == y->oversize &&
	    x->stream_after == y->stream_after &&
	    x->monitor == y->monitor && x->sample == y->sample &&
	    x->options == y->options && x->proxy_auth == y->proxy_auth &&
	    x->allow_204 == y->allow_204 && x->allow_206 == y->allow_206 &&
	    x->connections == y->connections && x->queue == y->queue &&
	    x->queue_timeout == y->queue_timeout &&
	    x->keep_idle == y->keep_idle && x->persist == y->persist &&
	    same_text(x->trust, y->trust) && same_text(x->auth, y->auth) &&
	    same_text(x->certificate, y->certificate) &&
	    same_text(x->key, y->key) &&
	    same_list(&x->encodings, &y->encodings) &&
	    same_list(&x->headers, &y->headers) &&
	    same_list(&x->echo, &y->echo) &&
	    x->types_given == y->types_given &&
	    same_list(&x->bypass_types, &y->bypass_types);
}

static int
same_icaps(const struct conf *a, const struct conf *b)
{
	size_t i;

	for (i = 0; i < a->nicaps && i < b->nicaps; i++)
		if (!same_icap(&a->icaps[i], &b->icaps[i]))
			return 0;
	return a->nicaps == b->nicaps;
}

static int
same_log(const struct conf *a, const struct conf *b)
{
	return a->log.events == b->log.events &&
	    same_text(a->log.file, b->log.file) &&
	    same_text(a->log.keys, b->log.keys);
}

static int
same_control(const struct conf *a, const struct conf *b)
{
	return same_text(a->control_socket, b->control_socket);
}

static int
same_metrics(const struct conf *a, const struct conf *b)
{
	return same_addr(&a->metrics, &b->metrics);
}

static int
same_memory(const struct conf *a, const struct conf *b)
{
	return a->limits.memory == b->limits.memory;
}

static const struct {
	const char	*name;
	int		(*same)(const struct conf *, const struct conf *);
} fixed[] = {
	{ "workers or user", same_process },
	{ "ca", same_ca },
	{ "listen", same_listen },
	{ "upstream trust", same_trust },
	{ "tls", same_tls },
	{ "mirrors", same_mirrors },
	{ "icap", same_icaps },
	{ "log file, events or keys", same_log },
	{ "control", same_control },
	{ "metrics", same_metrics },
	{ "limits memory", same_memory },
};

/* Name the keys that differ. Returns 0 if none does. */
static int
reload_differs(const struct conf *a, const struct conf *b, struct text *out)
{
	size_t i;
	int n = 0;

	for (i = 0; i < NELEM(fixed); i++)
		if (!fixed[i].same(a, b))
			text_printf(out, "%s%s", n++ > 0 ? ", " :
			    "needs a restart: ", fixed[i].name);
	return n;
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

static void
reload_apply(struct daemon *d, struct conf *c)
{
	struct policy *p = policy_new(c), *old = d->policy;
	size_t i;

	for (i = 0; i < d->nrunning; i++)
		worker_policy(d->workers[i], p);
	d->policy = p;
	d->admin.conf = c;
	log_level = c->log.level;
	policy_unref(old);
}

static int
reload_try(struct daemon *d, struct text *said)
{
	struct conf *c;
	int rv;

	if ((rv = conf_load(d->admin.conf->path, &c, said)) != 0)
		return rv;
	if (reload_differs(d->admin.conf, c, said) ||
	    reload_first_device(d, c, said)) {
		conf_unref(c);
		return ERR_UNSUPPORTED;
	}
	device_attach(c, d->admin.conf);
	reload_apply(d, c);
	conf_unref(c);		/* the policy has its own reference */
	return 0;
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
