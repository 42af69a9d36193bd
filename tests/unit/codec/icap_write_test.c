/*
 * What an ICAP client writes, byte for byte; and heads written again for the
 * next hop.
 */
#include "codec/http1_write.h"
#include "codec/icap.h"
#include "codec/icap_options.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#include "test.h"

static struct text t;
static struct http_text h;
static const struct slice none;

static const struct http_head *
request(const char *text)
{
	memset(&h, 0, sizeof(h));
	ck_assert_msg(http_request(&h, text, strlen(text)) == 0, "%s", h.why);
	return &h.head;
}

static const struct http_head *
response(const char *text)
{
	memset(&h, 0, sizeof(h));
	ck_assert_msg(http_response(&h, text, strlen(text)) == 0, "%s",
	    h.why);
	return &h.head;
}

TEST(an_options_request_has_no_encapsulated)
{
	struct icap_request r = { .method = ICAP_OPTIONS, .preview = -1,
	    .uri = "icap://127.0.0.1:1344/avscan?allow204=on&mode=simple",
	    .host = "127.0.0.1:1344" };

	icap_put_request(&t, &r);
	ck_assert_str_eq(t.s, "OPTIONS icap://127.0.0.1:1344/avscan?"
	    "allow204=on&mode=simple ICAP/1.0\r\nHost: 127.0.0.1:1344\r\n"
	    "User-Agent: clearspan/" VERSION "\r\n\r\n");
	text_free(&t);
}
END

TEST(a_reqmod_request_says_what_it_was_told)
{
	struct text f = { NULL, 0, 0 };
	struct icap_request r = { .method = ICAP_REQMOD, .uri = "icap://a/s",
	    .host = "a:1344", .allow = ICAP_ALLOW_204 | ICAP_ALLOW_206,
	    .close = 1, .client_ip = "192.0.2.1", .client_port = 4711,
	    .server_ip = "2001:db8::1", .req_hdr = 57 };

	icap_field_basic(&f, slice_of("u:pw", 4));
	ck_assert_int_eq(icap_field(&f, "X-Rule", slice_of("a b", 3)), 0);
	ck_assert_int_eq(icap_field(&f, "X-Rule", slice_of("a\r\nb", 4)),
	    ERR_FORMAT);
	ck_assert_int_eq(icap_field(&f, "X Rule", slice_of("a", 1)),
	    ERR_FORMAT);
	icap_field_proxy_auth(&f, request("GET / HTTP/1.1\r\nHost: a\r\n"
	    "Proxy-Authorization: Basic eHg=\r\n\r\n"));
	r.fields = f.s;
	icap_put_request(&t, &r);
	ck_assert_str_eq(t.s, "REQMOD icap://a/s ICAP/1.0\r\nHost: a:1344\r\n"
	    "User-Agent: clearspan/" VERSION "\r\nConnection: close\r\n"
	    "Allow: 204, 206\r\nPreview: 0\r\nX-Client-IP: 192.0.2.1\r\n"
	    "X-Client-Port: 4711\r\nX-Server-IP: 2001:db8::1\r\n"
	    "Authorization: Basic dTpwdw==\r\nX-Rule: a b\r\n"
	    "Proxy-Authorization: Basic eHg=\r\n"
	    "Encapsulated: req-hdr=0, null-body=57\r\n\r\n");
	text_free(&f);
	text_free(&t);
}
END

static void
check_encapsulated(enum icap_method method, size_t req, size_t res, int body,
    const char *want)
{
	struct icap_request r = { .method = method, .uri = "icap://a/s",
	    .host = "a:1344", .preview = 1024, .allow = ICAP_ALLOW_204,
	    .req_hdr = req, .res_hdr = res, .body = body };

	text_clear(&t);
	icap_put_request(&t, &r);
	ck_assert_ptr_nonnull(strstr(t.s, "\r\nAllow: 204\r\nPreview: 1024"));
	ck_assert_msg(strstr(t.s, want) != NULL, "%s", t.s);
}

TEST(encapsulated_has_the_offsets_of_its_sections)
{
	check_encapsulated(ICAP_REQMOD, 69, 0, 1,
	    "\r\nEncapsulated: req-hdr=0, req-body=69\r\n\r\n");
	check_encapsulated(ICAP_RESPMOD, 57, 65, 1,
	    "\r\nEncapsulated: req-hdr=0, res-hdr=57, res-body=122\r\n\r\n");
	check_encapsulated(ICAP_RESPMOD, 57, 65, 0,
	    "\r\nEncapsulated: req-hdr=0, res-hdr=57, null-body=122\r\n\r\n");
	check_encapsulated(ICAP_RESPMOD, 0, 65, 1,
	    "\r\nEncapsulated: res-hdr=0, res-body=65\r\n\r\n");
	check_encapsulated(ICAP_RESPMOD, 0, 0, 1,
	    "\r\nEncapsulated: res-body=0\r\n\r\n");
	text_free(&t);
}
END

TEST(a_chunk_head_is_hexadecimal)
{
	char buf[HTTP_CHUNK_MAX];

	ck_assert_uint_eq(http_chunk(buf, 11), 3);
	ck_assert_int_eq(memcmp(buf, "b\r\n", 3), 0);
	ck_assert_uint_eq(http_chunk(buf, SIZE_MAX), sizeof(size_t) * 2 + 2);
}
END

static const struct {
	const char	*in, *out;
} encapsulated[] = {
	{ "GET /x?y HTTP/1.1\r\nHost: a:8443\r\nAccept: */*\r\n\r\n",
	  "GET https://a:8443/x?y HTTP/1.1\r\nHost: a:8443\r\nAccept: */*\r\n"
	  "\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop, host\r\n"
	  "X-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: T\r\n"
	  "Proxy-Connection: close\r\nProxy-Authorization: Basic x\r\n"
	  "Upgrade: websocket\r\nExpect: 100-continue\r\nCookie: c\r\n\r\n",
	  "GET https://a/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	  "Cookie: c\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
	  "Upgrade: websocket\r\n\r\n", "GET https://a/ HTTP/1.1\r\nHost: a"
	  "\r\nUpgrade: websocket\r\n\r\n" },
	{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "POST https://a/ HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nA: b\r\n"
	  "Content-Length: 5\r\n\r\n", "POST https://a/ HTTP/1.1\r\nHost: a"
	  "\r\nContent-Length: 5\r\nA: b\r\n\r\n" },
	{ "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
	  "GET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n" },
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	  "OPTIONS https://a HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "GET / HTTP/1.0\r\n\r\n",
	  "GET https://dflt:1/ HTTP/1.0\r\nHost: dflt:1\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost:\r\nA: b\r\n\r\n",
	  "GET https://dflt:1/ HTTP/1.1\r\nHost: dflt:1\r\nA: b\r\n\r\n" },
	{ "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
	  "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n" },
};

TEST(a_request_is_encapsulated_without_its_hop)
{
	size_t i;

	for (i = 0; i < NELEM(encapsulated); i++) {
		text_clear(&t);
		ck_assert_int_eq(icap_put_http(&t,
		    request(encapsulated[i].in), "https",
		    slice_of("dflt:1", 6)), 0);
		ck_assert_str_eq(t.s, encapsulated[i].out);
	}
	ck_assert_int_eq(icap_put_http(&t, request("GET / HTTP/1.0\r\n\r\n"),
	    "https", none), ERR_FORMAT);
	ck_assert_int_eq(icap_put_http(&t, request("POST / HTTP/1.1\r\n"
	    "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
	    "https", none), ERR_UNSUPPORTED);
	text_free(&t);
}
END

TEST(a_response_is_encapsulated_without_its_hop)
{
	ck_assert_int_eq(icap_put_http(&t, response("HTTP/1.0 200 OK\r\n"
	    "Content-Length: 40\r\nKeep-Alive: 1\r\nConnection: keep-alive"
	    "\r\nA: b\r\n\r\n"), NULL, none), 0);
	ck_assert_str_eq(t.s, "HTTP/1.0 200 OK\r\nContent-Length: 40\r\n"
	    "A: b\r\n\r\n");
	text_free(&t);
}
END

#define GET	"GET /p HTTP/1.1\r\nHost: a\r\n"
#define PAGE	"HTTP/1.0 403 Forbidden\r\nConnection: close\r\nA: b\r\n"

static const struct {
	char		 type;		/* Q request, R response */
	const char	*in;
	struct http1_out o;
	const char	*out;		/* NULL: ERR_FORMAT */
} written[] = {
	{ 'Q', GET "\r\n", { HTTP1_NONE }, GET "\r\n" },
	{ 'Q', "POST https://a/p?q HTTP/1.1\r\nHost: b\r\nExpect: 100-continue"
	  "\r\nContent-Length: 5\r\nA: b\r\n\r\n", { HTTP1_LENGTH, 7 },
	  "POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nA: b\r\n"
	  "\r\n" },
	{ 'Q', "POST https://a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
	  "\r\n", { HTTP1_CHUNKED }, "POST / HTTP/1.1\r\nHost: a\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n" },
	{ 'Q', "OPTIONS https://a HTTP/1.1\r\nHost: a\r\n\r\n",
	  { HTTP1_NONE }, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ 'Q', "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
	  { HTTP1_LENGTH, 0, HTTP1_CLOSE_AFTER }, "POST /p HTTP/1.1\r\n"
	  "Host: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" },
	{ 'Q', "POST /p HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
	  { HTTP1_CHUNKED }, NULL },
	{ 'Q', GET "\r\n", { HTTP1_CLOSE }, NULL },
	{ 'Q', GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	  "HTTP2-Settings: AAA\r\n\r\n", { HTTP1_NONE }, GET "\r\n" },
	{ 'Q', GET "\r\n", { HTTP1_NONE, 0, HTTP1_ENCAPSULATED, "http" },
	  "GET http://a/p HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ 'R', PAGE "\r\n", { HTTP1_LENGTH, 679 }, "HTTP/1.1 403 Forbidden\r\n"
	  "A: b\r\nContent-Length: 679\r\n\r\n" },
	{ 'R', PAGE "\r\n", { HTTP1_CHUNKED, 0, HTTP1_CLOSE_AFTER },
	  "HTTP/1.1 403 Forbidden\r\nA: b\r\nTransfer-Encoding: chunked\r\n"
	  "Connection: close\r\n\r\n" },
	{ 'R', PAGE "Content-Length: 5\r\n\r\n", { HTTP1_CLOSE },
	  "HTTP/1.1 403 Forbidden\r\nA: b\r\nConnection: close\r\n\r\n" },
	{ 'R', "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n",
	  { HTTP1_NONE }, "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n" },
	{ 'R', "HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", { HTTP1_NONE },
	  "HTTP/1.1 204 No\r\n\r\n" },
	{ 'R', "HTTP/1.1 200 OK\r\nDigest: x\r\nContent-MD5: y\r\nETag: z\r\n"
	  "\r\n", { HTTP1_LENGTH, 3, HTTP1_CHANGED }, "HTTP/1.1 200 OK\r\n"
	  "ETag: z\r\nContent-Length: 3\r\n\r\n" },
	{ 'R', "HTTP/1.1 200 OK\r\n\r\n", { HTTP1_LENGTH, 3, 0, NULL,
	  { NULL, 0 }, "X-ICAP-Bypass: av\r\n" }, "HTTP/1.1 200 OK\r\n"
	  "Content-Length: 3\r\nX-ICAP-Bypass: av\r\n\r\n" },
};

TEST(a_head_is_written_again_as_its_next_hop_wants_it)
{
	const struct http_head *m;
	size_t i;
	int e;

	for (i = 0; i < NELEM(written); i++) {
		text_clear(&t);
		m = written[i].type == 'Q' ? request(written[i].in) :
		    response(written[i].in);
		e = http1_write(&t, m, &written[i].o);
		if (written[i].out == NULL) {
			ck_assert_int_eq(e, ERR_FORMAT);
			ck_assert_uint_eq(t.len, 0);
			continue;
		}
		ck_assert_int_eq(e, 0);
		ck_assert_str_eq(t.s, written[i].out);
	}
	text_free(&t);
}
END

static int
options(struct icap_options *o, const char *fields)
{
	static struct icap_head m;
	char head[1024];
	int len = snprintf(head, sizeof(head), "ICAP/1.0 200 OK\r\n%s\r\n",
	    fields);

	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(icap_response(&m, ICAP_OPTIONS, head, (size_t)len), 0);
	return icap_options_read(o, &m);
}

TEST(options_are_read_as_c_icap_writes_them)
{
	struct icap_options o;

	ck_assert_int_eq(options(&o, "Methods: RESPMOD, REQMOD\r\n"
	    "Service: C-ICAP/0.5.10 server - Echo demo service\r\n"
	    "ISTag: \"CI0001-XXXXXXXXX\"\r\nTransfer-Preview: *\r\n"
	    "Options-TTL: 3600\r\nPreview: 1024\r\nAllow: 204, 206\r\n"
	    "Max-Connections: 3\r\nService-ID: e\r\n"
	    "X-Include: X-Client-IP, X-Authenticated-User\r\n"
	    "Encapsulated: null-body=0\r\n"), 0);
	ck_assert_uint_eq(o.flags, ICAP_OPT_REQMOD | ICAP_OPT_RESPMOD |
	    ICAP_OPT_204 | ICAP_OPT_206 | ICAP_OPT_TRANSFER);
	ck_assert_int_eq(o.preview, 1024);
	ck_assert_int_eq(o.ttl, 3600);
	ck_assert_int_eq(o.max_connections, 3);
	ck_assert_str_eq(o.istag, "CI0001-XXXXXXXXX");
	ck_assert_str_eq(o.service, "C-ICAP/0.5.10 server - Echo demo service");
	icap_options_free(&o);
}
END

TEST(options_that_are_untidy_are_read)
{
	struct icap_options o;

	ck_assert_int_eq(options(&o, "Encapsulated:null-body=0\r\n"
	    "Methods:REQMOD\r\nMax-Connections: 0\r\nPreview: x\r\n"), 0);
	ck_assert_uint_eq(o.flags, ICAP_OPT_REQMOD);
	ck_assert_int_eq(o.preview, -1);
	ck_assert_int_eq(o.ttl, -1);
	ck_assert_int_eq(o.max_connections, -1);
	ck_assert_int_eq(icap_transfer(&o, slice_of("/a.exe", 6)),
	    ICAP_COMPLETE);
	icap_options_free(&o);
	ck_assert_int_eq(options(&o, "Methods: FROBMOD\r\n"), ERR_FORMAT);
	ck_assert_int_eq(options(&o, ""), ERR_FORMAT);
	icap_options_free(&o);
}
END

static const struct {
	const char		*path;
	enum icap_transfer	 transfer;
} transfers[] = {
	{ "/a.gif", ICAP_IGNORE }, { "/a.GIF?x=b.exe", ICAP_IGNORE },
	{ "/a.jpeg#f", ICAP_IGNORE }, { "/a.exe", ICAP_COMPLETE },
	{ "/a.com", ICAP_PREVIEW }, { "/a.html", ICAP_PREVIEW },
	{ "/", ICAP_PREVIEW }, { "", ICAP_PREVIEW },
	{ "/dir.gif/x", ICAP_PREVIEW }, { "/.gif", ICAP_IGNORE },
	{ "/a.gif.", ICAP_PREVIEW }, { "/a.gi", ICAP_PREVIEW },
};

TEST(the_extension_decides_what_is_sent)
{
	struct icap_options o;
	size_t i;

	ck_assert_int_eq(options(&o, "Methods: RESPMOD\r\n"
	    "Transfer-Preview: com, *\r\nTransfer-Ignore: gif,\r\n"
	    "Transfer-Ignore: ,Jpeg,\r\nTransfer-Complete: exe,com\r\n"), 0);
	for (i = 0; i < NELEM(transfers); i++)
		ck_assert_msg(icap_transfer(&o, slice_of(transfers[i].path,
		    strlen(transfers[i].path))) == transfers[i].transfer,
		    "%s", transfers[i].path);
	icap_options_free(&o);
	ck_assert_int_eq(options(&o, "Methods: RESPMOD\r\n"
	    "Transfer-Ignore: *\r\nTransfer-Preview: html\r\n"), 0);
	ck_assert_int_eq(icap_transfer(&o, slice_of("/a", 2)), ICAP_IGNORE);
	ck_assert_int_eq(icap_transfer(&o, slice_of("/a.html", 7)),
	    ICAP_PREVIEW);
	icap_options_free(&o);
}
END

SUITE("icap_write", an_options_request_has_no_encapsulated,
    a_reqmod_request_says_what_it_was_told,
    encapsulated_has_the_offsets_of_its_sections,
    a_chunk_head_is_hexadecimal, a_request_is_encapsulated_without_its_hop,
    a_response_is_encapsulated_without_its_hop,
    a_head_is_written_again_as_its_next_hop_wants_it,
    options_are_read_as_c_icap_writes_them,
    options_that_are_untidy_are_read,
    the_extension_decides_what_is_sent)
