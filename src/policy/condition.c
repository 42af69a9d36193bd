/*
 * The table of conditions; those that are a line or two; and when the fact of
 * each becomes known. The others are files of their own, which fill the same
 * table.
 */
#include "policy/condition.h"

#include <string.h>

#include "codec/starttls.h"
#include "conf/contained.h"
#include "policy/asked.h"
#include "policy/category.h"
#include "policy/certificate.h"
#include "policy/denied.h"
#include "policy/group.h"
#include "policy/hello.h"
#include "policy/mac.h"
#include "policy/segment.h"
#include "policy/words.h"
#include "util/clock.h"

static const char *const protocol_names[] = { "unknown", "tls", "http",
    "other" };

const char *
condition_protocol(unsigned p)
{
	return p < PROTO_DIALOGUE ? protocol_names[p] :
	    starttls_name(p - PROTO_DIALOGUE);
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
	words_print(&m->name, t);					\
}
CONDITION_LIST(client)
CONDITION_LIST(server)
CONDITION_LIST(sni)
CONDITION_LIST(host)
CONDITION_LIST(site)
CONDITION_LIST(user)
CONDITION_LIST(alpn)
CONDITION_LIST(listener)
CONDITION_LIST(protocol)
CONDITION_LIST(country)
CONDITION_LIST(mac)
CONDITION_LIST(group)
CONDITION_LIST(tag)
CONDITION_LIST(ja3)
CONDITION_LIST(ja4)

static int
contained_given(const struct conf_match *m)
{
	return m->contained != NULL;
}

static int
contained_holds(const struct match *m, struct view *v)
{
	return v->f->contained != NULL &&
	    strcmp(m->conf->contained->name, v->f->contained) == 0;
}

static int
contained_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->contained, t);
}

static void
contained_wants(const struct conf_match *m, struct text *t)
{
	text_puts(t, m->contained->name);
}

static int
client_holds(const struct match *m, struct view *v)
{
	return set_has(&m->client, &v->f->client);
}

static int
server_holds(const struct match *m, struct view *v)
{
	return !v->f->proxied && set_has(&m->server, &v->f->server);
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
	return !f->proxied && addr_fact(&f->server, t);
}

static int
sni_holds(const struct match *m, struct view *v)
{
	return set_has_name(&m->sni, v, v->f->sni);
}

static int
host_holds(const struct match *m, struct view *v)
{
	return set_has_name(&m->host, v, asked_host(v->f)) ||
	    set_has_name(&m->host, v, asked_address(v->f));
}

static int
site_holds(const struct match *m, struct view *v)
{
	return set_has_name(&m->site, v, asked_site(v->f)) ||
	    set_has_name(&m->site, v, asked_address(v->f));
}

static int
sni_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->sni, t);
}

static int
host_fact(const struct facts *f, struct text *t)
{
	return words_fact(asked_host(f) != NULL ? asked_host(f) : f->host, t);
}

static int
site_fact(const struct facts *f, struct text *t)
{
	return words_fact(asked_site(f) != NULL ? asked_site(f) : f->host, t);
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
user_holds(const struct match *m, struct view *v)
{
	const char *user = v->f->user;
	size_t i;

	for (i = 0; user != NULL && i < m->conf->user.n; i++)
		if (strcmp(m->conf->user.v[i], user) == 0)
			return 1;
	return user != NULL && set_lists_word(&m->user, v, user);
}

static int
user_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->user, t);
}

static int
country_holds(const struct match *m, struct view *v)
{
	unsigned bit;

	if (v->f->country[0] == '\0')
		return 0;
	bit = country_bit(v->f->country);
	return m->countries[bit / 32] >> bit % 32 & 1;
}

static int
country_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->country, t);
}

static int
listener_fact(const struct facts *f, struct text *t)
{
	return words_fact(f->listener, t);
}

static int
protocol_holds(const struct match *m, struct view *v)
{
	return (m->protocols & 1u << v->f->protocol) != 0;
}

unsigned
protocol_bits(const struct conf_list *l)
{
	unsigned p, bits = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		for (p = 1; condition_protocol(p) != NULL; p++)
			if (strcmp(l->v[i], condition_protocol(p)) == 0)
				bits |= 1u << p;
	return bits;
}

static int
protocol_fact(const struct facts *f, struct text *t)
{
	if (f->protocol == PROTO_UNKNOWN)
		return 0;
	text_puts(t, condition_protocol(f->protocol));
	return 1;
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

static int
time_given(const struct conf_match *m)
{
	return m->ntime > 0;
}

static int
time_holds(const struct match *m, struct view *v)
{
	size_t i;

	for (i = 0; v->f->now != 0 && i < m->conf->ntime; i++)
		if (conf_window_has(&m->conf->time[i], v->f->now))
			return 1;
	return 0;
}

static int
time_fact(const struct facts *f, struct text *t)
{
	char s[CLOCK_STAMP];

	if (f->now == 0 || clock_stamp(f->now, s)[0] == '\0')
		return 0;
	text_puts(t, s);
	return 1;
}

static void
time_wants(const struct conf_match *m, struct text *t)
{
	size_t i;

	for (i = 0; i < m->ntime; i++)
		text_printf(t, "%s%s", i > 0 ? ", " : "", m->time[i].text);
}

/* The cheap conditions come first, and of those the ones decided early. */
#define CONDITION(name, said, stage)					\
	{ #name, name##_given, name##_holds, name##_fact, name##_wants,	\
	    said, stage }
#define CERTIFICATE(name)						\
	{ "certificate " #name, certificate_##name##_given,		\
	    certificate_##name##_holds, certificate_##name##_fact,	\
	    certificate_##name##_wants, 0, STAGE_CERTIFICATE }
const struct condition conditions[] = {
	CONDITION(contained, 0, STAGE_CONNECTION),
	CONDITION(denied, 0, STAGE_CONNECTION),
	CONDITION(segment, 0, STAGE_CONNECTION),
	CONDITION(listener, 0, STAGE_CONNECTION),
	CONDITION(protocol, 1, STAGE_HELLO),
	CONDITION(port, 0, STAGE_CONNECTION),
	CONDITION(client, 0, STAGE_CONNECTION),
	CONDITION(server, 0, STAGE_CONNECTION),
	CONDITION(country, 0, STAGE_CONNECTION),
	CONDITION(time, 0, STAGE_CONNECTION),
	CONDITION(user, 0, STAGE_CONNECTION),
	{ "mac", mac_given, mac_holds, mac_fact, mac_wants, 0,
	    STAGE_CONNECTION, "a client behind another router has none" },
	{ "group", group_given, group_holds, group_fact, group_wants, 0,
	    STAGE_CONNECTION },
	{ "tag", tag_given, tag_holds, tag_fact, tag_wants, 0,
	    STAGE_CONNECTION, "the client has none" },
	CONDITION(sni, 1, STAGE_HELLO),
	CONDITION(host, 2, STAGE_HELLO),
	CONDITION(site, 2, STAGE_HELLO),
	CONDITION(category, 2, STAGE_HELLO),
	CONDITION(alpn, 1, STAGE_HELLO),
	CONDITION(ja3, 1, STAGE_HELLO),
	CONDITION(ja4, 1, STAGE_HELLO),
	CERTIFICATE(status),
	CERTIFICATE(issuer),
	CERTIFICATE(subject),
	{ NULL }
};

/* Whether it looks at what asked_site() says. */
static int
by_site(const struct condition *c)
{
	return c->wants == site_wants || c->wants == category_wants;
}

/* Whether the condition depends on an SNI that is not to be believed, or on an
 * address that is not known yet. */
int
condition_open(const struct condition *c, const struct facts *f)
{
	if (c->wants == segment_wants)
		return segment_open(f);
	return f->sni_open && (c->wants == sni_wants ||
	    (c->wants == denied_wants && denied_names(f)) ||
	    (c->wants == host_wants && asked_host(f) == f->sni) ||
	    (by_site(c) && asked_site(f) == f->sni));
}

/* Whose name a condition on host or site looks at. */
static const char *
condition_name(const struct condition *c, const struct facts *f)
{
	return c->wants == host_wants ? asked_host(f) :
	    by_site(c) ? asked_site(f) : NULL;
}

enum policy_stage
condition_stage(const struct condition *c, const struct facts *f)
{
	const char *name = condition_name(c, f);
	enum policy_stage stage = c->stage;
	char addr[ADDR_STRLEN];

	if (c->wants == denied_wants) {
		denied_by(f, addr, &stage);
		return stage;
	}
	if (name == NULL)
		return c->stage;
	return name == f->request ? STAGE_REQUEST :
	    name == f->host && f->protocol == PROTO_HTTP ? STAGE_REQUEST :
	    name == f->host ? STAGE_CONNECTION : c->stage;
}

int
condition_to_come(const struct condition *c, const struct facts *f)
{
	struct text fact = { 0 };
	int known;

	if (condition_open(c, f))
		return 1;
	if (c->wants == denied_wants)
		return denied_to_come(f);
	/* Known before all else. */
	if (c->wants == user_wants || c->wants == contained_wants ||
	    c->wants == mac_wants || c->wants == group_wants ||
	    c->wants == tag_wants || c->wants == segment_wants)
		return 0;
	if (c->stage == STAGE_CERTIFICATE)
		return f->cert == NULL && !f->cert_none &&
		    (f->protocol == PROTO_UNKNOWN || facts_tls(f));
	if (c->said && f->protocol != PROTO_UNKNOWN)
		return 0;
	if (c->said == 2 && asked_host(f) == NULL)
		return 1;
	known = c->fact(f, &fact);
	text_free(&fact);
	return !known;
}
