/*
 * The crossing of a client of HTTP/2 to a server of HTTP/1.1: what the server
 * gets, byte by byte, and what the client makes of the answers.
 */
#include "cross_peer.h"

static const nghttp2_nv get[] = { NV(":method", "GET"),
    NV(":scheme", "https"), NV(":authority", "a.example"),
    NV(":path", "/x"), NV_END };
static const nghttp2_nv post[] = { NV(":method", "POST"),
    NV(":scheme", "https"), NV(":authority", "a.example"),
    NV(":path", "/y"), NV("cookie", "a=b"), NV("cookie", "c=d"), NV_END };
static int32_t
ask(const nghttp2_nv *nv, const char *body, size_t len)
{
	int32_t id = nghttp2_submit_request(h2.ng, NULL, nv, count(nv),
	    body != NULL ? &provider : NULL, NULL);

	h2.out[at(id)] = body;
	h2.left[at(id)] = len;
	return id;
}

static void
server_says(const char *s)
{
	text_puts(&below.in, s);
	pump();
}

static void
server_ends(enum end how)
{
	below.ends = how;
	pump();
}

TEST(request_goes_as_http1_and_its_answer_comes_back)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	pump();
	ck_assert_str_eq(below.out.s, "GET /x HTTP/1.1\r\nHost: a.example"
	    "\r\n\r\n");
	server_says("HTTP/1.1 200 Very well\r\nServer: s\r\nConnection: X-Hop"
	    "\r\nX-Hop: y\r\nContent-Length: 5\r\n\r\nhello");
	ck_assert_str_eq(h2.fields[0].s, ":status: 200\nserver: s\n"
	    "content-length: 5\n");
	ck_assert_str_eq(got(1), "hello");
	ck_assert_int_eq(h2.ended[0], 1);
	end();
}
END

TEST(streams_go_one_after_the_other)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	ask(post, "", 0);
	pump();
	ck_assert_str_eq(below.out.s, "GET /x HTTP/1.1\r\nHost: a.example"
	    "\r\n\r\n");
	text_clear(&below.out);
	server_says("HTTP/1.1 204 No\r\n\r\n");
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_ptr_nonnull(strstr(below.out.s, "POST /y HTTP/1.1\r\nHost: "
	    "a.example\r\ncookie: a=b; c=d\r\n"));
	server_says("HTTP/1.1 304 No\r\nContent-Length: 77\r\n\r\n");
	ck_assert_int_eq(h2.ended[1], 1);
	ck_assert(has(3, "content-length: 77\n"));
	end();
}
END

TEST(content_without_a_length_is_chunked_and_trailers_pass)
{
	begin(CROSS_TO_1);
	h2.trailers = trailer;
	ask(post, "abc", 3);
	pump();
	ck_assert_ptr_nonnull(strstr(below.out.s, "\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n"));
	server_says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nhi\r\n0\r\nX-End: 1\r\nTransfer-Encoding: gzip\r\n\r\n");
	ck_assert_str_eq(got(1), "hi");
	ck_assert(has(1, "x-end: 1\n"));
	ck_assert(!has(1, "transfer-encoding"));
	ck_assert_int_eq(h2.ended[0], 1);
	end();
}
END

TEST(interim_answers_pass_and_expect_is_asked)
{
	static const nghttp2_nv nv[] = { NV(":method", "POST"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/y"), NV("expect", "100-continue"),
	    NV("content-length", "3"), NV_END };

	begin(CROSS_TO_1);
	h2.holds = 1;
	ask(nv, "", 0);
	pump();
	ck_assert_ptr_nonnull(strstr(below.out.s, "Expect: 100-continue\r\n"));
	ck_assert_ptr_nonnull(strstr(below.out.s, "content-length: 3\r\n"));
	server_says("HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>"
	    "\r\n\r\n");
	ck_assert_str_eq(h2.fields[0].s, ":status: 100\n:status: 103\n"
	    "link: </a>\n");
	h2.holds = 0;
	h2.out[0] = "abc";
	h2.left[0] = 3;
	nghttp2_session_resume_data(h2.ng, 1);
	pump();
	ck_assert_str_eq(below.out.s + below.out.len - 7, "\r\n\r\nabc");
	server_says("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(h2.ended[0], 1);
	end();
}
END

TEST(head_has_the_length_and_no_content)
{
	static const nghttp2_nv nv[] = { NV(":method", "HEAD"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/y"), NV_END };

	begin(CROSS_TO_1);
	ask(nv, NULL, 0);
	ask(get, NULL, 0);
	pump();
	server_says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	ck_assert(has(1, "content-length: 9\n"));
	ck_assert_int_eq(h2.ended[0], 1);
	server_says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
	ck_assert_str_eq(got(3), "!");
	end();
}
END

static void
breaks_off(const char *said, enum end how, const char *body)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	ask(get, NULL, 0);
	pump();
	server_says(said);
	if (how != END_NONE)
		server_ends(how);
	ck_assert_str_eq(got(1), body);
	ck_assert_int_eq(h2.ended[0], 0);
	ck_assert_int_ne(h2.reset[0], -1);
	/* The other has not gone to the server: it may be asked again. */
	ck_assert_int_eq(h2.goaway, 1);
	ck_assert_int_ne(near_end, END_NONE);
	end();
}

TEST(answer_that_breaks_off_is_a_reset)
{
	breaks_off("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
	    END_NOTIFY, "abc");
	breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nabc", END_NOTIFY, "abc");
	breaks_off("HTTP/1.1 200 OK\r\n\r\nabc", END_FIN, "abc");
	breaks_off("HTTP/1.1 200", END_NOTIFY, "");
	breaks_off("", END_NOTIFY, "");
}
END

TEST(answer_that_breaks_the_rules_is_a_reset)
{
	breaks_off("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", END_NONE, "");
	breaks_off("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
	    "Content-Length: 4\r\n\r\nabcd", END_NONE, "");
	breaks_off("HTTP/1.1 200 OK\r\nA: b\rc: d\r\n\r\n", END_NONE, "");
	breaks_off("HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", END_NONE, "");
	breaks_off("HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\n\r\n", END_NONE, "");
	breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "zz\r\n", END_NONE, "");
}
END

TEST(answer_until_the_end_is_whole_with_close_notify)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	pump();
	server_says("HTTP/1.0 200 OK\r\n\r\nabc");
	ck_assert_int_eq(h2.ended[0], 0);
	server_ends(END_NOTIFY);
	ck_assert_str_eq(got(1), "abc");
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_int_eq(h2.goaway, 1);
	ck_assert_int_ne(near_end, END_NONE);
	end();
}
END

TEST(bytes_that_nobody_asked_for_are_no_answer)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	pump();
	server_says("HTTP/1.1 204 A\r\n\r\nHTTP/1.1 200 Evil\r\n"
	    "Content-Length: 0\r\n\r\n");
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_int_eq(h2.goaway, 1);
	ask(get, NULL, 0);
	pump();
	ck_assert_ptr_null(h2.fields[1].s);
	end();
}
END

TEST(word_of_the_server_that_it_closes_is_goaway)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	ask(get, NULL, 0);
	pump();
	text_clear(&below.out);
	server_says("HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Length: 2\r\n\r\nok");
	ck_assert_str_eq(got(1), "ok");
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_int_eq(h2.goaway, 1);
	ck_assert_uint_eq(below.out.len, 0);
	end();
}
END

TEST(rest_of_a_short_answer_is_read_for_the_connection)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	ask(get, NULL, 0);
	pump();
	server_says("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
	nghttp2_submit_rst_stream(h2.ng, 0, 1, NGHTTP2_CANCEL);
	pump();
	text_clear(&below.out);
	server_says("def");
	ck_assert_ptr_nonnull(strstr(below.out.s, "GET /x"));
	server_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	ck_assert_str_eq(got(3), "ok");
	ck_assert_int_eq(h2.ended[1], 1);
	ck_assert_int_eq(h2.goaway, -1);
	end();
}
END

TEST(reset_before_or_in_a_long_answer_ends_the_connection)
{
	static const char *const said[] = { "",
	    "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nabc",
	    "HTTP/1.1 200 OK\r\n\r\nabc" };
	size_t i;

	for (i = 0; i < NELEM(said); i++) {
		begin(CROSS_TO_1);
		ask(get, NULL, 0);
		ask(get, NULL, 0);
		pump();
		server_says(said[i]);
		nghttp2_submit_rst_stream(h2.ng, 0, 1, NGHTTP2_CANCEL);
		pump();
		ck_assert_int_eq(h2.goaway, 1);
		ck_assert_int_ne(near_end, END_NONE);
		end();
	}
}
END

TEST(request_that_waits_may_be_reset)
{
	begin(CROSS_TO_1);
	ask(get, NULL, 0);
	ask(post, "abc", 3);
	ask(get, NULL, 0);
	pump();
	nghttp2_submit_rst_stream(h2.ng, 0, 3, NGHTTP2_CANCEL);
	pump();
	server_says("HTTP/1.1 204 A\r\n\r\nHTTP");
	ck_assert_ptr_null(strstr(below.out.s, "POST"));
	server_says("/1.1 204 B\r\n\r\n");
	ck_assert_int_eq(h2.ended[0], 1);
	end();
}
END

TEST(connect_is_refused)
{
	static const nghttp2_nv nv[] = { NV(":method", "CONNECT"),
	    NV(":authority", "a.example:443"), NV_END };

	begin(CROSS_TO_1);
	ask(nv, NULL, 0);
	ask(get, NULL, 0);
	pump();
	ck_assert_int_eq(h2.reset[0], NGHTTP2_HTTP_1_1_REQUIRED);
	ck_assert_str_eq(below.out.s, "GET /x HTTP/1.1\r\nHost: a.example"
	    "\r\n\r\n");
	end();
}
END

TEST(answer_before_the_requests_end_stops_it)
{
	begin(CROSS_TO_1);
	h2.holds = 1;
	ask(post, "abc", 3);
	pump();
	server_says("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
	ck_assert_str_eq(got(1), "no");
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_int_eq(h2.reset[0], NGHTTP2_NO_ERROR);
	ck_assert_int_eq(h2.goaway, 1);
	end();
}
END

TEST(client_that_takes_nothing_stops_the_server)
{
	size_t most;

	make_longer();
	begin(CROSS_TO_1);
	h2.deaf = 1;
	ask(get, NULL, 0);
	pump();
	server_says("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
	text_add(&below.in, longer, LONG);
	pump();
	most = below.off;
	ck_assert_uint_lt(most, LONG - 10000);
	ck_assert_int_eq(transport_cross.pending(cross), 0);
	h2.deaf = 0;
	nghttp2_session_consume(h2.ng, 1, h2.body[0].len);
	pump();
	ck_assert_uint_eq(h2.body[0].len, LONG);
	ck_assert_int_eq(memcmp(h2.body[0].s, longer, LONG), 0);
	ck_assert_int_eq(h2.ended[0], 1);
	end();
}
END

TEST(server_that_takes_nothing_stops_the_client)
{
	make_longer();
	begin(CROSS_TO_1);
	below.blocked = 1;
	ask(post, longer, LONG);
	pump();
	ck_assert_uint_gt(h2.left[0], 50000);
	below.blocked = 0;
	pump();
	ck_assert_uint_eq(h2.left[0], 0);
	ck_assert_uint_gt(below.out.len, LONG);
	ck_assert_str_eq(below.out.s + below.out.len - 5, "0\r\n\r\n");
	end();
}
END

TEST(idle_server_that_ends_is_goaway)
{
	begin(CROSS_TO_1);
	server_ends(END_FIN);
	ck_assert_int_eq(h2.goaway, 0);
	ck_assert_int_ne(near_end, END_NONE);
	ck_assert_int_eq(transport_cross.shut(cross, END_FIN), 0);
	ck_assert_int_eq(below.shut, END_FIN);
	end();
}
END

SUITE("cross to HTTP/1.1", request_goes_as_http1_and_its_answer_comes_back,
    streams_go_one_after_the_other,
    content_without_a_length_is_chunked_and_trailers_pass,
    interim_answers_pass_and_expect_is_asked,
    head_has_the_length_and_no_content, answer_that_breaks_off_is_a_reset,
    answer_that_breaks_the_rules_is_a_reset,
    answer_until_the_end_is_whole_with_close_notify,
    bytes_that_nobody_asked_for_are_no_answer,
    word_of_the_server_that_it_closes_is_goaway,
    rest_of_a_short_answer_is_read_for_the_connection,
    reset_before_or_in_a_long_answer_ends_the_connection,
    request_that_waits_may_be_reset, connect_is_refused,
    answer_before_the_requests_end_stops_it,
    client_that_takes_nothing_stops_the_server,
    server_that_takes_nothing_stops_the_client, idle_server_that_ends_is_goaway)
