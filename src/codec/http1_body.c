/*
 * Bodies of HTTP/1 messages: how they are framed (RFC 9112, 6.3) and where
 * they end (7.1). The follower keeps a state and a count, no bytes.
 */
#include "codec/http1.h"

#include "util/err.h"

/*
 * A chunk's line with its extensions, and all trailers together: more is
 * nothing but a way to keep us reading.
 */
enum {
	CHUNK_LINE_MAX = 1024,
	ICAP_LINE_MAX = 4096,
	TRAILERS_MAX = 16384
};

enum {				/* http1_body.state */
	ST_DATA,		/* left bytes of content */
	ST_SIZE_FIRST,		/* the first digit of a chunk's size */
	ST_SIZE,		/* more digits */
	ST_SIZE_BLANK,		/* blanks behind it */
	ST_EXT,			/* ;extension until CR */
	ST_SIZE_LF,		/* LF behind the size */
	ST_DATA_CR,		/* CRLF behind a chunk's content */
	ST_DATA_LF,
	ST_LINE,		/* a trailer line, or the last CRLF */
	ST_NAME,		/* a trailer's name */
	ST_VALUE,		/* ... and its value */
	ST_LINE_LF,		/* LF behind a trailer */
	ST_LAST_LF,		/* LF of the last, empty line */
	ST_END,
	ST_BAD			/* an error was told; it stays so */
};

int
http1_has_no_body(const struct http_head *h, int to_head)
{
	return h->response && (h->status < 200 || h->status == 204 ||
	    h->status == 304 || to_head);
}

enum http1_kind
http1_body_of(const struct http_text *m, struct slice method)
{
	const struct http_head *h = &m->head;

	if (h->response && h->status == 101)
		return HTTP1_TUNNEL;
	if (http1_has_no_body(h, slice_eq(method, "HEAD")))
		return HTTP1_NONE;
	if (slice_eq(h->response ? method : h->method, "CONNECT") &&
	    h->status < 300)
		return h->response ? HTTP1_TUNNEL : HTTP1_NONE;
	if (m->chunked)
		return HTTP1_CHUNKED;
	if (m->coded)
		return HTTP1_CLOSE;
	if (h->length != -1)
		return h->length > 0 ? HTTP1_LENGTH : HTTP1_NONE;
	return h->response ? HTTP1_CLOSE : HTTP1_NONE;
}

void
http1_body_init(struct http1_body *b, const struct http_text *m,
    struct slice method)
{
	memset(b, 0, sizeof(*b));
	b->kind = http1_body_of(m, method);
	b->response = m->head.response;
	b->state = b->kind == HTTP1_NONE ? ST_END :
	    b->kind == HTTP1_CHUNKED ? ST_SIZE_FIRST : ST_DATA;
	b->left = b->kind == HTTP1_LENGTH ? (uint64_t)m->head.length :
	    b->kind == HTTP1_CHUNKED ? 0 : UINT64_MAX;
}

void
http1_body_init_close(struct http1_body *b)
{
	memset(b, 0, sizeof(*b));
	b->kind = HTTP1_CLOSE;
	b->state = ST_DATA;
	b->left = UINT64_MAX;
}

void
http1_body_init_icap(struct http1_body *b)
{
	memset(b, 0, sizeof(*b));
	b->kind = HTTP1_CHUNKED;
	b->state = ST_SIZE_FIRST;
	b->icap = 1;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
bad(struct http1_body *b, const char *why)
{
	b->state = ST_BAD;
	b->why = why;
	return ERR_FORMAT;
}

static int
expect(struct http1_body *b, uint8_t c, uint8_t want, int next,
    const char *why)
{
	if (c != want)
		return bad(b, why);
	b->state = next;
	return 0;
}

/* A byte of the extensions, or before them, as ICAP wants it kept. */
static int
icap_ext_byte(struct http1_body *b, uint8_t c)
{
	if (b->ext_len == 0 && (c == ' ' || c == '\t'))
		return 0;
	if (b->ext_len == 0 && c != ';')
		return bad(b, "a chunk's size is not a number");
	if (b->ext_len < HTTP1_EXT)
		b->ext[b->ext_len] = (char)c;
	b->ext_len++;
	return 0;
}

/* A byte of the line with a chunk's size. */
static int
size_byte(struct http1_body *b, uint8_t c)
{
	int d = hex_digit(c);

	if (++b->line > (b->icap ? ICAP_LINE_MAX : CHUNK_LINE_MAX))
		return bad(b, "the line of a chunk's size is too long");
	if (b->state == ST_SIZE_FIRST)
		b->ext_len = 0;
	if (b->state < ST_SIZE_BLANK && d >= 0) {
		if (b->left > (uint64_t)INT64_MAX >> 4)
			return bad(b, "a chunk's size is too big");
		b->left = b->left << 4 | (unsigned)d;
		b->state = ST_SIZE;
		return 0;
	}
	if (b->state == ST_SIZE_FIRST)
		return bad(b, "a chunk's size is not a number");
	if (c == '\r') {
		b->state = ST_SIZE_LF;
		return 0;
	}
	if (b->state == ST_SIZE && b->response && (c == ' ' || c == '\t')) {
		b->state = ST_SIZE_BLANK;
		return 0;
	}
	if (b->state == ST_SIZE_BLANK && (c == ' ' || c == '\t'))
		return 0;
	if (b->state != ST_EXT && c != ';' && !b->icap)
		return bad(b, "a chunk's size is not a number");
	b->state = ST_EXT;
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return bad(b, "a control character in a chunk extension");
	return b->icap ? icap_ext_byte(b, c) : 0;
}

/* A byte of the trailers; line counts them all together. */
static int
trailer_byte(struct http1_body *b, uint8_t c)
{
	if (++b->line > TRAILERS_MAX)
		return bad(b, "the trailers are too long");
	if (b->trailers != NULL && (c != '\r' || b->state != ST_LINE))
		text_add(b->trailers, (const char *)&c, 1);
	if (c == '\r') {
		if (b->state == ST_NAME)
			return bad(b, "a trailer without a colon");
		b->state = b->state == ST_LINE ? ST_LAST_LF : ST_LINE_LF;
		return 0;
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return bad(b, "a control character in a trailer");
	if (b->state == ST_VALUE)
		return 0;
	if (c == ':') {
		if (b->state == ST_LINE)
			return bad(b, "a trailer without a name");
		b->state = ST_VALUE;
		return 0;
	}
	if (c == '"' || c == ' ' || c == '\t' || c >= 0x80 ||
	    strchr("(),/;<=>?@[\\]{}", c) != NULL)
		return bad(b, "a trailer name that is no token");
	b->state = ST_NAME;
	return 0;
}

/* A chunk's line is over: content, or after the last chunk the trailers. */
static int
size_ended(struct http1_body *b, uint8_t c)
{
	b->line = 0;
	return expect(b, c, '\n', b->left > 0 ? ST_DATA : ST_LINE,
	    "a CR without its LF behind a chunk's size");
}

/* A byte that is not content. */
static int
frame_byte(struct http1_body *b, uint8_t c)
{
	switch (b->state) {
	case ST_SIZE_FIRST:
	case ST_SIZE:
	case ST_SIZE_BLANK:
	case ST_EXT:
		return size_byte(b, c);
	case ST_SIZE_LF:
		return size_ended(b, c);
	case ST_DATA_CR:
		return expect(b, c, '\r', ST_DATA_LF,
		    "a chunk is longer than its size");
	case ST_DATA_LF:
		return expect(b, c, '\n', ST_SIZE_FIRST,
		    "a CR without its LF behind a chunk");
	case ST_LINE_LF:
		if (b->trailers != NULL)
			text_puts(b->trailers, "\n");
		return expect(b, c, '\n', ST_LINE,
		    "a CR without its LF behind a trailer");
	case ST_LAST_LF:
		return expect(b, c, '\n', ST_END,
		    "a CR without its LF behind the trailers");
	}
	return trailer_byte(b, c);
}

/* Up to left bytes of content from the front of in. */
static void
take(struct http1_body *b, struct slice *in, struct slice *payload)
{
	size_t n = in->len < b->left ? in->len : (size_t)b->left;

	*payload = slice_of(in->p, n);
	in->p += n;
	in->len -= n;
	b->payload += n;
	if (b->kind == HTTP1_CLOSE || b->kind == HTTP1_TUNNEL)
		return;
	b->left -= n;
	if (b->left == 0)
		b->state = b->kind == HTTP1_CHUNKED ? ST_DATA_CR : ST_END;
}

int
http1_body_next(struct http1_body *b, struct slice *in, struct slice *payload)
{
	int e;

	if (b->state == ST_BAD)
		return ERR_FORMAT;
	while (b->state != ST_END && in->len > 0) {
		if (b->state == ST_DATA) {
			take(b, in, payload);
			return 1;
		}
		if ((e = frame_byte(b, (uint8_t)in->p[0])) != 0)
			return e;
		in->p++;
		in->len--;
	}
	return b->state == ST_END ? 0 : ERR_SHORT;
}

int
http1_body_ended(const struct http1_body *b)
{
	return b->state == ST_END;
}

int
http1_body_eof(const struct http1_body *b)
{
	return b->state == ST_END || (b->state == ST_DATA &&
	    (b->kind == HTTP1_CLOSE || b->kind == HTTP1_TUNNEL)) ?
	    0 : ERR_SHORT;
}
