/*
 * Heads of HTTP/2: every rule of RFC 9113, 8.2 and 8.3, has a head that breaks
 * it; what would be another message in HTTP/1 is refused; and a head becomes
 * lines again.
 */
#include "http/h2_head.h"

#include <stdio.h>
#include <string.h>

#include "codec/http1_write.h"
#include "http/h2_lines.h"
#include "test.h"
#include "util/err.h"
#include "util/mem.h"

/* Lines are "name~value|name~value|"; a '!' before a name: never indexed. */
static int
add_lines(struct h2_head *h, const char *text, size_t len)
{
	struct slice in = slice_of(text, len), line, name;
	int never, rv = 0;

	while (rv == 0 && slice_cut(&in, '|', &line)) {
		ck_assert(slice_cut(&line, '~', &name));
		never = name.len > 0 && name.p[0] == '!';
		name.p += never;
		name.len -= (size_t)never;
		rv = h2_head_add(h, name, line, never);
	}
	return rv;
}

#define REQ	":method~GET|:scheme~https|:path~/|:authority~a.example|"
#define RES	":status~200|"
#define C(kind, text, why)	{ H2_##kind, text, sizeof(text) - 1, why }

static const struct {
	enum h2_kind	 kind;
	const char	*lines;
	size_t		 len;
	const char	*why;		/* part of it; NULL: it is well */
} cases[] = {
	C(REQUEST, REQ, NULL),
	C(REQUEST, REQ "accept~*/*|x-empty~|", NULL),
	C(REQUEST, REQ "te~trailers|", NULL),
	C(REQUEST, REQ "te~Trailers|", NULL),
	C(REQUEST, REQ "x~tab\tinside and \xc3\xa9|", NULL),
	C(REQUEST, ":method~OPTIONS|:scheme~http|:path~*|:authority~a|",
	    NULL),
	C(REQUEST, ":method~CONNECT|:authority~a.example:443|", NULL),
	C(REQUEST, ":method~CONNECT|:protocol~websocket|:scheme~https|"
	    ":path~/chat|:authority~a.example|", NULL),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|host~a.example|", NULL),
	C(REQUEST, REQ "host~A.example:443|", NULL),
	C(REQUEST, REQ "content-length~5|content-length~5|", NULL),
	C(REQUEST, ":path~/?q|:authority~[::1]:8443|:scheme~http|"
	    ":method~M-SEARCH|", NULL),

	/* 8.2.1: names and values. */
	C(REQUEST, REQ "Accept~*/*|", "name"),
	C(REQUEST, REQ "~x|", "name"),
	C(REQUEST, REQ "a b~x|", "name"),
	C(REQUEST, REQ "a:b~x|", "name"),
	C(REQUEST, REQ "a\r\nb~x|", "name"),
	C(REQUEST, REQ "a\0b~x|", "name"),
	C(REQUEST, REQ "a\x7f~x|", "name"),
	C(REQUEST, REQ "a\xc3\xa9~x|", "name"),
	C(REQUEST, REQ "a(~x|", "name"),
	C(REQUEST, REQ "x~a\r\nb: c|", "value"),
	C(REQUEST, REQ "x~a\nb|", "value"),
	C(REQUEST, REQ "x~a\rb|", "value"),
	C(REQUEST, REQ "x~a\0b|", "value"),
	C(REQUEST, REQ "x~a\x01|", "value"),
	C(REQUEST, REQ "x~ a|", "value"),
	C(REQUEST, REQ "x~a\t|", "value"),
	C(REQUEST, REQ "x~ |", "value"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/\r\nx|:authority~a|",
	    "value"),

	/* 8.2.2: what is for a connection of HTTP/1. */
	C(REQUEST, REQ "connection~close|", "HTTP/1"),
	C(REQUEST, REQ "proxy-connection~x|", "HTTP/1"),
	C(REQUEST, REQ "keep-alive~x|", "HTTP/1"),
	C(REQUEST, REQ "upgrade~h2c|", "HTTP/1"),
	C(REQUEST, REQ "transfer-encoding~chunked|", "HTTP/1"),
	C(REQUEST, REQ "transfer-encoding~|", "HTTP/1"),
	C(REQUEST, REQ "te~gzip|", "TE"),
	C(REQUEST, REQ "te~trailers, gzip|", "TE"),
	C(RESPONSE, RES "transfer-encoding~chunked|", "HTTP/1"),
	C(RESPONSE, RES "te~trailers|", "TE"),
	C(TRAILERS, "transfer-encoding~chunked|", "HTTP/1"),

	/* 8.3: pseudo-headers. */
	C(REQUEST, REQ ":foo~x|", "belong"),
	C(REQUEST, REQ ":~x|", "belong"),
	C(REQUEST, REQ ":Path~/|", "belong"),
	C(REQUEST, REQ ":status~200|", "belong"),
	C(RESPONSE, RES ":path~/|", "belong"),
	C(TRAILERS, ":status~200|", "belong"),
	C(TRAILERS, "x~y|:path~/|", "belong"),
	C(REQUEST, REQ ":path~/|", "twice"),
	C(RESPONSE, RES ":status~200|", "twice"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|x~y|:authority~a|",
	    "behind"),
	C(RESPONSE, "x~y|:status~200|", "behind"),

	/* 8.3.1: of a request. */
	C(REQUEST, ":scheme~https|:path~/|:authority~a|", "method"),
	C(REQUEST, ":method~|:scheme~https|:path~/|:authority~a|", "method"),
	C(REQUEST, ":method~GE T|:scheme~https|:path~/|:authority~a|",
	    "method"),
	C(REQUEST, ":method~GET|:path~/|:authority~a|", "scheme"),
	C(REQUEST, ":method~GET|:scheme~|:path~/|:authority~a|", "scheme"),
	C(REQUEST, ":method~GET|:scheme~http://b/|:path~/|:authority~a|",
	    "scheme"),
	C(REQUEST, ":method~GET|:scheme~1http|:path~/|:authority~a|",
	    "scheme"),
	C(REQUEST, ":method~GET|:scheme~https|:authority~a|", "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~|:authority~a|", "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~x|:authority~a|", "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~*|:authority~a|",
	    "OPTIONS"),
	C(REQUEST, ":method~GET|:scheme~https|:path~http://b/|:authority~a|",
	    "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/ HTTP/1.1|"
	    ":authority~a|", "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/\ta|:authority~a|",
	    "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/#a|:authority~a|",
	    "path"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|", "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|:authority~|",
	    "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|:authority~|host~a|",
	    "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|host~|", "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|:authority~u@a|",
	    "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|:authority~a/b|",
	    "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|:authority~a:x|",
	    "authority"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|:authority~a, b|",
	    "authority"),
	C(REQUEST, REQ "host~b.example|", "Host"),
	C(REQUEST, REQ "host~a.example:80|", "Host"),
	C(REQUEST, REQ "host~|", "Host"),
	C(REQUEST, REQ "host~a.example|host~a.example|", "Host"),
	C(REQUEST, ":method~GET|:scheme~https|:path~/|host~a|host~b|",
	    "Host"),

	/* 8.5, and RFC 8441. */
	C(REQUEST, ":method~CONNECT|:authority~a|", "authority"),
	C(REQUEST, ":method~CONNECT|", "CONNECT"),
	C(REQUEST, ":method~CONNECT|:authority~a:1|:path~/|", "CONNECT"),
	C(REQUEST, ":method~CONNECT|:authority~a:1|:scheme~http|",
	    "CONNECT"),
	C(REQUEST, ":method~CONNECT|:authority~a:1|content-length~1|",
	    "CONNECT"),
	C(REQUEST, REQ ":protocol~websocket|", "protocol"),
	C(REQUEST, ":method~CONNECT|:protocol~|:scheme~https|:path~/|"
	    ":authority~a|", "protocol"),
	C(REQUEST, ":method~CONNECT|:protocol~websocket|:authority~a:1|",
	    "scheme"),

	/* 8.3.2: of a response. */
	C(RESPONSE, RES, NULL),
	C(RESPONSE, ":status~103|link~</x>|", NULL),
	C(RESPONSE, "", "status"),
	C(RESPONSE, "x~y|", "status"),
	C(RESPONSE, ":status~|", "status"),
	C(RESPONSE, ":status~20|", "status"),
	C(RESPONSE, ":status~0200|", "status"),
	C(RESPONSE, ":status~2x0|", "status"),
	C(RESPONSE, ":status~099|", "status"),
	C(RESPONSE, ":status~200 OK|", "status"),
	C(RESPONSE, ":status~101|", "101"),

	/* RFC 9110, 8.6. */
	C(REQUEST, REQ "content-length~5|content-length~6|", "different"),
	C(REQUEST, REQ "content-length~5, 5|", "number"),
	C(REQUEST, REQ "content-length~+5|", "number"),
	C(REQUEST, REQ "content-length~-1|", "number"),
	C(REQUEST, REQ "content-length~0x5|", "number"),
	C(REQUEST, REQ "content-length~|", "number"),
	C(REQUEST, REQ "content-length~99999999999999999999|", "number"),
	C(TRAILERS, "content-length~5|", "trailers"),
	C(TRAILERS, "host~a|", "trailers"),
	C(TRAILERS, "grpc-status~0|", NULL),
	C(TRAILERS, "Grpc-status~0|", "name"),
};

TEST(every_rule_is_kept)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m;
	struct h2_head *h;
	size_t i;
	int rv;

	for (i = 0; i < NELEM(cases); i++) {
		h = h2_head_new(cases[i].kind, 1024);
		add_lines(h, cases[i].lines, cases[i].len);
		rv = h2_head_end(h, &m, &bytes);
		if (cases[i].why == NULL)
			ck_assert_msg(rv == 0, "%zu %s: %s", i,
			    cases[i].lines, h2_head_why(h));
		else
			ck_assert_msg(rv == ERR_FORMAT &&
			    strstr(h2_head_why(h), cases[i].why) != NULL,
			    "%zu %s: %d %s", i, cases[i].lines, rv,
			    rv != 0 ? h2_head_why(h) : "it was taken");
		text_free(&bytes);
		free(m);
		h2_head_free(h);
	}
}
END

static struct http_head *
read_head(enum h2_kind kind, const char *lines, struct text *bytes)
{
	struct h2_head *h = h2_head_new(kind, 65536);
	struct http_head *m;

	ck_assert_int_eq(add_lines(h, lines, strlen(lines)), 0);
	ck_assert_int_eq(h2_head_end(h, &m, bytes), 0);
	h2_head_free(h);
	return m;
}

#define ck_slice(s, text)						\
	ck_assert_msg(slice_eq((s), (text)), "%.*s", SLICE(s))

TEST(a_request_is_like_one_of_any_version)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m = read_head(H2_REQUEST, ":method~POST|"
	    ":scheme~https|:authority~a.example:8443|:path~/x?y|"
	    "cookie~a=1|!authorization~s|content-length~12|!cookie~b=2|",
	    &bytes);

	ck_assert_int_eq(m->response, 0);
	ck_assert_int_eq(m->version, 20);
	ck_slice(m->method, "POST");
	ck_slice(m->target, "/x?y");
	ck_slice(m->path, "/x?y");
	ck_slice(m->scheme, "https");
	ck_slice(m->authority, "a.example:8443");
	ck_slice(http_value(m, "host"), "a.example:8443");
	ck_slice(http_value(m, "cookie"), "a=1; b=2");
	ck_slice(m->never, "cookie,authorization,");
	ck_assert_int_eq(m->length, 12);
	ck_assert_uint_eq(m->n, 4);
	free(m);
	text_free(&bytes);
}
END

TEST(a_request_with_host_alone_has_an_authority)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m = read_head(H2_REQUEST, ":method~GET|"
	    ":scheme~https|:path~/|host~a.example|", &bytes);

	ck_slice(m->authority, "a.example");
	ck_assert_uint_eq(m->n, 1);
	free(m);
	text_free(&bytes);
}
END

TEST(a_connect_names_its_target)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m = read_head(H2_REQUEST, ":method~CONNECT|"
	    ":authority~a.example:443|", &bytes);

	ck_slice(m->target, "a.example:443");
	ck_assert_uint_eq(m->path.len, 0);
	ck_assert_uint_eq(m->protocol.len, 0);
	free(m);
	text_free(&bytes);
}
END

TEST(a_copy_has_all_of_it)
{
	struct text bytes = { NULL, 0, 0 }, again = { NULL, 0, 0 };
	struct http_head *m = read_head(H2_REQUEST, ":method~CONNECT|"
	    ":protocol~websocket|:scheme~https|:path~/chat|"
	    ":authority~a.example|!cookie~s|", &bytes), *n;

	n = http_copy(m, &again);
	free(m);
	text_free(&bytes);
	ck_slice(n->protocol, "websocket");
	ck_slice(n->never, "cookie,");
	ck_slice(n->path, "/chat");
	free(n);
	text_free(&again);
}
END

TEST(trailers_are_lines)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m = read_head(H2_TRAILERS, "grpc-status~0|x~y z|",
	    &bytes);

	ck_assert_ptr_null(m);
	ck_assert_str_eq(bytes.s, "grpc-status: 0\r\nx: y z\r\n");
	text_free(&bytes);
}
END

TEST(a_head_is_bounded_by_its_size_with_its_lines)
{
	struct h2_head *h = h2_head_new(H2_TRAILERS, 3 * (32 + 2));
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m;

	ck_assert_int_eq(add_lines(h, "a~1|b~2|c~3|", 12), 0);
	ck_assert_int_eq(h2_head_add(h, slice_of("", 0), slice_of("", 0), 0),
	    ERR_LIMIT);
	ck_assert_int_eq(add_lines(h, "d~4|", 4), ERR_LIMIT);
	ck_assert_int_eq(h2_head_end(h, &m, &bytes), ERR_LIMIT);
	h2_head_free(h);
}
END

TEST(a_head_has_a_bounded_number_of_fields_and_any_number_of_cookies)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m;
	struct h2_head *h = h2_head_new(H2_RESPONSE, 1 << 20);
	int i;

	add_lines(h, RES, strlen(RES));
	for (i = 0; i < 2 * H2_FIELDS; i++)
		add_lines(h, "cookie~x|", 9);
	ck_assert_int_eq(h2_head_end(h, &m, &bytes), 0);
	ck_assert_uint_eq(m->n, 1);
	ck_assert_uint_eq(m->h[0].value.len, 2 * H2_FIELDS * 3 - 2);
	free(m);
	text_free(&bytes);
	h2_head_again(h, H2_TRAILERS);
	for (i = 0; i < H2_FIELDS + 1; i++)
		add_lines(h, "x~y|", 4);
	ck_assert_int_eq(h2_head_end(h, &m, &bytes), ERR_LIMIT);
	h2_head_free(h);
}
END

TEST(a_head_is_read_again_from_nothing)
{
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m;
	struct h2_head *h = h2_head_new(H2_REQUEST, 1024);

	add_lines(h, REQ "Bad~x|", strlen(REQ "Bad~x|"));
	ck_assert_int_eq(h2_head_end(h, &m, &bytes), ERR_FORMAT);
	h2_head_again(h, H2_RESPONSE);
	add_lines(h, RES "content-length~3|", strlen(RES "content-length~3|"));
	ck_assert_int_eq(h2_head_end(h, &m, &bytes), 0);
	ck_assert_int_eq(m->status, 200);
	ck_assert_int_eq(m->length, 3);
	ck_assert_uint_eq(m->n, 1);
	free(m);
	text_free(&bytes);
	h2_head_free(h);
}
END

/* The lines as text, like those that were read. */
static char *
lines_text(struct h2_lines *l)
{
	struct text out = { NULL, 0, 0 };
	size_t i;

	text_puts(&out, "");
	for (i = 0; i < l->n; i++)
		text_printf(&out, "%s%.*s~%.*s|",
		    l->v[i].flags & NGHTTP2_NV_FLAG_NO_INDEX ? "!" : "",
		    (int)l->v[i].namelen, l->v[i].name,
		    (int)l->v[i].valuelen, l->v[i].value);
	h2_lines_free(l);
	return text_take(&out);
}

static const struct h2_say say = { "https", { "b.example", 9 }, -1, 0 };

static void
check_lines(const struct http_head *m, const struct h2_say *o,
    const char *want)
{
	struct h2_lines l;
	char *got;

	ck_assert_int_eq(h2_lines(&l, m, o), 0);
	got = lines_text(&l);
	ck_assert_str_eq(got, want);
	free(got);
}

TEST(a_head_becomes_its_lines_again)
{
	static const char *const heads[] = {
	    ":method~GET|:scheme~https|:path~/x?y|:authority~a.example|"
	    "cookie~a=1|cookie~b=2|!x-secret~s|te~trailers|accept~*/*|",
	    ":method~CONNECT|:authority~a.example:443|x~y|",
	    ":method~CONNECT|:scheme~https|:path~/chat|:authority~a|"
	    ":protocol~websocket|sec-websocket-version~13|",
	    ":method~OPTIONS|:scheme~https|:path~*|:authority~a|" };
	struct text bytes = { NULL, 0, 0 };
	struct http_head *m;
	size_t i;

	for (i = 0; i < NELEM(heads); i++) {
		m = read_head(H2_REQUEST, heads[i], &bytes);
		check_lines(m, &say, heads[i]);
		free(m);
		text_free(&bytes);
	}
	m = read_head(H2_RESPONSE, ":status~204|server~x|", &bytes);
	check_lines(m, &say, ":status~204|server~x|");
	free(m);
	text_free(&bytes);
}
END

/* A head of HTTP/1 and what HTTP/2 makes of it. */
static void
check_http1(const char *text, const struct h2_say *o, const char *want)
{
	struct http_text *t = xcalloc(1, sizeof(*t));
	struct h2_lines l;
	int rv = text[0] == 'H' && text[1] == 'T' ?
	    http_response(t, text, strlen(text)) :
	    http_request(t, text, strlen(text));

	ck_assert_msg(rv == 0, "%s: %s", text, t->why);
	if (want != NULL)
		check_lines(&t->head, o, want);
	else
		ck_assert_int_eq(h2_lines(&l, &t->head, o), ERR_FORMAT);
	free(t);
}

TEST(a_head_of_http1_loses_what_is_of_its_connection)
{
	check_http1("GET /x HTTP/1.1\r\nHost: a.example\r\n"
	    "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
	    "Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nTE: gzip, trailers\r\n"
	    "Accept-Language: En\r\nCookie: a=1; b=2\r\n\r\n", &say,
	    ":method~GET|:scheme~https|:path~/x|:authority~a.example|"
	    "te~trailers|accept-language~En|cookie~a=1|cookie~b=2|");
	check_http1("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "Trailer: X\r\nProxy-Connection: close\r\n\r\n", &say,
	    ":status~200|trailer~X|");
}
END

TEST(a_head_of_http1_says_whom_it_is_for)
{
	check_http1("GET http://c.example:81?q HTTP/1.1\r\nHost: d\r\n\r\n",
	    &say, ":method~GET|:scheme~http|:path~/?q|"
	    ":authority~c.example:81|");
	check_http1("OPTIONS http://c.example HTTP/1.1\r\nHost: d\r\n\r\n",
	    &say, ":method~OPTIONS|:scheme~http|:path~*|"
	    ":authority~c.example|");
	check_http1("GET /a#b HTTP/1.0\r\n\r\n", &say, ":method~GET|"
	    ":scheme~https|:path~/a|:authority~b.example|");
	check_http1("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", &say,
	    ":method~CONNECT|:authority~a:1|");
	check_http1("CONNECT /x HTTP/1.1\r\nHost: a:1\r\n\r\n", &say, NULL);
	check_http1("HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", &say, NULL);
}
END

TEST(a_length_is_said_once_and_no_digest_of_another_body)
{
	const struct h2_say five = { "https", { "b", 1 }, 5, 1 };
	const struct h2_say none = { "https", { "b", 1 }, -1, 1 };

	check_http1("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nDigest: x\r\n"
	    "Content-Length: 9\r\nX: y\r\n\r\n", &five,
	    ":status~200|content-length~5|x~y|");
	check_http1("HTTP/1.1 200 OK\r\nContent-MD5: x\r\nX: y\r\n\r\n",
	    &five, ":status~200|x~y|content-length~5|");
	check_http1("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", &none,
	    ":status~200|");
}
END

TEST(trailers_become_lines_without_what_may_not_be_there)
{
	struct text t = { NULL, 0, 0 };
	struct h2_lines l;
	char *got;

	h2_lines_trailers(&l, &t);
	ck_assert_uint_eq(l.n, 0);
	h2_lines_free(&l);
	text_puts(&t, "Grpc-Status: 0\r\nContent-Length: 1\r\nX: y\r\n"
	    "Transfer-Encoding: chunked\r\nHost: a\r\n");
	h2_lines_trailers(&l, &t);
	got = lines_text(&l);
	ck_assert_str_eq(got, "grpc-status~0|x~y|");
	free(got);
	text_free(&t);
}
END

/* What HTTP/1 and a service get of a request of HTTP/2. */
static void
check_written(const char *lines, const struct http1_out *o, const char *want)
{
	struct text bytes = { NULL, 0, 0 }, out = { NULL, 0, 0 };
	struct http_head *m = read_head(H2_REQUEST, lines, &bytes);

	ck_assert_int_eq(http1_write(&out, m, o), 0);
	ck_assert_str_eq(out.s, want);
	text_free(&out);
	text_free(&bytes);
	free(m);
}

TEST(http1_and_services_get_it_in_their_form)
{
	const struct http1_out icap = { .flags = HTTP1_ENCAPSULATED,
	    .scheme = "http", .authority = { "b", 1 } };
	const struct http1_out http1 = { .kind = HTTP1_CHUNKED };
	const char chat[] = ":method~CONNECT|:protocol~websocket|"
	    ":scheme~https|:path~/chat|:authority~a:81|";

	check_written(REQ "content-length~5|", &icap,
	    "GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n"
	    "content-length: 5\r\n\r\n");
	check_written(REQ "content-length~5|te~trailers|", &http1,
	    "GET / HTTP/1.1\r\nHost: a.example\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	check_written(":method~OPTIONS|:scheme~https|:path~*|:authority~a|",
	    &icap, "OPTIONS https://a HTTP/1.1\r\nHost: a\r\n\r\n");
	check_written(chat, &icap, "GET https://a:81/chat HTTP/1.1\r\n"
	    "Host: a:81\r\nUpgrade: websocket\r\n\r\n");
	check_written(":method~CONNECT|:authority~a:443|", &icap,
	    "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
}
END

SUITE("h2_head", every_rule_is_kept, a_request_is_like_one_of_any_version,
    a_request_with_host_alone_has_an_authority, a_connect_names_its_target,
    a_copy_has_all_of_it, trailers_are_lines,
    a_head_is_bounded_by_its_size_with_its_lines,
    a_head_has_a_bounded_number_of_fields_and_any_number_of_cookies,
    a_head_is_read_again_from_nothing, a_head_becomes_its_lines_again,
    a_head_of_http1_loses_what_is_of_its_connection,
    a_head_of_http1_says_whom_it_is_for,
    a_length_is_said_once_and_no_digest_of_another_body,
    trailers_become_lines_without_what_may_not_be_there,
    http1_and_services_get_it_in_their_form)
