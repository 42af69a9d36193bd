/*
 * Extended CONNECT (RFC 8441), and what it carries.
 */
#include "h2_pair.h"

static const nghttp2_settings_entry connects[] = {
    { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 } };
static const nghttp2_nv websocket[] = { NV(":method", "CONNECT"),
    NV(":protocol", "websocket"), NV(":scheme", "https"),
    NV(":authority", "a.example"), NV(":path", "/chat"), NV_END };

static uint32_t
offered(void)
{
	return nghttp2_session_get_remote_settings(client.ng,
	    NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL);
}

TEST(extended_connect_is_offered_if_the_server_offers_it)
{
	int32_t id;

	begin();
	ck_assert_uint_eq(offered(), 0);
	id = ask(websocket, "x", 1);
	pump_all();
	ck_assert_int_eq(got(id)->reset, NGHTTP2_PROTOCOL_ERROR);
	ck_assert_uint_eq(nus, 0);
	end();
	begin_with(connects, 1);
	pump_all();
	ck_assert_uint_eq(offered(), 1);
	end();
}
END

TEST(what_it_carries_passes_both_ways_until_each_ends)
{
	int32_t id;
	int i;

	for (i = 0; i < 2; i++) {
		begin_with(connects, 1);
		pump_all();
		deed[DIR_UP] = i == 0 ? PASS : SEND;
		id = ask(websocket, "ping", 4);
		got(id)->hold = 1;
		pump_all();
		ck_assert_ptr_nonnull(strstr(seen_of(&server, 1)->fields.s,
		    ":protocol: websocket\n"));
		ck_assert_int_eq(us[0]->x.msg[DIR_UP].ended, 1);
		ck_assert_int_eq(us[0]->x.msg[DIR_UP].bodied, 0);
		seen_of(&server, 1)->hold = 1;
		answer(1, ok, "pong", 4);
		pump_all();
		ck_assert_int_eq(us[0]->x.msg[DIR_DOWN].tunnel, 1);
		ck_assert_str_eq(seen_of(&server, 1)->body.s, "ping");
		ck_assert_str_eq(got(id)->body.s, "pong");
		ck_assert_int_eq(seen_of(&server, 1)->ended, 0);
		got(id)->hold = 0;
		nghttp2_session_resume_data(client.ng, id);
		pump_all();
		ck_assert_int_eq(seen_of(&server, 1)->ended, 1);
		ck_assert_int_eq(got(id)->ended, 0);
		seen_of(&server, 1)->hold = 0;
		nghttp2_session_resume_data(server.ng, 1);
		pump_all();
		ck_assert_int_eq(got(id)->ended, 1);
		ck_assert_ptr_null(us[0]->why);
		end();
	}
}
END

TEST(an_answer_before_the_request_was_sent_ends_neither)
{
	int32_t id;

	begin();
	fill();
	id = ask(post, big, 1000);
	got(id)->hold = 1;
	pump_all();
	answer(1, ok, "early", 5);
	pump_all();
	ck_assert_int_eq(got(id)->ended, 1);
	ck_assert_int_eq(us[0]->over, 0);
	got(id)->out_len = sizeof(big);
	got(id)->hold = 0;
	nghttp2_session_resume_data(client.ng, id);
	pump_all();
	ck_assert_uint_eq(seen_of(&server, 1)->body.len, sizeof(big));
	ck_assert_int_eq(seen_of(&server, 1)->ended, 1);
	ck_assert_ptr_null(us[0]->why);
	ck_assert_int_eq(us[0]->over, 1);
	end();
}
END

SUITE("h2 connect", extended_connect_is_offered_if_the_server_offers_it,
    what_it_carries_passes_both_ways_until_each_ends,
    an_answer_before_the_request_was_sent_ends_neither)
