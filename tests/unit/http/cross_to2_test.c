/*
 * The crossing of a client of HTTP/1 to a server of HTTP/2.
 */
#include "cross_peer.h"

static const nghttp2_nv ok[] = { NV(":status", "200"), NV("x-a", "b"),
    NV_END };
static const nghttp2_nv ok3[] = { NV(":status", "200"),
    NV("content-length", "3"), NV_END };

static void
answer(int32_t id, const nghttp2_nv *nv, const char *body, size_t len)
{
	h2.out[at(id)] = body;
	h2.left[at(id)] = len;
	ck_assert_int_eq(nghttp2_submit_response(h2.ng, id, nv, count(nv),
	    body != NULL ? &provider : NULL), 0);
}

static size_t
client_says(const char *s)
{
	size_t len = strlen(s), n = 0;
	ssize_t k;

	while (n < len && (k = transport_cross.write(cross, (const uint8_t *)s +
	    n, len - n)) > 0)
		n += (size_t)k;
	pump();
	return n;
}

TEST(request_of_http1_is_a_stream)
{
	begin(CROSS_TO_2);
	client_says("POST /p?q HTTP/1.1\r\nHost: a.example\r\nUpgrade: foo\r\n"
	    "Connection: Upgrade, X-Hop\r\nX-Hop: 1\r\nCookie: a=b; c=d\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n");
	ck_assert_str_eq(h2.fields[0].s, ":method: POST\n:scheme: https\n"
	    ":path: /p?q\n:authority: a.example\ncookie: a=b\ncookie: c=d\n"
	    "x-t: 1\n");
	ck_assert_str_eq(got(1), "abc");
	ck_assert_int_eq(h2.ended[0], 1);
	h2.trailers = trailer;
	answer(1, ok, "hello", 5);
	pump();
	ck_assert_str_eq(near_out.s, "HTTP/1.1 200 OK\r\nx-a: b\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 42"
	    "\r\n\r\n");
	end();
}
END

TEST(pipelined_requests_are_answered_in_order)
{
	const char *two = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
	    "HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n";
	size_t n;

	begin(CROSS_TO_2);
	n = client_says(two);
	ck_assert_ptr_null(h2.fields[1].s);
	answer(1, ok3, "abc", 3);
	pump();
	client_says(two + n);
	ck_assert(has(3, ":path: /2\n"));
	answer(3, ok3, NULL, 0);
	pump();
	ck_assert_str_eq(near_out.s, "HTTP/1.1 200 OK\r\ncontent-length: 3"
	    "\r\n\r\nabcHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
	ck_assert_int_eq(near_end, END_NONE);
	end();
}
END

TEST(client_of_http10_gets_its_answer_until_the_end)
{
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
	answer(1, ok, "abc", 3);
	pump();
	ck_assert_str_eq(near_out.s, "HTTP/1.1 200 OK\r\nx-a: b\r\n"
	    "Connection: close\r\n\r\nabc");
	ck_assert_int_ge(near_end, END_NOTIFY);
	end();
}
END

static void
answer_breaks_off(const nghttp2_nv *nv, const char *body, int reset,
    const char *want, enum end how)
{
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	h2.holds = reset;
	if (nv != NULL)
		answer(1, nv, body, strlen(body));
	pump();
	if (reset)
		nghttp2_submit_rst_stream(h2.ng, 0, 1, NGHTTP2_INTERNAL_ERROR);
	pump();
	ck_assert_str_eq(near_out.s, want);
	ck_assert_int_eq(near_end, how);
	end();
}

#define BAD	"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"	\
    "Connection: close\r\n\r\n"
#define OK3	"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"

TEST(answer_of_http2_that_breaks_off_is_seen_to)
{
	answer_breaks_off(NULL, NULL, 1, BAD, END_FIN);
	answer_breaks_off(ok3, "ab", 1, OK3 "ab", END_FIN);
	answer_breaks_off(ok, "ab", 1, "HTTP/1.1 200 OK\r\nx-a: b\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", END_FIN);
	answer_breaks_off(ok3, "ab", 0, OK3 "ab", END_FIN);
}
END

TEST(answer_that_breaks_off_at_once_is_none)
{
	static const uint8_t said[] =
	    "\0\0\1\1\4\0\0\0\1\x88"		/* HEADERS: 200 */
	    "\0\0\2\0\0\0\0\0\1ab"		/* DATA */
	    "\0\0\4\3\0\0\0\0\1\0\0\0\2";	/* RST_STREAM */

	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	text_add(&below.in, (const char *)said, sizeof(said) - 1);
	pump();
	ck_assert_str_eq(near_out.s, BAD);
	ck_assert_int_eq(near_end, END_FIN);
	end();
}
END

TEST(content_beyond_its_length_never_passes)
{
	answer_breaks_off(ok3, "abcHTTP/1.1 200 Evil\r\n\r\n", 0, OK3,
	    END_FIN);
}
END

TEST(head_of_http2_that_would_be_two_of_http1_is_refused)
{
	static const nghttp2_nv nv[][4] = {
		{ NV(":status", "200"), NV("a", "b\r\nc: d"), NV_END },
		{ NV(":status", "200"), NV("a", "b\nc"), NV_END },
		{ NV(":status", "200"), NV("a: b\r\nc", "d"), NV_END },
		{ NV(":status", "200"), NV("a b", "c"), NV_END },
		{ NV(":status", "200"), NV("transfer-encoding", "chunked"),
		    NV_END },
		{ NV(":status", "200"), NV("content-length", "1"),
		    NV("content-length", "2"), NV_END },
		{ NV(":status", "200 OK\r\na: b"), NV_END },
		{ NV(":status", "101"), NV_END },
	};
	size_t i;

	for (i = 0; i < NELEM(nv); i++)
		answer_breaks_off(nv[i], "", 0, BAD, END_FIN);
}
END

TEST(request_that_cannot_be_said_is_answered)
{
	begin(CROSS_TO_2);
	client_says("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(near_out.s, "HTTP/1.1 501 "));
	ck_assert_int_ge(near_end, END_NOTIFY);
	end();
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.0\r\n\r\n");		/* without a host */
	ck_assert_ptr_nonnull(strstr(near_out.s, "HTTP/1.1 400 "));
	end();
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(near_out.s, "HTTP/1.1 400 "));
	ck_assert_ptr_null(h2.fields[0].s);
	end();
}
END

TEST(interim_answers_of_http2_pass)
{
	static const nghttp2_nv hints[] = { NV(":status", "103"),
	    NV("link", "</a>"), NV_END };

	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	    "Content-Length: 1\r\n\r\n");
	ck_assert(has(1, "expect: 100-continue\n"));
	nghttp2_submit_headers(h2.ng, 0, 1, NULL, hints, 2, NULL);
	pump();
	ck_assert_str_eq(near_out.s, "HTTP/1.1 103 Early Hints\r\n"
	    "link: </a>\r\n\r\n");
	client_says("x");
	answer(1, ok, "", 0);
	pump();
	ck_assert_ptr_nonnull(strstr(near_out.s, "\r\n\r\nHTTP/1.1 200 OK"));
	end();
}
END

TEST(server_that_leaves_ends_the_connection)
{
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	nghttp2_submit_goaway(h2.ng, 0, 1, 0, NULL, 0);
	pump();
	answer(1, ok3, "abc", 3);
	pump();
	ck_assert_str_eq(near_out.s, "HTTP/1.1 200 OK\r\ncontent-length: 3"
	    "\r\nConnection: close\r\n\r\nabc");
	ck_assert_int_ge(near_end, END_NOTIFY);
	end();
}
END

TEST(client_that_ended_gets_its_answer)
{
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(transport_cross.shut(cross, END_NOTIFY), ERR_AGAIN);
	answer(1, ok3, "abc", 3);
	pump();
	ck_assert_str_eq(near_out.s, OK3 "abc");
	ck_assert_int_eq(transport_cross.shut(cross, END_NOTIFY), 0);
	ck_assert_int_eq(below.shut, END_NOTIFY);
	end();
}
END

TEST(request_that_breaks_off_is_reset)
{
	begin(CROSS_TO_2);
	client_says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab");
	ck_assert_int_eq(transport_cross.shut(cross, END_FIN), 0);
	pump();
	ck_assert_int_eq(h2.ended[0], 0);
	ck_assert_int_ne(h2.reset[0], -1);
	end();
}
END

TEST(long_content_passes_both_ways)
{
	struct text head = { 0 };
	size_t n = 0;
	ssize_t k;

	make_longer();
	begin(CROSS_TO_2);
	text_printf(&head, "POST / HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: %d\r\n\r\n", LONG);
	client_says(head.s);
	text_free(&head);
	while (n < LONG) {
		k = transport_cross.write(cross, (uint8_t *)longer + n,
		    LONG - n);
		if (k > 0)
			n += (size_t)k;
		pump();
	}
	ck_assert_uint_eq(h2.body[0].len, LONG);
	ck_assert_int_eq(memcmp(h2.body[0].s, longer, LONG), 0);
	ck_assert_int_eq(h2.ended[0], 1);
	answer(1, ok, longer, LONG);
	pump();
	ck_assert_uint_gt(near_out.len, LONG);
	ck_assert_str_eq(near_out.s + near_out.len - 5, "0\r\n\r\n");
	end();
}
END

TEST(pings_without_end_cost_the_connection_and_count_once)
{
	int i;

	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	for (i = 0; i < 1100; i++) {
		nghttp2_submit_ping(h2.ng, 0, (const uint8_t *)"12345678");
		if (i % 100 == 99)
			pump();
	}
	ck_assert_uint_eq(abuses[H2_PING_FLOOD], 1);
	ck_assert_int_eq(strncmp(near_out.s, "HTTP/1.1 502 ", 13), 0);
	ck_assert_int_eq(h2.goaway, 0);
	ck_assert_int_ne(near_end, END_NONE);
	end();
}
END

TEST(answer_that_is_whole_comes_though_its_server_breaks_http2)
{
	begin(CROSS_TO_2);
	client_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	answer(1, ok3, "abc", 3);
	pump();
	text_add(&below.in, "\0\0\5\2\0\0\0\0\0\0\0\0\0\0", 14);
	pump();
	ck_assert_uint_eq(abuses[H2_PROTOCOL], 1);
	ck_assert_str_eq(near_out.s, "HTTP/1.1 200 OK\r\n"
	    "content-length: 3\r\n\r\nabc");
	ck_assert_int_ne(near_end, END_NONE);
	end();
}
END

SUITE("cross to HTTP/2", request_of_http1_is_a_stream,
    pipelined_requests_are_answered_in_order,
    client_of_http10_gets_its_answer_until_the_end,
    answer_of_http2_that_breaks_off_is_seen_to,
    answer_that_breaks_off_at_once_is_none,
    content_beyond_its_length_never_passes,
    head_of_http2_that_would_be_two_of_http1_is_refused,
    request_that_cannot_be_said_is_answered, interim_answers_of_http2_pass,
    server_that_leaves_ends_the_connection, client_that_ended_gets_its_answer,
    request_that_breaks_off_is_reset, long_content_passes_both_ways,
    pings_without_end_cost_the_connection_and_count_once,
    answer_that_is_whole_comes_though_its_server_breaks_http2)
