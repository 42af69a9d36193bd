/*
 * The conditions of rules.
 */
#include "policy/match.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "codec/starttls.h"
#include "util/mem.h"

static const char *const protocol_names[] = { "unknown", "tls", "http",
    "other" };

static const struct condition conditions[];

const char *
match_protocol(unsigned p)
{
	return p < PROTO_DIALOGUE ? protocol_names[p] :
	    starttls_name(p - PROTO_DIALOGUE);
}

static const struct list *
list_named(const struct list *lists, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(lists[i].name, name) == 0)
			return &lists[i];
	return NULL;
}

static void
set_init(struct match_set *s, const struct conf_list *of,
    const struct list *lists, size_t nlists, struct match_names *names)
{
	const struct list *list;
	struct prefix p;
	size_t i;

	if (of->n == 0)
		return;
	s->names = names->next++;
	s->lists = xcalloc(of->n, sizeof(*s->lists));
	for (i = 0; i < of->n; i++) {
		if (of->v[i][0] == '@') {
			list = list_named(lists, nlists, of->v[i] + 1);
			if (list != NULL)
				s->lists[s->nlists++] = list;
		} else if (prefix_parse(&p, of->v[i]) == 0)
			rangeset_add(&s->addresses, &p);
		else
			nameset_add(names->names, s->names, of->v[i]);
	}
	rangeset_done(&s->addresses);
}

size_t
match_count(const struct conf_match *m)
{
	return m->sni.n + m->host.n + m->site.n;
}

static void
given_init(struct match *m)
{
	const struct condition *c;
	size_t n = 0;

	for (c = conditions; c->name != NULL; c++)
		if (c->given(m->conf))
			m->given[n++] = c;
}

void
match_init(struct match *m, const struct conf_match *conf,
    const struct list *lists, size_t nlists, struct match_names *names)
{
	unsigned p;
	size_t i;

	memset(m, 0, sizeof(*m));
	m->conf = conf;
	given_init(m);
	set_init(&m->client, &conf->client, lists, nlists, names);
	set_init(&m->server, &conf->server, lists, nlists, names);
	set_init(&m->sni, &conf->sni, lists, nlists, names);
	set_init(&m->host, &conf->host, lists, nlists, names);
	set_init(&m->site, &conf->site, lists, nlists, names);
	for (i = 0; i < conf->protocol.n; i++)
		for (p = 1; match_protocol(p) != NULL; p++)
			if (strcmp(conf->protocol.v[i],
			    match_protocol(p)) == 0)
				m->protocols |= 1u << p;
}

static void
set_free(struct match_set *s)
{
	rangeset_free(&s->addresses);
	free(s->lists);
}

void
match_free(struct match *m)
{
	set_free(&m->client);
	set_free(&m->server);
	set_free(&m->sni);
	set_free(&m->host);
	set_free(&m->site);
}

int
match_by_request(const struct match *m)
{
	return m->conf->host.n > 0 || m->conf->site.n > 0;
}

static int
set_has(const struct match_set *s, const struct addr *a)
{
	size_t i;

	if (rangeset_has(&s->addresses, a))
		return 1;
	for (i = 0; i < s->nlists; i++)
		if (rangeset_has(&s->lists[i]->addresses, a))
			return 1;
	return 0;
}

/* Read a name as an address, if it is one ("[::1]" or "::1"). */
static void
name_addr(const char *name, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (strchr(name, '%') != NULL || addr_parse_ip(a, name) != 0)
		a->sa.sa_family = AF_UNSPEC;
}

/* What is known of a name; NULL if there is none. */
static const struct view_name *
view_name(struct view *v, const char *name)
{
	struct view_name *n;
	size_t i;

	if (name == NULL || name[0] == '\0')
		return NULL;
	for (i = 0; i < v->n; i++)
		if (v->name[i].name == name)
			return &v->name[i];
	/* There are three: SNI, host, request. A fourth is not kept. */
	n = &v->name[v->n < NELEM(v->name) - 1 ? v->n++ : v->n];
	n->name = name;
	name_addr(name, &n->ip);
	nameset_find(v->names, name, &n->found);
	return n;
}

static int
set_has_name(const struct match_set *s, struct view *v, const char *name)
{
	const struct view_name *n = view_name(v, name);
	size_t i;

	if (n == NULL)
		return 0;
	if (n->found.n > 0) {
		if (nameset_has(&n->found, s->names))
			return 1;
		for (i = 0; i < s->nlists; i++)
			if (nameset_has(&n->found, s->lists[i]->names))
				return 1;
	}
	return n->ip.sa.sa_family != AF_UNSPEC && set_has(s, &n->ip);
}

static void
list_print(const struct conf_list *l, struct text *t)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		text_printf(t, "%s%s", i > 0 ? ", " : "", l->v[i]);
}

/* The functions of every condition whose type is struct conf_list. */
#define CONDITION_LIST(name)						\
static int								\
name##_given(const struct conf_match *m)				\
{									\
	return m->name.n > 0;						\
}									\
static void								\
name##_wants(const struct conf_match *m, struct text *t)		\
{									\
	list_print(&m->name, t);					\
}
CONDITION_LIST(client)
CONDITION_LIST(server)
CONDITION_LIST(sni)
CONDITION_LIST(host)
CONDITION_LIST(site)
CONDITION_LIST(alpn)
CONDITION_LIST(listener)
CONDITION_LIST(protocol)
CONDITION_LIST(ja3)
CONDITION_LIST(ja4)

static int
client_holds(const struct match *m, struct view *v)
{
	return set_has(&m->client, &v->f->client);
}

static int
server_holds(const struct match *m, struct view *v)
{
	return set_has(&m->server, &v->f->server);
}

static int
addr_fact(const struct addr *a, struct text *t)
{
	char s[ADDR_STRLEN];

	if (a->sa.sa_family == AF_UNSPEC)
		return 0;
	text_puts(t, addr_ip_str(a, s));
	return 1;
}

static int
client_fact(const struct facts *f, struct text *t)
{
	return addr_fact(&f->client, t);
}

static int
server_fact(const struct facts *f, struct text *t)
{
	return addr_fact(&f->server, t);
}

static int
sni_holds(const struct match *m, struct view *v)
{
	return set_has_name(&m->sni, v, v->f->sni);
}

/* The address asked for by CONNECT or SOCKS, or NULL. */
static const char *
host_address(const struct facts *f)
{
	struct addr a;

	if (f->host == NULL)
		return NULL;
	name_addr(f->host, &a);
	return a.sa.sa_family != AF_UNSPEC ? f->host : NULL;
}

/* The name in the request, or else in CONNECT, or else in the hello. */
static const char *
host_name(const struct facts *f)
{
	if (f->request != NULL)
		return f->request;
	return f->host != NULL && host_address(f) == NULL ? f->host : f->sni;
}

/* The same, but the hello outranks CONNECT and SOCKS. */
static const char *
site_name(const struct facts *f)
{
	return f->request == NULL && f->sni != NULL ? f->sni : host_name(f);
}

static int
host_holds(const struct match *m, struct view *v)
{
	return set_has_name(&m->host, v, host_name(v->f)) ||
	    set_has_name(&m->host, v, host_address(v->f));
}

static int
site_holds(const struct match *m, struct view *v)
{
	return set_has_name(&m->site, v, site_name(v->f)) ||
	    set_has_name(&m->site, v, host_address(v->f));
}

static int
string_fact(const char *s, struct text *t)
{
	if (s == NULL || s[0] == '\0')
		return 0;
	text_puts(t, s);
	return 1;
}

static int
sni_fact(const struct facts *f, struct text *t)
{
	return string_fact(f->sni, t);
}

static int
host_fact(const struct facts *f, struct text *t)
{
	return string_fact(host_name(f) != NULL ? host_name(f) : f->host, t);
}

static int
site_fact(const struct facts *f, struct text *t)
{
	return string_fact(site_name(f) != NULL ? site_name(f) : f->host, t);
}

/* Step through a wire list of names (RFC 7301, 3.1); 0 at its end. */
static int
alpn_next(const uint8_t **p, const uint8_t *end, const uint8_t **name,
    size_t *len)
{
	if (*p == NULL || *p >= end || **p > end - *p - 1)
		return 0;
	*len = **p;
	*name = *p + 1;
	*p += 1 + *len;
	return 1;
}

static int
alpn_holds(const struct match *m, struct view *v)
{
	const struct facts *f = v->f;
	const uint8_t *p = f->alpn, *name;
	const char *want;
	size_t len, i;

	if (p == NULL)
		return 0;
	while (alpn_next(&p, f->alpn + f->alpn_len, &name, &len))
		for (i = 0; i < m->conf->alpn.n; i++) {
			want = m->conf->alpn.v[i];
			if (strlen(want) == len &&
			    memcmp(want, name, len) == 0)
				return 1;
		}
	return 0;
}

static int
alpn_fact(const struct facts *f, struct text *t)
{
	const uint8_t *p = f->alpn, *name;
	size_t len, n = 0;

	if (p == NULL)
		return 0;
	while (alpn_next(&p, f->alpn + f->alpn_len, &name, &len)) {
		text_puts(t, n++ > 0 ? "," : "");
		text_add(t, (const char *)name, len);
	}
	return n > 0;
}

static int
listener_holds(const struct match *m, struct view *v)
{
	size_t i;

	for (i = 0; v->f->listener != NULL && i < m->conf->listener.n; i++)
		if (strcmp(m->conf->listener.v[i], v->f->listener) == 0)
			return 1;
	return 0;
}

static int
listener_fact(const struct facts *f, struct text *t)
{
	return string_fact(f->listener, t);
}

static int
protocol_holds(const struct match *m, struct view *v)
{
	return (m->protocols & 1u << v->f->protocol) != 0;
}

static int
protocol_fact(const struct facts *f, struct text *t)
{
	if (f->protocol == PROTO_UNKNOWN)
		return 0;
	text_puts(t, match_protocol(f->protocol));
	return 1;
}

/* Whether one of the patterns is the text; none is if it is empty. */
static int
patterns_have(const struct conf_list *patterns, const char *s)
{
	size_t i;

	for (i = 0; s[0] != '\0' && i < patterns->n; i++)
		if (fnmatch(patterns->v[i], s, FNM_NOESCAPE) == 0)
			return 1;
	return 0;
}

static int
ja3_holds(const struct match *m, struct view *v)
{
	return patterns_have(&m->conf->ja3, v->f->ja3);
}

static int
ja3_fact(const struct facts *f, struct text *t)
{
	return string_fact(f->ja3, t);
}

static int
ja4_holds(const struct match *m, struct view *v)
{
	return patterns_have(&m->conf->ja4, v->f->ja4);
}

static int
ja4_fact(const struct facts *f, struct text *t)
{
	return string_fact(f->ja4, t);
}

static int
port_given(const struct conf_match *m)
{
	return m->nport > 0;
}

static int
port_holds(const struct match *m, struct view *v)
{
	size_t i;

	for (i = 0; i < m->conf->nport; i++)
		if (v->f->port >= m->conf->port[i].lo &&
		    v->f->port <= m->conf->port[i].hi)
			return 1;
	return 0;
}

static int
port_fact(const struct facts *f, struct text *t)
{
	if (f->port == 0)
		return 0;
	text_printf(t, "%u", f->port);
	return 1;
}

static void
port_wants(const struct conf_match *m, struct text *t)
{
	size_t i;

	for (i = 0; i < m->nport; i++) {
		text_printf(t, "%s%u", i > 0 ? ", " : "", m->port[i].lo);
		if (m->port[i].hi != m->port[i].lo)
			text_printf(t, "-%u", m->port[i].hi);
	}
}

/* The cheap conditions come first. */
#define CONDITION(name, said)						\
	{ #name, name##_given, name##_holds, name##_fact, name##_wants, said }
static const struct condition conditions[] = {
	CONDITION(listener, 0),
	CONDITION(protocol, 1),
	CONDITION(port, 0),
	CONDITION(client, 0),
	CONDITION(server, 0),
	CONDITION(sni, 1),
	CONDITION(host, 2),
	CONDITION(site, 2),
	CONDITION(alpn, 1),
	CONDITION(ja3, 1),
	CONDITION(ja4, 1),
	{ NULL }
};

int
match_given(const struct match *m)
{
	return m->given[0] != NULL;
}

int
match_holds(const struct match *m, struct view *v,
    const struct condition **which)
{
	const struct condition *const *c;

	for (c = m->given; *c != NULL; c++)
		if (!(*c)->holds(m, v)) {
			if (which != NULL)
				*which = *c;
			return 0;
		}
	return 1;
}

/* Whether the condition depends on an SNI that is not to be believed. */
static int
condition_open(const struct condition *c, const struct facts *f)
{
	return f->sni_open && (c->wants == sni_wants ||
	    (c->wants == host_wants && host_name(f) == f->sni) ||
	    (c->wants == site_wants && site_name(f) == f->sni));
}

/*
 * Whether the fact may still become known. Facts in the client's first bytes
 * become known together with the protocol, or never.
 */
static int
fact_to_come(const struct condition *c, const struct facts *f)
{
	struct text fact = { 0 };
	int known;

	if (condition_open(c, f))
		return 1;
	if (c->said && f->protocol != PROTO_UNKNOWN)
		return 0;
	if (c->said == 2 && host_name(f) == NULL)
		return 1;
	known = c->fact(f, &fact);
	text_free(&fact);
	return !known;
}

enum match_may
match_may(const struct match *m, struct view *v)
{
	enum match_may may = MATCH_SURE;
	const struct condition *const *c;

	for (c = m->given; *c != NULL; c++) {
		if ((*c)->holds(m, v) && !condition_open(*c, v->f))
			continue;
		if (!fact_to_come(*c, v->f))
			return MATCH_NOT;
		may = MATCH_PERHAPS;
	}
	return may;
}
