/*
 * From the facts that were told to the answer: what the tables of a daemon know
 * besides, the members that groups stand for, the rules, and the devices that a
 * session would go through.
 */
#include "admin/told_explain.h"

#include <string.h>

#include "admin/told_inner.h"
#include "chain/pick.h"
#include "conf/contained.h"
#include "conf/group.h"
#include "net/neighbours.h"
#include "policy/explain.h"
#include "util/clock.h"
#include "util/err.h"
#include "verdict/contain.h"
#include "verdict/denied.h"
#include "verdict/leases.h"
#include "verdict/measure.h"

void
told_look(struct told *t, struct neighbours *n, struct leases *l,
    struct contain *tags)
{
	struct facts *f = &t->facts;

	if (!f->server_mac_known && f->server.sa.sa_family != AF_UNSPEC)
		f->server_mac_known = neighbours_mac(n, &f->server,
		    f->server_mac) == 0;
	if (f->server_tags == NULL)
		f->server_tags = t->server_tags = contain_names(tags,
		    &f->server, f->server_mac_known ? f->server_mac : NULL,
		    clock_ms());

	if (!f->mac_known && f->client.sa.sa_family != AF_UNSPEC)
		f->mac_known = neighbours_mac(n, &f->client, f->mac) == 0 ||
		    leases_mac(l, &f->client, f->mac) == 0;
	if (f->tags == NULL)
		f->tags = t->tags = contain_names(tags, &f->client,
		    f->mac_known ? f->mac : NULL, clock_ms());
}

static void
look_contained(struct told *t, const struct conf *c)
{
	struct facts *f = &t->facts;
	int i = conf_quarantine_find(c, t->contained->profile);

	if (i < 0)
		f->contained = conf_quarantine_gone.name;
	else if (f->server.sa.sa_family == AF_UNSPEC ||
	    !conf_quarantine_lets(&c->quarantines[i], &f->server, f->port))
		f->contained = c->quarantines[i].name;
}

void
told_measures(struct told *t, struct measures *m)
{
	struct facts *f = &t->facts;
	const uint8_t *mac = f->mac_known ? f->mac : NULL;
	uint64_t now = clock_ms();

	if (f->denials == NULL)
		f->denials = denied_ask(m->denied);
	if (f->contained == NULL && (t->contained = contain_ask(
	    m->quarantine->contain, &f->client, mac, now)) != NULL)
		look_contained(t, m->quarantine->conf);
	if (f->step_up == NULL && (t->step_up = contain_ask(m->step_ups,
	    &f->client, mac, now)) != NULL)
		f->step_up = t->step_up->profile;
}

/* A group stands for its first member that is no list. */
static int
told_group(const struct conf *c, const char *name, struct addr *a,
    uint8_t *mac, int *mac_known, const char **tags, struct text *out)
{
	int i = conf_group_find(c, name);
	const struct conf_list *m = i >= 0 ? &c->groups[i].members : NULL;
	struct mac_pattern p;
	struct prefix prefix;
	size_t k;

	if (m == NULL) {
		text_printf(out, "no group \"%s\" in %s, and it is no address",
		    name, c->path);
		return ERR_NOTFOUND;
	}
	for (k = 0; k + 1 < m->n && m->v[k][0] == '@'; k++)
		;
	if (prefix_parse(&prefix, m->v[k]) == 0)
		*a = prefix_addr(&prefix, 0);
	else if (conf_member_tag(m->v[k]) != NULL)
		*tags = conf_member_tag(m->v[k]);
	else if (mac_pattern_parse(&p, m->v[k],
	    (unsigned)strlen(m->v[k])) == 0) {
		memcpy(mac, p.mac, MAC_LEN);
		*mac_known = 1;
	}
	return 0;
}

static int
told_groups(struct told *t, const struct conf *c, struct text *out)
{
	struct facts *f = &t->facts;
	int rv = 0;

	if (t->from != NULL && strcmp(t->from, "any") != 0)
		rv = told_group(c, t->from, &f->client, f->mac,
		    &f->mac_known, &f->tags, out);
	if (rv == 0 && t->to != NULL && strcmp(t->to, "any") != 0)
		rv = told_group(c, t->to, &f->server, f->server_mac,
		    &f->server_mac_known, &f->server_tags, out);
	return rv;
}

static int
listener_known(const struct conf *c, const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < c->nlistens; i++)
		if (strcmp(c->listens[i].name, name) == 0)
			return 1;
	return name == NULL;
}

/* A client with an SNI, ALPN, ECH or fingerprint speaks TLS, and so does a
 * server with a certificate: at once, or behind a dialogue. */
static void
told_end(struct told *t)
{
	struct facts *f = &t->facts;
	int tls;

	if (t->alpn.len > 0) {
		f->alpn = (const uint8_t *)t->alpn.s;
		f->alpn_len = t->alpn.len;
	}
	tls = f->sni != NULL || f->alpn != NULL || f->ech ||
	    f->ja3[0] != '\0' || f->ja4[0] != '\0' || f->cert != NULL;
	if (tls && f->protocol == PROTO_UNKNOWN)
		f->protocol = PROTO_TLS;
	f->upgraded = tls && f->protocol >= PROTO_DIALOGUE;
}

/* A slot's devices; and the one for this pair, if all are up. */
static void
explain_slot(const struct conf_slot *s, const struct facts *f,
    struct text *out)
{
	struct pick picks[CONF_DEVICES];
	size_t i;

	text_printf(out, " %s (", s->name);
	for (i = 0; i < s->ndevices; i++) {
		picks[i].name = s->devices[i]->name;
		picks[i].weight = s->devices[i]->weight;
		picks[i].usable = 1;
		text_printf(out, "%s%s", i > 0 ? ", " : "", picks[i].name);
	}
	text_puts(out, ")");
	if (s->ndevices > 1 && f->client.sa.sa_family != AF_UNSPEC &&
	    f->server.sa.sa_family != AF_UNSPEC) {
		i = pick(picks, s->ndevices, pick_pair(&f->client,
		    &f->server));
		text_printf(out, " -> %s", picks[i].name);
	}
}

/* Whether sessions of this kind go through the chain of their rule. */
static int
chain_takes(const struct verdict *v, const struct facts *f)
{
	unsigned also = v->rule->chain->also;

	if (f->protocol == PROTO_HTTP || f->protocol == PROTO_OTHER)
		return (also & CHAIN_ALSO_PLAIN) != 0;
	return v->action != ACTION_BYPASS ||
	    (also & CHAIN_ALSO_BYPASSED) != 0;
}

/* Put a line about the chain before the last line of out. */
static void
explain_chain(const struct verdict *v, const struct facts *f,
    struct text *out)
{
	const struct conf_chain *ch = v->rule->chain;
	struct text line = { 0 };
	char *last;
	size_t i;

	if (ch == NULL || out->len < 2)
		return;
	text_printf(&line, "chain %s:", ch->name);
	if (!chain_takes(v, f))
		text_puts(&line, " not used: \"also\" does not have such "
		    "sessions");
	else
		for (i = 0; i < ch->nslots; i++) {
			text_puts(&line, i > 0 ? ";" : "");
			explain_slot(&ch->slots[i], f, &line);
		}
	text_puts(&line, "\n");
	last = memrchr(out->s, '\n', out->len - 1);
	last = last != NULL ? last + 1 : out->s;
	text_puts(&line, last);
	out->len = (size_t)(last - out->s);
	text_puts(out, line.s);
	text_free(&line);
}

int
told_explain(struct told *t, const struct policy *p, struct verdict *v,
    struct text *out)
{
	told_end(t);
	if (told_groups(t, policy_conf(p), out) != 0)
		return ERR_NOTFOUND;
	if (!listener_known(policy_conf(p), t->facts.listener)) {
		text_printf(out, "no listener \"%s\" in %s",
		    t->facts.listener, policy_conf(p)->path);
		return ERR_NOTFOUND;
	}
	if (t->facts.country[0] == '\0')
		policy_server(p, &t->facts, &t->facts.server);
	policy_explain(p, &t->facts, v, out);
	explain_chain(v, &t->facts, out);
	return 0;
}

const struct conf_segment *
told_segment(const struct told *t, const struct policy *p)
{
	return policy_segment(p, &t->facts);
}
