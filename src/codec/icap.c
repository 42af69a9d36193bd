/*
 * The heads of ICAP responses, and the bodies behind them. A head is unfolded
 * and cut up once, when it is all there.
 */
#include "codec/icap.h"

#include <string.h>

#include "codec/fields.h"
#include "util/err.h"
#include "util/mem.h"

static int
fail(struct icap_head *m, int e, const char *why)
{
	m->why = why;
	return e;
}

/*
 * A line that begins with a blank goes on with the one before it (RFC 9112,
 * 5.2): blank out the line end between them.
 */
static void
unfold(char *data, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i++) {
		if (data[i] != '\n' || !is_blank(data[i + 1]))
			continue;
		data[i] = ' ';
		if (data[i - 1] == '\r')
			data[i - 1] = ' ';
	}
}

static int
status_line(struct icap_head *m, struct slice l)
{
	int64_t status;

	if (l.len < 12 || memcmp(l.p, "ICAP/1.", 7) != 0 || l.p[7] < '0' ||
	    l.p[7] > '9' || l.p[8] != ' ')
		return fail(m, ERR_FORMAT, "the first line is not ICAP/1.x");
	if (slice_number(slice_of(l.p + 9, 3), &status) != 0 ||
	    (l.len > 12 && l.p[12] != ' '))
		return fail(m, ERR_FORMAT, "the status is not three digits");
	m->status = (int)status;
	if (m->status < 100 || m->status > 599 || m->status == 101)
		return fail(m, ERR_FORMAT, "a status ICAP does not have");
	m->reason = slice_trim(slice_of(l.p + 12, l.len - 12));
	return 0;
}

static int
field_line(struct icap_head *m, struct slice l)
{
	int e;

	if (m->n == ICAP_HEADERS)
		return fail(m, ERR_LIMIT, "too many fields");
	e = fields_cut(l, &m->h[m->n].name, &m->h[m->n].value, &m->why);
	m->n += e == 0;
	return e;
}

/* "req-hdr" and so on; the names are lower-case (4.4.1), any case is read. */
static enum icap_section
section_of(struct slice name)
{
	static const char *const names[] = {
		[ICAP_REQ_HDR] = "req-hdr",
		[ICAP_RES_HDR] = "res-hdr",
		[ICAP_REQ_BODY] = "req-body",
		[ICAP_RES_BODY] = "res-body",
		[ICAP_OPT_BODY] = "opt-body",
		[ICAP_NULL_BODY] = "null-body"
	};
	size_t i;

	for (i = ICAP_REQ_HDR; i < NELEM(names); i++)
		if (slice_is(name, names[i]))
			return (enum icap_section)i;
	return ICAP_NONE;
}

/*
 * One "name=offset". An HTTP head comes first and at 0; the body, or
 * null-body, comes last and says where that head ends. A null-body all alone
 * may say anything: there is nothing it could mean.
 */
static int
section(struct icap_head *m, struct slice item)
{
	struct slice name;
	enum icap_section s;
	int64_t at;

	if (!slice_cut(&item, '=', &name) ||
	    (s = section_of(slice_trim(name))) == ICAP_NONE ||
	    slice_number(slice_trim(item), &at) != 0)
		return fail(m, ERR_FORMAT, "Encapsulated is not name=offset");
	if (m->body != ICAP_NONE)
		return fail(m, ERR_FORMAT,
		    "Encapsulated goes on behind its body");
	if (s == ICAP_REQ_HDR || s == ICAP_RES_HDR) {
		if (m->hdr != ICAP_NONE || at != 0)
			return fail(m, ERR_FORMAT,
			    "Encapsulated has heads a response has not");
		m->hdr = s;
		return 0;
	}
	m->body = s;
	if (m->hdr != ICAP_NONE ? at == 0 : at != 0 && s != ICAP_NULL_BODY)
		return fail(m, ERR_FORMAT,
		    "the offsets of Encapsulated do not ascend from 0");
	if (m->hdr != ICAP_NONE && at > HTTP_HEAD_MAX)
		return fail(m, ERR_LIMIT, "the HTTP head is too long");
	m->hdr_len = m->hdr != ICAP_NONE ? (size_t)at : 0;
	return 0;
}

static int
encapsulated(struct icap_head *m)
{
	struct slice v = { NULL, 0 }, item;
	size_t i;
	int e;

	for (i = 0; i < m->n; i++) {
		if (!slice_is(m->h[i].name, "encapsulated"))
			continue;
		if (v.p != NULL)
			return fail(m, ERR_FORMAT,
			    "more than one Encapsulated");
		v = m->h[i].value;
	}
	while (slice_item(&v, &item))
		if ((e = section(m, item)) != 0)
			return e;
	if (m->hdr != ICAP_NONE && m->body == ICAP_NONE)
		return fail(m, ERR_FORMAT,
		    "Encapsulated does not say where the HTTP head ends");
	return 0;
}

/* Whether head and body are of a kind an answer to method may have: 4.4.1. */
static int
is_legal(const struct icap_head *m, enum icap_method method)
{
	int req = m->hdr == ICAP_REQ_HDR || m->body == ICAP_REQ_BODY;
	int res = m->hdr == ICAP_RES_HDR || m->body == ICAP_RES_BODY;

	switch (method) {
	case ICAP_OPTIONS:
		return !req && !res;
	case ICAP_REQMOD:
		return !(req && res) && m->body != ICAP_OPT_BODY;
	case ICAP_RESPMOD:
		return !req && m->body != ICAP_OPT_BODY;
	}
	return 0;
}

static int
check_sections(struct icap_head *m, enum icap_method method)
{
	if (!is_legal(m, method))
		return fail(m, ERR_FORMAT,
		    "Encapsulated has no form that answers the method");
	if (m->body == ICAP_NULL_BODY)
		m->body = ICAP_NONE;
	if ((m->status < 200 || m->status == 204) &&
	    (m->hdr != ICAP_NONE || m->body != ICAP_NONE))
		return fail(m, ERR_FORMAT,
		    "a message in an answer that has none");
	if (method == ICAP_OPTIONS || m->status < 200 || m->status == 204 ||
	    m->status >= 300)
		return 0;
	if (m->hdr == ICAP_NONE)
		return fail(m, ERR_FORMAT, "an answer without an HTTP head");
	if (m->status == 206 && m->body == ICAP_NONE)
		return fail(m, ERR_FORMAT, "a 206 without a body");
	return 0;
}

/* Quotes belong around it (4.7), and not all servers know. */
static struct slice
unquote(struct slice s)
{
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		return slice_of(s.p + 1, s.len - 2);
	return s;
}

static int
read_fields(struct icap_head *m, struct slice in)
{
	struct slice l;
	int e;

	while ((l = fields_line(&in)).len > 0)
		if ((e = field_line(m, l)) != 0)
			return e;
	m->istag = unquote(icap_value(m, "istag"));
	if (slice_number(icap_value(m, "retry-after"), &m->retry_after) != 0)
		m->retry_after = -1;
	m->close = http_field_lists(m->h, m->n, "connection", "close");
	return encapsulated(m);
}

int
icap_response(struct icap_head *m, enum icap_method method, char *data,
    size_t len)
{
	struct slice in;
	int e;

	m->len = m->n = m->hdr_len = 0;
	m->status = m->close = 0;
	m->hdr = m->body = ICAP_NONE;
	m->retry_after = -1;
	m->reason = m->istag = slice_of(NULL, 0);
	m->why = NULL;
	if (len > 0 && memcmp(data, "ICAP/", len < 5 ? len : 5) != 0)
		return fail(m, ERR_FORMAT, "the first line is not ICAP/1.x");
	if ((e = fields_end(data, len, ICAP_HEAD_MAX, 1, &m->scanned,
	    &m->why)) != 0)
		return e;
	m->len = m->scanned;
	unfold(data, m->len);
	in = slice_of(data, m->len);
	if ((e = status_line(m, fields_line(&in))) != 0 ||
	    (e = read_fields(m, in)) != 0)
		return e;
	return check_sections(m, method);
}

struct slice
icap_value(const struct icap_head *m, const char *name)
{
	const struct http_field *h = http_field_find(m->h, m->n, name);

	return h != NULL ? h->value : slice_of(NULL, 0);
}

/* Threat of "Type=0; Resolution=2; Threat=Name;", or all of it. */
static struct slice
threat(struct slice v)
{
	struct slice rest = v, part = { NULL, 0 }, name;
	int more;

	do {
		if (!(more = slice_cut(&rest, ';', &part)))
			part = rest;
		if (slice_cut(&part, '=', &name) &&
		    slice_is(slice_trim(name), "threat") &&
		    slice_trim(part).len > 0)
			return slice_trim(part);
	} while (more);
	return v;
}

static void
add_single_spaced(struct text *out, struct slice v)
{
	size_t i;

	for (i = 0; i < v.len; i++) {
		if (!is_blank(v.p[i]))
			text_add(out, v.p + i, 1);
		else if (!is_blank(v.p[i - 1]))
			text_add(out, " ", 1);
	}
}

int
icap_finding(const struct icap_head *m, struct text *out)
{
	static const char *const names[] = { "x-infection-found",
	    "x-virus-id", "x-violations-found", "x-blocked",
	    "x-response-desc", "x-response-info" };
	struct slice v;
	size_t i;

	for (i = 0; i < NELEM(names); i++) {
		v = icap_value(m, names[i]);
		if (v.len == 0)
			continue;
		add_single_spaced(out, i == 0 ? threat(v) : v);
		return 1;
	}
	return 0;
}

int
icap_http_head(struct http_text *http, enum icap_section kind,
    const char *data, size_t len)
{
	int e;

	http->scanned = 0;
	e = kind == ICAP_REQ_HDR ? http_request(http, data, len) :
	    http_response(http, data, len);
	if (e == ERR_SHORT) {
		http->why = "the HTTP head does not end with its section";
		return ERR_FORMAT;
	}
	if (e == 0 && (http->len != len || data[0] == '\r')) {
		http->why = "the HTTP head does not fill its section";
		return ERR_FORMAT;
	}
	return e;
}

void
icap_body_init(struct icap_body *b)
{
	memset(b, 0, sizeof(*b));
	http1_body_init_icap(&b->chunks);
	b->original = -1;
}

/* Cut off one extension; a ';' between quotes does not end it. */
static struct slice
next_ext(struct slice *in)
{
	struct slice x = { in->p, 0 };
	int quoted = 0;

	for (; x.len < in->len; x.len++) {
		if (quoted && x.p[x.len] == '\\' && x.len + 1 < in->len)
			x.len++;
		else if (x.p[x.len] == '"')
			quoted = !quoted;
		else if (x.p[x.len] == ';' && !quoted)
			break;
	}
	in->p += x.len;
	in->len -= x.len;
	if (in->len > 0) {
		in->p++;
		in->len--;
	}
	return x;
}

/* The extensions of the last chunk: partial content draft 07; 4.5. */
static int
last_extensions(struct icap_body *b)
{
	struct slice in = slice_of(b->chunks.ext, b->chunks.ext_len), x, name;

	b->original = -1;
	if (in.len > HTTP1_EXT) {
		b->why = "the extensions of the last chunk are too long";
		return ERR_FORMAT;
	}
	while (in.len > 0) {
		x = next_ext(&in);
		if (!slice_cut(&x, '=', &name) ||
		    !slice_is(slice_trim(name), "use-original-body"))
			continue;
		if (b->original >= 0 ||
		    slice_number(slice_trim(x), &b->original) != 0) {
			b->why = "use-original-body is not one number";
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
icap_body_next(struct icap_body *b, struct slice *in, struct slice *payload)
{
	int e = http1_body_next(&b->chunks, in, payload);

	if (e == 0)
		return last_extensions(b);
	b->why = b->chunks.why;
	return e;
}
