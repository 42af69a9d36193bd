/*
 * Facts as operators write them, NAME=VALUE or a URL.
 */
#include "admin/told.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chain/pick.h"
#include "conf/contained.h"
#include "conf/pattern.h"
#include "conf/group.h"
#include "net/neighbours.h"
#include "policy/condition.h"
#include "policy/explain.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/denied.h"
#include "verdict/measure.h"
#include "verdict/server.h"
#include "verdict/contain.h"
#include "verdict/leases.h"

struct told {			/* the facts, and the texts they point to */
	struct facts	 facts;
	struct text	 alpn;
	char		*tags;
	struct contained *contained, *step_up;
	struct told_denial {	/* "denied=": a table of one server */
		struct denials	 ask;
		char		 server[SERVER_STRLEN];
	} denial;
	char		*server_tags;
	const char	*from, *to;	/* groups, or NULL */
	struct certinfo	 cert;
	char		 sni[PATTERN_MAX + 1], host[PATTERN_MAX + 1];
};

static int
take_addr(struct told *t, void *field, const char *s)
{
	return addr_parse_ip(field, s);
}

/* An end of a segment: an address, or the name of a group. */
static int
take_end(struct told *t, void *field, const char *s)
{
	struct addr *a = field == &t->from ? &t->facts.client :
	    &t->facts.server;

	*(const char **)field = addr_parse_ip(a, s) == 0 ? NULL : s;
	return s[0] != '\0' ? 0 : ERR_FORMAT;
}

static int
take_text(struct told *t, void *field, const char *s)
{
	*(const char **)field = s;
	return s[0] != '\0' ? 0 : ERR_FORMAT;
}

/* A name as people write it, or an address. */
static int
take_name(struct told *t, void *field, const char *s)
{
	char *name = field == &t->facts.sni ? t->sni : t->host;
	struct addr ip;

	if (name_canon(name, s, strlen(s)) == 0) {
		if (addr_parse_ip(&ip, s) != 0)
			return ERR_FORMAT;
		addr_ip_str(&ip, name);
	}
	return take_text(t, field, name);
}

static int
take_port(struct told *t, void *field, const char *s)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (s[0] < '0' || s[0] > '9' || *end != '\0' || v == 0 || v > 65535)
		return ERR_FORMAT;
	t->facts.port = (uint16_t)v;
	return 0;
}

/* Turn "h2,http/1.1" into a wire list (RFC 7301, 3.1). */
static int
take_alpn(struct told *t, void *field, const char *s)
{
	size_t n;
	char len;

	for (;;) {
		n = strcspn(s, ",");
		if (n == 0 || n > 255)
			return ERR_FORMAT;
		len = (char)n;
		text_add(&t->alpn, &len, 1);
		text_add(&t->alpn, s, n);
		s += n;
		if (*s++ == '\0')
			return 0;
	}
}

/* A fingerprint as the log has it. */
static int
take_print(char *out, size_t size, const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= size)
		return ERR_FORMAT;
	memcpy(out, s, n + 1);
	return 0;
}

static int
take_ja3(struct told *t, void *field, const char *s)
{
	char *p;
	int rv = take_print(t->facts.ja3, sizeof(t->facts.ja3), s);

	for (p = t->facts.ja3; rv == 0 && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return rv;
}

static int
take_ja4(struct told *t, void *field, const char *s)
{
	return take_print(t->facts.ja4, sizeof(t->facts.ja4), s);
}

static int
take_issuer(struct told *t, void *field, const char *s)
{
	t->cert.issuer = (char *)(uintptr_t)s;
	t->facts.cert = &t->cert;
	return 0;
}

static int
take_subject(struct told *t, void *field, const char *s)
{
	t->cert.subject = (char *)(uintptr_t)s;
	t->facts.cert = &t->cert;
	return 0;
}

static int
take_status(struct told *t, void *field, const char *s)
{
	t->facts.cert = &t->cert;
	return conf_status(s, &t->facts.verify);
}

/* As the log has it. */
static int
take_verify(struct told *t, void *field, const char *s)
{
	t->facts.cert = &t->cert;
	t->facts.verify_text = s;
	return tls_verdict_said(s, &t->facts.verify);
}

static int
denial_has_addr(const struct denials *d, const struct addr *a)
{
	char s[ADDR_STRLEN];

	return strcmp(((const struct told_denial *)d)->server,
	    addr_ip_str(a, s)) == 0;
}

static int
denial_has_name(const struct denials *d, const char *name)
{
	const char *server = ((const struct told_denial *)d)->server;
	struct addr a;

	return !server_addr(server, &a) && pattern_matches(server, name);
}

static int
denial_has_any(const struct denials *d, int names)
{
	struct addr a;

	return server_addr(((const struct told_denial *)d)->server, &a) !=
	    (names != 0);
}

/* As if that server were denied, and no other. */
static int
take_denied(struct told *t, void *field, const char *s)
{
	t->denial.ask = (struct denials){ denial_has_addr, denial_has_name,
	    denial_has_any };
	t->facts.denials = &t->denial.ask;
	return server_read(t->denial.server, s, 0);
}

/* Mirrors, "*" for all, or "none". */
static int
take_step_up(struct told *t, void *field, const char *s)
{
	t->facts.step_up = strcmp(s, "none") == 0 ? "" : s;
	return s[0] != '\0' ? 0 : ERR_FORMAT;
}

static int
take_yes(struct told *t, void *field, const char *s)
{
	*(int *)field = strcmp(s, "yes") == 0;
	return *(int *)field || strcmp(s, "no") == 0 ? 0 : ERR_FORMAT;
}

/* The server left out what can be fetched, and so it is not trusted. */
static int
take_incomplete(struct told *t, void *field, const char *s)
{
	int rv = take_yes(t, field, s);

	if (t->facts.lacks_issuer) {
		t->facts.cert = &t->cert;
		t->facts.verify = VERIFY_UNTRUSTED;
	}
	return rv;
}

/* "2026-11-28T22:15", with or without seconds, and "Z" or "+01:00". */
static int
take_time(struct told *t, void *field, const char *s)
{
	struct tm tm = { 0 };
	const char *end;
	int hours, minutes, n = 0;

	if ((end = strptime(s, "%Y-%m-%dT%H:%M", &tm)) == NULL)
		return ERR_FORMAT;
	if (*end == ':' && (end = strptime(end, ":%S", &tm)) == NULL)
		return ERR_FORMAT;
	t->facts.now = timegm(&tm);
	if (strcmp(end, "Z") == 0)
		return 0;
	if ((*end != '+' && *end != '-') || sscanf(end + 1, "%2d:%2d%n",
	    &hours, &minutes, &n) != 2 || end[1 + n] != '\0')
		return ERR_FORMAT;
	t->facts.now -= (*end == '-' ? -1 : 1) * (hours * 60 + minutes) * 60;
	return 0;
}

/* Of the server, whatever the database says of it. */
static int
take_country(struct told *t, void *field, const char *s)
{
	char *country = t->facts.country;

	if (strcmp(s, GEO_UNKNOWN) == 0)
		return take_print(country, GEO_LEN, s);
	if (strlen(s) != 2 || !isalpha((unsigned char)s[0]) ||
	    !isalpha((unsigned char)s[1]))
		return ERR_FORMAT;
	country[0] = (char)toupper((unsigned char)s[0]);
	country[1] = (char)toupper((unsigned char)s[1]);
	return 0;
}

static int
take_mac(struct told *t, void *field, const char *s)
{
	t->facts.mac_known = 1;
	return mac_parse(t->facts.mac, s);
}

static int
take_to_mac(struct told *t, void *field, const char *s)
{
	t->facts.server_mac_known = mac_parse(t->facts.server_mac, s) == 0;
	return t->facts.server_mac_known ? 0 : ERR_FORMAT;
}

static int
take_protocol(struct told *t, void *field, const char *s)
{
	unsigned p;

	for (p = PROTO_TLS; condition_protocol(p) != NULL; p++)
		if (strcmp(s, condition_protocol(p)) == 0) {
			t->facts.protocol = p;
			return 0;
		}
	return ERR_FORMAT;
}

#define AT(member)	offsetof(struct told, facts.member)

static const struct {
	const char	*name;
	int		(*take)(struct told *, void *field, const char *);
	size_t		 at;		/* of the field */
	const char	*right;
} takes[] = {
	{ "client", take_addr, AT(client), "an address such as 10.0.0.7" },
	{ "server", take_addr, AT(server), "an address such as 192.0.2.1" },
	{ "from", take_end, offsetof(struct told, from), "an address, or a "
	    "group's name" },
	{ "to", take_end, offsetof(struct told, to), "an address, or a "
	    "group's name" },
	{ "port", take_port, 0, "a number from 1 to 65535" },
	{ "sni", take_name, AT(sni), "a name such as www.example.com" },
	{ "host", take_name, AT(host), "a name such as www.example.com" },
	{ "category", take_text, AT(category), "a category's name" },
	{ "country", take_country, 0, "two letters such as DE, or unknown" },
	{ "listener", take_text, AT(listener), "a listener's name" },
	{ "user", take_text, AT(user), "the name of a user" },
	{ "mac", take_mac, 0, "an address such as 02:00:5e:00:00:07" },
	{ "tag", take_text, AT(tags), "a tag, or several with commas" },
	{ "quarantine", take_text, AT(contained), "the name of a quarantine" },
	{ "step-up", take_step_up, 0, "mirrors with commas, * or none" },
	{ "denied", take_denied, 0, "a server that is denied, such as "
	    "203.0.113.9 or evil.example" },
	{ "to-mac", take_to_mac, 0, "an address such as 02:00:5e:00:00:07" },
	{ "to-tag", take_text, AT(server_tags), "a tag, or several with "
	    "commas" },
	{ "alpn", take_alpn, 0, "names with commas, as in h2,http/1.1" },
	{ "ja3", take_ja3, 0, "32 hexadecimal digits" },
	{ "ja4", take_ja4, 0, "a JA4 such as "
	    "t13d1516h2_8daaf6152771_e5627efa2ab1" },
	{ "time", take_time, 0, "2026-11-28T22:15Z or "
	    "2026-11-28T22:15:00+01:00" },
	{ "issuer", take_issuer, 0, "\"CN=R3, O=Example\"" },
	{ "subject", take_subject, 0, "\"CN=www.example.com\"" },
	{ "status", take_status, 0, "ok, untrusted, expired, name-mismatch "
	    "or revoked" },
	{ "verify", take_verify, 0, "what the log has there, such as "
	    "\"certificate has expired\"" },
	{ "late", take_yes, AT(late), "yes or no" },
	{ "incomplete", take_incomplete, AT(lacks_issuer), "yes or no" },
	{ "ech", take_yes, AT(ech), "yes or no" },
	{ "protocol", take_protocol, 0, "tls, http, smtp ... or other" },
};

/*
 * A URL: its scheme says the protocol, its host is the SNI, or the name that
 * the request asks for. What is before and behind them is no fact.
 */
static int
take_url(struct told *t, const char *s)
{
	int tls = strncasecmp(s, "https://", 8) == 0;
	const char *host = strstr(s, "://") + 3, *end, *port;
	char *name = xstrndup(host, strcspn(host, "/?#"));
	int rv;

	host = strrchr(name, '@') != NULL ? strrchr(name, '@') + 1 : name;
	end = host[0] == '[' ? strchr(host, ']') : NULL;
	port = strchr(end != NULL ? end : host, ':');
	t->facts.port = tls ? 443 : 80;
	t->facts.protocol = tls ? PROTO_TLS : PROTO_HTTP;
	rv = port != NULL && port[1] != '\0' ? take_port(t, NULL, port + 1) : 0;
	if (port != NULL)
		name[port - name] = '\0';
	if (rv == 0)
		rv = take_name(t, &t->facts.host, host);
	if (rv == 0 && name_canon(t->sni, host, strlen(host)) > 0 && tls)
		t->facts.sni = t->sni;
	if (tls)		/* nobody has said it before the hello */
		t->facts.host = NULL;
	free(name);
	return rv;
}

static int
is_url(const char *arg)
{
	return strncasecmp(arg, "https://", 8) == 0 ||
	    strncasecmp(arg, "http://", 7) == 0;
}

/* The fact that "NAME=VALUE" is of, or NELEM(takes). */
static size_t
take_find(const char *arg)
{
	size_t i, n = strcspn(arg, "=");

	for (i = 0; i < NELEM(takes); i++)
		if (arg[n] != '\0' && strlen(takes[i].name) == n &&
		    strncmp(arg, takes[i].name, n) == 0)
			break;
	return i;
}

int
told_begins(const char *arg)
{
	return is_url(arg) || take_find(arg) < NELEM(takes);
}

int
told_take(struct told *t, const char *arg, struct text *why)
{
	size_t i = take_find(arg);

	if (is_url(arg)) {
		if (take_url(t, arg) == 0)
			return 0;
		text_printf(why, "\"%s\": write a URL such as "
		    "https://www.example.com/", arg);
	} else if (i < NELEM(takes)) {
		if (takes[i].take(t, (char *)t + takes[i].at,
		    strchr(arg, '=') + 1) == 0)
			return 0;
		text_printf(why, "\"%s\": write %s", arg, takes[i].right);
	} else {
		text_printf(why, "\"%s\" is not a fact; write a URL, or "
		    "client=, mac=, tag=, quarantine=, step-up=, server=, "
		    "denied=, port=, from=, to=, to-mac=, to-tag=, sni=, "
		    "host=, user=, alpn=, ja3=, ja4=, ech=, issuer=, "
		    "subject=, status=, verify=, late=, incomplete=, time=, "
		    "category=, country=, "
		    "listener= or protocol=", arg);
	}
	return ERR_FORMAT;
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
 * server with a certificate. */
static void
told_end(struct told *t)
{
	if (t->alpn.len > 0) {
		t->facts.alpn = (const uint8_t *)t->alpn.s;
		t->facts.alpn_len = t->alpn.len;
	}
	if (t->facts.protocol == PROTO_UNKNOWN &&
	    (t->facts.sni != NULL || t->facts.alpn != NULL ||
	    t->facts.ech || t->facts.ja3[0] != '\0' ||
	    t->facts.ja4[0] != '\0' || t->facts.cert != NULL))
		t->facts.protocol = PROTO_TLS;
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

struct told *
told_new(void)
{
	static char none[] = "";
	struct told *t = xcalloc(1, sizeof(*t));

	t->facts.now = time(NULL);
	t->cert.issuer = t->cert.subject = none;
	return t;
}

void
told_free(struct told *t)
{
	text_free(&t->alpn);
	free(t->tags);
	contained_unref(t->contained);
	contained_unref(t->step_up);
	free(t->server_tags);
	free(t);
}

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
