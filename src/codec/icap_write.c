/*
 * The bytes an ICAP client sends: heads, the fields in them, and what goes
 * around stretches of body.
 */
#include "codec/icap.h"

#include "codec/http1_write.h"
#include "util/err.h"
#include "util/mem.h"

static void
put_field(struct text *out, const char *name, const char *value)
{
	text_puts(out, name);
	text_puts(out, ": ");
	text_puts(out, value);
	text_puts(out, "\r\n");
}

static void
put_number(struct text *out, const char *name, uint64_t n, const char *end)
{
	text_puts(out, name);
	text_number(out, n);
	text_puts(out, end);
}

static void
put_parties(struct text *out, const struct icap_request *r)
{
	if (r->client_ip != NULL)
		put_field(out, "X-Client-IP", r->client_ip);
	if (r->client_port != 0)
		put_number(out, "X-Client-Port: ", r->client_port, "\r\n");
	if (r->server_ip != NULL)
		put_field(out, "X-Server-IP", r->server_ip);
}

/* RFC 3507, 4.4.1: the heads' offsets, then the body's, or null-body's. */
static void
put_encapsulated(struct text *out, const struct icap_request *r)
{
	const char *body = r->method == ICAP_REQMOD ? "req-body" : "res-body";
	size_t at = 0;

	text_puts(out, "Encapsulated: ");
	if (r->req_hdr > 0) {
		text_puts(out, "req-hdr=0, ");
		at = r->req_hdr;
	}
	if (r->res_hdr > 0) {
		put_number(out, "res-hdr=", at, ", ");
		at += r->res_hdr;
	}
	text_puts(out, r->body ? body : "null-body");
	put_number(out, "=", at, "\r\n");
}

void
icap_put_request(struct text *out, const struct icap_request *r)
{
	static const char *const methods[] = { "OPTIONS", "REQMOD",
	    "RESPMOD" };
	static const char *const allows[] = {
		[ICAP_ALLOW_204] = "204",
		[ICAP_ALLOW_206] = "206",
		[ICAP_ALLOW_204 | ICAP_ALLOW_206] = "204, 206"
	};

	text_puts(out, methods[r->method]);
	text_puts(out, " ");
	text_puts(out, r->uri);
	text_puts(out, " ICAP/1.0\r\n");
	put_field(out, "Host", r->host);
	put_field(out, "User-Agent", "clearspan/" VERSION);
	if (r->close)
		put_field(out, "Connection", "close");
	if (r->allow != 0)
		put_field(out, "Allow", allows[r->allow]);
	if (r->preview >= 0)
		put_number(out, "Preview: ", (uint64_t)r->preview, "\r\n");
	put_parties(out, r);
	if (r->fields != NULL)
		text_puts(out, r->fields);
	if (r->more != NULL)
		text_puts(out, r->more);
	if (r->method != ICAP_OPTIONS)
		put_encapsulated(out, r);
	text_puts(out, "\r\n");
}

static int
is_clean(struct slice v)
{
	size_t i;

	for (i = 0; i < v.len; i++)
		if (((uint8_t)v.p[i] < 0x20 && v.p[i] != '\t') ||
		    v.p[i] == 0x7f)
			return 0;
	return 1;
}

int
icap_field(struct text *out, const char *name, struct slice value)
{
	if (!slice_is_token(slice_of(name, strlen(name))) || !is_clean(value))
		return ERR_FORMAT;
	text_printf(out, "%s: ", name);
	text_add(out, value.p, value.len);
	text_puts(out, "\r\n");
	return 0;
}

void
icap_field_basic(struct text *out, struct slice user_password)
{
	text_puts(out, "Authorization: Basic ");
	text_base64(out, user_password.p, user_password.len);
	text_puts(out, "\r\n");
}

void
icap_field_proxy_auth(struct text *out, const struct http_head *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (slice_is(m->h[i].name, "proxy-authorization"))
			icap_field(out, "Proxy-Authorization", m->h[i].value);
		if (slice_is(m->h[i].name, "proxy-authenticate"))
			icap_field(out, "Proxy-Authenticate", m->h[i].value);
	}
}

int
icap_put_http(struct text *out, const struct http_head *m,
    const char *scheme, struct slice authority)
{
	const struct http1_out o = {
		.flags = HTTP1_ENCAPSULATED,
		.scheme = scheme,
		.authority = authority,
	};

	return http1_write(out, m, &o);
}
