/*
 * http/retell: what each message of a stream is in HTTP/1.1.
 */
#include "test.h"

#include <openssl/evp.h>
#include <string.h>

#include "http/retell.h"
#include "util/err.h"

static struct http_head head;
static struct retell told;
static struct text out;

static struct slice
word(const char *s)
{
	return slice_of(s, strlen(s));
}

static void
field(const char *name, const char *value)
{
	head.h[head.n++] = (struct http_field){ word(name), word(value) };
	if (strcmp(name, "content-length") == 0)
		head.length = atoll(value);
}

static void
request(const char *method, const char *path)
{
	memset(&head, 0, sizeof(head));
	memset(&told, 0, sizeof(told));
	text_clear(&out);
	head.version = 20;
	head.length = -1;
	head.method = word(method);
	head.path = word(path);
	head.authority = word("a.test");
	field("host", "a.test");
}

static void
response(int status)
{
	memset(&head, 0, sizeof(head));
	text_clear(&out);
	head.response = 1;
	head.version = 20;
	head.length = -1;
	head.status = status;
}

/* What the last call has made. */
static void
made(const char *text)
{
	ck_assert_str_eq(out.s, text);
	ck_assert_uint_eq(out.len, strlen(text));
	text_clear(&out);
}

static void
asks(int last, const char *text)
{
	ck_assert_int_eq(retell_request(&told, &head, last, &out), 0);
	made(text);
}

static void
answers(int last, const char *text)
{
	ck_assert_int_eq(retell_response(&told, &head, last, &out), 0);
	made(text);
}

static void
content(enum flow_dir dir, const char *bytes, const char *text)
{
	struct slice data = word(bytes);

	ck_assert_int_eq(retell_data(&told, dir, &data, &out), 0);
	ck_assert_uint_eq(data.len, strlen(text));
	ck_assert_mem_eq(data.p, text, data.len);
	text_clear(&out);
}

static void
ends(enum flow_dir dir, const char *trailers, const char *text)
{
	struct text t = { 0 };

	if (trailers != NULL)
		text_puts(&t, trailers);
	text_puts(&out, "");
	ck_assert_int_eq(retell_end(&told, dir, trailers == NULL ? NULL : &t,
	    &out), 0);
	made(text);
	text_free(&t);
}

/* A call has refused, and appended nothing. */
static void
refused(int rv)
{
	ck_assert_int_eq(rv, ERR_FORMAT);
	ck_assert_ptr_nonnull(told.why);
	ck_assert_uint_eq(out.len, 0);
}

static void
content_refused(enum flow_dir dir, const char *bytes)
{
	struct slice data = word(bytes);

	refused(retell_data(&told, dir, &data, &out));
}

static void
get(void)
{
	request("GET", "/x?y");
	asks(1, "GET /x?y HTTP/1.1\r\nhost: a.test\r\n\r\n");
}

TEST(request_is_in_origin_form_with_its_host_first)
{
	request("GET", "/x?y");
	field("user-agent", "me");
	field("cookie", "a=1; b=2");
	asks(1, "GET /x?y HTTP/1.1\r\nhost: a.test\r\nuser-agent: me\r\n"
	    "cookie: a=1; b=2\r\n\r\n");
	request("OPTIONS", "*");
	asks(1, "OPTIONS * HTTP/1.1\r\nhost: a.test\r\n\r\n");
}
END

TEST(fields_of_a_connection_are_left_out)
{
	request("GET", "/");
	field("te", "trailers");
	field("connection", "close");
	field("transfer-encoding", "gzip");
	field("upgrade", "h2c");
	field("keep-alive", "1");
	field("proxy-connection", "x");
	field("http2-settings", "AAA");
	field("trailer", "x");
	asks(1, "GET / HTTP/1.1\r\nhost: a.test\r\ntrailer: x\r\n\r\n");
}
END

TEST(length_is_kept_and_content_is_as_it_came)
{
	request("POST", "/");
	field("content-length", "5");
	field("content-length", "5");
	asks(0, "POST / HTTP/1.1\r\nhost: a.test\r\n"
	    "content-length: 5\r\n\r\n");
	content(DIR_UP, "abc", "abc");
	content(DIR_UP, "", "");
	content(DIR_UP, "de", "de");
	ends(DIR_UP, NULL, "");
}
END

TEST(content_that_differs_from_its_length_is_refused)
{
	request("POST", "/");
	field("content-length", "5");
	ck_assert_int_eq(retell_request(&told, &head, 0, &out), 0);
	text_clear(&out);
	content(DIR_UP, "abc", "abc");
	refused(retell_end(&told, DIR_UP, NULL, &out));
	content_refused(DIR_UP, "def");
	get();
	response(200);
	field("content-length", "7");
	answers(1, "HTTP/1.1 200 \r\ncontent-length: 7\r\n\r\n");
	refused(retell_end(&told, DIR_DOWN, NULL, &out));
}
END

TEST(content_without_length_is_chunked_with_its_trailers)
{
	request("POST", "/");
	asks(0, "POST / HTTP/1.1\r\nhost: a.test\r\n"
	    "transfer-encoding: chunked\r\n\r\n");
	content(DIR_UP, "0123456789abcdefg", "11\r\n0123456789abcdefg\r\n");
	content(DIR_UP, "", "");
	ends(DIR_UP, NULL, "0\r\n\r\n");
	response(200);
	answers(0, "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
	content(DIR_DOWN, "x", "1\r\nx\r\n");
	ends(DIR_DOWN, "grpc-status: 0\r\ncontent-length: 9\r\nx:\r\n",
	    "0\r\ngrpc-status: 0\r\nx:\r\n\r\n");
}
END

TEST(announced_trailers_make_it_chunked)
{
	get();
	response(200);
	field("content-length", "2");
	field("trailer", "digest");
	answers(0, "HTTP/1.1 200 \r\ntrailer: digest\r\n"
	    "transfer-encoding: chunked\r\n\r\n");
	content(DIR_DOWN, "ab", "2\r\nab\r\n");
	ends(DIR_DOWN, "digest: z\r\n", "0\r\ndigest: z\r\n\r\n");
	get();
	response(200);
	field("content-length", "2");
	answers(0, "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n");
	content(DIR_DOWN, "ab", "ab");
	ends(DIR_DOWN, "digest: z\r\n", "");
}
END

TEST(response_without_content_says_so)
{
	get();
	response(404);
	field("server", "s");
	answers(1, "HTTP/1.1 404 \r\nserver: s\r\ncontent-length: 0\r\n\r\n");
	ends(DIR_DOWN, NULL, "");
}
END

TEST(interim_responses_come_before)
{
	get();
	response(100);
	answers(0, "HTTP/1.1 100 \r\n\r\n");
	response(103);
	field("link", "</a>");
	answers(0, "HTTP/1.1 103 \r\nlink: </a>\r\n\r\n");
	response(200);
	field("content-length", "1");
	answers(0, "HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\n");
	content(DIR_DOWN, "a", "a");
	ends(DIR_DOWN, NULL, "");
}
END

TEST(answer_to_head_has_a_length_and_no_content)
{
	request("HEAD", "/");
	asks(1, "HEAD / HTTP/1.1\r\nhost: a.test\r\n\r\n");
	response(200);
	field("content-length", "1000");
	answers(1, "HTTP/1.1 200 \r\ncontent-length: 1000\r\n\r\n");
	ends(DIR_DOWN, NULL, "");
	content_refused(DIR_DOWN, "x");
}
END

TEST(no_content_with_204_and_304)
{
	get();
	response(204);
	field("content-length", "3");
	answers(1, "HTTP/1.1 204 \r\n\r\n");
	content_refused(DIR_DOWN, "abc");
	get();
	response(304);
	field("content-length", "3");
	answers(1, "HTTP/1.1 304 \r\ncontent-length: 3\r\n\r\n");
	ends(DIR_DOWN, NULL, "");
	content_refused(DIR_DOWN, "abc");
}
END

TEST(connect_is_connect_and_then_a_tunnel)
{
	request("CONNECT", "");
	head.authority = word("b.test:443");
	asks(0, "CONNECT b.test:443 HTTP/1.1\r\nhost: b.test:443\r\n\r\n");
	response(200);
	answers(0, "HTTP/1.1 200 \r\n\r\n");
	content(DIR_UP, "\x16\x03", "\x16\x03");
	content(DIR_DOWN, "hello", "hello");
	ends(DIR_DOWN, NULL, "");
	ck_assert_int_eq(told.body[DIR_DOWN], RETELL_TUNNEL);
}
END

TEST(bytes_before_a_tunnel_is_open_are_refused)
{
	request("CONNECT", "");
	head.authority = word("b.test:443");
	ck_assert_int_eq(retell_request(&told, &head, 0, &out), 0);
	text_clear(&out);
	content_refused(DIR_UP, "GET /never HTTP/1.1\r\n\r\n");
	response(403);
	answers(1, "HTTP/1.1 403 \r\ncontent-length: 0\r\n\r\n");
	content_refused(DIR_UP, "GET /never HTTP/1.1\r\n\r\n");
}
END

/* RFC 6455, 4.2.2. */
static void
accepts(const char *key, const char *accept)
{
	unsigned char sum[EVP_MAX_MD_SIZE], text[64];
	char in[128];

	snprintf(in, sizeof(in), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
	    key);
	ck_assert_int_eq(EVP_Digest(in, strlen(in), sum, NULL, EVP_sha1(),
	    NULL), 1);
	EVP_EncodeBlock(text, sum, 20);
	ck_assert_str_eq((char *)text, accept);
}

TEST(websocket_is_an_upgrade_that_is_accepted)
{
	request("CONNECT", "/chat");
	head.protocol = word("websocket");
	field("sec-websocket-version", "13");
	field("sec-websocket-key", "theirs");
	asks(0, "GET /chat HTTP/1.1\r\nhost: a.test\r\n"
	    "sec-websocket-version: 13\r\nupgrade: websocket\r\n"
	    "connection: Upgrade\r\n"
	    "sec-websocket-key: Q2xlYXJzcGFuIEhUVFAvMg==\r\n\r\n");
	accepts("Q2xlYXJzcGFuIEhUVFAvMg==", "6q8SH1BUn9r2gVdJWa2l394P47w=");
	response(200);
	field("sec-websocket-protocol", "p");
	answers(0, "HTTP/1.1 101 Switching Protocols\r\n"
	    "sec-websocket-protocol: p\r\nupgrade: websocket\r\n"
	    "connection: Upgrade\r\n"
	    "sec-websocket-accept: 6q8SH1BUn9r2gVdJWa2l394P47w=\r\n\r\n");
	content(DIR_UP, "\x81\x80", "\x81\x80");
	content(DIR_DOWN, "\x81\x01x", "\x81\x01x");
	ends(DIR_UP, NULL, "");
	ck_assert_int_eq(told.body[DIR_UP], RETELL_TUNNEL);
}
END

TEST(refused_websocket_has_an_ordinary_answer)
{
	request("CONNECT", "/chat");
	head.protocol = word("websocket");
	ck_assert_int_eq(retell_request(&told, &head, 0, &out), 0);
	response(404);
	answers(0, "HTTP/1.1 404 \r\ntransfer-encoding: chunked\r\n\r\n");
	content(DIR_DOWN, "no", "2\r\nno\r\n");
	ends(DIR_DOWN, NULL, "0\r\n\r\n");
}
END

TEST(other_protocols_are_upgrades_to_them)
{
	request("CONNECT", "/masque");
	head.protocol = word("connect-udp");
	asks(0, "GET /masque HTTP/1.1\r\nhost: a.test\r\n"
	    "upgrade: connect-udp\r\nconnection: Upgrade\r\n\r\n");
	response(200);
	answers(0, "HTTP/1.1 101 Switching Protocols\r\n"
	    "upgrade: connect-udp\r\nconnection: Upgrade\r\n\r\n");
	request("CONNECT", "/");
	head.protocol = word("a-protocol-with-a-long-name");
	refused(retell_request(&told, &head, 0, &out));
	request("CONNECT", "/");
	head.protocol = word("no word");
	refused(retell_request(&told, &head, 0, &out));
}
END

TEST(what_would_end_a_line_is_refused)
{
	static const char *const bad[] = { "a\r\nb: c", "a\nb", "a\r",
	    "\r\n\r\nGET /two HTTP/1.1" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		request("GET", "/");
		field("x", bad[i]);
		refused(retell_request(&told, &head, 1, &out));
		request("GET", "/");
		field(bad[i], "x");
		refused(retell_request(&told, &head, 1, &out));
		request("GET", bad[i]);
		refused(retell_request(&told, &head, 1, &out));
		request(bad[i], "/");
		refused(retell_request(&told, &head, 1, &out));
		request("GET", "/");
		head.authority = word(bad[i]);
		refused(retell_request(&told, &head, 1, &out));
		get();
		response(200);
		field("x", bad[i]);
		refused(retell_response(&told, &head, 1, &out));
	}
	request("GET", "/");
	head.h[head.n++] = (struct http_field){ word("x"),
	    slice_of("a\0b", 3) };
	refused(retell_request(&told, &head, 1, &out));
}
END

TEST(what_could_be_another_request_line_is_refused)
{
	static const char *const bad[] = { "", "/a b", "/a\tb", "a",
	    "http://other.test/", "/\x7f" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		request("GET", bad[i]);
		refused(retell_request(&told, &head, 1, &out));
	}
	request("GET", "/");
	field("bad name", "x");
	refused(retell_request(&told, &head, 1, &out));
	request("CONNECT", "");
	head.authority = word("b.test:443 x");
	refused(retell_request(&told, &head, 0, &out));
}
END

TEST(statuses_that_cannot_be_are_refused)
{
	static const int bad[] = { 0, 99, 101, 1000 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		get();
		response(bad[i]);
		refused(retell_response(&told, &head, 1, &out));
	}
}
END

SUITE("retell", request_is_in_origin_form_with_its_host_first,
    fields_of_a_connection_are_left_out,
    length_is_kept_and_content_is_as_it_came,
    content_that_differs_from_its_length_is_refused,
    content_without_length_is_chunked_with_its_trailers,
    announced_trailers_make_it_chunked, response_without_content_says_so,
    interim_responses_come_before,
    answer_to_head_has_a_length_and_no_content, no_content_with_204_and_304,
    connect_is_connect_and_then_a_tunnel,
    bytes_before_a_tunnel_is_open_are_refused,
    websocket_is_an_upgrade_that_is_accepted,
    refused_websocket_has_an_ordinary_answer,
    other_protocols_are_upgrades_to_them, what_would_end_a_line_is_refused,
    what_could_be_another_request_line_is_refused,
    statuses_that_cannot_be_are_refused)
