/*
 * HTTP/1.1 from the messages of a stream.
 */
#include "http/retell.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/*
 * HTTP/2 has no key (RFC 8441, 5), so all conversations have this one, which
 * is base64 of "Clearspan HTTP/2", and the answer to it (RFC 6455, 4.2.2).
 */
#define KEY	"sec-websocket-key: Q2xlYXJzcGFuIEhUVFAvMg==\r\n"
#define ACCEPT	"sec-websocket-accept: 6q8SH1BUn9r2gVdJWa2l394P47w=\r\n"

static int
refuse(struct retell *r, const char *why)
{
	r->why = why;
	return ERR_FORMAT;
}

static void
put(struct text *out, struct slice s)
{
	text_add(out, s.p, s.len);
}

static void
put_length(struct text *out, uint64_t n)
{
	text_puts(out, "content-length: ");
	text_number(out, n);
	text_add(out, "\r\n", 2);
}

/* Whether no byte of it ends a line, or a string. */
static int
is_line(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return 0;
	return 1;
}

/* Whether it can be a word of a first line: no blanks, no controls. */
static int
is_word(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return 0;
	return s.len > 0;
}

static int
is_websocket(const struct retell *r)
{
	return strcasecmp(r->protocol, "websocket") == 0;
}

/*
 * Whether the conversation has no place for this field: it is about a
 * connection (RFC 9113, 8.2.2), or we say it ourselves.
 */
static int
is_left_out(const struct retell *r, struct slice name)
{
	static const char *const all[] = { "host", "content-length",
	    "transfer-encoding", "connection", "proxy-connection",
	    "keep-alive", "upgrade", "te", "http2-settings" };
	static const char *const socket[] = { "sec-websocket-key",
	    "sec-websocket-accept" };

	return slice_among(name, all, NELEM(all)) ||
	    (is_websocket(r) && slice_among(name, socket, NELEM(socket)));
}

static int
put_fields(struct retell *r, const struct http_head *h, struct text *out)
{
	const struct http_field *f;

	for (f = h->h; f < h->h + h->n; f++) {
		if (!slice_is_token(f->name) || !is_line(f->value))
			return refuse(r, "a field that would end its line");
		if (is_left_out(r, f->name))
			continue;
		http_put_field(out, f->name, f->value);
	}
	return 0;
}

/* How content will be framed; the field that says it. */
static void
put_framing(struct retell *r, enum flow_dir dir, const struct http_head *h,
    int last, struct text *out)
{
	if (h->length >= 0 &&
	    (last || http_find(h, "trailer") == NULL)) {
		r->body[dir] = RETELL_LENGTH;
		r->left[dir] = (uint64_t)h->length;
		put_length(out, r->left[dir]);
	} else if (!last) {
		r->body[dir] = RETELL_CHUNKED;
		text_puts(out, "transfer-encoding: chunked\r\n");
	} else if (dir == DIR_DOWN) {
		put_length(out, 0);
	}
}

/* Of a head that asks for another protocol, or opens it. */
static void
put_upgrade(const struct retell *r, const char *key, struct text *out)
{
	text_puts(out, "upgrade: ");
	text_puts(out, r->protocol);
	text_puts(out, "\r\nconnection: Upgrade\r\n");
	if (is_websocket(r))
		text_puts(out, key);
}

/* What was appended behind len is taken back. */
static int
undo(struct text *out, size_t len)
{
	if (out->s != NULL)
		out->s[len] = '\0';
	out->len = len;
	return ERR_FORMAT;
}

/* GET /path HTTP/1.1, or CONNECT host:port HTTP/1.1; then Host. */
static int
put_request_line(struct retell *r, const struct http_head *h,
    struct text *out)
{
	int upgrade = r->protocol[0] != '\0';
	struct slice target = r->connect && !upgrade ? h->authority : h->path;

	if (!slice_is_token(h->method) || !is_word(target) ||
	    (h->authority.len > 0 && !is_word(h->authority)) ||
	    (target.p == h->path.p && target.p[0] != '/' &&
	    !slice_eq(target, "*")))
		return refuse(r, "a request line that would end early");
	put(out, upgrade ? slice_of("GET", 3) : h->method);
	text_add(out, " ", 1);
	put(out, target);
	text_puts(out, " HTTP/1.1\r\n");
	http_put_field(out, slice_of("host", 4), h->authority);
	return 0;
}

static int
read_method(struct retell *r, const struct http_head *h)
{
	r->head = (uint8_t)slice_eq(h->method, "HEAD");
	r->connect = (uint8_t)slice_eq(h->method, "CONNECT");
	if (!r->connect || h->protocol.len == 0)
		return 0;
	if (h->protocol.len >= sizeof(r->protocol) ||
	    !slice_is_token(h->protocol))
		return refuse(r, "a protocol that is no word");
	memcpy(r->protocol, h->protocol.p, h->protocol.len);
	return 0;
}

int
retell_request(struct retell *r, const struct http_head *h, int last,
    struct text *out)
{
	size_t len = out->len;

	if (read_method(r, h) != 0 || put_request_line(r, h, out) != 0 ||
	    put_fields(r, h, out) != 0)
		return undo(out, len);
	if (r->protocol[0] != '\0')
		put_upgrade(r, KEY, out);
	if (!r->connect)
		put_framing(r, DIR_UP, h, last, out);
	text_add(out, "\r\n", 2);
	return 0;
}

/* Frames the response, and says so in out. */
static void
put_response_framing(struct retell *r, const struct http_head *h, int last,
    struct text *out)
{
	if (h->status < 200 || h->status == 204)
		return;
	if (r->connect && h->status < 300) {
		r->body[DIR_UP] = r->body[DIR_DOWN] = RETELL_TUNNEL;
	} else if (r->head || h->status == 304) {
		if (h->length >= 0)
			put_length(out, (uint64_t)h->length);
	} else {
		put_framing(r, DIR_DOWN, h, last, out);
	}
}

int
retell_response(struct retell *r, const struct http_head *h, int last,
    struct text *out)
{
	int opens = r->protocol[0] != '\0' &&
	    h->status >= 200 && h->status < 300;
	size_t len = out->len;

	/* 101 has no place in HTTP/2 (RFC 9113, 8.6). */
	if (h->status < 100 || h->status > 999 || h->status == 101)
		return refuse(r, "a status that cannot be");
	text_puts(out, "HTTP/1.1 ");
	text_number(out, opens ? 101 : (uint64_t)h->status);
	text_puts(out, opens ? " Switching Protocols\r\n" : " \r\n");
	if (put_fields(r, h, out) != 0)
		return undo(out, len);
	if (opens)
		put_upgrade(r, ACCEPT, out);
	put_response_framing(r, h, last, out);
	text_add(out, "\r\n", 2);
	return 0;
}

int
retell_data(struct retell *r, enum flow_dir dir, struct slice *data,
    struct text *out)
{
	char size[HTTP_CHUNK_MAX];

	if (data->len == 0 || r->body[dir] == RETELL_TUNNEL)
		return 0;
	if (r->body[dir] == RETELL_NONE)
		return refuse(r, "content where none may be");
	if (r->body[dir] == RETELL_LENGTH) {
		if (data->len > r->left[dir])
			return refuse(r, "more content than its length");
		r->left[dir] -= data->len;
		return 0;
	}
	text_add(out, size, http_chunk(size, data->len));
	put(out, *data);
	text_add(out, "\r\n", 2);
	*data = slice_of(out->s, out->len);
	return 0;
}

/* Trailers cannot say what only a head may (RFC 9110, 6.5.1). */
static void
put_trailers(struct retell *r, struct slice lines, struct text *out)
{
	struct slice line, name;

	while (slice_cut(&lines, '\n', &line)) {
		if (!slice_cut(&line, ':', &name) || is_left_out(r, name))
			continue;
		put(out, name);
		text_add(out, ":", 1);
		put(out, line);
		text_add(out, "\n", 1);
	}
}

int
retell_end(struct retell *r, enum flow_dir dir, const struct text *trailers,
    struct text *out)
{
	if (r->body[dir] == RETELL_LENGTH && r->left[dir] > 0)
		return refuse(r, "less content than its length");
	if (r->body[dir] != RETELL_CHUNKED)
		return 0;
	text_puts(out, "0\r\n");
	if (trailers != NULL)
		put_trailers(r, slice_of(trailers->s, trailers->len), out);
	text_add(out, "\r\n", 2);
	return 0;
}
