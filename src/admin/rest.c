/*
 * From a request to its handler, and what handlers answer with. The path is
 * decoded segment by segment, after it was cut at its slashes; so no byte of a
 * parameter can become a slash.
 */
#include "admin/rest.h"

#include <openssl/x509.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "admin/rest_conn.h"
#include "sink/eve.h"
#include "util/err.h"
#include "util/mem.h"

#define ANY	"{}"
#define VALUE	256		/* bytes of a field that we look at */

static int
hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' &&
	    (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Decode %XX into out, with its NUL (RFC 3986, 2.1). The bytes written without
 * it, or ERR_FORMAT: too long, cut short, or a byte that no text of ours has.
 */
static int
decode(struct slice s, char *out, size_t size, int plus)
{
	size_t i, n = 0;
	int hi, lo;
	char c;

	for (i = 0; i < s.len; i++) {
		c = s.p[i] == '+' && plus ? ' ' : s.p[i];
		if (c == '%') {
			hi = i + 2 < s.len ? hex_of(s.p[i + 1]) : -1;
			lo = i + 2 < s.len ? hex_of(s.p[i + 2]) : -1;
			if (i + 2 >= s.len || hi < 0 || lo < 0)
				return ERR_FORMAT;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (n + 1 >= size || (unsigned char)c < ' ' || c == 0x7f)
			return ERR_FORMAT;
		out[n++] = c;
	}
	out[n] = '\0';
	return (int)n;
}

/* Whether a path is of a pattern; *param is the segment that "{}" stands for,
 * or has no p. */
static int
matches(const char *pattern, struct slice path, struct slice *param)
{
	struct slice want = slice_of(pattern, strlen(pattern)), a, b;
	int more_a, more_b;

	param->p = NULL;
	do {
		more_a = slice_cut(&want, '/', &a);
		more_b = slice_cut(&path, '/', &b);
		if (!more_a)
			a = want;
		if (!more_b)
			b = path;
		if (slice_eq(a, ANY) && b.len > 0)
			*param = b;
		else if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
			return 0;
	} while (more_a && more_b);
	return more_a == more_b;
}

static int
method_is(const struct rest_route *t, struct slice method)
{
	return slice_eq(method, t->method) || (slice_eq(method, "HEAD") &&
	    strcmp(t->method, "GET") == 0);
}

/* The route of a path and method. Without one, allowed is the methods that
 * there are of the path. */
static const struct rest_route *
route_find(const struct rest *r, struct slice method, struct slice path,
    struct slice *param, struct text *allowed)
{
	const struct rest_route *t;
	size_t i;

	for (i = 0; r->tables[i] != NULL; i++)
		for (t = r->tables[i]; t->method != NULL; t++) {
			if (!matches(t->pattern, path, param))
				continue;
			if (method_is(t, method))
				return t;
			text_printf(allowed, "%s%s", allowed->len > 0 ?
			    ", " : "", t->method);
		}
	return NULL;
}

static size_t
route_number(const struct rest *r, const struct rest_route *route)
{
	const struct rest_route *t;
	size_t i, n = 0;

	for (i = 0; r->tables[i] != NULL; i++)
		for (t = r->tables[i]; t->method != NULL && n < REST_ROUTES;
		    t++, n++)
			if (t == route)
				return n;
	return REST_ROUTES;
}

/* Find the route. Returns 0 if that has been answered. */
static int
route_set(struct rest_request *r)
{
	struct slice target = r->head->path, path, param;
	const struct rest_route *route;
	struct text allowed = { 0 };

	if (!slice_cut(&target, '?', &path))
		path = target;
	else
		text_add(&r->words, target.p, target.len);
	r->query = r->words.s != NULL ? r->words.s : "";
	if (decode(path, r->path, sizeof(r->path), 0) < 0) {
		rest_error(r, 400, "the path cannot be read");
		return 0;
	}
	/* What is answered is gone. */
	r->route = route = route_find(rest_conn_listener(r->conn)->rest,
	    r->head->method, path, &param, &allowed);
	if (route == NULL && allowed.len > 0) {
		rest_field(r, "Allow", allowed.s);
		rest_error(r, 405, "this path takes %s", allowed.s);
	} else if (route == NULL) {
		rest_error(r, 404, "there is no such path");
	} else if (param.p != NULL) {	/* it is shorter than the path */
		decode(param, r->word, sizeof(r->word), 0);
		r->param = r->word;
	}
	text_free(&allowed);
	return route != NULL;
}

int
rest_header(const struct rest_request *r, const char *name, char *out,
    size_t size)
{
	struct slice v = http_value(r->head, name);

	if (v.len == 0 || v.len >= size ||
	    memchr(v.p, '\0', v.len) != NULL)
		return 0;
	memcpy(out, v.p, v.len);
	out[v.len] = '\0';
	return 1;
}

/* The value of a name in "a=1&b=2". */
static int
pair_find(struct slice s, const char *name, char *out, size_t size)
{
	struct slice pair, key;
	int more;

	do {
		if (!(more = slice_cut(&s, '&', &pair)))
			pair = s;
		if (slice_cut(&pair, '=', &key) && slice_eq(key, name))
			return decode(pair, out, size, 1) >= 0;
	} while (more);
	return 0;
}

int
rest_query(const struct rest_request *r, const char *name, char *out,
    size_t size)
{
	return pair_find(slice_of(r->query, strlen(r->query)), name, out,
	    size);
}

int
rest_form(const struct rest_request *r, const char *name, char *out,
    size_t size)
{
	return pair_find(slice_of(r->body, r->len), name, out, size);
}

size_t
rest_limit(const struct rest_request *r, size_t def, size_t max)
{
	unsigned long n;
	char s[16];

	if (!rest_query(r, "limit", s, sizeof(s)) ||
	    (n = strtoul(s, NULL, 10)) == 0)
		return def;
	return n < max ? n : max;
}

struct conf *
rest_conf(const struct rest_request *r)
{
	return rest_conn_listener(r->conn)->conf;
}

static void
identify(struct rest_request *r, const char *name, unsigned role)
{
	free(r->name);
	r->name = xstrdup(name[0] != '\0' ? name : r->sensor->name);
	r->role = role;
}

int
rest_login(struct rest_request *r, const char *token)
{
	const struct conf_token *t = conf_token_find(&r->sensor->tokens,
	    token, strlen(token));

	if (t != NULL)
		identify(r, t->name, t->role);
	return t != NULL;
}

int
rest_known(struct rest_request *r, const char *name, unsigned role)
{
	const struct conf_tokens *t = &r->sensor->tokens;
	const char *is;
	size_t i;

	for (i = 0; i < t->n; i++) {
		is = t->v[i].name[0] != '\0' ? t->v[i].name :
		    r->sensor->name;
		if (strcmp(is, name) == 0 && t->v[i].role == role) {
			identify(r, t->v[i].name, role);
			return 1;
		}
	}
	return 0;
}

/* Of a client's certificate, which has been verified. */
static void
identify_certificate(struct rest_request *r)
{
	X509 *x = SSL_get1_peer_certificate(rest_conn_ssl(r->conn));
	char name[VALUE] = "certificate", *p;

	if (x == NULL)
		return;
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
	    name, sizeof(name));
	for (p = name; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			*p = '_';
	identify(r, name, (unsigned)r->sensor->role);
	X509_free(x);
}

/* "Bearer TOKEN" (RFC 6750, 2.1); the word in any case (RFC 9110, 11.1). */
static int
identify_token(struct rest_request *r)
{
	char value[TOKEN_MAX + 32];
	int known = 0;

	if (rest_header(r, "Authorization", value, sizeof(value)) &&
	    strncasecmp(value, "Bearer ", 7) == 0)
		known = rest_login(r, value + 7 + strspn(value + 7, " "));
	OPENSSL_cleanse(value, sizeof(value));
	return known;
}

/*
 * A browser says where a request began. With a certificate it would send it
 * along for any page; so nothing is changed for other sites.
 */
static int
from_elsewhere(const struct rest_request *r)
{
	char site[VALUE], origin[VALUE], host[VALUE];
	const char *p;

	if (strcmp(r->route->method, "GET") == 0)
		return 0;
	/* It stands for the origin, which may be "null" without a referrer. */
	if (rest_header(r, "Sec-Fetch-Site", site, sizeof(site)))
		return strcmp(site, "same-origin") != 0 &&
		    strcmp(site, "none") != 0;
	if (!rest_header(r, "Origin", origin, sizeof(origin)))
		return 0;
	p = strstr(origin, "://");
	return p == NULL || !rest_header(r, "Host", host, sizeof(host)) ||
	    strcasecmp(p + 3, host) != 0;
}

static int
admit(struct rest_request *r)
{
	if (!route_set(r))
		return 0;
	if (r->sensor->tokens.n > 0)
		identify_token(r);
	else
		identify_certificate(r);
	if (from_elsewhere(r)) {
		rest_error(r, 403, "this was sent by a page of another site");
	} else if (r->route->roles != 0 && r->role == 0) {
		rest_field(r, "WWW-Authenticate", "Bearer "
		    "realm=\"clearspan\"");
		rest_error(r, 401, "send \"Authorization: Bearer TOKEN\" with "
		    "a token of the file of this sensor");
	} else if (r->route->roles != 0 &&
	    (r->route->roles & r->role) == 0) {
		rest_error(r, 403, "the role %s may not do this",
		    conf_role_str((enum conf_role)r->role));
	} else {
		return 1;
	}
	return 0;
}

static void
run(struct rest_request *r)
{
	r->route->run(r);
}

static void
refuse(struct rest_request *r, int status, const char *why)
{
	rest_error(r, status, "%s", why);
}

static const struct rest_ops ops = { admit, run, refuse };

json_t *
rest_object(const struct rest_request *r)
{
	json_t *o = json_loadb(r->body, r->len, 0, NULL);

	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

/* Each begins with a newline, by which rest_conn finds it. */
void
rest_field(struct rest_request *r, const char *name, const char *value)
{
	text_printf(&r->fields, "%s%s: %s\r\n", r->fields.len == 0 ? "\n" : "",
	    name, value);
}

static void
count(struct rest *r, const struct rest_route *route, int status)
{
	size_t n = route_number(r, route), i;

	for (i = 0; i + 1 < REST_STATUSES; i++)
		if (r->counts[n][i].status == status ||
		    r->counts[n][i].status == 0)
			break;
	r->counts[n][i].status = status;
	r->counts[n][i].n++;
}

void
rest_bytes(struct rest_request *r, int status, const char *type,
    const void *p, size_t len)
{
	if (r->conn != NULL)
		count(rest_conn_listener(r->conn)->rest, r->route, status);
	rest_conn_answer(r, status, type, p, len);
}

void
rest_json(struct rest_request *r, int status, json_t *o)
{
	char *s = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	struct text t = { 0 };

	json_decref(o);
	text_printf(&t, "%s\n", s != NULL ? s : "{}");
	rest_bytes(r, s != NULL ? status : 500, "application/json", t.s,
	    t.len);
	free(s);
	text_free(&t);
}

void
rest_error(struct rest_request *r, int status, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	rest_json(r, status, json_pack("{s:o}", "error", eve_string(what)));
}

void
rest_done(void *request, json_t *answer)
{
	rest_json(request, json_object_get(answer, "error") != NULL ? 404 :
	    200, answer);
}

char *
rest_actor(const struct rest_request *r)
{
	char peer[ADDR_STRLEN];

	return xasprintf("%s (%s, %s)", r->name != NULL ? r->name : "nobody",
	    r->sensor->name, addr_ip_str(&r->peer, peer));
}

static void
metrics_route(const struct rest *r, const struct rest_route *t, size_t n,
    struct text *out)
{
	size_t i;

	for (i = 0; i < REST_STATUSES && r->counts[n][i].status != 0; i++)
		text_printf(out, "clearspan_rest_requests_total{method=\"%s\","
		    "route=\"%s\",status=\"%d\"} %llu\n", t != NULL ?
		    t->method : "", t != NULL ? t->pattern : "",
		    r->counts[n][i].status, (unsigned long long)
		    r->counts[n][i].n);
}

void
rest_metrics(const struct rest *r, struct text *out)
{
	const struct rest_route *t;
	size_t i, n = 0, open = 0;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		open += r->listeners[i]->nconns;
	text_printf(out, "# HELP clearspan_rest_connections Connections to "
	    "REST.\n# TYPE clearspan_rest_connections gauge\n"
	    "clearspan_rest_connections %zu\n"
	    "# HELP clearspan_rest_refused_total Connections to REST that "
	    "were closed at once.\n"
	    "# TYPE clearspan_rest_refused_total counter\n"
	    "clearspan_rest_refused_total %llu\n"
	    "# HELP clearspan_rest_requests_total Requests to REST, by what "
	    "was answered.\n"
	    "# TYPE clearspan_rest_requests_total counter\n", open,
	    (unsigned long long)r->refused);
	for (i = 0; r->tables[i] != NULL; i++)
		for (t = r->tables[i]; t->method != NULL && n < REST_ROUTES;
		    t++)
			metrics_route(r, t, n++, out);
	metrics_route(r, NULL, REST_ROUTES, out);
}

struct rest *
rest_new(struct admin_env *env, const struct rest_route *const *tables)
{
	struct rest *r = xcalloc(1, sizeof(*r));

	r->env = env;
	r->ops = &ops;
	r->tables = tables;
	if ((r->mail = mailbox_new(env->base)) == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
rest_free(struct rest *r)
{
	if (r == NULL)
		return;
	rest_stop(r);
	mailbox_free(r->mail);
	free(r->listeners);
	free(r);
}
