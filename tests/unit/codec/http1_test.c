/*
 * HTTP/1 heads and bodies: the messages of http1_cases.h, each whole and in
 * every split; and what a table does not show well.
 */
#include "codec/http1_follow.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#include "test.h"
#include "codec/http1_write.h"
#include "http1_cases.h"

typedef int read_head(struct http_text *, const char *, size_t);

static struct http_text m;

static read_head *
reader(const struct http1_case *c)
{
	return c->type == 'R' ? http_response : http_request;
}

static int
read_whole(const char *text, size_t len)
{
	memset(&m, 0, sizeof(m));
	return http_request(&m, text, len);
}

#define READ(text)	read_whole(text, sizeof(text) - 1)

static void
check_head(const struct http1_case *c, int e)
{
	ck_assert_msg(e == c->e, "%s: %d, not %d (%s)", c->name, e, c->e,
	    m.why != NULL ? m.why : "-");
	if (c->why != NULL)
		ck_assert_msg(m.why != NULL && strstr(m.why, c->why) != NULL,
		    "%s: refused for \"%s\"", c->name, m.why);
}

static void
check_body(const struct http1_case *c, const char *text, size_t len,
    size_t step)
{
	struct http1_body b;
	struct slice get = slice_of("GET", 3);
	size_t used, n = 0;
	int e = ERR_SHORT;

	http1_body_init(&b, &m, get);
	ck_assert_msg(b.kind == c->kind, "%s: kind %d", c->name, b.kind);
	while (e == ERR_SHORT && n <= len) {
		e = http1_body_follow(&b, text + n,
		    step < len - n ? step : len - n, &used);
		n += used;
		if (n == len && used == 0)
			break;
	}
	ck_assert_msg(e == c->body_e, "%s: body ends with %d (%s)", c->name,
	    e, b.why != NULL ? b.why : "-");
	ck_assert_msg(b.payload == c->payload, "%s: content of %ju", c->name,
	    (uintmax_t)b.payload);
	ck_assert_msg(len - n == c->rest, "%s: %zu left", c->name, len - n);
	ck_assert_int_eq(http1_body_ended(&b), e == 0);
}

TEST(every_message_is_read_or_refused_as_the_table_says)
{
	const struct http1_case *c;
	size_t i;
	int e;

	for (i = 0; i < NELEM(cases); i++) {
		c = &cases[i];
		if (c->type == 'C')
			continue;
		memset(&m, 0, sizeof(m));
		e = reader(c)(&m, c->text, c->len);
		check_head(c, e);
		if (e == 0) {
			check_body(c, c->text + m.len, c->len - m.len, 4096);
			check_body(c, c->text + m.len, c->len - m.len, 1);
		}
	}
}
END

TEST(every_message_is_the_same_when_it_comes_byte_by_byte)
{
	const struct http1_case *c;
	size_t i, n;
	char *copy;
	int e;

	for (i = 0; i < NELEM(cases); i++) {
		c = &cases[i];
		if (c->type == 'C')
			continue;
		memset(&m, 0, sizeof(m));
		for (n = 0, e = ERR_SHORT; n <= c->len && e == ERR_SHORT; n++) {
			/* Its very size and another place each time. */
			copy = xmemdup(c->text, n);
			e = reader(c)(&m, copy, n);
			if (e != ERR_SHORT || n == c->len)
				check_head(c, e);
			free(copy);
		}
	}
}
END

TEST(every_bad_chunk_is_refused_with_its_reason)
{
	const struct http1_case *c;
	struct http1_body b;
	size_t i, n, used;
	int e;

	for (i = 0; i < NELEM(cases); i++) {
		c = &cases[i];
		if (c->type != 'C')
			continue;
		ck_assert_int_eq(READ(POST TE E), 0);
		http1_body_init(&b, &m, slice_of(NULL, 0));
		e = http1_body_follow(&b, c->text, c->len, &used);
		ck_assert_msg(e == ERR_FORMAT, "%s: %d", c->name, e);
		ck_assert_msg(strstr(b.why, c->why) != NULL, "%s: \"%s\"",
		    c->name, b.why);
		http1_body_init(&b, &m, slice_of(NULL, 0));
		for (n = 0, e = ERR_SHORT; n < c->len && e == ERR_SHORT; n++)
			e = http1_body_follow(&b, c->text + n, 1, &used);
		ck_assert_msg(e == ERR_FORMAT, "%s in bytes: %d", c->name, e);
		ck_assert_int_eq(http1_body_follow(&b, "0\r\n\r\n", 5, &used),
		    ERR_FORMAT);
	}
}
END

TEST(names_of_cases_are_unique_and_there_are_enough)
{
	size_t i, j;

	ck_assert_uint_ge(NELEM(cases), 150);
	for (i = 0; i < NELEM(cases); i++)
		for (j = i + 1; j < NELEM(cases); j++)
			ck_assert_str_ne(cases[i].name, cases[j].name);
}
END

TEST(a_head_is_cut_into_its_parts)
{
	ck_assert_int_eq(READ("PUT /x?y HTTP/1.1\r\nhOsT: a\r\n"
	    "Accept:  text/html,  */* \r\n\r\nbody"), 0);
	ck_assert_uint_eq(m.len, 57);
	ck_assert(slice_eq(m.head.method, "PUT"));
	ck_assert(slice_eq(m.head.target, "/x?y"));
	ck_assert_int_eq(m.head.version, 11);
	ck_assert_uint_eq(m.head.n, 2);
	ck_assert(slice_eq(m.head.h[1].name, "Accept"));
	ck_assert(slice_eq(m.head.h[1].value, "text/html,  */*"));
	ck_assert(slice_eq(http_value(&m.head, "HOST"), "a"));
	ck_assert_ptr_null(http_find(&m.head, "hos"));
	ck_assert_uint_eq(http_value(&m.head, "cookie").len, 0);
}
END

TEST(a_status_line_is_cut_into_its_parts)
{
	static const char r[] = "HTTP/1.0 418 I'm a teapot\r\nA: b\r\n\r\n";

	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(http_response(&m, r, sizeof(r) - 1), 0);
	ck_assert_int_eq(m.head.status, 418);
	ck_assert_int_eq(m.head.version, 10);
	ck_assert(slice_eq(m.head.reason, "I'm a teapot"));
}
END

TEST(a_token_is_found_in_any_line_of_a_list)
{
	ck_assert_int_eq(READ(GET "Connection: keep-alive, Upgrade\r\n"
	    "Connection:\tx ,CLOSE\r\n\r\n"), 0);
	ck_assert(http_has_token(&m.head, "connection", "upgrade"));
	ck_assert(http_has_token(&m.head, "connection", "close"));
	ck_assert(http_has_token(&m.head, "Connection", "X"));
	ck_assert(!http_has_token(&m.head, "connection", "alive"));
	ck_assert(!http_has_token(&m.head, "connection", "keep-alive, Upgrade"));
}
END

TEST(connections_are_kept_as_version_and_field_say)
{
	ck_assert_int_eq(READ(GET E), 0);
	ck_assert(http1_keeps_alive(&m.head));
	ck_assert_int_eq(READ(GET "Connection: close\r\n\r\n"), 0);
	ck_assert(!http1_keeps_alive(&m.head));
	ck_assert_int_eq(READ("GET / HTTP/1.0\r\n\r\n"), 0);
	ck_assert(!http1_keeps_alive(&m.head));
	ck_assert_int_eq(READ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n"
	    "\r\n"), 0);
	ck_assert(http1_keeps_alive(&m.head));
}
END

TEST(a_head_over_the_limit_is_refused)
{
	char *big = xmalloc(HTTP_HEAD_MAX + 10);

	memset(big, 'a', HTTP_HEAD_MAX + 10);
	memcpy(big, GET "A: ", strlen(GET "A: "));
	memcpy(big + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(read_whole(big, HTTP_HEAD_MAX + 10), 0);
	memcpy(big + HTTP_HEAD_MAX - 4, "aaaa", 4);
	memcpy(big + HTTP_HEAD_MAX - 3, "\r\n\r\n", 4);
	ck_assert_int_eq(read_whole(big, HTTP_HEAD_MAX), ERR_SHORT);
	ck_assert_int_eq(read_whole(big, HTTP_HEAD_MAX + 1), ERR_LIMIT);
	free(big);
}
END

TEST(too_many_fields_are_refused)
{
	struct text t = { NULL, 0, 0 };
	int i;

	text_puts(&t, GET);
	for (i = 0; i < HTTP_FIELDS - 1; i++)
		text_puts(&t, "a: b\r\n");
	text_puts(&t, E);
	ck_assert_int_eq(read_whole(t.s, t.len), 0);
	t.len -= 2;
	text_puts(&t, "a: b\r\n\r\n");
	ck_assert_int_eq(read_whole(t.s, t.len), ERR_LIMIT);
	text_free(&t);
}
END

/* Each option is held against each field: there must not be many. */
TEST(a_connection_field_of_many_options_is_refused)
{
	struct http_options o;
	struct text t = { NULL, 0, 0 };
	int i;

	text_puts(&t, GET "Connection: ");
	for (i = 0; i < 50000; i++)
		text_puts(&t, ",");
	text_puts(&t, "\r\n\r\n");
	ck_assert_int_eq(read_whole(t.s, t.len), ERR_LIMIT);
	ck_assert_str_eq(m.why, "Connection lists too many options");
	text_clear(&t);
	text_puts(&t, GET);
	for (i = 0; i < HTTP_OPTIONS; i++)
		text_printf(&t, "Connection: %s\r\n", i % 2 ? "" : "x-a");
	text_puts(&t, "X-A: 1\r\n\r\n");
	ck_assert_int_eq(read_whole(t.s, t.len), 0);
	http_options_read(&o, &m.head);
	ck_assert_uint_eq(o.n, HTTP_OPTIONS / 2);
	ck_assert(http_options_have(&o, slice_of("X-A", 3)));
	ck_assert(!http_options_have(&o, slice_of("X-", 2)));
	t.len -= strlen("X-A: 1\r\n\r\n");
	text_puts(&t, "Connection: close\r\n\r\n");
	ck_assert_int_eq(read_whole(t.s, t.len), ERR_LIMIT);
	text_free(&t);
}
END

/* SSTP, and AnyConnect; nothing like them. */
TEST(tunnels_in_disguise_are_read)
{
	struct text t = { NULL, 0, 0 };
	struct http1_out o = { .kind = HTTP1_LENGTH, .length = HTTP_ENDLESS };

	ck_assert_int_eq(READ(GET "Content-Length: 18446744073709551615\r\n"
	    "\r\n"), 0);
	ck_assert_int_eq(m.head.length, HTTP_ENDLESS);
	ck_assert_int_eq(http1_write(&t, &m.head, &o), 0);
	ck_assert_ptr_nonnull(strstr(t.s,
	    "\r\nContent-Length: 18446744073709551615\r\n"));
	text_free(&t);
	ck_assert_int_eq(READ(GET "Content-Length: 18446744073709551614\r\n"
	    "\r\n"), ERR_FORMAT);
	ck_assert_int_eq(READ(GET "Content-Length: 9223372036854775807\r\n"
	    "\r\n"), ERR_FORMAT);
	ck_assert_int_eq(READ(GET "Content-Length: 18446744073709551615\r\n"
	    "Content-Length: 5\r\n\r\n"), ERR_FORMAT);
	ck_assert_int_eq(READ("CONNECT /tunnel HTTP/1.1\r\nHost: a\r\n\r\n"),
	    0);
	ck_assert_int_eq(READ("CONNECT tunnel HTTP/1.1\r\nHost: a\r\n\r\n"),
	    ERR_FORMAT);
}
END

/* Byte by byte, each byte is looked at once. */
TEST(a_head_that_trickles_is_looked_through_once)
{
	struct text t = { NULL, 0, 0 };
	size_t i, before, steps = 0;

	text_puts(&t, GET "A: ");
	while (t.len < 60000)
		text_puts(&t, "aaaaaaaaaa");
	text_puts(&t, "\r\n\r\n");
	m.scanned = 0;
	for (i = 1; i < t.len; i++) {
		before = m.scanned;
		ck_assert_int_eq(http_request(&m, t.s, i), ERR_SHORT);
		steps += i - before;
	}
	ck_assert_uint_le(steps, 2 * t.len);
	text_free(&t);
}
END

TEST(the_answer_to_head_or_connect_is_framed_by_the_request)
{
	static const char r[] = OK "Content-Length: 5\r\n\r\n";
	static const char no[] = "HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\n";

	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(http_response(&m, r, sizeof(r) - 1), 0);
	ck_assert_int_eq(http1_body_of(&m, slice_of("HEAD", 4)), HTTP1_NONE);
	ck_assert_int_eq(http1_body_of(&m, slice_of("CONNECT", 7)),
	    HTTP1_TUNNEL);
	ck_assert_int_eq(http1_body_of(&m, slice_of("head", 4)), HTTP1_LENGTH);
	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(http_response(&m, no, sizeof(no) - 1), 0);
	ck_assert_int_eq(http1_body_of(&m, slice_of("CONNECT", 7)),
	    HTTP1_LENGTH);
}
END

TEST(content_is_yielded_without_its_framing)
{
	static const char c[] = "3;x\r\nabc\r\n5\r\ndefgh\r\n0\r\nT: t\r\n\r\nGET";
	struct text t = { NULL, 0, 0 };
	struct slice in = slice_of(c, sizeof(c) - 1), p;
	struct http1_body b;
	int e;

	ck_assert_int_eq(READ(POST TE E), 0);
	http1_body_init(&b, &m, slice_of(NULL, 0));
	while ((e = http1_body_next(&b, &in, &p)) == 1)
		text_add(&t, p.p, p.len);
	ck_assert_int_eq(e, 0);
	ck_assert_str_eq(t.s, "abcdefgh");
	ck_assert(slice_eq(in, "GET"));
	ck_assert_int_eq(http1_body_next(&b, &in, &p), 0);
	text_free(&t);
}
END

TEST(a_body_cut_off_by_the_end_of_the_connection_is_told)
{
	static const char r[] = OK E;
	struct http1_body b;
	size_t used;

	ck_assert_int_eq(READ(POST "Content-Length: 5\r\n\r\n"), 0);
	http1_body_init(&b, &m, slice_of(NULL, 0));
	http1_body_follow(&b, "abc", 3, &used);
	ck_assert_int_eq(http1_body_eof(&b), ERR_SHORT);
	ck_assert_int_eq(READ(POST TE E), 0);
	http1_body_init(&b, &m, slice_of(NULL, 0));
	http1_body_follow(&b, "3\r\nabc\r\n0\r\n", 11, &used);
	ck_assert_int_eq(http1_body_eof(&b), ERR_SHORT);
	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(http_response(&m, r, sizeof(r) - 1), 0);
	http1_body_init(&b, &m, slice_of("GET", 3));
	http1_body_follow(&b, "abc", 3, &used);
	ck_assert_int_eq(http1_body_eof(&b), 0);
}
END

TEST(chunk_lines_and_trailers_have_a_bound)
{
	struct text t = { NULL, 0, 0 };
	struct http1_body b;
	size_t used;
	int i;

	ck_assert_int_eq(READ(POST TE E), 0);
	http1_body_init(&b, &m, slice_of(NULL, 0));
	text_puts(&t, "1;");
	for (i = 0; i < 2000; i++)
		text_puts(&t, "x");
	ck_assert_int_eq(http1_body_follow(&b, t.s, t.len, &used), ERR_FORMAT);
	ck_assert(strstr(b.why, "too long") != NULL);
	text_clear(&t);
	text_puts(&t, "0\r\n");
	for (i = 0; i < 5000; i++)
		text_puts(&t, "a: b\r\n");
	http1_body_init(&b, &m, slice_of(NULL, 0));
	ck_assert_int_eq(http1_body_follow(&b, t.s, t.len, &used), ERR_FORMAT);
	ck_assert(strstr(b.why, "too long") != NULL);
	text_free(&t);
}
END

TEST(a_head_that_is_kept_needs_neither_its_bytes_nor_its_place)
{
	char r[] = "\r\nPOST /x HTTP/1.1\r\n" H "A:\r\nB: c\r\n\r\nbody";
	struct text bytes = { NULL, 0, 0 };
	struct http_head *own;

	ck_assert_int_eq(read_whole(r, sizeof(r) - 1), 0);
	own = http_keep(&m.head, r, m.len, &bytes);
	memset(r, 'x', sizeof(r));
	memset(&m, 'x', sizeof(m));
	ck_assert_uint_eq(bytes.len, sizeof(r) - 1 - 4);
	ck_assert(slice_eq(own->method, "POST"));
	ck_assert(slice_eq(own->target, "/x"));
	ck_assert(slice_eq(own->path, "/x"));
	ck_assert(slice_eq(own->authority, "a"));
	ck_assert_uint_eq(own->reason.len, 0);
	ck_assert_uint_eq(own->n, 3);
	ck_assert(slice_eq(http_value(own, "host"), "a"));
	ck_assert_uint_eq(own->h[1].value.len, 0);
	ck_assert(slice_eq(own->h[2].name, "B"));
	ck_assert(slice_eq(own->h[2].value, "c"));
	text_free(&bytes);
	free(own);
}
END

TEST(trailers_are_kept_line_by_line_however_they_come)
{
	static const char in[] = "5;a=b\r\nhello\r\n0\r\nX-A: 1\r\n"
	    "X-B:2 \r\n\r\nGET";
	struct text t = { NULL, 0, 0 };
	struct http1_body b;
	size_t step, n, used;
	int e;

	ck_assert_int_eq(READ(POST TE E), 0);
	for (step = 1; step < sizeof(in); step++) {
		text_clear(&t);
		http1_body_init(&b, &m, slice_of(NULL, 0));
		b.trailers = &t;
		for (n = 0, e = ERR_SHORT; e == ERR_SHORT; n += used)
			e = http1_body_follow(&b, in + n, step <
			    sizeof(in) - 1 - n ? step : sizeof(in) - 1 - n,
			    &used);
		ck_assert_int_eq(e, 0);
		ck_assert_str_eq(in + n, "GET");
		ck_assert_str_eq(t.s, "X-A: 1\r\nX-B:2 \r\n");
	}
	text_free(&t);
}
END

TEST(a_body_without_trailers_has_none)
{
	struct text t = { NULL, 0, 0 };
	struct http1_body b;
	size_t used;

	ck_assert_int_eq(READ(POST TE E), 0);
	http1_body_init(&b, &m, slice_of(NULL, 0));
	b.trailers = &t;
	ck_assert_int_eq(http1_body_follow(&b, "1\r\na\r\n0\r\n\r\n", 11,
	    &used), 0);
	ck_assert_uint_eq(t.len, 0);
	text_free(&t);
}
END

static const struct {
	const char	*text;
	int		 is;
} starts[] = {
	{ "", ERR_SHORT }, { "G", ERR_SHORT }, { "GET", ERR_SHORT },
	{ "GET ", ERR_SHORT }, { "GET /", 1 }, { "GET h", 1 },
	{ "CONNECT a:443 HTTP/1.1\r\n", 1 }, { "OPTIONS * H", 1 },
	{ "GET  /", 1 }, { "GET \r", 1 }, { "get /", 1 }, { "\r\nGET /", 1 },
	{ "GET\t/", 1 }, { "GET\r/", 1 }, { "GET\r", ERR_SHORT },
	{ "GET\r\n", 0 }, { "GET\n", 0 }, { "GET\v/", 1 },
	{ "BREW /pot", 1 }, { "m1 /first?x", 1 }, { "m1\t/", 1 },
	{ "m1 ", ERR_SHORT }, { "m1", ERR_SHORT }, { "m1 x", ERR_SHORT },
	{ "m1 x HTTP/1.1\r\n", 1 }, { "m1 x\thttp/", 1 },
	{ "m1 x y z HTTP/1", 1 }, { "m1 xHTTP/1.1\r\n", 0 },
	{ "m1 http://good.test/ ", 1 }, { "m1 http:/x\r\n", 0 },
	{ "m1 ://\r\n", 0 }, { "m1 x http://y\r\n", 0 },
	{ "#$%&'*+-.^_`|~9 /", 1 }, { "\"m1\" /", 0 },
	{ "EHLO client.example\r\n", 0 }, { "USER anonymous\r\n", 0 },
	{ "NICK a\r\nUSER", 0 }, { "SSH-2.0-OpenSSH_9.2\r\n", 0 },
	{ "SSH-2.0-OpenSSH_9.2 Debian-2\r\n", 0 }, { "*1\r\n$4\r\n", 0 },
	{ "REGISTER sip:a.example SIP/2.0\r\n", 0 },
	{ "a001 LOGIN x y\r\n", 0 }, { "PRI * HTTP/2.0\r\n", 1 },
	{ "\x16\x03\x01", 0 }, { "\x05\x01", 0 }, { " GET /", 1 },
	{ "\r\n\n\t ", ERR_SHORT }, { "BREW /pot HTTP/1.1\n", 1 },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ERR_SHORT },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /", 1 },
};

/* As many bytes as there may be, and no answer differs from one at once. */
TEST(a_first_line_in_pieces_is_known_as_in_one)
{
	struct http_first f;
	size_t i, j, len;
	int rv;

	for (i = 0; i < NELEM(starts); i++) {
		memset(&f, 0, sizeof(f));
		len = strlen(starts[i].text);
		rv = http_first(&f, NULL, 0);
		for (j = 0; j < len; j++)
			rv = http_first(&f, starts[i].text + j, 1);
		ck_assert_msg(rv == starts[i].is, "\"%s\"", starts[i].text);
	}
}
END

TEST(a_first_line_may_be_long)
{
	struct text t = { NULL, 0, 0 };
	size_t i;

	text_puts(&t, "m1 x");
	for (i = 0; i < 50000; i++)
		text_puts(&t, "a");
	ck_assert_int_eq(http_starts_request(t.s, t.len), ERR_SHORT);
	text_puts(&t, " HTTP/1.1\r\n");
	ck_assert_int_eq(http_starts_request(t.s, t.len), 1);
	text_free(&t);
}
END

TEST(a_request_is_known_by_its_first_bytes)
{
	size_t i;

	for (i = 0; i < NELEM(starts); i++)
		ck_assert_msg(http_starts_request(starts[i].text,
		    strlen(starts[i].text)) == starts[i].is, "\"%s\"",
		    starts[i].text);
}
END

SUITE("http1", every_message_is_read_or_refused_as_the_table_says,
    every_message_is_the_same_when_it_comes_byte_by_byte,
    every_bad_chunk_is_refused_with_its_reason,
    names_of_cases_are_unique_and_there_are_enough,
    a_head_is_cut_into_its_parts, a_status_line_is_cut_into_its_parts,
    a_token_is_found_in_any_line_of_a_list,
    connections_are_kept_as_version_and_field_say,
    a_head_over_the_limit_is_refused, too_many_fields_are_refused,
    a_connection_field_of_many_options_is_refused,
    a_head_that_trickles_is_looked_through_once,
    tunnels_in_disguise_are_read,
    the_answer_to_head_or_connect_is_framed_by_the_request,
    content_is_yielded_without_its_framing,
    a_body_cut_off_by_the_end_of_the_connection_is_told,
    chunk_lines_and_trailers_have_a_bound,
    a_head_that_is_kept_needs_neither_its_bytes_nor_its_place,
    trailers_are_kept_line_by_line_however_they_come,
    a_body_without_trailers_has_none,
    a_request_is_known_by_its_first_bytes,
    a_first_line_in_pieces_is_known_as_in_one, a_first_line_may_be_long)
