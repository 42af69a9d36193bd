/*
 * The section upstream-proxies, and what a rule says of it. A password may be
 * in the URL or in a file; no message repeats it.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/http.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define CREDENTIALS_MAX	4096	/* bytes of a file */

static const struct type type_proxy_url, type_credentials, type_proxy;

static void	check_proxy(struct load *, yaml_node_t *, void *);

#define F(member)	offsetof(struct via_proxy, member)
static const struct key proxy_keys[] = {
	{ "name", &type_name, F(name), .flags = KEY_REQUIRED,
	    .hint = "a name of your choice" },
	{ "url", &type_proxy_url, 0, .flags = KEY_REQUIRED,
	    .hint = "http://HOST:PORT or socks5://HOST:PORT" },
	{ "credentials", &type_credentials, F(auth) },
	{ NULL }
};
#undef F
static const struct map map_proxy = {
	"an upstream proxy", proxy_keys, check_proxy
};
const struct listof proxy_list = {
	sizeof(struct via_proxy),
	{ "upstream-proxies", &type_map, .arg = &map_proxy }
};
const struct listof rule_proxies = {
	sizeof(struct via_proxy *), { "upstream-proxy", &type_proxy }
};

/* Decode "%3A" and the like in n bytes: RFC 3986, 2.1. NULL: it is wrong. */
static char *
url_decode(const char *p, size_t n)
{
	char *out = xstrndup(p, n), *o = out, hex[3] = "";
	size_t i;

	for (i = 0; i < n; i++, o++) {
		*o = p[i];
		if (p[i] != '%')
			continue;
		if (i + 2 >= n)
			break;
		memcpy(hex, p + i + 1, 2);
		if (strspn(hex, "0123456789abcdefABCDEF") != 2 ||
		    (*o = (char)strtol(hex, NULL, 16)) == '\0')
			break;
		i += 2;
	}
	*o = '\0';
	if (i == n)
		return out;
	free(out);
	return NULL;
}

static const char *
url_scheme(const char *s, struct via_proxy *p)
{
	static const struct {
		const char	*prefix;
		enum upproxy_kind kind;
	} schemes[] = {
		{ "http://", UPPROXY_HTTP },
		{ "socks5://", UPPROXY_SOCKS5 },
		{ "socks5h://", UPPROXY_SOCKS5 },	/* curl's word for it */
	};
	size_t i;

	for (i = 0; i < NELEM(schemes); i++)
		if (strncasecmp(s, schemes[i].prefix,
		    strlen(schemes[i].prefix)) == 0) {
			p->kind = schemes[i].kind;
			return s + strlen(schemes[i].prefix);
		}
	return NULL;
}

static int
url_bad(const struct key *k, struct text *why, const char *what)
{
	text_printf(why, "\"%s\" %s; write http://HOST:PORT or "
	    "socks5://HOST:PORT, with USER:PASSWORD@ before the host if it "
	    "is not in \"credentials\"", k->name, what);
	return ERR_FORMAT;
}

static int
url_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct via_proxy *p = field;
	struct http_url url;
	const char *at;
	size_t n;

	if ((s = url_scheme(s, p)) == NULL)
		return url_bad(k, why, "is neither an HTTP nor a SOCKS5 proxy");
	if ((at = strrchr(s, '@')) != NULL) {
		p->auth = url_decode(s, (size_t)(at - s));
		if (p->auth == NULL || !upproxy_auth_valid(p->kind, p->auth))
			return url_bad(k, why, "has no valid user and "
			    "password");
		s = at + 1;
	}
	n = strlen(s);
	if (n > 0 && s[n - 1] == '/')
		n--;
	if (http_authority(slice_of(s, n), 0, &url) != 0)
		return url_bad(k, why, "has no valid host and port");
	p->host = xstrndup(url.host.p, url.host.len);
	p->port = url.port;
	return 0;
}

static void
url_drop(const struct key *k, void *field)
{
	struct via_proxy *p = field;

	free(p->host);
	p->host = NULL;
}

static int
url_same(const struct key *k, const void *a, const void *b)
{
	const struct via_proxy *p = a, *q = b;

	return p->kind == q->kind && p->port == q->port &&
	    strcmp(p->host, q->host) == 0;
}

/* The file's first line is "user:password". */
static void
credentials_set(struct load *l, const struct key *k, yaml_node_t *n,
    void *field)
{
	const char *path = node_text(l, k->name, n);
	struct text t = { 0 };
	int r;

	if (path == NULL)
		return;
	load_file(l, path);
	if (l->world->read == NULL)
		return;
	if (*(char **)field != NULL) {
		load_problem(l, n, "\"url\" has a user and a password "
		    "already; give them once");
		return;
	}
	r = l->world->read(path, CREDENTIALS_MAX, &t);
	if (r != 0 || t.len == 0)
		load_problem(l, n, "cannot read \"%.256s\": %s; its first "
		    "line is USER:PASSWORD", path,
		    r != 0 ? err_str(r) : "it is empty");
	else
		*(char **)field = xstrndup(t.s, strcspn(t.s, "\r\n"));
	text_free(&t);
}

static void
check_proxy(struct load *l, yaml_node_t *n, void *item)
{
	struct conf *c = l->conf;
	struct via_proxy *p = item;
	yaml_node_t *file = node_get(l, n, "credentials");

	check_name(l, n, "upstream proxy", c->proxies, c->nproxies,
	    sizeof(*p));
	if (p->name != NULL && strcmp(p->name, "direct") == 0)
		load_problem(l, node_get(l, n, "name"), "\"direct\" stands "
		    "for no proxy; give it another name");
	if (file != NULL && p->auth != NULL &&
	    !upproxy_auth_valid(p->kind, p->auth))
		load_problem(l, file, "the first line of this file is not "
		    "USER:PASSWORD (for SOCKS5, each of 1 to 255 bytes); write "
		    "it so");
}

static int
proxy_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf *c = l->conf;
	size_t i;

	if (strcmp(s, "direct") == 0)
		return 0;
	if (ref_find(c->proxies, c->nproxies, sizeof(*c->proxies),
	    "upstream proxy", "upstream-proxies", s, &i, why) != 0)
		return ERR_FORMAT;
	*(struct via_proxy **)field = &c->proxies[i];
	return 0;
}

int
conf_proxies_same(const struct conf_rule *a, const struct conf_rule *b)
{
	return a->nproxies == b->nproxies && (a->nproxies == 0 ||
	    memcmp(a->proxies, b->proxies,
	    a->nproxies * sizeof(*a->proxies)) == 0);
}

static const struct type type_proxy_url = {
	url_parse, NULL, url_drop, .same = url_same
};
static const struct type type_credentials = {
	NULL, credentials_set, text_drop
};
static const struct type type_proxy = { proxy_parse };
