/*
 * Makes the input of a service from a message.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "util/err.h"
#include "util/mem.h"

/* Write the heads as ICAP carries them. */
static int
put_heads(struct adapted_message *m)
{
	const struct facts *f = m->a->plan->rec->facts;
	const struct adapted_message *up = &m->a->msg[DIR_UP];
	const char *name = facts_name(f) != NULL ? facts_name(f) : "";

	if (up->now->head == NULL || icap_put_http(&m->input.req_head,
	    up->now->head, f->protocol == PROTO_TLS ? "https" : "http",
	    slice_of(name, strlen(name))) != 0)
		return ERR_FORMAT;
	text_add(&m->input.path, up->now->head->target.p,
	    up->now->head->target.len);
	return m->dir == DIR_UP ? 0 : icap_put_http(&m->input.res_head,
	    m->now->head, "https", slice_of(NULL, 0));
}

/* As ICAP clients have it: base64 of a URI. */
static void
put_user_uri(const char *user, struct text *t)
{
	struct text uri = { 0 };

	text_printf(&uri, "Local://%s", user != NULL ? user : "");
	text_base64(t, uri.s, uri.len);
	text_free(&uri);
}

/* Write the value of a macro to *t. */
static void
put_macro(const struct adapted_message *m, enum conf_macro which,
    struct text *t)
{
	const struct record *r = m->a->plan->rec;
	const struct http_record *x = &m->a->x.record;
	const struct facts *f = r->facts;
	char client[ADDR_STRLEN], server[ADDR_STRLEN];
	const char *const texts[MACRO_MAX + 1] = {
		[MACRO_SRC] = addr_ip_str(&f->client, client),
		[MACRO_DST] = addr_ip_str(&f->server, server),
		[MACRO_SNI] = f->sni != NULL ? f->sni : "",
		[MACRO_HOST] = x->host != NULL ? x->host :
		    f->host != NULL ? f->host : "",
		[MACRO_LISTENER] = f->listener,
		[MACRO_RULE] = r->verdict->rule->name,
		[MACRO_JA4] = f->ja4,
		[MACRO_SUBJECT] = f->cert != NULL && f->cert->subject != NULL ?
		    f->cert->subject : "",
		[MACRO_USER] = f->user != NULL ? f->user : "",
		[MACRO_MAX] = "",
	};
	const uint64_t numbers[MACRO_MAX] = {
		[MACRO_SRC_PORT] = addr_port(&f->client),
		[MACRO_DST_PORT] = addr_port(&f->server),
		[MACRO_FLOW] = r->id,
		[MACRO_TX] = x->number,
	};

	if (which == MACRO_USER_URI)
		put_user_uri(f->user, t);
	else if (texts[which] != NULL)
		text_puts(t, texts[which]);
	else
		text_number(t, numbers[which]);
}

/* Write "Name: value" with its macros. A value that would break the line is
 * left out; and so is a field about the user where there is none. */
static void
put_field(struct adapted_message *m, const char *field)
{
	size_t n = strcspn(field, ":");
	char *name = xstrndup(field, n);
	struct text value = { 0 };
	enum conf_macro which;
	const char *at, *end;
	int user = m->a->plan->rec->facts->user != NULL, of_user = 0;

	field += n + 1;
	field += strspn(field, " \t");
	while ((at = conf_macro(field, &end, &which)) != NULL) {
		text_add(&value, field, (size_t)(at - field));
		of_user |= which == MACRO_USER || which == MACRO_USER_URI;
		put_macro(m, which, &value);
		field = end;
	}
	text_puts(&value, field);
	if (user || !of_user)
		icap_field(&m->input.fields, name,
		    slice_of(value.s, value.len));
	text_free(&value);
	free(name);
}

/* Write the fields that are for this message alone. */
static void
put_fields(struct adapted_message *m, size_t k)
{
	const struct conf_icap *conf = plan_conf(m->a->plan, k);
	size_t i;

	if (m->dir == DIR_DOWN)
		text_add(&m->input.fields, m->a->echo[k].s, m->a->echo[k].len);
	for (i = 0; i < conf->headers.n; i++)
		if (strstr(conf->headers.v[i], "%{") != NULL)
			put_field(m, conf->headers.v[i]);
	if (m->virgin->head->version == 20)
		icap_field(&m->input.fields, "X-Transformed-From",
		    slice_of("HTTP/2.0", 8));
	if (conf->proxy_auth)
		icap_field_proxy_auth(&m->input.fields, m->virgin->head);
}

int
input_make(struct adapted_message *m, size_t k)
{
	const struct facts *f = m->a->plan->rec->facts;
	const struct conf_inspect *in = plan_inspect(m->a->plan);

	icap_input_free(&m->input);
	memset(&m->input, 0, sizeof(m->input));
	m->input.method = input_method(m);
	m->input.body = m->now->body;
	m->input.length = m->now->head->length;
	m->input.endless_open = in->endless_open;
	m->input.slow_after = in->streams.after;
	m->input.slow_below = in->streams.below;
	put_fields(m, k);
	m->input.client = f->client;
	m->input.server = f->server;
	return put_heads(m);
}
