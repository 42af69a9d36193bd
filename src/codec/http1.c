/*
 * Heads of HTTP/1 messages: what their lines say (codec/fields.h finds them).
 */
#include "codec/http1.h"

#include <stdint.h>
#include <string.h>

#include "codec/fields.h"
#include "util/err.h"
#include "util/mem.h"

static int
fail(struct http_text *m, int e, const char *why)
{
	m->why = why;
	return e;
}

/* HTTP-version: "HTTP/" DIGIT "." DIGIT. */
static int
read_version(struct http_text *m, struct slice s)
{
	if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.' ||
	    s.p[5] < '0' || s.p[5] > '9' || s.p[7] < '0' || s.p[7] > '9')
		return fail(m, ERR_FORMAT, "no HTTP version in the first line");
	if (s.p[5] != '1')
		return fail(m, ERR_UNSUPPORTED, "not HTTP/1");
	/* A higher minor is read as the highest known (RFC 9110, 2.5). */
	m->head.version = s.p[7] == '0' ? 10 : 11;
	return 0;
}

/* The target of CONNECT: another server, or inside TLS a path (AnyConnect). */
static int
connect_target(struct http_text *m)
{
	struct http_head *h = &m->head;
	struct http_url u;

	if (h->target.p[0] == '/')
		return 0;
	if (http_authority(h->target, 0, &u) != 0)
		return fail(m, ERR_FORMAT,
		    "the target of CONNECT is not host:port");
	h->authority = h->target;
	return 0;
}

/* The four forms of a target and which method each belongs to: 9112, 3.2. */
static int
read_target(struct http_text *m)
{
	struct http_head *h = &m->head;
	struct http_url u;
	size_t i;
	int e;

	for (i = 0; i < h->target.len; i++)
		if ((uint8_t)h->target.p[i] <= 0x20)
			return fail(m, ERR_FORMAT, "a blank in the target");
	if (h->target.len == 0)
		return fail(m, ERR_FORMAT, "no target");
	if (slice_eq(h->method, "CONNECT"))
		return connect_target(m);
	h->path = h->target;
	if (h->target.p[0] == '/')
		return 0;
	if (slice_eq(h->target, "*"))
		return slice_eq(h->method, "OPTIONS") ? 0 : fail(m,
		    ERR_FORMAT, "only OPTIONS may have * for a target");
	e = http_absolute(h->target, &u);
	if (e == ERR_UNSUPPORTED)
		return fail(m, e, "the target has a scheme that is not http");
	if (e != 0)
		return fail(m, e, "the target is no path and no URL");
	h->scheme = u.scheme;
	h->authority = u.authority;
	h->path = u.path;
	return 0;
}

static int
request_line(struct http_text *m, struct slice l)
{
	int e;

	if (!slice_cut(&l, ' ', &m->head.method) ||
	    !slice_is_token(m->head.method))
		return fail(m, ERR_FORMAT, "the method is no token");
	if (!slice_cut(&l, ' ', &m->head.target))
		return fail(m, ERR_FORMAT,
		    "the request line has not three parts");
	if ((e = read_version(m, l)) != 0)
		return e;
	return read_target(m);
}

/* The blank behind the code is missing in some servers' answers: allowed. */
static int
status_line(struct http_text *m, struct slice l)
{
	struct slice v = l;
	size_t i;
	int e;

	if (slice_cut(&l, ' ', &v) == 0)
		l.len = 0;
	if ((e = read_version(m, v)) != 0)
		return e;
	if (l.len < 3 || (l.len > 3 && l.p[3] != ' '))
		return fail(m, ERR_FORMAT, "the status is not three digits");
	for (i = 0; i < 3; i++) {
		if (l.p[i] < '0' || l.p[i] > '9')
			return fail(m, ERR_FORMAT,
			    "the status is not three digits");
		m->head.status = m->head.status * 10 + l.p[i] - '0';
	}
	if (m->head.status < 100)
		return fail(m, ERR_FORMAT, "the status is below 100");
	if (l.len > 4)
		m->head.reason = slice_of(l.p + 4, l.len - 4);
	return 0;
}

static int
field_line(struct http_text *m, struct slice l)
{
	struct http_field f;
	int e;

	if ((e = fields_cut(l, &f.name, &f.value, &m->why)) != 0)
		return e;
	if (m->head.n == HTTP_FIELDS)
		return fail(m, ERR_LIMIT, "too many fields");
	m->head.h[m->head.n++] = f;
	return 0;
}

static int
length_value(struct http_text *m, struct slice v, int64_t *length)
{
	int64_t n = 0;
	size_t i;

	if (slice_eq(v, "18446744073709551615")) {
		*length = HTTP_ENDLESS;
		return 0;
	}
	for (i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return fail(m, ERR_FORMAT,
			    "Content-Length is not a number");
		if (n > (INT64_MAX - 9) / 10)
			return fail(m, ERR_FORMAT, "Content-Length is too big");
		n = n * 10 + (v.p[i] - '0');
	}
	if (v.len == 0)
		return fail(m, ERR_FORMAT, "Content-Length is empty");
	*length = n;
	return 0;
}

static int
content_length(struct http_text *m, struct slice v)
{
	int64_t n;
	int e;

	if ((e = length_value(m, v, &n)) != 0)
		return e;
	if (m->head.length >= 0 && m->head.length != n)
		return fail(m, ERR_FORMAT, "two different Content-Lengths");
	m->head.length = n;
	return 0;
}

/* One coding of a Transfer-Encoding; chunked comes once, and last. */
static int
transfer_coding(struct http_text *m, struct slice c)
{
	static const char *const known[] = { "gzip", "x-gzip", "deflate",
	    "compress", "x-compress", "identity" };
	size_t i;

	if (m->chunked)
		return fail(m, ERR_FORMAT,
		    "a transfer coding after chunked, or chunked twice");
	m->coded = 1;
	if (slice_is(c, "chunked")) {
		m->chunked = 1;
		return 0;
	}
	for (i = 0; i < NELEM(known); i++)
		if (slice_is(c, known[i]))
			return 0;
	return fail(m, ERR_FORMAT, "an unknown transfer coding");
}

static int
transfer_encoding(struct http_text *m, struct slice v)
{
	struct slice c = { v.p, 0 };
	int e;

	if (v.len == 0)
		return fail(m, ERR_FORMAT, "Transfer-Encoding is empty");
	while (slice_cut(&v, ',', &c))
		if ((e = transfer_coding(m, slice_trim(c))) != 0)
			return e;
	return transfer_coding(m, slice_trim(v));
}

/* What the fields together say of the framing: RFC 9112, 6.1 to 6.3. */
static int
check_framing(struct http_text *m)
{
	if (m->coded && m->head.length >= 0)
		return fail(m, ERR_FORMAT,
		    "both Content-Length and Transfer-Encoding");
	if (m->coded && m->head.version == 10)
		return fail(m, ERR_FORMAT, "Transfer-Encoding in HTTP/1.0");
	if (m->head.response) {
		if (m->coded && (m->head.status < 200 || m->head.status == 204))
			return fail(m, ERR_FORMAT,
			    "Transfer-Encoding where there is no body");
		return 0;
	}
	if (m->coded && !m->chunked)
		return fail(m, ERR_FORMAT,
		    "the last transfer coding is not chunked");
	if (slice_eq(m->head.method, "CONNECT") &&
	    (m->coded || m->head.length > 0))
		return fail(m, ERR_FORMAT, "a CONNECT with a body");
	return 0;
}

/* RFC 9112, 3.2: one Host, and in HTTP/1.1 there must be one. */
static int
check_host(struct http_text *m)
{
	struct http_head *h = &m->head;
	const struct http_field *host = NULL;
	int connect = slice_eq(h->method, "CONNECT");
	struct http_url u;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, "host"))
			continue;
		if (host != NULL)
			return fail(m, ERR_FORMAT, "more than one Host");
		host = &h->h[i];
	}
	if (host == NULL)
		return h->version == 10 || connect ? 0 :
		    fail(m, ERR_FORMAT, "no Host");
	if (host->value.len > 0 && http_authority(host->value, 80, &u) != 0)
		return fail(m, ERR_FORMAT, "Host is not host[:port]");
	if (h->scheme.len == 0 && !connect)
		h->authority = host->value;
	return 0;
}

/*
 * Each option is held against each field (RFC 9110, 7.6.1): a list of fifty
 * thousand commas is there to keep us busy. Empty items count.
 */
static int
connection_options(struct http_text *m, struct slice v, size_t *n)
{
	struct slice item;

	while (slice_item(&v, &item))
		if (++*n > HTTP_OPTIONS)
			return fail(m, ERR_LIMIT,
			    "Connection lists too many options");
	return 0;
}

static int
read_fields(struct http_text *m, struct slice in)
{
	struct http_field *h;
	struct slice l;
	size_t options = 0;
	int e;

	while ((l = fields_line(&in)).len > 0) {
		if ((e = field_line(m, l)) != 0)
			return e;
		h = &m->head.h[m->head.n - 1];
		e = 0;
		if (slice_is(h->name, "content-length"))
			e = content_length(m, h->value);
		else if (slice_is(h->name, "transfer-encoding"))
			e = transfer_encoding(m, h->value);
		else if (slice_is(h->name, "connection"))
			e = connection_options(m, h->value, &options);
		if (e != 0)
			return e;
	}
	if ((e = check_framing(m)) != 0 || m->head.response)
		return e;
	return check_host(m);
}

static void
begin(struct http_text *m, int response)
{
	m->head.response = response;
	m->head.status = 0;
	m->head.n = 0;
	m->chunked = m->coded = 0;
	m->head.length = -1;
	m->why = NULL;
	m->head.method = m->head.target = m->head.reason = slice_of(NULL, 0);
	m->head.scheme = m->head.authority = m->head.path = slice_of(NULL, 0);
	m->head.protocol = m->head.never = slice_of(NULL, 0);
}

/* scanned and len count from behind an empty line in front of a request. */
static int
find_end(struct http_text *m, const char *data, size_t len)
{
	int e = fields_end(data, len, HTTP_HEAD_MAX, 0, &m->scanned, &m->why);

	m->len = m->scanned;
	return e;
}

int
http_request(struct http_text *m, const char *data, size_t len)
{
	struct slice in;
	size_t from = 0;
	int e;

	begin(m, 0);
	if (len == 1 && data[0] == '\r')
		return ERR_SHORT;
	if (len > 1 && data[0] == '\r' && data[1] == '\n')
		from = 2;
	if ((e = find_end(m, data + from, len - from)) != 0)
		return e;
	in = slice_of(data + from, m->len);
	m->len += from;
	if ((e = request_line(m, fields_line(&in))) != 0)
		return e;
	return read_fields(m, in);
}

int
http_response(struct http_text *m, const char *data, size_t len)
{
	struct slice in;
	int e;

	begin(m, 1);
	if (len > 0 && memcmp(data, "HTTP/", len < 5 ? len : 5) != 0)
		return fail(m, ERR_FORMAT, "no HTTP version in the first line");
	if ((e = find_end(m, data, len)) != 0)
		return e;
	in = slice_of(data, m->len);
	if ((e = status_line(m, fields_line(&in))) != 0)
		return e;
	return read_fields(m, in);
}

int
http1_keeps_alive(const struct http_head *m)
{
	if (http_has_token(m, "connection", "close"))
		return 0;
	if (m->version >= 11)
		return 1;
	return http_has_token(m, "connection", "keep-alive") ||
	    (!m->response &&
	    http_has_token(m, "proxy-connection", "keep-alive"));
}
