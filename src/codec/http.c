/*
 * Questions asked of the head of an HTTP message, of any version.
 */
#include "codec/http.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "codec/hostname.h"
#include "util/addr.h"
#include "util/err.h"
#include "util/mem.h"

/* Calls each() for every slice of the head. */
static void
each_slice(struct http_head *m, void (*each)(struct slice *, void *),
    void *arg)
{
	size_t i;

	each(&m->method, arg);
	each(&m->target, arg);
	each(&m->scheme, arg);
	each(&m->authority, arg);
	each(&m->protocol, arg);
	each(&m->path, arg);
	each(&m->reason, arg);
	each(&m->never, arg);
	for (i = 0; i < m->n; i++) {
		each(&m->h[i].name, arg);
		each(&m->h[i].value, arg);
	}
}

static struct http_head *
dup_head(const struct http_head *m)
{
	return xmemdup(m, offsetof(struct http_head, h) +
	    m->n * sizeof(m->h[0]));
}

struct move {
	const char *from, *to;
};

static void
move_slice(struct slice *s, void *arg)
{
	const struct move *move = arg;

	if (s->p != NULL)
		s->p = move->to + (s->p - move->from);
}

struct http_head *
http_keep(const struct http_head *m, const char *data, size_t len,
    struct text *bytes)
{
	struct http_head *own = dup_head(m);
	struct move move = { data, NULL };

	text_add(bytes, data, len);
	move.to = bytes->s;
	each_slice(own, move_slice, &move);
	return own;
}

static void
add_slice(struct slice *s, void *arg)
{
	text_add(arg, s->p, s->len);
}

static void
point_slice(struct slice *s, void *arg)
{
	const char **at = arg;

	s->p = *at;
	*at += s->len;
}

struct http_head *
http_copy(const struct http_head *m, struct text *bytes)
{
	struct http_head *own = dup_head(m);
	const char *at;

	each_slice(own, add_slice, bytes);
	at = bytes->s;
	each_slice(own, point_slice, &at);
	return own;
}

const struct http_field *
http_field_find(const struct http_field *h, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (slice_is(h[i].name, name))
			return &h[i];
	return NULL;
}

int
http_field_lists(const struct http_field *h, size_t n, const char *name,
    const char *token)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (slice_is(h[i].name, name) &&
		    slice_lists(h[i].value, token))
			return 1;
	return 0;
}

const struct http_field *
http_find(const struct http_head *m, const char *name)
{
	return http_field_find(m->h, m->n, name);
}

/* The next field from i on that is the message's own. */
static size_t
own_field(const struct http_head *m, const struct http_options *named,
    size_t i)
{
	static const char *const hop[] = { "via", "date", "content-length",
	    "transfer-encoding", "connection", "keep-alive", "te", "trailer",
	    "upgrade", "proxy-connection", "proxy-authenticate" };

	while (i < m->n && (slice_among(m->h[i].name, hop, NELEM(hop)) ||
	    http_options_have(named, m->h[i].name)))
		i++;
	return i;
}

static int
same_text(struct slice a, struct slice b, int (*cmp)(const char *,
    const char *, size_t))
{
	return a.len == b.len && cmp(a.p, b.p, a.len) == 0;
}

int
http_same(const struct http_head *a, const struct http_head *b)
{
	struct http_options na, nb;
	size_t i, j;

	http_options_read(&na, a);
	http_options_read(&nb, b);
	if (a->status != b->status)
		return 0;
	for (i = j = 0;; i++, j++) {
		i = own_field(a, &na, i);
		j = own_field(b, &nb, j);
		if (i == a->n || j == b->n)
			return i == a->n && j == b->n;
		if (!same_text(a->h[i].name, b->h[j].name, strncasecmp) ||
		    !same_text(a->h[i].value, b->h[j].value, strncmp))
			return 0;
	}
}

struct slice
http_value(const struct http_head *m, const char *name)
{
	const struct http_field *h = http_find(m, name);

	return h != NULL ? h->value : slice_of(NULL, 0);
}

int
http_has_token(const struct http_head *m, const char *name,
    const char *token)
{
	return http_field_lists(m->h, m->n, name, token);
}

void
http_options_read(struct http_options *o, const struct http_head *m)
{
	struct slice list, item;
	size_t i;

	o->n = 0;
	for (i = 0; i < m->n; i++) {
		if (!slice_is(m->h[i].name, "connection"))
			continue;
		list = m->h[i].value;
		while (slice_item(&list, &item) && o->n < HTTP_OPTIONS)
			if (item.len > 0)
				o->v[o->n++] = item;
	}
}

int
http_options_have(const struct http_options *o, struct slice name)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->v[i].len == name.len &&
		    strncasecmp(o->v[i].p, name.p, name.len) == 0)
			return 1;
	return 0;
}

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
read_port(struct slice s, uint16_t port, struct http_url *u)
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
http_authority(struct slice s, uint16_t port, struct http_url *u)
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
http_absolute(struct slice t, struct http_url *u)
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
	if ((e = http_authority(authority, port, u)) != 0)
		return e;
	u->scheme = scheme;
	u->path = path;
	return 0;
}

int
http_name(const struct http_head *m, char out[HTTP_NAME_MAX])
{
	struct http_url u;
	char text[ADDR_STRLEN];
	struct addr a;

	out[0] = '\0';
	if (http_authority(m->authority, slice_eq(m->method, "CONNECT") ? 0 :
	    80, &u) != 0)
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

void
http_put_field(struct text *out, struct slice name, struct slice value)
{
	text_add(out, name.p, name.len);
	text_add(out, ": ", 2);
	text_add(out, value.p, value.len);
	text_add(out, "\r\n", 2);
}
