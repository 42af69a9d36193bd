/*
 * Facts as operators write them, NAME=VALUE or a URL: how each is read.
 */
#include "admin/told.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "admin/told_inner.h"
#include "policy/condition.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/contain.h"
#include "verdict/server.h"

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
