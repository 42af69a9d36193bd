/*
 * Targets of HTTP/1 requests to a proxy: cutting them up, and writing the
 * request again as its origin server wants it.
 */
#include "codec/http1.h"

#include <arpa/inet.h>

#include "codec/hostname.h"
#include "util/addr.h"
#include "util/err.h"
#include "util/mem.h"

static int
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static int
is_ipv6(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (s.len >= sizeof(text) || memchr(s.p, '\0', s.len) != NULL)
		return 0;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

/* ":port" or nothing; port is what stands for nothing, if not 0. */
static int
read_port(struct slice s, uint16_t port, struct http1_url *u)
{
	unsigned n = 0;
	size_t i;

	if (s.len > 0 && s.p[0] != ':')
		return ERR_FORMAT;
	if (s.len > 6)
		return ERR_FORMAT;
	for (i = 1; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return ERR_FORMAT;
		n = n * 10 + (unsigned)(s.p[i] - '0');
	}
	if (s.len <= 1)
		n = port;	/* "host:" is "host" (RFC 3986, 6.2.3) */
	if (n == 0 || n > 65535)
		return ERR_FORMAT;
	u->port = (uint16_t)n;
	return 0;
}

int
http1_authority(struct slice s, uint16_t port, struct http1_url *u)
{
	char name[HOSTNAME_MAX + 1];
	const char *p;
	size_t n;

	memset(u, 0, sizeof(*u));
	u->authority = s;
	if (s.len > 0 && s.p[0] == '[') {
		if ((p = memchr(s.p, ']', s.len)) == NULL)
			return ERR_FORMAT;
		u->host = slice_of(s.p + 1, (size_t)(p - s.p) - 1);
		u->v6 = 1;
		if (!is_ipv6(u->host))
			return ERR_FORMAT;
		n = (size_t)(p - s.p) + 1;
	} else {
		p = s.len > 0 ? memchr(s.p, ':', s.len) : NULL;
		n = p != NULL ? (size_t)(p - s.p) : s.len;
		u->host = slice_of(s.p, n);
		if (hostname_copy(name, u->host.p, n) != 0)
			return ERR_FORMAT;
	}
	return read_port(slice_of(s.p + n, s.len - n), port, u);
}

static int
scheme_port(struct slice s, uint16_t *port)
{
	*port = slice_is(s, "http") || slice_is(s, "ws") ? 80 :
	    slice_is(s, "https") || slice_is(s, "wss") ? 443 : 0;
	return *port != 0 ? 0 : ERR_UNSUPPORTED;
}

int
http1_absolute(struct slice t, struct http1_url *u)
{
	struct slice scheme, authority, path;
	uint16_t port;
	size_t i, n;
	int e;

	memset(u, 0, sizeof(*u));
	for (n = 0; n < t.len && (is_alnum(t.p[n]) || (n > 0 &&
	    strchr("+-.", t.p[n]) != NULL && t.p[n] != '\0')); n++)
		;
	if (n == 0 || t.len - n < 3 || memcmp(t.p + n, "://", 3) != 0)
		return ERR_FORMAT;
	scheme = slice_of(t.p, n);
	for (i = n + 3; i < t.len && t.p[i] != '/' && t.p[i] != '?' &&
	    t.p[i] != '#'; i++)
		;
	authority = slice_of(t.p + n + 3, i - n - 3);
	path = slice_of(t.p + i, t.len - i);
	if (path.len > 0 && path.p[0] == '#')
		return ERR_FORMAT;
	if ((e = scheme_port(scheme, &port)) != 0)
		return e;
	if ((e = http1_authority(authority, port, u)) != 0)
		return e;
	u->scheme = scheme;
	u->path = path;
	return 0;
}

int
http1_name(const struct http1_head *m, char out[HTTP1_NAME_MAX])
{
	struct http1_url u;
	char text[ADDR_STRLEN];
	struct addr a;
	int e;

	out[0] = '\0';
	if (slice_eq(m->method, "CONNECT"))
		e = http1_authority(m->target, 0, &u);
	else if ((e = http1_absolute(m->target, &u)) != 0)
		e = http1_authority(http1_value(m, "host"), 80, &u);
	if (e != 0)
		return ERR_NOTFOUND;
	if (!u.v6)
		return hostname_copy(out, u.host.p, u.host.len) == 0 ? 0 :
		    ERR_NOTFOUND;
	memcpy(text, u.host.p, u.host.len);	/* it is an IPv6 address */
	text[u.host.len] = '\0';
	if (addr_parse_ip(&a, text) != 0)
		return ERR_NOTFOUND;
	addr_ip_str(&a, text);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

/*
 * Whether a field is between the client and its proxy only (RFC 9110, 7.6.1).
 * What Connection names goes too, but for the fields of the framing and of an
 * Upgrade, and Host: to drop those would change the message.
 */
static int
is_for_the_proxy(const struct http1_options *named, struct slice name)
{
	static const char *const drop[] = { "proxy-connection",
	    "proxy-authorization", "proxy-authenticate", "keep-alive" };
	static const char *const keep[] = { "connection", "upgrade", "te",
	    "transfer-encoding", "content-length", "trailer", "host",
	    "http2-settings" };

	if (slice_among(name, drop, NELEM(drop)))
		return 1;
	return !slice_among(name, keep, NELEM(keep)) &&
	    http1_options_have(named, name);
}

static void
add_field(struct text *out, struct slice name, struct slice value)
{
	text_add(out, name.p, name.len);
	text_add(out, ": ", 2);
	text_add(out, value.p, value.len);
	text_add(out, "\r\n", 2);
}

static void
add_target(struct text *out, const struct http1_head *m,
    const struct http1_url *u)
{
	if (u->scheme.len == 0)
		text_add(out, m->target.p, m->target.len);
	else if (u->path.len == 0 && slice_eq(m->method, "OPTIONS"))
		text_add(out, "*", 1);		/* RFC 9112, 3.2.4 */
	else {
		if (u->path.len == 0 || u->path.p[0] == '?')
			text_add(out, "/", 1);
		text_add(out, u->path.p, u->path.len);
	}
}

int
http1_origin_form(struct text *out, const struct http1_head *m)
{
	struct http1_url u = { { NULL, 0 } };
	struct slice host = slice_of("Host", 4);
	struct http1_options named;
	size_t i;

	if (m->response || slice_eq(m->method, "CONNECT"))
		return ERR_FORMAT;
	if (m->target.p[0] != '/' && !slice_eq(m->target, "*") &&
	    http1_absolute(m->target, &u) != 0)
		return ERR_FORMAT;
	text_add(out, m->method.p, m->method.len);
	text_add(out, " ", 1);
	add_target(out, m, &u);
	text_puts(out, m->version == 10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
	if (u.scheme.len > 0)
		add_field(out, host, u.authority);
	http1_options_read(&named, m);
	for (i = 0; i < m->n; i++) {
		if (u.scheme.len > 0 && slice_is(m->h[i].name, "host"))
			continue;
		if (!is_for_the_proxy(&named, m->h[i].name))
			add_field(out, m->h[i].name, m->h[i].value);
	}
	text_add(out, "\r\n", 2);
	return 0;
}
