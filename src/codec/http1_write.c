/*
 * Heads written again. One walk over the fields with three questions: does
 * this one belong to the hop only, does it describe the old framing or the
 * old body, does the writer say it itself.
 */
#include "codec/http1_write.h"

#include "util/err.h"
#include "util/mem.h"

static const struct slice none;

static void
put(struct text *out, struct slice s)
{
	text_add(out, s.p, s.len);
}

static void
put_length(struct text *out, struct slice name, int64_t length)
{
	put(out, name);
	text_puts(out, ": ");
	text_number(out, length == HTTP_ENDLESS ? UINT64_MAX :
	    (uint64_t)length);
	text_puts(out, "\r\n");
}

/*
 * Whether a field is for this hop only (RFC 9110, 7.6.1 and 11.7). Connection
 * cannot name what the message needs.
 */
static int
is_of_the_hop(const struct http_options *named, struct slice name,
    unsigned flags)
{
	static const char *const proxy[] = { "keep-alive", "proxy-connection",
	    "proxy-authenticate", "proxy-authorization",
	    "proxy-authentication-info" };
	static const char *const framing[] = { "connection", "te", "trailer",
	    "transfer-encoding" };
	static const char *const upgrade[] = { "upgrade", "http2-settings" };
	static const char *const needed[] = { "host", "content-length" };

	if (slice_among(name, proxy, NELEM(proxy)))
		return 1;
	if (slice_among(name, framing, NELEM(framing)))
		return !(flags & HTTP1_ORIGIN);
	if (slice_among(name, upgrade, NELEM(upgrade)))
		return !(flags & (HTTP1_ORIGIN | HTTP1_ENCAPSULATED));
	return !slice_among(name, needed, NELEM(needed)) &&
	    http_options_have(named, name);
}

static int
is_unwanted(struct slice name, unsigned flags)
{
	static const char *const digest[] = { "content-md5", "digest",
	    "content-digest", "repr-digest" };

	if (slice_is(name, "expect"))
		return !(flags & HTTP1_ORIGIN);
	return (flags & HTTP1_CHANGED) &&
	    slice_among(name, digest, NELEM(digest));
}

/* The Content-Length to say, or -1. */
static int64_t
length_of(const struct http_head *m, const struct http1_out *o)
{
	if (o->flags & (HTTP1_ENCAPSULATED | HTTP1_ORIGIN))
		return m->length;
	if (o->kind == HTTP1_LENGTH)
		return (int64_t)o->length;
	if (o->kind == HTTP1_NONE && m->response && m->status >= 200 &&
	    m->status != 204)
		return m->length;
	return -1;
}

static int
only_chunked(const struct http_head *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->n; i++)
		if (slice_is(m->h[i].name, "transfer-encoding")) {
			if (!slice_is(m->h[i].value, "chunked"))
				return 0;
			n++;
		}
	return n <= 1;
}

/* CONNECT, but not the extended one, which HTTP/1 says as GET (RFC 8441, 5). */
static int
is_tunnel(const struct http_head *m)
{
	return slice_eq(m->method, "CONNECT") && m->protocol.len == 0;
}

/* The Host to write first, if it is not among the fields as it must be. */
static struct slice
missing_host(const struct http_head *m, const struct http1_out *o)
{
	if (m->response || is_tunnel(m))
		return none;
	if (m->scheme.len > 0)
		return m->authority;
	return m->authority.len == 0 ? o->authority : none;
}

static void
put_target(struct text *out, const struct http_head *m,
    const struct http1_out *o)
{
	int absolute = (o->flags & HTTP1_ENCAPSULATED) != 0;
	int said = m->scheme.len > 0;

	if (is_tunnel(m) || (m->version < 20 && absolute == said)) {
		put(out, m->target);
	} else if (absolute) {
		put(out, said ? m->scheme : slice_of(o->scheme,
		    strlen(o->scheme)));
		text_puts(out, "://");
		put(out, m->authority.len > 0 ? m->authority : o->authority);
		if (!slice_eq(m->path, "*"))	/* RFC 9112, 3.2.4 */
			put(out, m->path);
	} else if (m->path.len == 0 && slice_eq(m->method, "OPTIONS")) {
		text_puts(out, "*");
	} else {
		if (m->path.len == 0 || m->path.p[0] == '?')
			text_puts(out, "/");
		put(out, m->path);
	}
}

static void
put_first_line(struct text *out, const struct http_head *m,
    const struct http1_out *o, struct slice host)
{
	int old = m->version == 10 && !(o->flags & HTTP1_AS_11) &&
	    (!m->response || (o->flags & HTTP1_ENCAPSULATED));
	const char *version = old ? "HTTP/1.0" : "HTTP/1.1";

	if (m->response) {
		text_puts(out, version);
		text_puts(out, " ");
		text_number(out, (uint64_t)m->status);
		text_puts(out, " ");
		put(out, m->reason);
		text_puts(out, "\r\n");
		return;
	}
	put(out, m->protocol.len > 0 ? slice_of("GET", 3) : m->method);
	text_puts(out, " ");
	put_target(out, m, o);
	text_puts(out, " ");
	text_puts(out, version);
	text_puts(out, "\r\n");
	if (host.len > 0)
		http_put_field(out, slice_of("Host", 4), host);
}

static void
put_fields(struct text *out, const struct http_head *m,
    const struct http1_out *o, struct slice host)
{
	int64_t length = length_of(m, o);
	struct http_options named;
	struct slice name;
	size_t i;

	http_options_read(&named, m);
	for (i = 0; i < m->n; i++) {
		name = m->h[i].name;
		if (slice_is(name, "content-length")) {
			/* In its old place, and once. */
			if (length >= 0)
				put_length(out, name, length);
			length = -1;
		} else if (!(slice_is(name, "host") && host.len > 0) &&
		    !is_of_the_hop(&named, name, o->flags) &&
		    !is_unwanted(name, o->flags)) {
			http_put_field(out, name, m->h[i].value);
		}
	}
	if (length >= 0)
		put_length(out, slice_of("Content-Length", 14), length);
}

int
http1_write(struct text *out, const struct http_head *m,
    const struct http1_out *o)
{
	int as_framed = o->flags & (HTTP1_ENCAPSULATED | HTTP1_ORIGIN);
	struct slice host = missing_host(m, o);

	if (!(o->flags & HTTP1_ORIGIN) && !only_chunked(m))
		return ERR_UNSUPPORTED;
	if (!as_framed && !m->response && (o->kind == HTTP1_CLOSE ||
	    (o->kind == HTTP1_CHUNKED && m->version == 10 &&
	    !(o->flags & HTTP1_AS_11))))
		return ERR_FORMAT;
	if ((o->flags & HTTP1_ENCAPSULATED) && !m->response &&
	    !is_tunnel(m) && m->scheme.len == 0 &&
	    (o->scheme == NULL || (m->authority.len == 0 &&
	    o->authority.len == 0)))
		return ERR_FORMAT;
	put_first_line(out, m, o, host);
	put_fields(out, m, o, host);
	if (m->protocol.len > 0)
		http_put_field(out, slice_of("Upgrade", 7), m->protocol);
	if (o->fields != NULL)
		text_puts(out, o->fields);
	if (!as_framed && o->kind == HTTP1_CHUNKED)
		text_puts(out, "Transfer-Encoding: chunked\r\n");
	if (!as_framed && ((o->flags & HTTP1_CLOSE_AFTER) ||
	    o->kind == HTTP1_CLOSE))
		text_puts(out, "Connection: close\r\n");
	text_puts(out, "\r\n");
	return 0;
}

int
http1_origin_form(struct text *out, const struct http_head *m)
{
	const struct http1_out o = { .flags = HTTP1_ORIGIN };

	if (m->response || slice_eq(m->method, "CONNECT"))
		return ERR_FORMAT;
	return http1_write(out, m, &o);
}

size_t
http_chunk(char buf[HTTP_CHUNK_MAX], size_t n)
{
	static const char digit[] = "0123456789abcdef";
	size_t len = 0;
	int shift = 60;

	while (shift > 0 && n >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		buf[len++] = digit[n >> shift & 15];
	buf[len++] = '\r';
	buf[len++] = '\n';
	return len;
}
