/*
 * Heads of HTTP/2, from field lines. Lines are kept by their place in one
 * text, which grows; a head is made of them once they are all here.
 */
#include "http/h2_head.h"

#include <stdlib.h>
#include <string.h>

#include "http/h2_meaning.h"
#include "util/err.h"
#include "util/mem.h"

#define LINE_COST	32	/* RFC 9113, 6.5.2 */
#define SIZE_MOST	(1u << 30)	/* whatever the limit is */

#define BIT(p)		(1u << (p))
#define OF_REQUEST	(BIT(H2_P_STATUS) - 1)

struct line {
	uint32_t	 name, name_len;	/* in bytes: see SIZE_MOST */
	uint32_t	 value, value_len;
	enum h2_meaning	 meaning;
	int		 never;
};

struct h2_head {
	enum h2_kind	 kind;
	size_t		 limit, size;
	int		 error;
	const char	*why;
	struct text	 bytes;
	struct line	 pseudo[H2_P_MAX];
	unsigned	 seen;		/* BIT() of them */
	struct line	*line;		/* fields */
	size_t		 n, cap;
	int64_t		 length;
	int		 status;
	size_t		 hosts, cookies, nevers;	/* lines of that */
	struct http_head *made;		/* of all that, with room for fields */
	size_t		 room;
};

static int
fail(struct h2_head *h, int e, const char *why)
{
	h->why = why;
	return h->error = e;
}

struct h2_head *
h2_head_new(enum h2_kind kind, size_t limit)
{
	struct h2_head *h = xcalloc(1, sizeof(*h));

	h->limit = limit;
	h2_head_again(h, kind);
	return h;
}

void
h2_head_again(struct h2_head *h, enum h2_kind kind)
{
	h->kind = kind;
	h->size = 0;
	h->error = 0;
	h->why = NULL;
	text_clear(&h->bytes);
	h->seen = 0;
	h->n = 0;
	h->length = -1;
	h->hosts = h->cookies = h->nevers = 0;
}

void
h2_head_free(struct h2_head *h)
{
	if (h == NULL)
		return;
	text_free(&h->bytes);
	free(h->line);
	free(h->made);
	free(h);
}

const char *
h2_head_why(const struct h2_head *h)
{
	return h->why;
}

void
h2_head_drop(struct h2_head *h)
{
	if (h->error == 0)
		fail(h, ERR_MEM, "no memory for the head");
}

static struct slice
value_of(const struct h2_head *h, const struct line *l)
{
	return slice_of(h->bytes.s + l->value, l->value_len);
}

static struct slice
pseudo_of(const struct h2_head *h, enum h2_pseudo p)
{
	return h->seen & BIT(p) ? value_of(h, &h->pseudo[p]) :
	    slice_of(NULL, 0);
}

/* Whether any of these eight bytes is below 0x20, or is 0x7f. */
static int
has_control(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7;
	uint64_t del = x ^ ones * 0x7f;

	return ((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & tops) !=
	    0;
}

/* Whether eight bytes from p on have one. */
static int
control_at(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return has_control(x);
}

/*
 * No blanks around it, and no control characters but tabs (8.2.1): eight at a
 * time, the last ones perhaps again, and one by one where that found some.
 */
static int
is_value(struct slice s)
{
	size_t i;

	if (s.len > 0 && (is_blank(s.p[0]) || is_blank(s.p[s.len - 1])))
		return 0;
	for (i = 0; i + 8 < s.len && !control_at(s.p + i); i += 8)
		;
	if (s.len >= 8 && i + 8 >= s.len && !control_at(s.p + s.len - 8))
		return 1;
	for (; i < s.len; i++)
		if (((uint8_t)s.p[i] < 0x20 && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return 0;
	return 1;
}

static void
keep(struct h2_head *h, struct line *l, struct slice name, struct slice value)
{
	char *p;

	l->name = (uint32_t)h->bytes.len;
	l->name_len = (uint32_t)name.len;
	l->value = l->name + l->name_len;
	l->value_len = (uint32_t)value.len;
	p = text_more(&h->bytes, name.len + value.len);
	memcpy(p, name.p, name.len);
	if (value.len > 0)
		memcpy(p + name.len, value.p, value.len);
}

static int
add_pseudo(struct h2_head *h, enum h2_pseudo p, struct slice name,
    struct slice value)
{
	unsigned allowed = h->kind == H2_REQUEST ? OF_REQUEST :
	    h->kind == H2_RESPONSE ? BIT(H2_P_STATUS) : 0;

	if ((allowed & BIT(p)) == 0)
		return fail(h, ERR_FORMAT, "a pseudo-header that does not "
		    "belong here");
	if (h->seen & BIT(p))
		return fail(h, ERR_FORMAT, "a pseudo-header comes twice");
	if (h->n > 0)
		return fail(h, ERR_FORMAT, "a pseudo-header behind a field");
	h->seen |= BIT(p);
	keep(h, &h->pseudo[p], name, value);
	return 0;
}

static int
content_length(struct h2_head *h, struct slice value)
{
	int64_t n;

	if (h->kind == H2_TRAILERS)
		return fail(h, ERR_FORMAT, "Content-Length in trailers");
	if (slice_number(value, &n) != 0)
		return fail(h, ERR_FORMAT, "Content-Length is not a number");
	if (h->length >= 0 && h->length != n)
		return fail(h, ERR_FORMAT, "two different Content-Lengths");
	h->length = n;
	return 0;
}

static int
check_field(struct h2_head *h, enum h2_meaning meaning, struct slice value)
{
	if (meaning == H2_F_HOP)
		return fail(h, ERR_FORMAT, "a field for connections of "
		    "HTTP/1");
	if (meaning == H2_F_TE && (h->kind != H2_REQUEST ||
	    !slice_is(value, "trailers")))
		return fail(h, ERR_FORMAT, "TE is not \"trailers\"");
	if (meaning == H2_F_HOST && h->kind == H2_TRAILERS)
		return fail(h, ERR_FORMAT, "Host in trailers");
	if (meaning == H2_F_HOST && h->hosts++ > 0)
		return fail(h, ERR_FORMAT, "more than one Host");
	h->cookies += meaning == H2_F_COOKIE;
	return meaning == H2_F_LENGTH ? content_length(h, value) : 0;
}

static int
add_field(struct h2_head *h, enum h2_meaning meaning, struct slice name,
    struct slice value, int never)
{
	struct line *l;

	if (meaning != H2_F_OTHER && check_field(h, meaning, value) != 0)
		return h->error;
	if (h->n == h->cap) {
		h->cap = h->cap > 0 ? h->cap * 2 : 16;
		h->line = xrealloc(h->line, h->cap * sizeof(*h->line));
	}
	l = &h->line[h->n++];
	l->meaning = meaning;
	l->never = never;
	h->nevers += (size_t)never;
	keep(h, l, name, value);
	return 0;
}

/* valid: nothing is wrong with the name. */
static int
add(struct h2_head *h, enum h2_meaning meaning, int valid, struct slice name,
    struct slice value, int never)
{
	if (h->error != 0)
		return h->error;
	h->size += name.len + value.len + LINE_COST;
	if (h->size > h->limit || h->size > SIZE_MOST)
		return fail(h, ERR_LIMIT, "the head is too long");
	if (h->n >= 2 * H2_FIELDS)	/* of cookies, each piece */
		return fail(h, ERR_LIMIT, "too many fields");
	if (!is_value(value))
		return fail(h, ERR_FORMAT, "a value with blanks around it, or "
		    "with control characters");
	if (meaning >= H2_F_PSEUDO)
		return add_pseudo(h, meaning - H2_F_PSEUDO, name, value);
	if (!valid && !slice_is_lower_token(name))
		return fail(h, ERR_FORMAT, "a field name that is no token in "
		    "lower case");
	return add_field(h, meaning, name, value, never);
}

int
h2_head_add(struct h2_head *h, struct slice name, struct slice value,
    int never)
{
	return add(h, h2_meaning(name), 0, name, value, never);
}

int
h2_head_add_known(struct h2_head *h, unsigned known, struct slice name,
    struct slice value, int never)
{
	return add(h, h2_known_meaning[known], 1, name, value, never);
}

/* RFC 3986, 3.1. */
static int
is_scheme(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z') &&
		    (i == 0 || !((s.p[i] >= '0' && s.p[i] <= '9') ||
		    s.p[i] == '+' || s.p[i] == '-' || s.p[i] == '.')))
			return 0;
	return s.len > 0;
}

static int
check_path(struct h2_head *h, struct slice path)
{
	size_t i;

	for (i = 0; i < path.len; i++)
		if (path.p[i] == ' ' || path.p[i] == '\t' || path.p[i] == '#')
			return fail(h, ERR_FORMAT, "a blank or a fragment in "
			    "the path");
	if (path.len > 0 && path.p[0] == '/')
		return 0;
	if (!slice_eq(path, "*"))
		return fail(h, ERR_FORMAT, "the path begins with no slash");
	return slice_eq(pseudo_of(h, H2_P_METHOD), "OPTIONS") ? 0 :
	    fail(h, ERR_FORMAT, "only OPTIONS may have * for a path");
}

/* The pseudo-headers of a request: 8.3.1; of CONNECT: 8.5, and RFC 8441, 4. */
static int
check_pseudo(struct h2_head *h)
{
	const unsigned url = BIT(H2_P_SCHEME) | BIT(H2_P_PATH);
	int connect = slice_eq(pseudo_of(h, H2_P_METHOD), "CONNECT");

	if (!slice_is_token(pseudo_of(h, H2_P_METHOD)))
		return fail(h, ERR_FORMAT, "the method is no token");
	if (h->seen & BIT(H2_P_PROTOCOL) &&
	    (!connect || !slice_is_token(pseudo_of(h, H2_P_PROTOCOL))))
		return fail(h, ERR_FORMAT, ":protocol is no token, or not of "
		    "CONNECT");
	if (connect && h->length > 0)
		return fail(h, ERR_FORMAT, "a CONNECT with a body");
	if (connect && !(h->seen & BIT(H2_P_PROTOCOL)))
		return (h->seen & (url | BIT(H2_P_AUTHORITY))) ==
		    BIT(H2_P_AUTHORITY) ? 0 : fail(h, ERR_FORMAT,
		    "a CONNECT with a URL, or without :authority");
	if ((h->seen & url) != url || !is_scheme(pseudo_of(h, H2_P_SCHEME)))
		return fail(h, ERR_FORMAT, ":scheme or :path is missing");
	return check_path(h, pseudo_of(h, H2_P_PATH));
}

/* The port that is meant without one; 0: it must be there. */
static uint16_t
port_of(const struct h2_head *h)
{
	struct slice scheme = pseudo_of(h, H2_P_SCHEME);

	return scheme.len == 0 ? 0 : slice_is(scheme, "https") ||
	    slice_is(scheme, "wss") ? 443 : 80;
}

/* Its Host field, or NULL. */
static const struct line *
find_host(const struct h2_head *h)
{
	size_t i;

	for (i = 0; i < h->n && h->hosts > 0; i++)
		if (h->line[i].meaning == H2_F_HOST)
			return &h->line[i];
	return NULL;
}

/* Whom it is for: 8.3.1. */
static int
check_host(struct h2_head *h)
{
	const struct line *host = find_host(h);
	struct slice authority = pseudo_of(h, H2_P_AUTHORITY);
	struct http_url u, v;

	if (host != NULL && !(h->seen & BIT(H2_P_AUTHORITY)))
		authority = value_of(h, host);
	if (http_authority(authority, port_of(h), &u) != 0)
		return fail(h, ERR_FORMAT, ":authority or Host is missing, or "
		    "not host[:port]");
	if (host == NULL)
		return 0;
	if (http_authority(value_of(h, host), u.port, &v) != 0 ||
	    u.host.len != v.host.len || u.port != v.port ||
	    strncasecmp(u.host.p, v.host.p, u.host.len) != 0)
		return fail(h, ERR_FORMAT, "Host is not the :authority");
	return 0;
}

/* 8.3.2; and HTTP/2 has no 101 (8.6). */
static int
check_status(struct h2_head *h)
{
	struct slice s = pseudo_of(h, H2_P_STATUS);
	int64_t n;

	if (s.len != 3 || slice_number(s, &n) != 0 || n < 100)
		return fail(h, ERR_FORMAT, "the status is not three digits");
	h->status = (int)n;
	return n == 101 ? fail(h, ERR_FORMAT, "101 in HTTP/2") : 0;
}

/* Cookies become one field, in the place of the first (8.2.3). */
static void
join_cookies(struct h2_head *h)
{
	struct text joined = { NULL, 0, 0 };
	struct line *first = NULL;
	size_t i, n = 0;

	if (h->cookies < 2)
		return;
	for (i = 0; i < h->n; i++) {
		struct line l = h->line[i];

		if (l.meaning == H2_F_COOKIE && first != NULL) {
			if (joined.len == 0)
				text_add(&joined, h->bytes.s + first->value,
				    first->value_len);
			text_add(&joined, "; ", 2);
			text_add(&joined, h->bytes.s + l.value, l.value_len);
			first->never |= l.never;
			continue;
		}
		h->line[n] = l;
		if (l.meaning == H2_F_COOKIE)
			first = &h->line[n];
		n++;
	}
	h->n = n;
	if (joined.len > 0)
		keep(h, first, slice_of("cookie", 6),
		    slice_of(joined.s, joined.len));
	text_free(&joined);
}

/* A request says whom it is for in :authority, or only in Host. */
static void
set_request(struct http_head *m, const struct h2_head *h)
{
	struct slice *const to[] = { &m->method, &m->scheme, &m->authority,
	    &m->path, &m->protocol };
	unsigned p;

	for (p = 0; p < NELEM(to); p++)
		*to[p] = pseudo_of(h, p);
	m->target = m->path.len > 0 ? m->path : m->authority;
	if (m->authority.len == 0)
		m->authority = value_of(h, find_host(h));
}

/* Behind the lines: "host", and which fields are not to be indexed. */
static void
put_rest(struct h2_head *h)
{
	const struct line *l;
	size_t i;
	char *p;

	text_add(&h->bytes, "host", 4);
	for (i = 0; i < h->n && h->nevers > 0; i++) {
		l = &h->line[i];
		if (!l->never)
			continue;
		p = text_more(&h->bytes, l->name_len + 1);
		memcpy(p, h->bytes.s + l->name, l->name_len);
		p[l->name_len] = ',';
	}
}

static void
add_word(struct http_head *m, struct slice name, struct slice value)
{
	m->h[m->n].name = name;
	m->h[m->n++].value = value;
}

static void
make(struct h2_head *h)
{
	size_t i, lines = h->bytes.len, rest = lines + 4;
	struct http_head *m;

	if (h->n + 1 > h->room) {
		h->room = h->n + 16;
		h->made = xrealloc(h->made, offsetof(struct http_head, h) +
		    h->room * sizeof(m->h[0]));
	}
	m = h->made;
	memset(m, 0, offsetof(struct http_head, h));
	put_rest(h);
	m->version = 20;
	m->length = h->length;
	m->response = h->kind == H2_RESPONSE;
	m->status = m->response ? h->status : 0;
	m->never = slice_of(h->bytes.s + rest, h->bytes.len - rest);
	if (!m->response)
		set_request(m, h);
	if (!m->response && h->hosts == 0)
		add_word(m, slice_of(h->bytes.s + lines, 4), m->authority);
	for (i = 0; i < h->n; i++)
		add_word(m, slice_of(h->bytes.s + h->line[i].name,
		    h->line[i].name_len), value_of(h, &h->line[i]));
}

static void
put_trailers(const struct h2_head *h, struct text *out)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		http_put_field(out, slice_of(h->bytes.s + h->line[i].name,
		    h->line[i].name_len), slice_of(h->bytes.s +
		    h->line[i].value, h->line[i].value_len));
}

static int
check(struct h2_head *h)
{
	if (h->error != 0)
		return h->error;
	if (h->kind == H2_RESPONSE)
		return check_status(h);
	if (h->kind == H2_TRAILERS)
		return 0;
	return check_pseudo(h) != 0 ? h->error : check_host(h);
}

static int
finish(struct h2_head *h)
{
	if (check(h) != 0)
		return h->error;
	if (h->kind != H2_TRAILERS)
		join_cookies(h);
	return h->n <= H2_FIELDS ? 0 : fail(h, ERR_LIMIT, "too many fields");
}

int
h2_head_view(struct h2_head *h, const struct http_head **head)
{
	if (finish(h) != 0)
		return h->error;
	make(h);
	*head = h->made;
	return 0;
}

int
h2_head_end(struct h2_head *h, struct http_head **head, struct text *bytes)
{
	*head = NULL;
	if (finish(h) != 0)
		return h->error;
	if (h->kind == H2_TRAILERS) {
		put_trailers(h, bytes);
		return 0;
	}
	make(h);
	*head = http_keep(h->made, h->bytes.s, h->bytes.len, bytes);
	return 0;
}
