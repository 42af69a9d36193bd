/*
 * Priorities (RFC 9218), carried from the client to the server.
 */
#include "h2_pair.h"

TEST(priorities_are_carried_over)
{
	static const nghttp2_nv urgent[] = { NV(":method", "GET"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/x"), NV("priority", "u=1, i"), NV_END };
	static const nghttp2_settings_entry new[] = {
	    { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 } };
	int32_t low, high;

	begin_with(new, 1);
	fill();
	server.answers = 1;
	server.out = big;
	server.out_len = 200000;
	client.deaf = 1;
	low = ask(get, NULL, 0);
	high = ask(urgent, NULL, 0);
	pump_all();
	client.deaf = 0;
	nghttp2_submit_priority_update(client.ng, 0, low,
	    (const uint8_t *)"u=6", 3);
	pump_all();
	ck_assert_ptr_nonnull(strstr(seen_of(&server, 3)->fields.s,
	    "priority: u=1, i\n"));
	ck_assert_int_eq(server.priority_of, 1);
	ck_assert_str_eq(server.priority, "u=6");
	ck_assert_uint_eq(got(low)->body.len, 200000);
	ck_assert_uint_eq(got(high)->body.len, 200000);
	end();
}
END

static void
update(int32_t id, const char *value)
{
	ck_assert_int_eq(nghttp2_submit_priority_update(client.ng, 0, id,
	    (const uint8_t *)value, strlen(value)), 0);
	pump_all();
}

/* RFC 9218, 7.1: before the request, and before that has gone on. */
TEST(priorities_that_are_early_wait_for_their_request)
{
	static const nghttp2_settings_entry one[] = {
	    { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	    { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 } };
	int32_t id;

	begin_with(one, 2);
	pump_all();
	update(1, "u=7");
	update(1, "u=5");
	ck_assert_int_eq(server.priority_of, 0);
	ck_assert_int_eq(ask(get, NULL, 0), 1);
	pump_all();
	ck_assert_int_eq(server.priority_of, 1);
	ck_assert_str_eq(server.priority, "u=5");
	id = ask(get, NULL, 0);		/* there is no place for it yet */
	pump_all();
	update(id, "u=2");
	update(id, "u=123456789012345678901234567890, a=b, c=d");
	ck_assert_str_eq(server.priority, "u=5");
	answer(1, ok, NULL, 0);
	pump_all();
	ck_assert_int_eq(server.priority_of, 3);
	ck_assert_str_eq(server.priority, "u=2");
	end();
}
END

/* The last ones stay; a client's streams at once are more than we keep. */
TEST(priorities_that_are_early_are_bounded)
{
	static const nghttp2_settings_entry new[] = {
	    { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 } };
	int32_t id;

	begin_with(new, 1);
	pump_all();
	for (id = 1; id < 2 * 60; id += 2)
		update(id, "u=7");
	ck_assert_int_eq(ask(get, NULL, 0), 1);
	pump_all();
	ck_assert_int_eq(server.priority_of, 0);	/* it gave way */
	for (id = 3; id < 2 * 60; id += 2)
		ask(get, NULL, 0);
	pump_all();
	ck_assert_int_eq(server.priority_of, 2 * 60 - 1);
	ck_assert_uint_eq(abuses[DIR_UP][H2_PROTOCOL], 0);
	end();
}
END

SUITE("h2 priority", priorities_are_carried_over,
    priorities_that_are_early_wait_for_their_request,
    priorities_that_are_early_are_bounded)
