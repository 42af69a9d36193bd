#include "main/setup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "chain/device.h"
#include "main/daemon.h"
#include "net/mailbox.h"
#include "proxy/accept.h"
#include "sink/history.h"
#include "sink/sinks.h"
#include "util/err.h"
#include "util/mem.h"

#define CACHES_SHARE	8	/* of limits.memory, for the caches of TLS */

/* What several setups may have. Its configuration is of the first of them. */
struct part {
	unsigned	 refs;
	void		*thing;
	void		(*close)(void *);
	struct conf	*conf;
};

struct setup {
	struct parts	 parts;
	LIST_ENTRY(setup) link;		/* all that are not closed */
	struct mail	 mail;		/* all its sessions have ended */
	struct mailbox	*mailbox;	/* the main thread's */
	struct conf	*conf;
	struct part	*tls;
	struct part	**sinks;	/* of conf.mirrors */
	struct part	**services;	/* of conf.icaps */
	struct part	*engine;	/* a struct engine_env */
	struct icap_service **icaps;	/* the services */
};

static LIST_HEAD(, setup) setups = LIST_HEAD_INITIALIZER(setups);

static const struct sink_ops *const sink_kinds[] = {
	[MIRROR_PORT] = &sink_mirror,
	[MIRROR_PCAP] = &sink_pcap,
	[MIRROR_PCAPIP] = &sink_pcapip
};

static struct part *
part_new(void *thing, void (*end)(void *), struct conf *c)
{
	struct part *p = xcalloc(1, sizeof(*p));

	p->refs = 1;
	p->thing = thing;
	p->close = end;
	p->conf = conf_ref(c);
	return p;
}

static struct part *
part_ref(struct part *p)
{
	p->refs++;
	return p;
}

static void
part_unref(struct part *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	p->close(p->thing);
	conf_unref(p->conf);
	free(p);
}

static void
parts_drop(struct part **v, size_t n)
{
	size_t i;

	for (i = 0; v != NULL && i < n; i++)
		part_unref(v[i]);
	free(v);
}

static void
owns_drop(struct own **v, size_t n)
{
	size_t i;

	for (i = 0; v != NULL && i < n; i++)
		own_free(v[i]);
	free(v);
}

static void
setup_free(struct setup *s)
{
	LIST_REMOVE(s, link);
	part_unref(s->engine);
	parts_drop(s->services, s->conf->nicaps);
	parts_drop(s->sinks, s->conf->nmirrors);
	part_unref(s->tls);
	policy_unref(s->parts.policy);
	owns_drop(s->parts.owns, s->conf->nowns);
	owns_drop(s->parts.clients, s->conf->nrules);
	device_detach(s->conf);
	conf_unref(s->conf);
	free(s->parts.sinks);
	free(s->icaps);
	free(s);
}

static void
setup_ended(struct mail *m)
{
	setup_free((struct setup *)(void *)((char *)m -
	    offsetof(struct setup, mail)));
}

/* The last session may have ended in any thread. */
static void
setup_gone(struct parts *p)
{
	struct setup *s = (struct setup *)(void *)p;	/* its first member */

	s->mail.run = setup_ended;
	mailbox_post(s->mailbox, &s->mail);
}

static void
close_tls(void *tls)
{
	tls_free(tls);
}

/* The same CA, already loaded; or NULL. */
static struct authority *
authority_before(const struct setup *before, const struct conf_ca *ca)
{
	size_t i;

	for (i = 0; before != NULL && i < conf_ca_count(before->conf); i++)
		if (conf_ca_same(conf_ca(before->conf, i), ca))
			return tls_authority(before->tls->thing, i);
	return NULL;
}

/* The key of one that is new is read by the user that we are now. */
static int
setup_authorities(const struct conf *c, const struct setup *before,
    struct authority **v, struct text *why)
{
	size_t i;
	int rv = 0;

	for (i = 0; i < conf_ca_count(c); i++) {
		const struct conf_ca *ca = conf_ca(c, i);
		struct authority_files files = { ca->name, ca->cert, ca->key,
		    ca->untrusted_cert, ca->untrusted_key };
		struct authority *a = authority_before(before, ca);

		if (a != NULL)
			v[i] = authority_ref(a);
		else if (ca->cert != NULL &&
		    authority_load(&files, &v[i], why) != 0)
			rv = ERR_USAGE;
	}
	return rv;
}

static int
setup_tls(struct setup *s, const struct setup *before, struct text *why)
{
	const struct conf *c = s->conf;
	struct authority *authorities[1 + CONF_CAS] = { NULL };
	struct tls_options o = {
		.authorities = authorities,
		.nauthorities = conf_ca_count(c),
		.trust = c->trust,
		.trust_also = c->trust_also.v,
		.ntrust_also = c->trust_also.n,
		.crls = c->crl.v,
		.ncrls = c->crl.n,
		.intermediates = c->intermediates,
		.keylog = c->log.keys,
		.caches = c->limits.memory / CACHES_SHARE,
		.max_chain = c->max_chain,
		.profiles = &c->tls.profile, .nprofiles = 1
	};
	struct tls *tls;
	size_t i;
	int rv;

	if (before != NULL && conf_tls_same(before->conf, c)) {
		s->tls = part_ref(before->tls);
		return 0;
	}
	if ((rv = setup_authorities(c, before, authorities, why)) == 0 &&
	    (rv = tls_new(&o, &tls, why)) == 0)
		s->tls = part_new(tls, close_tls, s->conf);
	for (i = 0; i < o.nauthorities; i++)
		authority_free(authorities[i]);
	return rv;
}

/* The same certificates, already loaded; or NULL. */
static struct own *
own_before(const struct setup *before, const struct conf_own *o)
{
	size_t i;

	for (i = 0; before != NULL && i < before->conf->nowns; i++)
		if (conf_own_same(&before->conf->owns[i], o))
			return before->parts.owns[i];
	for (i = 0; before != NULL && i < before->conf->nrules; i++)
		if (conf_own_same(&before->conf->rules[i].client, o))
			return before->parts.clients[i];
	return NULL;
}

/* The keys of those that are new are read by the user that we are now. */
static int
setup_own(struct own **out, const struct conf_own *o,
    const struct setup *before, struct text *why)
{
	struct own_files files = { o->certificate.v, o->key.v, o->key.n };
	struct own *own = own_before(before, o);

	if (own == NULL)
		return own_load(&files, out, why);
	*out = own_ref(own);
	return 0;
}

static int
setup_owns(struct setup *s, const struct setup *before, struct text *why)
{
	const struct conf *c = s->conf;
	size_t i;
	int rv = 0;

	s->parts.owns = xcalloc(c->nowns, sizeof(*s->parts.owns));
	s->parts.clients = xcalloc(c->nrules, sizeof(*s->parts.clients));
	for (i = 0; i < c->nowns; i++)
		if (setup_own(&s->parts.owns[i], &c->owns[i], before,
		    why) != 0)
			rv = ERR_USAGE;
	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].client.key.n > 0 && setup_own(
		    &s->parts.clients[i], &c->rules[i].client, before,
		    why) != 0)
			rv = ERR_USAGE;
	return rv;
}

static int
mirror_alike(const struct conf_mirror *a, const struct conf_mirror *b)
{
	return strcmp(a->name, b->name) == 0 && conf_mirror_same(a, b);
}

/* Whether both are one file, or one address: two sinks cannot have it. */
static int
mirror_meets(const struct conf_mirror *a, const struct conf_mirror *b)
{
	return a->kind == b->kind && (a->kind == MIRROR_PCAP ?
	    strcmp(a->path, b->path) == 0 : a->kind == MIRROR_PCAPIP &&
	    addr_eq(&a->listen, &b->listen));
}

/* The sink of such a mirror, in another setup that is not closed. */
static struct part *
sink_before(const struct setup *now, const struct conf_mirror *m,
    int (*such)(const struct conf_mirror *, const struct conf_mirror *))
{
	const struct setup *s;
	size_t i;

	LIST_FOREACH(s, &setups, link)
		for (i = 0; s != now && i < s->conf->nmirrors; i++)
			if (such(&s->conf->mirrors[i], m))
				return s->sinks[i];
	return NULL;
}

static int
setup_sink(struct setup *s, size_t i, const struct setup *before,
    struct text *why)
{
	const struct conf_mirror *m = &s->conf->mirrors[i];
	const struct sink_ops *ops = sink_kinds[m->kind];
	struct part *p = sink_before(s, m, mirror_alike);
	void *sink;
	int rv;

	if (p != NULL) {
		s->sinks[i] = part_ref(p);
		return 0;
	}
	if (sink_before(s, m, mirror_meets) != NULL) {
		text_printf(why, "mirror %s: its %s is in use as it was set "
		    "before; change that too, or restart", m->name,
		    m->kind == MIRROR_PCAP ? "file" : "address");
		return ERR_UNSUPPORTED;
	}
	if ((rv = ops->open(m, &sink, why)) != 0)
		return rv;
	s->sinks[i] = part_new(sink, ops->close, s->conf);
	/* In a running daemon, privileges were dropped. */
	return before != NULL && ops->dropped != NULL ?
	    ops->dropped(sink, why) : 0;
}

static int
setup_sinks(struct setup *s, const struct setup *before, struct text *why)
{
	size_t i, n = s->conf->nmirrors;
	int rv;

	s->sinks = xcalloc(n + 1, sizeof(*s->sinks));
	s->parts.sinks = xcalloc(n + 1, sizeof(*s->parts.sinks));
	for (i = 0; i < n; i++) {
		if ((rv = setup_sink(s, i, before, why)) != 0)
			return rv;
		s->parts.sinks[i].ops = sink_kinds[s->conf->mirrors[i].kind];
		s->parts.sinks[i].sink = s->sinks[i]->thing;
	}
	return 0;
}

static void
close_service(void *service)
{
	icap_service_free(service);
}

static struct part *
service_before(const struct setup *before, const struct conf_icap *c)
{
	const struct conf_icap *o;
	size_t i;

	for (i = 0; before != NULL && i < before->conf->nicaps; i++) {
		o = &before->conf->icaps[i];
		if (strcmp(o->name, c->name) == 0 && conf_icap_same(o, c))
			return before->services[i];
	}
	return NULL;
}

static int
setup_services_of(struct setup *s, const struct setup *before,
    struct text *why)
{
	size_t i, n = s->conf->nicaps;
	struct icap_service *service;
	struct part *p;
	int rv;

	s->services = xcalloc(n + 1, sizeof(*s->services));
	s->icaps = xcalloc(n + 1, sizeof(*s->icaps));
	for (i = 0; i < n; i++) {
		if ((p = service_before(before, &s->conf->icaps[i])) != NULL) {
			s->services[i] = part_ref(p);
		} else {
			rv = icap_service_new(&s->conf->icaps[i], &service,
			    why);
			if (rv != 0)
				return rv;
			s->services[i] = part_new(service, close_service,
			    s->conf);
		}
		s->icaps[i] = s->services[i]->thing;
	}
	return 0;
}

static void
close_engine(void *env)
{
	free(((struct engine_env *)env)->services);
	free(env);
}

static int
engine_same(const struct engine_env *a, const struct engine_env *b)
{
	return a->ended == b->ended && a->message == b->message &&
	    a->nservices == b->nservices && memcmp(a->services, b->services,
	    a->nservices * sizeof(*a->services)) == 0;
}

/* HTTP is read for ICAP, for rules on the name of each request, and for the
 * events of the log that are about it. */
static void
setup_engine(struct setup *s, const struct engine_env *model,
    const struct setup *before)
{
	size_t n = s->conf->nicaps;
	struct engine_env *x;
	unsigned events = s->conf->log.file != NULL ? s->conf->log.events : 0;

	s->parts.engine = &http_engine;
	s->parts.http_events = (events &
	    (1u << EVENT_HTTP | 1u << EVENT_WS)) != 0;
	s->parts.flow_events = (events & 1u << EVENT_FLOW) != 0;
	x = xmemdup(model, sizeof(*model));
	if ((events & 1u << EVENT_HTTP) == 0)
		x->ended = NULL;
	if ((events & 1u << EVENT_WS) == 0)
		x->message = NULL;
	x->services = xmemdup(s->icaps, (n + 1) * sizeof(*s->icaps));
	x->nservices = n;
	s->engine = part_new(x, close_engine, s->conf);
	s->parts.engine_env = x;
	if (before == NULL || !engine_same(x, before->engine->thing))
		return;
	part_unref(s->engine);
	s->engine = part_ref(before->engine);
	s->parts.engine_env = s->engine->thing;
}

int
setup_new(struct daemon *d, struct conf *c, const struct setup *before,
    struct setup **out, struct text *why)
{
	struct setup *s = xcalloc(1, sizeof(*s));
	int rv;

	*out = NULL;
	s->mailbox = d->mailbox;
	s->conf = conf_ref(c);
	LIST_INSERT_HEAD(&setups, s, link);
	if ((rv = setup_tls(s, before, why)) != 0 ||
	    (rv = setup_owns(s, before, why)) != 0 ||
	    (rv = setup_sinks(s, before, why)) != 0 ||
	    (rv = setup_services_of(s, before, why)) != 0) {
		setup_free(s);
		return rv;
	}
	setup_engine(s, &d->engine, before);
	if (c->history.given)
		s->parts.history = (struct proxy_sink){ &sink_history,
		    d->history };
	s->parts.refs = 1;
	s->parts.gone = setup_gone;
	s->parts.policy = policy_new(c);
	s->parts.tls = s->tls->thing;
	*out = s;
	return 0;
}

void
setup_release(struct setup *s)
{
	if (s != NULL)
		parts_unref(&s->parts);
}

int
setup_dropped(struct setup *s, struct text *why)
{
	const struct proxy_sink *k;
	size_t i;
	int rv;

	for (i = 0; i < s->conf->nmirrors; i++) {
		k = &s->parts.sinks[i];
		if (k->ops->dropped != NULL &&
		    (rv = k->ops->dropped(k->sink, why)) != 0)
			return rv;
	}
	return 0;
}

int
setup_listens(const struct conf_listen *l)
{
	const struct setup *s;

	LIST_FOREACH(s, &setups, link)
		if (accept_has(s->conf, l))
			return 1;
	return 0;
}

struct conf *
setup_conf(const struct setup *s)
{
	return s->conf;
}

struct parts *
setup_parts(struct setup *s)
{
	return &s->parts;
}

struct icap_service **
setup_services(const struct setup *s)
{
	return s->icaps;
}
