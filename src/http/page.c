/*
 * Pages of our own.
 */
#include "http/page.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/template.h"
#include "http/pagetext.h"
#include "http/wants.h"
#include "util/clock.h"
#include "util/mem.h"

#define PAGE_URL	300	/* bytes of an address that are shown */

/* What a page of ours may do: nothing but look, and post to its own site. */
#define PAGE_POLICY	"Content-Security-Policy: default-src 'none'; "	\
	"style-src 'unsafe-inline'; img-src data:; form-action 'self'; " \
	"base-uri 'none'; frame-ancestors 'none'\r\n"			\
	"X-Content-Type-Options: nosniff\r\n"				\
	"Referrer-Policy: no-referrer\r\n"

const char *
page_reason(int status)
{
	static const struct {
		int		 status;
		const char	*reason;
	} reasons[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 103, "Early Hints" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 421, "Misdirected Request" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" }
	};
	size_t i;

	for (i = 0; i < NELEM(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

static const char *
page_phrase(int status)
{
	const char *reason = page_reason(status);

	return reason[0] != '\0' ? reason : "Error";
}

char *
page_whole(int status, const char *type, const char *fields,
    struct text *body, size_t *len)
{
	struct text t = { 0 };

	text_printf(&t, "HTTP/1.1 %d %s\r\n"
	    "Server: clearspan\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "%s%s"
	    "Connection: close\r\n"
	    "\r\n", status, page_phrase(status), type, body->len, fields,
	    status == 503 ? "Retry-After: 5\r\n" : "");
	text_add(&t, body->s, body->len);
	text_free(body);
	*len = t.len;
	return text_take(&t);
}

enum page_kind
page_kind_of(int status)
{
	return status == 403 ? PAGE_BLOCK : PAGE_FAILURE;
}

/* The address that was asked for, as a browser shows it. */
static void
page_url(const struct page *p, struct text *out)
{
	const struct http_head *h = p->request;
	struct http_url url;
	size_t max;

	if (h == NULL && p->host != NULL)
		text_puts(out, p->host);
	if (h == NULL)
		return;
	if (http_absolute(h->target, &url) != 0) {
		text_puts(out, p->tls ? "https://" : "http://");
		if (h->authority.len > 0)
			text_add(out, h->authority.p, h->authority.len);
		else
			text_puts(out, p->host != NULL ? p->host : "");
		text_add(out, h->path.p, h->path.len);
	} else {
		text_add(out, h->target.p, h->target.len);
	}
	if (out->len <= PAGE_URL)
		return;
	/* Not in the middle of a character. */
	for (max = PAGE_URL; max > 0 && (out->s[max] & 0xc0) == 0x80; max--)
		;
	out->len = max;
	out->s[max] = '\0';
	text_puts(out, "...");
}

/* The texts of a page: by enum page_name. */
struct page_values {
	const char	*v[PAGE_NAMES];
	struct text	 url;
	char		 time[CLOCK_STAMP], status[16], client[ADDR_STRLEN];
};

static void
values_of(struct page_values *o, const struct page *p, enum page_language l)
{
	const struct conf_pages *c = p->pages;

	memset(o, 0, sizeof(*o));
	page_url(p, &o->url);
	clock_stamp(clock_wall().tv_sec, o->time);
	snprintf(o->status, sizeof(o->status), "%d", p->status);
	o->v[PAGE_N_LANG] = page_language_str(l);
	o->v[PAGE_N_TITLE] = pagetext_title(p->kind, l);
	o->v[PAGE_N_LEAD] = pagetext_lead(p->kind, l);
	o->v[PAGE_N_STATUS] = o->status;
	o->v[PAGE_N_REASON] = p->reason;
	o->v[PAGE_N_RULE] = p->rule;
	o->v[PAGE_N_TIME] = o->time;
	o->v[PAGE_N_REFERENCE] = p->reference;
	if (p->client != NULL)
		o->v[PAGE_N_CLIENT] = addr_ip_str(p->client, o->client);
	o->v[PAGE_N_HOST] = p->host;
	o->v[PAGE_N_URL] = o->url.s;
	o->v[PAGE_N_CONTACT] = c != NULL ? c->contact : NULL;
	o->v[PAGE_N_CONTINUE] = p->go_on;
	o->v[PAGE_N_UNTIL] = p->until;
	o->v[PAGE_N_ALLOWED] = p->allowed;
	if (p->ca == NULL)
		return;
	o->v[PAGE_N_SUBJECT] = p->ca->subject;
	o->v[PAGE_N_FINGERPRINT] = p->ca->fingerprint;
	o->v[PAGE_N_UNTIL] = p->ca->until;
}

static void
put_json(json_t *o, const char *name, const char *value)
{
	struct text t = { 0 };

	if (value == NULL || *value == '\0')
		return;
	template_clean(&t, value);
	json_object_set_new(o, name, json_string(t.s));
	text_free(&t);
}

static void
page_json(const struct page *p, const struct page_values *o, struct text *out)
{
	static const enum page_name names[] = { PAGE_N_REASON, PAGE_N_RULE,
	    PAGE_N_URL, PAGE_N_TIME, PAGE_N_REFERENCE, PAGE_N_CONTACT,
	    PAGE_N_SUBJECT, PAGE_N_FINGERPRINT, PAGE_N_UNTIL, PAGE_N_ALLOWED };
	static const char *const errors[PAGE_KINDS] = { "blocked", "failed",
	    "warned", NULL, "quarantined", NULL };
	json_t *j = json_object();
	char *s;
	size_t i;

	put_json(j, "error", errors[p->kind]);
	json_object_set_new(j, "status", json_integer(p->status));
	for (i = 0; i < NELEM(names); i++)
		put_json(j, page_names[names[i]], o->v[names[i]]);
	put_json(j, "by", "clearspan");
	s = json_dumps(j, JSON_COMPACT);
	text_puts(out, s != NULL ? s : "{}");
	text_puts(out, "\n");
	free(s);
	json_decref(j);
}

static enum page_language
page_language(const struct page *p)
{
	static const int all[] = { PAGE_EN, PAGE_JA };
	const struct conf_pages *c = p->pages;

	return c != NULL && c->nlanguages > 0 ?
	    wants_language(p->request, c->languages, c->nlanguages) :
	    wants_language(p->request, all, NELEM(all));
}

static const struct template *
page_template(const struct page *p, enum page_language l)
{
	const struct conf_pages *c = p->pages;

	return c != NULL && c->own[p->kind][l] != NULL ? c->own[p->kind][l] :
	    pagetext_template(p->kind, l);
}

char *
page_make(const struct page *p, size_t *len)
{
	enum page_language l = page_language(p);
	struct text body = { 0 }, fields = { 0 };
	int json = wants_json(p->request);
	struct page_values o;
	char *page;
	size_t n;

	values_of(&o, p, l);
	text_puts(&fields, PAGE_POLICY);
	if (json)
		page_json(p, &o, &body);
	else
		template_write(page_template(p, l), o.v, &body);
	if (!json)
		text_printf(&fields, "Content-Language: %s\r\n",
		    page_language_str(l));
	if (p->status == 407 && p->realm != NULL)
		text_printf(&fields, "Proxy-Authenticate: Basic realm=\"%s\", "
		    "charset=\"UTF-8\"\r\n", p->realm);
	n = body.len;
	page = page_whole(p->status, json ? "application/json" :
	    "text/html; charset=utf-8", fields.s, &body, len);
	if (p->request != NULL && slice_eq(p->request->method, "HEAD"))
		*len -= n;
	text_free(&fields);
	text_free(&o.url);
	return page;
}
