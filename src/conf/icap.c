/*
 * The types of the section icap: URLs of servers (RFC 3507, 4.2), fields,
 * media types; and its checks that need more than one key. The values are sent
 * to the servers unchanged, so no value may contain a character that ends a
 * line.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/icap.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define URL_MAX		2048	/* of a request line; servers take 4 KiB */
#define FIELD_MAX	4096

static int
url_bad(struct text *why, const char *s, const char *what)
{
	text_printf(why, "\"%.256s\" %s; write icap://HOST:PORT/SERVICE, or "
	    "icaps:// for TLS", s, what);
	return ERR_FORMAT;
}

/* Read the scheme. Returns the text after it, or NULL. */
static const char *
url_scheme(const char *s, struct conf_icap_url *u)
{
	if (strncasecmp(s, "icaps://", 8) == 0) {
		u->tls = 1;
		u->port = ICAPS_PORT;
		return s + 8;
	}
	if (strncasecmp(s, "icap://", 7) != 0)
		return NULL;
	u->tls = 0;
	u->port = ICAP_PORT;
	return s + 7;
}

/* Read a host of n bytes, an address or a name. */
static int
url_host(const char *p, size_t n, int v6, struct conf_icap_url *u)
{
	char *host = xstrndup(p, n);
	struct prefix ip;

	if (strlen(host) == n && strchr(host, '/') == NULL &&
	    (strchr(host, ':') != NULL) == v6 &&
	    (prefix_parse(&ip, host) == 0 || (!v6 && name_valid(host)))) {
		u->host = host;
		return 0;
	}
	free(host);
	return ERR_FORMAT;
}

/* "host", "host:port" or "[v6]:port", n bytes. */
static int
url_authority(const char *p, size_t n, struct conf_icap_url *u)
{
	const char *end = p + n, *colon, *host = p;
	unsigned long port = 0;
	int v6 = n > 0 && *p == '[';

	if (v6) {
		host++;
		if ((colon = memchr(p, ']', n)) == NULL)
			return ERR_FORMAT;
		n = (size_t)(colon++ - host);
	} else {
		if ((colon = memchr(p, ':', n)) == NULL)
			colon = end;
		n = (size_t)(colon - host);
	}
	if (colon < end && *colon++ != ':')
		return ERR_FORMAT;
	if (colon[-1] == ':') {
		for (; colon < end && isdigit((unsigned char)*colon) &&
		    port <= 65535; colon++)
			port = port * 10 + (unsigned long)(*colon - '0');
		if (colon < end || port == 0 || port > 65535)
			return ERR_FORMAT;
		u->port = (uint16_t)port;
	}
	return url_host(host, n, v6, u);
}

static int
url_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	struct conf_icap_url *u = field;
	const char *p, *path;

	for (p = s; *p > ' ' && *p < 0x7f && *p != '#'; p++)
		continue;
	if (*p != '\0' || p - s > URL_MAX)
		return url_bad(why, s, p - s > URL_MAX ? "is too long" :
		    "has a character that a URL cannot have");
	if ((p = url_scheme(s, u)) == NULL)
		return url_bad(why, s, "is not an ICAP URL");
	if ((path = strchr(p, '/')) == NULL)
		return url_bad(why, s, "names no service");
	if (memchr(p, '@', (size_t)(path - p)) != NULL) {
		text_printf(why, "a user does not go into the URL; write "
		    "auth: \"USER:PASSWORD\" beside \"%s\"", k->name);
		return ERR_FORMAT;
	}
	if (url_authority(p, (size_t)(path - p), u) != 0)
		return url_bad(why, s, "has no valid host and port");
	u->url = xstrdup(s);
	return 0;
}

static void
url_drop(const struct key *k, void *field)
{
	struct conf_icap_url *u = field;

	free(u->url);
	free(u->host);
	u->url = u->host = NULL;
}

static int
url_same(const struct key *k, const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b) == 0;
}

static int
preview_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	uint64_t v;

	if (strcmp(s, "auto") == 0)
		*(int64_t *)field = ICAP_PREVIEW_AUTO;
	else if (strcmp(s, "off") == 0 || strcmp(s, "no") == 0)
		*(int64_t *)field = ICAP_PREVIEW_OFF;
	else if (type_size.parse(l, k, s, &v, why) != 0) {
		text_puts(why, ", or auto, or off");
		return ERR_FORMAT;
	} else
		*(int64_t *)field = (int64_t)v;
	return 0;
}

/* Whether s has no control characters other than tabs. */
static int
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return 0;
	return 1;
}

static int
auth_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const char *colon = strchr(s, ':');

	/* Do not repeat the value: it may be a password. */
	if (colon == NULL || colon == s || !printable(s) ||
	    strlen(s) > FIELD_MAX) {
		text_printf(why, "\"%s\" is a user and a password; write "
		    "\"USER:PASSWORD\"", k->name);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

/* The length of the token (RFC 9110, 5.6.2) at the start of s. */
static size_t
token(const char *s)
{
	return strspn(s, "!#$%&'*+-.^_`|~0123456789"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* If we write this field (of n bytes) ourselves, the key for it, or "". */
static const char *
field_taken(const char *s, size_t n)
{
	static const struct {
		const char	*name;
		const char	*key;
	} ours[] = {
		{ "Host", "reqmod" }, { "Encapsulated", "" },
		{ "Preview", "preview" }, { "Allow", "allow-204" },
		{ "Connection", "keep-idle" }, { "Content-Length", "" },
		{ "Transfer-Encoding", "" }, { "Upgrade", "" },
		{ "TE", "" }, { "Trailer", "" },
	};
	size_t i;

	for (i = 0; i < NELEM(ours); i++)
		if (strlen(ours[i].name) == n &&
		    strncasecmp(ours[i].name, s, n) == 0)
			return ours[i].key;
	return NULL;
}

static int
field_ours(struct text *why, const char *s, size_t n)
{
	const char *key = field_taken(s, n);

	if (key == NULL)
		return 0;
	text_printf(why, "\"%.*s\" is written by clearspan itself; take it "
	    "out", (int)n, s);
	if (*key != '\0')
		text_printf(why, ", see \"%s\"", key);
	return ERR_FORMAT;
}

static const char *const macros[MACRO_MAX] = {
	[MACRO_SRC] = "src",
	[MACRO_SRC_PORT] = "src-port",
	[MACRO_DST] = "dst",
	[MACRO_DST_PORT] = "dst-port",
	[MACRO_SNI] = "sni",
	[MACRO_HOST] = "host",
	[MACRO_LISTENER] = "listener",
	[MACRO_RULE] = "rule",
	[MACRO_JA4] = "ja4",
	[MACRO_SUBJECT] = "cert-subject",
	[MACRO_USER] = "user",
	[MACRO_USER_URI] = "user-uri",
	[MACRO_FLOW] = "flow",
	[MACRO_TX] = "tx",
};

const char *
conf_macro(const char *s, const char **end, enum conf_macro *which)
{
	size_t n;
	int i;

	while ((s = strstr(s, "%{")) != NULL) {
		n = strcspn(s + 2, "}");
		*end = s + 2 + n + (s[2 + n] == '}');
		for (i = 0; i < MACRO_MAX; i++)
			if (s[2 + n] == '}' && strlen(macros[i]) == n &&
			    memcmp(macros[i], s + 2, n) == 0)
				break;
		*which = (enum conf_macro)i;
		return s;
	}
	return NULL;
}

/* Check that the macros of a field are known. */
static int
field_macros(const char *s, struct text *why)
{
	enum conf_macro which;
	const char *end, *at;
	int i;

	while ((at = conf_macro(s, &end, &which)) != NULL) {
		if (which == MACRO_MAX) {
			text_printf(why, "\"%.*s\" is not known; write one of",
			    (int)(end - at < 32 ? end - at : 32), at);
			for (i = 0; i < MACRO_MAX; i++)
				text_printf(why, " %%{%s}", macros[i]);
			return ERR_FORMAT;
		}
		s = end;
	}
	return 0;
}

static int
field_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	size_t n = token(s);

	if (n == 0 || s[n] != ':' || !printable(s) || strlen(s) > FIELD_MAX) {
		text_printf(why, "\"%.64s\" is not a field; write \"Name: "
		    "value\"", s);
		return ERR_FORMAT;
	}
	if (field_ours(why, s, n) != 0 || field_macros(s + n, why) != 0)
		return ERR_FORMAT;
	*(char **)field = xstrdup(s);
	return 0;
}

static int
field_name_parse(struct load *l, const struct key *k, const char *s,
    void *field, struct text *why)
{
	size_t n = token(s);

	if (n == 0 || s[n] != '\0' || n > 255) {
		text_printf(why, "\"%.64s\" is not the name of a field; write "
		    "such as X-ICAP-E2G", s);
		return ERR_FORMAT;
	}
	if (field_ours(why, s, n) != 0)
		return ERR_FORMAT;
	*(char **)field = xstrdup(s);
	return 0;
}

/* "type/subtype" or a prefix of it with a star at the end. */
static int
media_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	size_t n = token(s), m = s[n] == '/' ? token(s + n + 1) : 0;
	const char *star = strchr(s, '*');

	if (strcmp(s, "*") != 0 && (n == 0 || m == 0 ||
	    s[n + 1 + m] != '\0' || n + m > 254 ||
	    (star != NULL && star[1] != '\0'))) {
		text_printf(why, "\"%.64s\" is not a media type; write such "
		    "as video/mp4, \"video/*\" or \"application/grpc*\"", s);
		return ERR_FORMAT;
	}
	*(char **)field = name_lower(s);
	return 0;
}

/* One word for both directions, or a mapping of them. */
static void
fail_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	const struct map *both = k->arg;
	struct key one = both->keys[0];
	struct text why = { 0 };
	const char *s;
	int open;

	if (n->type == YAML_MAPPING_NODE) {
		schema_map(l, both, n, field);
		return;
	}
	one.name = k->name;
	if ((s = node_text(l, k->name, n)) == NULL)
		return;
	if (type_word.parse(l, &one, s, &open, &why) != 0)
		load_problem(l, n, "%s", why.s);
	else
		((int *)field)[0] = ((int *)field)[1] = open;
	text_free(&why);
}

/* The list has a server, one of them is of tier 0, and none is there twice. */
static void
check_servers(struct load *l, yaml_node_t *n, const char *key,
    const struct conf_icap_url *v, size_t nv)
{
	yaml_node_t *at = node_get(l, n, key);
	size_t i, j, first = 0;

	if (at != NULL && at->type == YAML_SEQUENCE_NODE && nv == 0)
		load_problem(l, at, "\"%s\" is empty; give it a URL or take "
		    "it out", key);
	for (i = 0; i < nv; i++) {
		first += v[i].tier == 0;
		for (j = 0; j < i; j++)
			if (v[i].url != NULL && v[j].url != NULL &&
			    strcmp(v[i].url, v[j].url) == 0)
				load_problem(l, at, "the server \"%.256s\" is "
				    "named twice; take one out, or give it "
				    "more weight", v[i].url);
	}
	if (nv > 0 && first == 0)
		load_problem(l, at, "no server is of tier 0, the first; "
		    "number them from there");
}

/* Media that never end, and those that are large and seldom harmful. */
static void
bypass_default(struct conf_list *types)
{
	static const char *const v[] = { "text/event-stream",
	    "multipart/x-mixed-replace", "application/grpc*", "video/*",
	    "audio/*" };
	size_t i;

	types->v = xcalloc(NELEM(v), sizeof(*types->v));
	types->n = NELEM(v);
	for (i = 0; i < NELEM(v); i++)
		types->v[i] = xstrdup(v[i]);
}

static int
servers_tls(const struct conf_icap_url *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].tls || v[i].url == NULL)
			return 1;
	return 0;
}

void
check_icap(struct load *l, yaml_node_t *n, void *item)
{
	static const char *const tls_keys[] = { "trust", "certificate", "key",
	    "tls-fail-open", NULL };
	static const char *const monitor_keys[] = { "sample", NULL };
	struct conf_icap *s = item;
	struct conf *c = l->conf;

	s->pos = node_pos(n);
	check_name(l, n, "service", c->icaps, c->nicaps, sizeof(*s));
	check_servers(l, n, "reqmod", s->reqmod, s->nreqmod);
	check_servers(l, n, "respmod", s->respmod, s->nrespmod);
	if (node_get(l, n, "reqmod") == NULL &&
	    node_get(l, n, "respmod") == NULL)
		load_problem(l, n, "an ICAP service needs \"reqmod\", "
		    "\"respmod\" or both; write icap://HOST:PORT/SERVICE");
	else if (!servers_tls(s->reqmod, s->nreqmod) &&
	    !servers_tls(s->respmod, s->nrespmod))
		check_unwanted(l, n, tls_keys, "icaps://");
	if (check_says(l, n, "trust", "system")) {
		free(s->trust);
		s->trust = NULL;
	}
	if ((s->certificate != NULL) != (s->key != NULL))
		load_problem(l, n, "\"certificate\" and \"key\" go together; "
		    "write both");
	if (!s->monitor)
		check_unwanted(l, n, monitor_keys, "monitor: yes");
	if (!s->types_given)
		bypass_default(&s->bypass_types);
	check_codings(l, n, "accept-encoding", &s->encodings);
}

int
conf_icap_passes(const struct conf_icap *s, int respmod, int endless_open)
{
	if (s->oversize != OVERSIZE_DEFAULT)
		return s->oversize != OVERSIZE_BLOCK;
	return endless_open || (respmod ? s->fail.respmod : s->fail.reqmod);
}

const struct type type_icap_url = { url_parse, NULL, url_drop,
	.same = url_same };
const struct type type_preview = { preview_parse, .size = sizeof(int64_t) };
const struct type type_auth = { auth_parse, NULL, text_drop };
const struct type type_field = { field_parse, NULL, text_drop };
const struct type type_field_name = { field_name_parse, NULL, text_drop };
const struct type type_media = { media_parse, NULL, text_drop };
const struct type type_fail = { NULL, fail_set, .size = 2 * sizeof(int) };

#define F(member)	offsetof(struct conf_icap_url, member)
static const struct key icap_url_keys[] = {
	{ "url", &type_icap_url, 0, .flags = KEY_REQUIRED,
	    .hint = "icap://HOST:PORT/SERVICE" },
	{ "weight", &type_uint, F(weight), "1", 1, 1000 },
	{ "tier", &type_uint, F(tier), "0", 0, 15 },
	{ NULL }
};
#undef F
const struct map map_icap_url = { "a server", icap_url_keys, NULL };
