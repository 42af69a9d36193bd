/*
 * What peers of HTTP/2 may not do without end, by the numbers under which it
 * became known.
 */
#include "../clock.h"
#include "h2_pair.h"

/* A frame's head, with a stream and a length. */
static void
put_frame(struct text *t, uint8_t type, uint8_t flags, uint32_t id,
    const void *p, size_t len)
{
	char head[9] = { (char)(len >> 16), (char)(len >> 8), (char)len,
	    (char)type, (char)flags, (char)(id >> 24), (char)(id >> 16),
	    (char)(id >> 8), (char)id };

	text_add(t, head, sizeof(head));
	if (len > 0)
		text_add(t, p, len);
}

/* In pieces that the flow takes; what we answer is read. */
static void
put_all(enum flow_dir dir, struct text *t)
{
	size_t at, n;

	for (at = 0; at < t->len && !flow[dir].finished; at += n) {
		n = t->len - at < 20000 ? t->len - at : 20000;
		put_raw(dir, t->s + at, n);
		pump_all();
	}
	text_free(t);
}

static void
check_ended(enum flow_dir from, enum h2_abuse what)
{
	struct peer *p = from == DIR_UP ? &client : &server;

	pump_all();
	ck_assert_uint_eq(abuses[from][what], 1);
	ck_assert_int_eq(p->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
	ck_assert_int_eq(flow[DIR_UP].finished, 1);
	ck_assert_int_eq(flow[DIR_DOWN].finished, 1);
}

TEST(CVE_2023_44487_rapid_reset)
{
	int32_t id;
	int i;

	begin();
	for (i = 0; i < 500 && !flow[DIR_UP].finished; i++) {
		id = ask(get, NULL, 0);
		pump_all();
		nghttp2_submit_rst_stream(client.ng, 0, id, NGHTTP2_CANCEL);
		pump_all();
		peer_forget(&client);
		peer_forget(&server);
	}
	check_ended(DIR_UP, H2_RAPID_RESET);
	ck_assert_int_gt(i, 100);
	end();
}
END

TEST(who_cancels_now_and_then_may)
{
	int32_t id;
	int i;

	begin();
	server.answers = 1;
	for (i = 0; i < 2000; i++) {
		server.answers = i % 2 == 0;
		id = ask(get, NULL, 0);
		pump_all();
		if (i % 2 != 0)
			nghttp2_submit_rst_stream(client.ng, 0, id,
			    NGHTTP2_CANCEL);
		pump_all();
		if (i % 2 == 0)
			ck_assert_int_eq(seen_of(&client, id)->ended, 1);
		peer_forget(&client);
		peer_forget(&server);
	}
	ck_assert_int_eq(flow[DIR_UP].finished, 0);
	end();
}
END

TEST(CVE_2024_27316_continuation_flood)
{
	struct text t = { 0 };
	int i;

	begin();
	put_frame(&t, NGHTTP2_HEADERS, 0, 1, "\x82", 1);
	for (i = 0; i < 20000; i++)
		put_frame(&t, NGHTTP2_CONTINUATION, 0, 1, "", 0);
	put_all(DIR_UP, &t);
	check_ended(DIR_UP, H2_CONTINUATION);
	end();
}
END

TEST(CVE_2024_28182_the_same_from_a_server)
{
	struct text t = { 0 };
	int i;

	begin();
	ask(get, NULL, 0);
	pump_all();
	put_frame(&t, NGHTTP2_HEADERS, 0, 1, "\x88", 1);
	for (i = 0; i < 20000; i++)
		put_frame(&t, NGHTTP2_CONTINUATION, 0, 1, "", 0);
	put_all(DIR_DOWN, &t);
	check_ended(DIR_DOWN, H2_CONTINUATION);
	end();
}
END

/* CVE-2016-6581: a small block that becomes a large head. */
TEST(CVE_2016_6581_hpack_bomb)
{
	struct text t = { 0 }, block = { 0 };
	char value[3000];
	int i;

	begin();
	memset(value, 'x', sizeof(value));
	text_add(&block, "\x82\x87\x84\x41\x01" "a", 6);
	/* A literal with indexing, then references to it. */
	text_add(&block, "\x40\x01" "b\x7f\xb9\x16", 6);
	text_add(&block, value, sizeof(value));
	for (i = 0; i < 10000; i++)
		text_add(&block, "\xbe", 1);
	put_frame(&t, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS |
	    NGHTTP2_FLAG_END_STREAM, 1, block.s, block.len);
	put_raw(DIR_UP, t.s, t.len);
	text_free(&t);
	text_free(&block);
	ck_assert_uint_eq(abuses[DIR_UP][H2_HPACK_BOMB], 1);
	ck_assert_uint_eq(nus, 0);
	ck_assert_uint_eq(budget_used(), POOL_BUF);
	/* It is a matter of its stream. */
	ck_assert_int_eq(flow[DIR_UP].finished, 0);
	end();
}
END

TEST(a_head_over_the_limit_is_answered_431)
{
	static char value[20000];
	nghttp2_nv nv[8];
	int32_t id;
	int i;

	begin();
	server.answers = 1;
	memset(value, 'x', sizeof(value));
	memcpy(nv, get, sizeof(nv[0]) * 4);
	for (i = 4; i < 8; i++)
		nv[i] = (nghttp2_nv){ (uint8_t *)"a", (uint8_t *)value, 1,
		    sizeof(value), NGHTTP2_NV_FLAG_NONE };
	id = nghttp2_submit_request(client.ng, NULL, nv, 8, NULL, NULL);
	pump_all();
	ck_assert_str_eq(seen_of(&client, id)->fields.s, ":status: 431\n");
	ck_assert_int_eq(seen_of(&client, id)->ended, 1);
	ck_assert_uint_eq(abuses[DIR_UP][H2_HPACK_BOMB], 1);
	ck_assert_uint_eq(nus, 0);
	id = ask(get, NULL, 0);
	pump_all();
	ck_assert_int_eq(seen_of(&client, id)->ended, 1);
	end();
}
END

/* Fields of hardly any bytes, which still cost. */
TEST(CVE_2019_9516_empty_fields)
{
	struct text t = { 0 }, block = { 0 };
	int i;

	begin();
	for (i = 0; i < 4000; i++)
		text_add(&block, "\x00\x01" "a" "\x00", 4);
	put_frame(&t, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS |
	    NGHTTP2_FLAG_END_STREAM, 1, block.s, block.len);
	put_raw(DIR_UP, t.s, t.len);
	text_free(&t);
	text_free(&block);
	ck_assert_uint_eq(abuses[DIR_UP][H2_HPACK_BOMB], 1);
	ck_assert_uint_eq(nus, 0);
	ck_assert_int_eq(flow[DIR_UP].finished, 0);
	end();
}
END

TEST(CVE_2019_9518_empty_frames)
{
	struct text t = { 0 };
	int i;

	begin();
	seen_of(&client, ask(post, "", 0))->hold = 1;
	pump_all();
	for (i = 0; i < 10000; i++)
		put_frame(&t, NGHTTP2_DATA, 0, 1, "", 0);
	put_all(DIR_UP, &t);
	check_ended(DIR_UP, H2_EMPTY_FRAMES);
	end();
}
END

TEST(CVE_2019_9513_priority_flood)
{
	struct text t = { 0 };
	int i;

	begin();
	ask(get, NULL, 0);
	pump_all();
	for (i = 0; i < 10000; i++)
		put_frame(&t, NGHTTP2_PRIORITY, 0, 1, "\0\0\0\3\1", 5);
	put_all(DIR_UP, &t);
	check_ended(DIR_UP, H2_EMPTY_FRAMES);
	end();
}
END

TEST(CVE_2019_9512_ping_flood)
{
	struct text t = { 0 };
	int i;

	begin();
	for (i = 0; i < 5000; i++)
		put_frame(&t, NGHTTP2_PING, 0, 0, "12345678", 8);
	put_all(DIR_UP, &t);
	check_ended(DIR_UP, H2_PING_FLOOD);
	end();
}
END

TEST(CVE_2019_9515_settings_flood)
{
	struct text t = { 0 };
	int i;

	begin();
	for (i = 0; i < 5000; i++)
		put_frame(&t, NGHTTP2_SETTINGS, 0, 0, "", 0);
	put_all(DIR_UP, &t);
	check_ended(DIR_UP, H2_SETTINGS_FLOOD);
	end();
}
END

/* And CVE-2025-8671: streams that make the server reset them. */
TEST(CVE_2019_9514_reset_flood)
{
	static const nghttp2_nv bad[] = { NV(":method", "GET"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/x"), NV("connection", "close") };
	int i;

	begin();
	for (i = 0; i < 500 && !flow[DIR_UP].finished; i++) {
		nghttp2_submit_request(client.ng, NULL, bad, 5, NULL, NULL);
		pump_all();
		peer_forget(&client);
	}
	check_ended(DIR_UP, H2_RESET_FLOOD);
	ck_assert_uint_eq(nus, 0);
	end();
}
END

/* A window of 1 byte, again and again. */
TEST(answers_that_a_client_does_not_read_are_bounded)
{
	static const nghttp2_settings_entry one[] = {
	    { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 } };
	struct text t = { 0 };
	uint32_t i;

	begin_with(one, 1);
	pump_all();
	client.deaf = 1;
	for (i = 0; i < 50000; i++)
		put_frame(&t, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS |
		    NGHTTP2_FLAG_END_STREAM, 2 * i + 1,
		    "\x82\x87\x84\x41\x01" "a", 6);
	put_all(DIR_UP, &t);
	client.deaf = 0;
	ck_assert_uint_le(nus, 200);
	ck_assert_uint_eq(abuses[DIR_UP][H2_RESET_FLOOD] +
	    abuses[DIR_UP][H2_PROTOCOL], 1);
	end();
}
END

TEST(interim_responses_without_end_reset_the_stream)
{
	static const nghttp2_nv hints[] = { NV(":status", "103") };
	int32_t id;
	int i;

	begin();
	id = ask(get, NULL, 0);
	pump_all();
	for (i = 0; i < 200; i++) {
		nghttp2_submit_headers(server.ng, 0, 1, NULL, hints, 1, NULL);
		pump_all();
	}
	ck_assert_int_ge(seen_of(&client, id)->reset, 0);
	ck_assert_int_eq(seen_of(&server, 1)->reset, NGHTTP2_PROTOCOL_ERROR);
	ck_assert_uint_eq(abuses[DIR_DOWN][H2_EMPTY_FRAMES], 1);
	end();
}
END

/*
 * With each of 4,000 frames of content both windows are opened, where 2,000
 * frames are taken that bring nothing on. No time goes by, in which more are.
 */
TEST(windows_given_back_frame_by_frame_are_no_abuse)
{
	static const nghttp2_settings_entry small[] = {
	    { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000 } };
	static char much[4000000];
	int32_t id;

	clock_stop();
	begin();
	nghttp2_submit_settings(client.ng, 0, small, 1);
	client.opens = 1;
	server.answers = 1;
	server.out = much;
	server.out_len = sizeof(much);
	id = ask(get, NULL, 0);
	pump_all();
	ck_assert_uint_eq(abuses[DIR_UP][H2_EMPTY_FRAMES], 0);
	ck_assert_uint_eq(seen_of(&client, id)->body.len, sizeof(much));
	ck_assert_int_eq(seen_of(&client, id)->ended, 1);
	end();
	clock_go();
}
END

/* What waits for a client that opens no window is given up, if others need the
 * memory; and its stream alone. */
TEST(a_stream_that_nobody_takes_is_reset_for_its_memory)
{
	static const nghttp2_settings_entry shut[] = {
	    { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 } };
	static char much[200000];

	begin();
	nghttp2_submit_settings(client.ng, 0, shut, 1);
	server.answers = 1;
	server.out = much;
	server.out_len = sizeof(much);
	ask(get, NULL, 0);
	pump_all();
	ck_assert_uint_gt(budget_used(), sizeof(much));
	clock_ahead += 61;
	pump_all();
	ck_assert_int_eq(us[0]->over, 0);	/* there is enough */
	budget_limit(2 * budget_used() - 1);
	clock_ahead += 2;
	pump_all();
	ck_assert_int_eq(us[0]->over, 1);
	ck_assert_str_eq(us[0]->why, "its receiver takes nothing");
	ck_assert_uint_eq(abuses[DIR_UP][H2_SLOW_WINDOW], 1);
	ck_assert_int_eq(seen_of(&client, 1)->reset,
	    NGHTTP2_ENHANCE_YOUR_CALM);
	ck_assert_int_eq(flow[DIR_UP].finished, 0);
	server.out = NULL;
	ck_assert_int_eq(ask(get, NULL, 0), 3);
	pump_all();
	ck_assert_int_eq(seen_of(&client, 3)->ended, 1);
	end();
}
END

TEST(CVE_2019_9511_data_dribble)
{
	static const nghttp2_settings_entry none[] = {
	    { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 } };
	static char much[200000];
	int32_t id;
	int i;

	begin();
	nghttp2_submit_settings(client.ng, 0, none, 1);
	server.answers = 1;
	server.out = much;
	server.out_len = sizeof(much);
	id = ask(get, NULL, 0);
	pump_all();
	for (i = 0; i < 5000 && !flow[DIR_UP].finished; i++) {
		nghttp2_submit_window_update(client.ng, 0, id, 1);
		pump_all();
	}
	check_ended(DIR_UP, H2_SLOW_WINDOW);
	end();
}
END

/* What a window that does not open can make us keep. */
TEST(CVE_2019_9517_internal_data_buffering)
{
	static const nghttp2_settings_entry none[] = {
	    { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 } };
	static char much[1000000];
	int i;

	begin();
	nghttp2_submit_settings(client.ng, 0, none, 1);
	server.answers = 1;
	server.out = much;
	server.out_len = sizeof(much);
	for (i = 0; i < 100; i++)
		ask(get, NULL, 0);
	pump_all();
	ck_assert_uint_le(budget_used(), 100 * (2 * 256 + 64) * 1024);
	ck_assert_int_eq(flow[DIR_UP].finished, 0);
	end();
}
END

TEST(and_without_memory_streams_end_but_not_the_rest)
{
	static const nghttp2_settings_entry none[] = {
	    { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 } };
	static char much[1000000];
	size_t i, over = 0;

	begin();
	budget_limit(4 * 1024 * 1024);
	nghttp2_submit_settings(client.ng, 0, none, 1);
	server.answers = 1;
	server.out = much;
	server.out_len = sizeof(much);
	for (i = 0; i < 100; i++)
		ask(get, NULL, 0);
	pump_all();
	ck_assert_uint_le(budget_used(), 4 * 1024 * 1024);
	for (i = 0; i < nus; i++)
		over += us[i]->over;
	ck_assert_uint_gt(over, 50);
	ck_assert_uint_lt(over, 100);
	ck_assert_int_eq(flow[DIR_UP].finished, 0);
	end();
}
END

SUITE("h2_abuse", CVE_2023_44487_rapid_reset, who_cancels_now_and_then_may,
    CVE_2024_27316_continuation_flood,
    CVE_2024_28182_the_same_from_a_server, CVE_2016_6581_hpack_bomb,
    a_head_over_the_limit_is_answered_431, CVE_2019_9516_empty_fields,
    CVE_2019_9518_empty_frames,
    windows_given_back_frame_by_frame_are_no_abuse,
    a_stream_that_nobody_takes_is_reset_for_its_memory,
    CVE_2019_9513_priority_flood, CVE_2019_9512_ping_flood,
    CVE_2019_9515_settings_flood, CVE_2019_9514_reset_flood,
    answers_that_a_client_does_not_read_are_bounded,
    interim_responses_without_end_reset_the_stream,
    CVE_2019_9511_data_dribble, CVE_2019_9517_internal_data_buffering,
    and_without_memory_streams_end_but_not_the_rest)
