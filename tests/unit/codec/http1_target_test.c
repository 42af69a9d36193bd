/*
 * Targets cut up, and requests written again for the origin server.
 */
#include "codec/http1_write.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#include "test.h"

static const struct {
	const char	*text;
	const char	*host;	/* NULL: refused */
	uint16_t	 port;
	const char	*path;
} urls[] = {
	{ "http://a.example/x/y?z", "a.example", 80, "/x/y?z" },
	{ "HTTP://A.example", "A.example", 80, "" },
	{ "http://a.example?q", "a.example", 80, "?q" },
	{ "http://a.example:8080/", "a.example", 8080, "/" },
	{ "http://a.example:/", "a.example", 80, "/" },
	{ "https://a.example/", "a.example", 443, "/" },
	{ "ws://a.example/chat", "a.example", 80, "/chat" },
	{ "http://192.0.2.1/", "192.0.2.1", 80, "/" },
	{ "http://[2001:db8::1]/", "2001:db8::1", 80, "/" },
	{ "http://[2001:db8::1]:81/", "2001:db8::1", 81, "/" },
	{ "http://a.example/http://b/", "a.example", 80, "/http://b/" },
	{ "http://a.example/@b", "a.example", 80, "/@b" },
	{ "http://a.example./", "a.example.", 80, "/" },
	{ "http://a_b.example/", "a_b.example", 80, "/" },
	{ "http://", NULL, 0, NULL },
	{ "http:///x", NULL, 0, NULL },
	{ "http:/a", NULL, 0, NULL },
	{ "http//a", NULL, 0, NULL },
	{ "://a/", NULL, 0, NULL },
	{ "http://a..b/", NULL, 0, NULL },
	{ "http://.a/", NULL, 0, NULL },
	{ "http://a b/", NULL, 0, NULL },
	{ "http://u@a/", NULL, 0, NULL },
	{ "http://u:p@a/", NULL, 0, NULL },
	{ "http://a%2eb/", NULL, 0, NULL },
	{ "http://a\\@b/", NULL, 0, NULL },
	{ "http://a#b", NULL, 0, NULL },
	{ "http://a:80:81/", NULL, 0, NULL },
	{ "http://a:+80/", NULL, 0, NULL },
	{ "http://a:0/", NULL, 0, NULL },
	{ "http://a:65536/", NULL, 0, NULL },
	{ "http://a:4294967376/", NULL, 0, NULL },
	{ "http://::1/", NULL, 0, NULL },
	{ "http://[::1/", NULL, 0, NULL },
	{ "http://[]/", NULL, 0, NULL },
	{ "http://[a]/", NULL, 0, NULL },
	{ "http://[::1]x/", NULL, 0, NULL },
	{ "http://[fe80::1%25eth0]/", NULL, 0, NULL },
	{ "ftp://a/", NULL, 0, NULL },
	{ "gopher://a/", NULL, 0, NULL },
};

TEST(absolute_forms_are_cut_up_or_refused)
{
	struct http_url u;
	size_t i;
	int e;

	for (i = 0; i < NELEM(urls); i++) {
		e = http_absolute(slice_of(urls[i].text,
		    strlen(urls[i].text)), &u);
		ck_assert_msg((e == 0) == (urls[i].host != NULL), "%s: %d",
		    urls[i].text, e);
		if (e != 0)
			continue;
		ck_assert_msg(slice_eq(u.host, urls[i].host), "%s",
		    urls[i].text);
		ck_assert_int_eq(u.port, urls[i].port);
		ck_assert(slice_eq(u.path, urls[i].path));
		ck_assert_int_eq(u.v6, strchr(urls[i].text, '[') != NULL);
	}
}
END

TEST(a_scheme_that_is_not_http_is_told_from_a_broken_url)
{
	struct http_url u;

	ck_assert_int_eq(http_absolute(slice_of("ftp://a/", 8), &u),
	    ERR_UNSUPPORTED);
	ck_assert_int_eq(http_absolute(slice_of("ftp:/a", 6), &u),
	    ERR_FORMAT);
}
END

TEST(an_authority_needs_a_port_unless_there_is_one_to_assume)
{
	struct http_url u;

	ck_assert_int_eq(http_authority(slice_of("a", 1), 0, &u), ERR_FORMAT);
	ck_assert_int_eq(http_authority(slice_of("a", 1), 443, &u), 0);
	ck_assert_int_eq(u.port, 443);
	ck_assert_int_eq(http_authority(slice_of("[::1]:8443", 10), 0, &u),
	    0);
	ck_assert_int_eq(u.port, 8443);
	ck_assert(u.v6 && slice_eq(u.host, "::1"));
	ck_assert_int_eq(http_authority(slice_of("", 0), 443, &u),
	    ERR_FORMAT);
}
END

static const struct {
	const char	*in;
	const char	*out;	/* NULL: refused */
} forms[] = {
	{ "GET http://a:81/x?y HTTP/1.1\r\nHost: b\r\nA: c\r\n\r\n",
	  "GET /x?y HTTP/1.1\r\nHost: a:81\r\nA: c\r\n\r\n" },
	{ "GET http://a HTTP/1.1\r\nA: c\r\nHost: a\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nA: c\r\n\r\n" },
	{ "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
	  "GET /?q HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "OPTIONS http://a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
	  "OPTIONS * HTTP/1.1\r\nHost: a:80\r\n\r\n" },
	{ "OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
	  "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "GET http://a/ HTTP/1.0\r\n\r\n",
	  "GET / HTTP/1.0\r\nHost: a\r\n\r\n" },
	{ "GET /x HTTP/1.1\r\nHost: b\r\nProxy-Connection: close\r\n\r\n",
	  "GET /x HTTP/1.1\r\nHost: b\r\n\r\n" },
	{ "GET http://a/ HTTP/1.1\r\nHost: a\r\nproxy-authorization: Basic x\r\n"
	  "Proxy-Connection: keep-alive\r\nKeep-Alive: 300\r\n"
	  "Connection: keep-alive\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" },
	{ "GET ws://a/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
	  "Upgrade: websocket\r\nTE: trailers\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
	  "Upgrade: websocket\r\nTE: trailers\r\n\r\n" },
	{ "POST http://a/ HTTP/1.1\r\nHost: a\r\nX-Hop: 1\r\n"
	  "Connection: x-hop, content-length, host\r\n"
	  "Content-Length: 3\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n"
	  "Connection: x-hop, content-length, host\r\n"
	  "Content-Length: 3\r\n\r\n" },
	{ "POST http://a/ HTTP/1.1\r\nHost: a\r\n"
	  "Transfer-Encoding:   chunked  \r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "CONNECT a:443 HTTP/1.1\r\n\r\n", NULL },
};

TEST(a_request_is_written_again_for_its_origin)
{
	struct http_text m;
	struct text t = { NULL, 0, 0 };
	size_t i;
	int e;

	for (i = 0; i < NELEM(forms); i++) {
		memset(&m, 0, sizeof(m));
		ck_assert_msg(http_request(&m, forms[i].in,
		    strlen(forms[i].in)) == 0, "%s", m.why);
		text_clear(&t);
		e = http1_origin_form(&t, &m.head);
		ck_assert_int_eq(e == 0, forms[i].out != NULL);
		if (e == 0)
			ck_assert_str_eq(t.s, forms[i].out);
	}
	text_free(&t);
}
END

/* A request with this target and this Host; NULL: without. */
static const struct {
	const char	*target, *host, *name;
} named[] = {
	{ "/", "a.example", "a.example" },
	{ "/", "A.Example", "a.example" },
	{ "/", "a.example.", "a.example" },
	{ "/", "A.example.:80", "a.example" },
	{ "/", "a.example:", "a.example" },
	{ "/", "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
	{ "/", "192.0.2.1:8080", "192.0.2.1" },
	{ "/", "[2001:DB8:0:0::1]", "2001:db8::1" },
	{ "/", "[2001:db8::1]:443", "2001:db8::1" },
	{ "/", "[::ffff:192.0.2.1]", "192.0.2.1" },
	{ "/", "", "" },
	{ "/", NULL, "" },
	{ "*", "a.example", "a.example" },
	{ "http://b.example/", "a.example", "b.example" },
	{ "HTTPS://B.example.:444/x", "a.example", "b.example" },
	{ "http://[::1]/", "a.example", "::1" },
	{ "http://b.example", NULL, "b.example" },
	{ "/http://b.example/", "a.example", "a.example" },
};

TEST(a_request_is_for_one_name_however_it_is_spelled)
{
	char name[HTTP_NAME_MAX];
	struct http_text m = { 0 };
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < NELEM(named); i++) {
		text_clear(&t);
		text_printf(&t, "%s %s HTTP/1.%d\r\n", strcmp(named[i].target,
		    "*") == 0 ? "OPTIONS" : "GET", named[i].target,
		    named[i].host != NULL);
		if (named[i].host != NULL)
			text_printf(&t, "Host: %s\r\n", named[i].host);
		text_puts(&t, "\r\n");
		m.scanned = 0;
		ck_assert_msg(http_request(&m, t.s, t.len) == 0, "%s", t.s);
		ck_assert_int_eq(http_name(&m.head, name), named[i].name[0] ==
		    '\0' ? ERR_NOTFOUND : 0);
		ck_assert_str_eq(name, named[i].name);
	}
	m.scanned = 0;
	ck_assert_int_eq(http_request(&m, "CONNECT C.example:443 HTTP/1.1\r\n"
	    "Host: a.example\r\n\r\n", 51), 0);
	ck_assert_int_eq(http_name(&m.head, name), 0);
	ck_assert_str_eq(name, "c.example");
	text_free(&t);
}
END

SUITE("http1_target", a_request_is_for_one_name_however_it_is_spelled,
    absolute_forms_are_cut_up_or_refused,
    a_scheme_that_is_not_http_is_told_from_a_broken_url,
    an_authority_needs_a_port_unless_there_is_one_to_assume,
    a_request_is_written_again_for_its_origin)
