/*
 * What of a message is shown to a service, and which are shown to none.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/side.h"
#include "util/err.h"
#include "util/mem.h"

enum icap_method
side_method(const struct side *s)
{
	return s->dir == DIR_UP ? ICAP_REQMOD : ICAP_RESPMOD;
}

const struct http_head *
side_http(const struct side *s)
{
	return s->http != NULL ? s->http : s->m.http;
}

static int
slice_begins(struct slice s, const char *text, size_t n)
{
	return s.len >= n && strncasecmp(s.p, text, n) == 0;
}

/* Media that never end, or cannot be looked at (bypass-types). */
int
side_is_stream(const struct side *s, const struct conf_icap *conf)
{
	struct slice type = http_value(side_http(s), "content-type");
	const char *p;
	size_t i, n;

	/* Our own list is no reason to let pass what must not. */
	if (!conf->types_given && !conf_icap_passes(conf, 1,
	    side_inspect(s)->endless_open))
		return 0;
	for (i = 0; i < conf->bypass_types.n; i++) {
		p = conf->bypass_types.v[i];
		n = strlen(p);
		if (n > 0 && p[n - 1] == '*' ?
		    slice_begins(type, p, n - 1) : slice_begins(type, p, n) &&
		    (type.len == n || type.p[n] == ';' || type.p[n] == ' '))
			return 1;
	}
	return 0;
}

/* The next of a Content-Type's values; a comma within quotes is none between
 * two. Only the type itself, without parameters. */
static int
type_item(struct slice *value, struct slice *type)
{
	struct slice item = *value;
	size_t i;
	int quoted = 0;

	if (value->p == NULL)
		return 0;
	for (i = 0; i < value->len && (quoted || value->p[i] != ','); i++) {
		if (value->p[i] == '"')
			quoted = !quoted;
		else if (value->p[i] == '\\' && quoted && i + 1 < value->len)
			i++;
	}
	item.len = i;
	*value = i < value->len ? slice_of(value->p + i + 1,
	    value->len - i - 1) : slice_of(NULL, 0);
	*type = item;
	slice_cut(&item, ';', type);
	*type = slice_trim(*type);
	return 1;
}

/*
 * Two media types: which of them counts is not the same for everybody, and the
 * scanner would be told one and the browser take the other.
 */
static int
type_twice(const struct http_head *h)
{
	struct slice first = { NULL, 0 }, value, type;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, "content-type"))
			continue;
		value = h->h[i].value;
		while (type_item(&value, &type)) {
			if (type.len == 0)
				continue;
			if (first.p != NULL && (type.len != first.len ||
			    strncasecmp(type.p, first.p, type.len) != 0))
				return 1;
			first = type;
		}
	}
	return 0;
}

int
side_ambiguous(struct side *s)
{
	if (!exchange_served(s->x) || !type_twice(s->m.http))
		return 0;
	side_refuse(s->x, s->dir == DIR_UP ? 400 : 502,
	    "two different Content-Types");
	return 1;
}

/* The heads as ICAP carries them. */
static int
side_encapsulate(struct side *s)
{
	struct exchange *x = s->x;
	const struct facts *f = x->rec->facts;
	struct side *up = &x->side[DIR_UP];
	const char *name = facts_name(f) != NULL ? facts_name(f) : "";

	text_clear(&s->req_head);
	text_clear(&s->res_head);
	s->job.path = slice_of(NULL, 0);
	if (side_http(up) == NULL || icap_put_http(&s->req_head,
	    side_http(up), f->protocol == PROTO_TLS ? "https" : "http",
	    slice_of(name, strlen(name)), 1) != 0)
		return ERR_FORMAT;
	s->job.path = side_http(up)->target;
	s->job.req_head = &s->req_head;
	s->job.res_head = NULL;
	if (s->dir == DIR_UP)
		return 0;
	s->job.res_head = &s->res_head;
	return icap_put_http(&s->res_head, side_http(s), "https",
	    slice_of(NULL, 0), 1);
}

/* What stands for a macro, in *t. */
static void
side_macro(const struct side *s, enum conf_macro which, struct text *t)
{
	const struct record *r = s->x->rec;
	const struct facts *f = r->facts;
	char ip[ADDR_STRLEN];

	switch (which) {
	case MACRO_SRC:
		text_puts(t, addr_ip_str(&f->client, ip));
		break;
	case MACRO_SRC_PORT:
		text_number(t, addr_port(&f->client));
		break;
	case MACRO_DST:
		text_puts(t, addr_ip_str(&f->server, ip));
		break;
	case MACRO_DST_PORT:
		text_number(t, addr_port(&f->server));
		break;
	case MACRO_SNI:
		text_puts(t, f->sni != NULL ? f->sni : "");
		break;
	case MACRO_HOST:
		text_puts(t, s->x->http.host != NULL ? s->x->http.host :
		    f->host != NULL ? f->host : "");
		break;
	case MACRO_LISTENER:
		text_puts(t, f->listener);
		break;
	case MACRO_RULE:
		text_puts(t, r->verdict->rule->name);
		break;
	case MACRO_JA4:
		text_puts(t, f->ja4);
		break;
	case MACRO_SUBJECT:
		text_puts(t, f->cert != NULL && f->cert->subject != NULL ?
		    f->cert->subject : "");
		break;
	case MACRO_FLOW:
		text_number(t, r->id);
		break;
	case MACRO_TX:
		text_number(t, s->x->http.number);
		break;
	case MACRO_MAX:
		break;
	}
}

/* "Name: value" with its macros; one that would break a line is left out. */
static void
side_put_field(struct side *s, const char *field)
{
	size_t n = strcspn(field, ":");
	char *name = xstrndup(field, n);
	struct text value = { 0 };
	enum conf_macro which;
	const char *at, *end;

	field += n + 1;
	field += strspn(field, " \t");
	while ((at = conf_macro(field, &end, &which)) != NULL) {
		text_add(&value, field, (size_t)(at - field));
		side_macro(s, which, &value);
		field = end;
	}
	text_puts(&value, field);
	icap_field(&s->fields, name, slice_of(value.s, value.len));
	text_free(&value);
	free(name);
}

/* The fields of this message alone. */
static void
side_fields(struct side *s, size_t k)
{
	struct exchange *x = s->x;
	const struct conf_icap *conf =
	    icap_service_conf(x->env->services[x->row[k]]);
	size_t i;

	text_clear(&s->fields);
	if (s->dir == DIR_DOWN)
		text_add(&s->fields, x->echo[k].s, x->echo[k].len);
	for (i = 0; i < conf->headers.n; i++)
		if (strstr(conf->headers.v[i], "%{") != NULL)
			side_put_field(s, conf->headers.v[i]);
	if (conf->proxy_auth)
		icap_field_proxy_auth(&s->fields, s->m.http);
}

int
side_job(struct side *s, size_t k)
{
	const struct exchange *x = s->x;

	memset(&s->job, 0, sizeof(s->job));
	s->job.method = side_method(s);
	s->job.body = s->http != NULL ? s->body : s->m.spool;
	s->job.length = side_http(s)->length;
	s->job.endless_open = side_inspect(s)->endless_open;
	side_fields(s, k);
	s->job.fields = s->fields.len > 0 ? s->fields.s : NULL;
	s->job.client = x->rec->facts->client;
	s->job.server = x->rec->facts->server;
	return side_encapsulate(s);
}
