/*
 * URLs, secrets in files, texts with values in them, and pairs of such. No
 * message repeats a secret.
 */
#include "conf/notify_types.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http.h"
#include "conf/keys.h"
#include "conf/notify.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define URL_MAX		2048
#define FILL_MAX	16384
#define SECRET_MAX	4096	/* bytes of a file */
#define PAIRS_MAX	64

const char *const conf_fills[] = { "json", "type", "event", "text", "id",
    "endpoint", "address", "mac", "profile", "server", "mirror", "do", "reason",
    "by", "actor", "since", "until", "seconds", "time", "sensor", "signature",
    "category", "severity", "peer", "token", NULL };

/* Whether every %{name} is one of ours. */
static int
fills_known(const char *s, struct text *why)
{
	struct slice name;
	size_t i;

	while (fill_next(s, &name, &s) != NULL) {
		for (i = 0; conf_fills[i] != NULL; i++)
			if (slice_eq(name, conf_fills[i]))
				break;
		if (conf_fills[i] != NULL)
			continue;
		text_printf(why, "\"%%{%.*s}\" is not known; write one of",
		    name.len < 32 ? (int)name.len : 32, name.p);
		for (i = 0; conf_fills[i] != NULL; i++)
			text_printf(why, " %%{%s}", conf_fills[i]);
		return 0;
	}
	return 1;
}

static int
fill_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct key long_key = *k;

	if (long_key.max == 0)
		long_key.max = FILL_MAX;
	if (!fills_known(s, why))
		return ERR_FORMAT;
	return type_text.parse(l, &long_key, s, field, why);
}

static const struct scheme {
	const char	*name;
	enum target_kind kind;
	int		 tls;
	uint16_t	 port;
} syslogs[] = {
	{ "udp://", TARGET_UDP, 0, 514 },
	{ "tcp://", TARGET_TCP, 0, 601 },	/* RFC 3195, and IANA */
	{ "tls://", TARGET_TLS, 1, 6514 },	/* RFC 5425, 4.1 */
	{ NULL }
}, webs[] = {
	{ "https://", TARGET_WEBHOOK, 1, 443 },
	{ "http://", TARGET_WEBHOOK, 0, 80 },
	{ NULL }
}, radii[] = {
	{ "", TARGET_RADIUS, 0, RADIUS_PORT },
	{ NULL }
};

static int
url_clean(const char *s)
{
	const char *p;

	for (p = s; *p > ' ' && *p < 0x7f && *p != '#'; p++)
		continue;
	return *p == '\0' && p - s <= URL_MAX;
}

/* The URL is not in the message: there may be a secret in it. */
static int
url_read(const struct scheme *of, const char *s, struct conf_url *u,
    const char *right, struct text *why)
{
	struct http_url at;
	size_t n;

	for (; of->name != NULL; of++)
		if (strncasecmp(s, of->name, strlen(of->name)) == 0)
			break;
	if (of->name == NULL || !url_clean(s)) {
		text_printf(why, "this is no URL of that kind; write %s",
		    right);
		return ERR_FORMAT;
	}
	s += strlen(of->name);
	n = strcspn(s, "/?");
	if (memchr(s, '@', n) != NULL ||
	    http_authority(slice_of(s, n), of->port, &at) != 0 ||
	    (of->kind != TARGET_WEBHOOK && s[n] != '\0' &&
	    strcmp(s + n, "/") != 0)) {
		text_printf(why, "this has no valid host and port; write %s",
		    right);
		return ERR_FORMAT;
	}
	if (!fills_known(s + n, why))
		return ERR_FORMAT;
	u->kind = of->kind;
	u->tls = of->tls;
	u->port = at.port;
	u->host = xstrndup(at.host.p, at.host.len);
	u->path = xasprintf("%s%s", s[n] == '/' ? "" : "/", s + n);
	return 0;
}

static int
syslog_url(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf_url *u = field;

	if (url_read(syslogs, s, u, "udp://HOST:514, tcp://HOST:601 or "
	    "tls://HOST:6514", why) != 0)
		return ERR_FORMAT;
	u->text = xstrdup(s);
	return 0;
}

static int
web_url(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf_url *u = field;

	if (url_read(webs, s, u, "https://HOST/PATH", why) != 0)
		return ERR_FORMAT;
	u->text = xstrdup(s);
	return 0;
}

static int
radius_server(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	struct conf_url *u = field;

	if (url_read(radii, s, u, "HOST or HOST:3799", why) != 0)
		return ERR_FORMAT;
	u->text = xstrdup(s);
	return 0;
}

static void
url_drop(const struct key *k, void *field)
{
	struct conf_url *u = field;

	free(u->text);
	free(u->host);
	free(u->path);
	memset(u, 0, sizeof(*u));
}

static int
texts_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int
url_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_url *u = a, *v = b;

	return texts_same(u->text, v->text);
}

/* The first line of a file. */
static void
secret_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct conf_secret *s = field;
	const char *path = node_text(l, k->name, n);
	struct text t = { 0 };
	size_t len;
	int rv;

	if (path == NULL)
		return;
	s->path = xstrdup(path);
	load_file(l, path);
	if (l->world->read == NULL)
		return;
	rv = l->world->read(path, SECRET_MAX, &t);
	len = rv == 0 && t.len > 0 ? strcspn(t.s, "\r\n") : 0;
	if (rv != 0 || len == 0)
		load_problem(l, n, "cannot read \"%.256s\": %s; its first "
		    "line is the secret, and it belongs to the user that "
		    "clearspan runs as, with mode 0600", path, rv != 0 ?
		    err_str(rv) : "its first line is empty");
	else
		s->text = xstrndup(t.s, len);
	if (t.s != NULL)
		OPENSSL_cleanse(t.s, t.len);
	text_free(&t);
}

static void
secret_drop(const struct key *k, void *field)
{
	struct conf_secret *s = field;

	free(s->path);
	if (s->text != NULL)
		OPENSSL_cleanse(s->text, strlen(s->text));
	free(s->text);
	memset(s, 0, sizeof(*s));
}

static int
secret_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_secret *s = a, *r = b;

	return texts_same(s->path, r->path) && texts_same(s->text, r->text);
}

static void
pairs_drop(const struct key *k, void *field)
{
	struct conf_pairs *p = field;
	size_t i;

	for (i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].value);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}

static int
pairs_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_pairs *p = a, *q = b;
	size_t i;

	if (p->n != q->n)
		return 0;
	for (i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, q->v[i].name) != 0 ||
		    strcmp(p->v[i].value, q->v[i].value) != 0)
			return 0;
	return 1;
}

static void
pairs_add(struct conf_pairs *p, const char *name, const char *value,
    const struct radius_attribute *a)
{
	struct conf_pair *pair;

	p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
	pair = &p->v[p->n++];
	memset(pair, 0, sizeof(*pair));
	pair->name = xstrdup(name);
	pair->value = xstrdup(value);
	if (a != NULL)
		pair->attribute = *a;
}

static int
header_ok(const char *name, const char *value, struct text *why)
{
	static const char *const ours[] = { "Host", "Content-Length",
	    "Transfer-Encoding", "Connection", "Expect", "Upgrade", "TE" };
	struct slice s = slice_of(name, strlen(name));

	if (!slice_is_token(s))
		text_printf(why, "\"%.64s\" is not the name of a field", name);
	else if (slice_among(s, ours, NELEM(ours)))
		text_printf(why, "\"%s\" is written by clearspan itself; take "
		    "it out", name);
	else if (value[strcspn(value, "\r\n")] != '\0')
		text_printf(why, "the field \"%.64s\" is more than a line",
		    name);
	return why->len == 0 && fills_known(value, why);
}

static void
headers_one(struct load *l, struct conf_pairs *p, yaml_node_t *n,
    const char *name, const char *value)
{
	struct text why = { 0 };

	if (header_ok(name, value, &why))
		pairs_add(p, name, value, NULL);
	else
		load_problem(l, n, "%s", why.s);
	text_free(&why);
}

/* A value that has %{name} in it is known only when it is sent. */
static int
attribute_ok(const struct radius_attribute *a, const char *name,
    const char *value, struct text *why)
{
	uint8_t out[RADIUS_VALUE];
	size_t len;

	if (radius_is_ours(a))
		text_printf(why, "the attribute \"%.64s\" is written by "
		    "clearspan itself; see \"mac\", \"nas-address\" and "
		    "\"nas-identifier\"", name);
	else if (strstr(value, "%{") != NULL)
		return fills_known(value, why);
	else if (radius_value(a, value, out, &len) != 0)
		text_printf(why, "\"%.64s\" is no value of the attribute "
		    "%.64s; write %s, or its bytes as 0x0a0b", value, name,
		    a->kind == RADIUS_NUMBER ? "a number" : a->kind ==
		    RADIUS_ADDRESS ? "an IPv4 address" : "a text that is not "
		    "too long");
	return why->len == 0;
}

static void
attributes_one(struct load *l, struct conf_pairs *p, yaml_node_t *n,
    const char *name, const char *value)
{
	struct radius_attribute a;
	struct text why = { 0 };

	if (radius_attribute(&a, name) != 0)
		load_problem(l, n, "\"%.64s\" is no attribute that we know; "
		    "write its number (11), or 26.VENDOR.TYPE", name);
	else if (attribute_ok(&a, name, value, &why))
		pairs_add(p, name, value, &a);
	else
		load_problem(l, n, "%s", why.s);
	text_free(&why);
}

/* One value, or a list of them, which may be sent several times. */
static void
pairs_entry(struct load *l, const struct key *k, yaml_node_pair_t *pair,
    struct conf_pairs *p, void (*one)(struct load *, struct conf_pairs *,
    yaml_node_t *, const char *, const char *))
{
	yaml_node_t *kn = yaml_document_get_node(&l->doc, pair->key);
	yaml_node_t *vn = yaml_document_get_node(&l->doc, pair->value), *n;
	const char *name = node_text(l, k->name, kn), *value;
	size_t i;

	for (i = 0; name != NULL && i < node_count(vn); i++) {
		n = node_item(l, vn, i);
		if ((value = node_text(l, name, n)) == NULL)
			return;
		if (p->n < PAIRS_MAX)
			one(l, p, n, name, value);
		else
			load_problem(l, n, "too many entries in \"%s\"; at "
			    "most %d", k->name, PAIRS_MAX);
	}
}

static void
pairs_read(struct load *l, const struct key *k, yaml_node_t *n, void *field,
    void (*one)(struct load *, struct conf_pairs *, yaml_node_t *,
    const char *, const char *))
{
	yaml_node_pair_t *p;

	if (n->type != YAML_MAPPING_NODE) {
		load_problem(l, n, "\"%s\" is a mapping of names to values",
		    k->name);
		return;
	}
	for (p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	    p++)
		pairs_entry(l, k, p, field, one);
}

static void
headers_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	pairs_read(l, k, n, field, headers_one);
}

static void
attributes_set(struct load *l, const struct key *k, yaml_node_t *n,
    void *field)
{
	pairs_read(l, k, n, field, attributes_one);
}

static int
mac_form(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	size_t digits = 0, n = strlen(s);
	const char *p;

	for (p = s; *p != '\0' && (isxdigit((unsigned char)*p) ||
	    strchr(":-.", *p) != NULL); p++)
		digits += isxdigit((unsigned char)*p) != 0;
	if (*p != '\0' || digits != 2 * MAC_LEN || n > 17) {
		text_printf(why, "\"%.32s\" is no example of a MAC address; "
		    "write AA-BB-CC-DD-EE-FF, aa:bb:cc:dd:ee:ff, "
		    "aabb.ccdd.eeff or aabbccddeeff", s);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

static int
nas_address(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	if (addr_parse_ip(field, s) == 0)
		return 0;
	text_printf(why, "\"%.64s\" is no address; write 192.0.2.7 or "
	    "2001:db8::7", s);
	return ERR_FORMAT;
}

static int
method_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	static const char *const known[] = { "POST", "PUT", "PATCH", "DELETE",
	    "GET" };
	size_t i;

	for (i = 0; i < NELEM(known); i++)
		if (strcmp(known[i], s) == 0) {
			*(char **)field = xstrdup(s);
			return 0;
		}
	text_printf(why, "\"%.16s\" is no method of a webhook; write POST, "
	    "PUT, PATCH, DELETE or GET", s);
	return ERR_FORMAT;
}

void
conf_mac(const char *form, const uint8_t mac[MAC_LEN], struct text *out)
{
	size_t upper = strcspn(form, "ABCDEF"), i = 0;
	const char *digits = form[upper] != '\0' ? "0123456789ABCDEF" :
	    "0123456789abcdef";

	for (; *form != '\0'; form++) {
		if (!isxdigit((unsigned char)*form)) {
			text_add(out, form, 1);
			continue;
		}
		text_add(out, &digits[i % 2 == 0 ? mac[i / 2] >> 4 :
		    mac[i / 2] & 15], 1);
		i++;
	}
}

const struct type type_syslog_url = { syslog_url, NULL, url_drop,
	.same = url_same };
const struct type type_web_url = { web_url, NULL, url_drop,
	.same = url_same };
const struct type type_radius_server = { radius_server, NULL, url_drop,
	.same = url_same };
const struct type type_secret = { NULL, secret_set, secret_drop,
	.same = secret_same };
const struct type type_fill = { fill_parse, NULL, text_drop };
const struct type type_headers = { NULL, headers_set, pairs_drop,
	.same = pairs_same };
const struct type type_attributes = { NULL, attributes_set, pairs_drop,
	.same = pairs_same };
const struct type type_mac_form = { mac_form, NULL, text_drop };
const struct type type_nas_address = { nas_address,
	.size = sizeof(struct addr) };
const struct type type_method = { method_parse, NULL, text_drop };
