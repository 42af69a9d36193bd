/*
 * A WebSocket that crosses, from either version to the other.
 */
#include "cross_peer.h"

#define KEY	"dGhlIHNhbXBsZSBub25jZQ=="	/* RFC 6455, 1.3 */
#define ACCEPT	"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define UPGRADE	"GET /chat?a HTTP/1.1\r\nHost: a.example\r\n" \
	"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" \
	"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n"

static const nghttp2_nv extended[] = { NV(":method", "CONNECT"),
    NV(":protocol", "websocket"), NV(":scheme", "https"),
    NV(":authority", "a.example"), NV(":path", "/chat?a"),
    NV("sec-websocket-version", "13"), NV_END };
static const nghttp2_nv ok[] = { NV(":status", "200"),
    NV("sec-websocket-protocol", "p"), NV_END };
static const nghttp2_nv no[] = { NV(":status", "403"),
    NV("content-length", "2"), NV_END };
static const nghttp2_settings_entry connects[] = {
    { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 } };

/* More of a stream's, after what it has sent; it goes on. */
static void
say(int32_t id, const char *s)
{
	h2.out[at(id)] = s;
	h2.left[at(id)] = strlen(s);
	nghttp2_session_resume_data(h2.ng, id);
	pump();
}

static void
hang_up(int32_t id)
{
	h2.holds = 0;
	say(id, "");
}

static void
below_says(const char *s)
{
	text_puts(&below.in, s);
	pump();
}

static void
near_says(const char *s)
{
	ck_assert_int_eq(transport_cross.write(cross, (const uint8_t *)s,
	    strlen(s)), (ssize_t)strlen(s));
	pump();
}

/* --- a client of HTTP/2, a server of HTTP/1.1 */

static int32_t
asked_1(void)
{
	int32_t id;

	begin(CROSS_TO_1);
	ck_assert_int_eq(nghttp2_session_get_remote_settings(h2.ng,
	    NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 1);
	h2.holds = 1;
	id = nghttp2_submit_request(h2.ng, NULL, extended, count(extended),
	    &provider, NULL);
	h2.out[at(id)] = "early";
	h2.left[at(id)] = 5;
	pump();
	return id;
}

/* The server got a key of ours, which is another each time. */
static void
key_is_sent(void)
{
	const char *front = "GET /chat?a HTTP/1.1\r\nHost: a.example\r\n"
	    "sec-websocket-version: 13\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: ";
	size_t len = strlen(front);

	ck_assert_uint_eq(below.out.len, len + 24 + 4);
	ck_assert_int_eq(memcmp(below.out.s, front, len), 0);
	ck_assert_str_eq(below.out.s + len + 22, "==\r\n\r\n");
}

TEST(extended_connect_becomes_an_upgrade_that_is_refused)
{
	asked_1();
	key_is_sent();		/* and nothing of the content */
	below_says("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
	ck_assert_str_eq(h2.fields[0].s, ":status: 403\ncontent-length: 2\n");
	ck_assert_str_eq(got(1), "no");
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_int_eq(h2.reset[0], NGHTTP2_NO_ERROR);
	ck_assert_int_eq(h2.goaway, -1);	/* it goes on */
	end();
}
END

TEST(success_that_is_no_switch_opens_nothing)
{
	asked_1();
	below_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
	ck_assert(has(1, ":status: 502\n"));
	ck_assert_str_eq(got(1), "no");
	end();
}
END

TEST(switch_without_the_answer_to_our_key_is_a_reset)
{
	asked_1();
	below_says("HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\nUpgrade: "
	    "websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\nevil");
	ck_assert_ptr_null(h2.fields[0].s);
	ck_assert_int_eq(h2.reset[0], NGHTTP2_INTERNAL_ERROR);
	ck_assert_int_eq(h2.goaway, 1);
	end();
}
END

/* --- a client of HTTP/1, a server of HTTP/2 */

static void
begin_2(const nghttp2_settings_entry *s, size_t n)
{
	begin_silent(CROSS_TO_2);
	nghttp2_submit_settings(h2.ng, 0, s, n);
	pump();
}

TEST(upgrade_becomes_an_extended_connect)
{
	begin_2(connects, 1);
	near_says(UPGRADE);
	ck_assert_str_eq(h2.fields[0].s, ":method: CONNECT\n:scheme: https\n"
	    ":path: /chat?a\n:authority: a.example\n:protocol: websocket\n"
	    "sec-websocket-version: 13\n");
	ck_assert_int_eq(transport_cross.write(cross, (const uint8_t *)"x", 1),
	    ERR_AGAIN);		/* not before the answer */
	h2.holds = 1;
	nghttp2_submit_response(h2.ng, 1, ok, count(ok), &provider);
	say(1, "hello");
	ck_assert_str_eq(near_out.s, "HTTP/1.1 101 Switching Protocols\r\n"
	    "sec-websocket-protocol: p\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n"
	    "hello");
	near_says("GET / HTTP/1.1\r\n\r\n");	/* are bytes now */
	ck_assert_str_eq(got(1), "GET / HTTP/1.1\r\n\r\n");
	ck_assert_int_eq(transport_cross.shut(cross, END_NOTIFY), ERR_AGAIN);
	pump();
	ck_assert_int_eq(h2.ended[0], 1);
	ck_assert_int_eq(near_end, END_NONE);
	hang_up(1);
	ck_assert_int_eq(near_end, END_FIN);
	ck_assert_int_eq(transport_cross.shut(cross, END_NOTIFY), 0);
	end();
}
END

TEST(server_of_http2_hangs_up_first)
{
	begin_2(connects, 1);
	near_says(UPGRADE);
	h2.holds = 1;
	nghttp2_submit_response(h2.ng, 1, ok, count(ok), &provider);
	say(1, "bye");
	hang_up(1);
	ck_assert_str_eq(near_out.s + near_out.len - 7, "\r\n\r\nbye");
	ck_assert_int_ge(near_end, END_NOTIFY);
	end();
}
END

TEST(server_of_http2_refuses_and_goes_on)
{
	begin_2(connects, 1);
	near_says(UPGRADE);
	h2.out[0] = "no";
	h2.left[0] = 2;
	nghttp2_submit_response(h2.ng, 1, no, count(no), &provider);
	pump();
	ck_assert_str_eq(near_out.s, "HTTP/1.1 403 Forbidden\r\n"
	    "content-length: 2\r\n\r\nno");
	ck_assert_int_eq(h2.ended[0], 1);
	near_says("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert(has(3, ":path: /x\n"));
	end();
}
END

TEST(upgrade_waits_for_the_settings_of_the_server)
{
	begin_silent(CROSS_TO_2);
	ck_assert_int_gt(transport_cross.write(cross, (const uint8_t *)UPGRADE,
	    strlen(UPGRADE)), 0);
	nghttp2_submit_settings(h2.ng, 0, connects, 1);
	pump();
	ck_assert_uint_eq(near_out.len, 0);	/* it was not refused */
	ck_assert(has(1, ":protocol: websocket\n"));
	end();
}
END

TEST(server_of_http2_without_websocket_is_not_asked)
{
	begin_2(NULL, 0);
	near_says(UPGRADE);
	ck_assert_ptr_null(h2.fields[0].s);
	ck_assert_str_eq(near_out.s, "HTTP/1.1 501 Not Implemented\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n");
	ck_assert_int_ge(near_end, END_NOTIFY);
	end();
}
END

SUITE("WebSocket that crosses",
    extended_connect_becomes_an_upgrade_that_is_refused,
    success_that_is_no_switch_opens_nothing,
    switch_without_the_answer_to_our_key_is_a_reset,
    upgrade_becomes_an_extended_connect, server_of_http2_hangs_up_first,
    server_of_http2_refuses_and_goes_on,
    upgrade_waits_for_the_settings_of_the_server,
    server_of_http2_without_websocket_is_not_asked)
