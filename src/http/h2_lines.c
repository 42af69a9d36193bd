/*
 * Heads as field lines of HTTP/2. How many there will be at most, and how long
 * their names are, is counted first, so that nothing moves.
 */
#include "http/h2_lines.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/fields.h"
#include "util/err.h"
#include "util/mem.h"

#define PSEUDO_MAX	5
#define NUMBER_LEN	21		/* with a NUL */

/* While they are made. */
struct making {
	struct h2_lines	*to;
	char		*at;		/* free space in bytes */
};

static void
begin(struct making *k, struct h2_lines *to, size_t lines, size_t bytes)
{
	to->v = xcalloc(lines, sizeof(*to->v));
	to->n = 0;
	to->bytes = xmalloc(bytes);
	k->to = to;
	k->at = to->bytes;
}

void
h2_lines_free(struct h2_lines *l)
{
	free(l->v);
	free(l->bytes);
	memset(l, 0, sizeof(*l));
}

static void
put(struct making *k, struct slice name, struct slice value, int never)
{
	nghttp2_nv *v = &k->to->v[k->to->n++];

	v->name = (uint8_t *)(uintptr_t)name.p;
	v->namelen = name.len;
	v->value = (uint8_t *)(uintptr_t)(value.p != NULL ? value.p : "");
	v->valuelen = value.len;
	v->flags = never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
}

static void
put_pseudo(struct making *k, const char *name, struct slice value)
{
	put(k, slice_of(name, strlen(name)), value, 0);
}

static struct slice
lower(struct making *k, struct slice name)
{
	struct slice s = slice_of(k->at, name.len);
	size_t i;

	for (i = 0; i < name.len; i++)
		*k->at++ = (char)tolower((unsigned char)name.p[i]);
	return s;
}

static size_t
cookies_in(struct slice value)
{
	struct slice piece;
	size_t n = 1;

	while (slice_cut(&value, ';', &piece))
		n++;
	return n;
}

/* In pieces, which HPACK can index (8.2.3). */
static void
put_cookies(struct making *k, struct slice name, struct slice value, int never)
{
	const char *end;

	while ((end = value.len > 0 ? memmem(value.p, value.len, "; ", 2) :
	    NULL) != NULL) {
		put(k, name, slice_of(value.p, (size_t)(end - value.p)), never);
		value.len -= (size_t)(end + 2 - value.p);
		value.p = end + 2;
	}
	put(k, name, value, never);
}

static int
is_left_out(const struct http_options *named, struct slice name, int changed)
{
	static const char *const hop[] = { "connection", "proxy-connection",
	    "keep-alive", "transfer-encoding", "upgrade", "http2-settings",
	    "host" };
	static const char *const digest[] = { "content-md5", "digest",
	    "content-digest", "repr-digest" };

	return slice_among(name, hop, NELEM(hop)) ||
	    (changed && slice_among(name, digest, NELEM(digest))) ||
	    (!slice_is(name, "content-length") && !slice_is(name, "te") &&
	    http_options_have(named, name));
}

static struct slice
number(struct making *k, int64_t n)
{
	struct slice s = { k->at, 0 };

	s.len = (size_t)snprintf(k->at, NUMBER_LEN, "%lld", (long long)n);
	k->at += s.len;
	return s;
}

static int
is_never(struct slice list, struct slice name)
{
	struct slice item;

	while (list.len > 0 && slice_item(&list, &item))
		if (item.len == name.len &&
		    strncasecmp(item.p, name.p, name.len) == 0)
			return 1;
	return 0;
}

static void
put_field(struct making *k, struct slice never, const struct http_field *f)
{
	struct slice name = lower(k, f->name);

	if (slice_eq(name, "cookie"))
		put_cookies(k, name, f->value, is_never(never, name));
	else if (!slice_eq(name, "te"))
		put(k, name, f->value, is_never(never, name));
	else if (slice_lists(f->value, "trailers"))
		put_pseudo(k, "te", slice_of("trailers", 8));
}

/* The length in its old place, and once. */
static void
put_fields(struct making *k, const struct http_head *m, const struct h2_say *o)
{
	int64_t length = o->length;
	struct http_options named;
	size_t i;

	http_options_read(&named, m);
	for (i = 0; i < m->n; i++) {
		if (is_left_out(&named, m->h[i].name, o->changed))
			continue;
		if (!slice_is(m->h[i].name, "content-length")) {
			put_field(k, m->never, &m->h[i]);
			continue;
		}
		if (length >= 0)
			put_pseudo(k, "content-length", number(k, length));
		length = -1;
	}
	if (length >= 0)
		put_pseudo(k, "content-length", number(k, length));
}

/* Its path, without what is not sent (RFC 9110, 4.2.4 and 7.1). */
static struct slice
path_of(struct making *k, const struct http_head *m)
{
	struct slice path = m->path, front;
	char *p = k->at;

	if (slice_cut(&path, '#', &front))
		path = front;
	if (path.len == 0)
		return slice_eq(m->method, "OPTIONS") ? slice_of("*", 1) :
		    slice_of("/", 1);
	if (path.p[0] != '?')
		return path;
	*k->at++ = '/';
	memcpy(k->at, path.p, path.len);
	k->at += path.len;
	return slice_of(p, path.len + 1);
}

static int
put_request(struct making *k, const struct http_head *m,
    const struct h2_say *o)
{
	struct slice to = m->authority.len > 0 ? m->authority : o->authority;
	struct slice protocol = o->came != NULL ? o->came->protocol :
	    m->protocol;
	int connect = slice_eq(m->method, "CONNECT");

	if (to.len == 0 || (connect && protocol.len == 0 &&
	    m->target.len > 0 && m->target.p[0] == '/'))
		return ERR_FORMAT;
	put_pseudo(k, ":method", protocol.len > 0 ? slice_of("CONNECT", 7) :
	    m->method);
	if (!connect || protocol.len > 0) {
		put_pseudo(k, ":scheme", m->scheme.len > 0 ? m->scheme :
		    slice_of(o->scheme, strlen(o->scheme)));
		put_pseudo(k, ":path", path_of(k, m));
	}
	put_pseudo(k, ":authority", to);
	if (protocol.len > 0)
		put_pseudo(k, ":protocol", protocol);
	return 0;
}

static int
put_status(struct making *k, const struct http_head *m)
{
	if (m->status < 100 || m->status > 999 || m->status == 101)
		return ERR_FORMAT;
	put_pseudo(k, ":status", number(k, m->status));
	return 0;
}

int
h2_lines(struct h2_lines *to, const struct http_head *m,
    const struct h2_say *o)
{
	const struct http_field *trailer = o->came != NULL &&
	    http_find(m, "trailer") == NULL ?
	    http_find(o->came, "trailer") : NULL;
	size_t i, n = PSEUDO_MAX + 3, len = 2 * NUMBER_LEN + m->path.len + 1;
	struct making k;
	int rv;

	for (i = 0; i < m->n; i++) {
		n += slice_is(m->h[i].name, "cookie") ?
		    cookies_in(m->h[i].value) : 1;
		len += m->h[i].name.len;
	}
	begin(&k, to, n, len);
	rv = m->response ? put_status(&k, m) : put_request(&k, m, o);
	if (rv != 0) {
		h2_lines_free(to);
		return rv;
	}
	put_fields(&k, m, o);
	if (o->came != NULL && http_find(m, "te") == NULL &&
	    http_has_token(o->came, "te", "trailers"))
		put_pseudo(&k, "te", slice_of("trailers", 8));
	if (trailer != NULL)
		put_pseudo(&k, "trailer", trailer->value);
	return rv;
}

void
h2_lines_trailers(struct h2_lines *to, const struct text *lines)
{
	struct slice in = slice_of(lines->s, lines->len), line;
	struct http_options named = { 0 };
	struct http_field f;
	struct making k;
	const char *why;
	size_t n = 1;

	while (slice_cut(&in, '\n', &line))
		n++;
	begin(&k, to, n, lines->len + 1);
	in = slice_of(lines->s, lines->len);
	while ((line = fields_line(&in)).len > 0)
		if (fields_cut(line, &f.name, &f.value, &why) == 0 &&
		    !slice_is(f.name, "content-length") &&
		    !is_left_out(&named, f.name, 0))
			put_field(&k, slice_of(NULL, 0), &f);
}
