/*
 * HTTP/2 between two real peers: what one says, the other gets.
 */
#include "h2_pair.h"

#include "util/err.h"

static void
check_exchange(enum deed up, enum deed down, size_t up_len, size_t down_len)
{
	struct seen *c, *s;
	int32_t id;

	begin();
	fill();
	deed[DIR_UP] = up;
	deed[DIR_DOWN] = down;
	server.answers = 1;
	server.out = down_len > 0 ? big : NULL;
	server.out_len = down_len;
	id = ask(up_len > 0 ? post : get, up_len > 0 ? big : NULL, up_len);
	pump_all();
	c = seen_of(&client, id);
	s = seen_of(&server, 1);
	ck_assert_str_eq(c->fields.s, ":status: 200\nx-a: b\n");
	ck_assert_ptr_nonnull(strstr(s->fields.s, up_len > 0 ?
	    ":method: POST\n" : ":method: GET\n"));
	ck_assert_ptr_nonnull(strstr(s->fields.s, ":authority: a.example\n"));
	ck_assert_int_eq(c->ended, 1);
	ck_assert_int_eq(s->ended, 1);
	ck_assert_uint_eq(c->body.len, down_len);
	ck_assert_uint_eq(s->body.len, up_len);
	if (down_len > 0)
		ck_assert_int_eq(memcmp(c->body.s, big, down_len), 0);
	if (up_len > 0)
		ck_assert_int_eq(memcmp(s->body.s, big, up_len), 0);
	ck_assert_uint_eq(nus, 1);
	ck_assert_int_eq(us[0]->over, 1);
	ck_assert_ptr_null(us[0]->why);
	ck_assert_int_eq(c->reset, -1);
	ck_assert_int_eq(s->reset, -1);
	end();
}

TEST(a_request_and_its_response_pass)
{
	check_exchange(PASS, PASS, 0, 5);
	check_exchange(PASS, PASS, 0, 0);
	check_exchange(PASS, PASS, 5, 0);
}
END

TEST(bodies_of_any_size_pass)
{
	check_exchange(PASS, PASS, 100000, 70000);
	check_exchange(PASS, PASS, sizeof(big), sizeof(big));
}
END

TEST(or_are_taken_and_sent_again)
{
	check_exchange(SEND, SEND, 0, 0);
	check_exchange(SEND, SEND, 7, 9);
	check_exchange(SEND, PASS, sizeof(big), 100000);
	check_exchange(PASS, SEND, 100000, sizeof(big));
	check_exchange(SEND, SEND, sizeof(big), sizeof(big));
}
END

TEST(a_page_answers_and_the_server_is_told)
{
	int32_t id;

	begin();
	fill();
	server.answers = 1;
	deed[DIR_DOWN] = REFUSE;
	server.out = big;
	server.out_len = sizeof(big);
	id = ask(get, NULL, 0);
	pump_all();
	ck_assert_ptr_nonnull(strstr(got(id)->fields.s, ":status: 403\n"));
	ck_assert_ptr_null(strstr(got(id)->fields.s, "connection"));
	ck_assert_ptr_nonnull(strstr(got(id)->body.s, "not this"));
	ck_assert_int_eq(got(id)->ended, 1);
	ck_assert_int_eq(seen_of(&server, 1)->reset, NGHTTP2_CANCEL);
	ck_assert_int_eq(us[0]->over, 1);
	ck_assert_ptr_null(us[0]->why);
	end();
}
END

TEST(a_request_refused_reaches_no_server_and_need_not_be_sent_whole)
{
	int32_t id;

	begin();
	fill();
	deed[DIR_UP] = REFUSE;
	id = ask(post, big, sizeof(big));
	pump_all();
	ck_assert_ptr_nonnull(strstr(got(id)->fields.s, ":status: 403\n"));
	ck_assert_int_eq(got(id)->ended, 1);
	ck_assert_int_eq(got(id)->reset, NGHTTP2_NO_ERROR);
	ck_assert_uint_eq(server.n, 0);
	ck_assert_ptr_null(us[0]->why);
	end();
}
END

TEST(interim_responses_and_trailers_pass)
{
	static const nghttp2_nv hints[] = { NV(":status", "103"),
	    NV("link", "</s.css>"), NV_END };
	static const nghttp2_nv status[] = { NV("grpc-status", "0"), NV_END };
	int32_t id;
	int i;

	for (i = 0; i < 2; i++) {
		begin();
		deed[DIR_UP] = deed[DIR_DOWN] = i == 0 ? PASS : SEND;
		id = ask(post, "hello", 5);
		got(id)->trailers = status;
		pump_all();
		nghttp2_submit_headers(server.ng, 0, 1, NULL, hints, 2, NULL);
		pump_all();
		ck_assert_str_eq(got(id)->fields.s,
		    ":status: 103\nlink: </s.css>\n");
		server.trailers = status;
		answer(1, ok, "world", 5);
		pump_all();
		ck_assert_str_eq(got(id)->fields.s, ":status: 103\n"
		    "link: </s.css>\n:status: 200\nx-a: b\ngrpc-status: 0\n");
		ck_assert_str_eq(got(id)->body.s, "world");
		ck_assert_int_eq(got(id)->ended, 1);
		ck_assert_ptr_nonnull(strstr(seen_of(&server, 1)->fields.s,
		    "grpc-status: 0\n"));
		ck_assert_int_eq(seen_of(&server, 1)->ended, 1);
		ck_assert_ptr_null(us[0]->why);
		end();
	}
}
END

TEST(a_reset_of_either_side_is_the_others)
{
	int32_t id, other;

	begin();
	id = ask(get, NULL, 0);
	other = ask(get, NULL, 0);
	pump_all();
	nghttp2_submit_rst_stream(client.ng, 0, id, NGHTTP2_CANCEL);
	nghttp2_submit_rst_stream(server.ng, 0, 3, NGHTTP2_REFUSED_STREAM);
	pump_all();
	ck_assert_int_eq(seen_of(&server, 1)->reset, NGHTTP2_CANCEL);
	ck_assert_int_eq(got(other)->reset, NGHTTP2_REFUSED_STREAM);
	ck_assert_str_eq(us[0]->why, "the client reset the stream");
	ck_assert_str_eq(us[1]->why, "the server reset the stream");
	id = ask(get, NULL, 0);
	pump_all();
	answer(5, ok, "x", 1);
	pump_all();
	ck_assert_str_eq(got(id)->body.s, "x");
	end();
}
END

TEST(a_held_stream_holds_itself_alone)
{
	int32_t held, id;

	begin();
	fill();
	deed[DIR_UP] = HOLD;
	held = ask(post, big, sizeof(big));
	pump_all();
	deed[DIR_UP] = PASS;
	id = ask(post, big, sizeof(big));
	pump_all();
	ck_assert_uint_eq(seen_of(&server, 1)->body.len, sizeof(big));
	ck_assert_uint_eq(server.n, 1);
	answer(1, ok, big, sizeof(big));
	pump_all();
	ck_assert_uint_eq(got(id)->body.len, sizeof(big));
	ck_assert_uint_lt(got(held)->out_off, 600000);
	do_deed(us[0], DIR_UP, SEND);
	h2_wake(us[0]->s);
	pump_all();
	ck_assert_uint_eq(seen_of(&server, 3)->body.len, sizeof(big));
	ck_assert_int_eq(memcmp(seen_of(&server, 3)->body.s, big,
	    sizeof(big)), 0);
	end();
}
END

TEST(requests_wait_for_a_place_at_the_server)
{
	static const nghttp2_settings_entry two[] = {
	    { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2 } };
	int32_t id[20];
	size_t i;

	begin_with(two, 1);
	pump_all();
	for (i = 0; i < 20; i++)
		id[i] = ask(get, NULL, 0);
	pump_all();
	ck_assert_uint_eq(server.n, 2);
	for (i = 0; i < 20; i++) {
		answer((int32_t)(2 * i + 1), ok, "x", 1);
		pump_all();
		ck_assert_int_eq(got(id[i])->ended, 1);
	}
	end();
}
END

TEST(a_server_that_leaves_answers_what_it_has_got)
{
	int32_t a, b;

	begin();
	a = ask(get, NULL, 0);
	b = ask(get, NULL, 0);
	pump_all();
	nghttp2_submit_goaway(server.ng, 0, 1, NGHTTP2_NO_ERROR, NULL, 0);
	pump_all();
	ck_assert_int_eq(got(b)->reset, NGHTTP2_REFUSED_STREAM);
	ck_assert_int_eq(client.goaway, b);
	ck_assert_int_eq(flow[DIR_DOWN].finished, 0);
	answer(1, ok, "x", 1);
	pump_all();
	ck_assert_int_eq(got(a)->ended, 1);
	ck_assert_int_eq(flow[DIR_DOWN].finished, 1);
	ck_assert_int_eq(h2_busy(h2, DIR_DOWN), 0);
	ck_assert_int_eq(h2_busy(h2, DIR_UP), 0);
	end();
}
END

TEST(an_end_of_the_connection_is_the_end_of_what_is_not_whole)
{
	int32_t a, b;

	begin();
	a = ask(get, NULL, 0);
	b = ask(get, NULL, 0);
	pump_all();
	answer(1, ok, "x", 1);
	seen_of(&server, 3)->hold = 1;
	answer(3, ok, "y", 1);
	server.shut = 1;
	pump_all();
	ck_assert_int_eq(got(a)->ended, 1);
	ck_assert_int_eq(got(a)->reset, -1);
	ck_assert_int_eq(got(b)->ended, 0);
	ck_assert_int_eq(got(b)->reset, NGHTTP2_INTERNAL_ERROR);
	ck_assert_int_eq(client.goaway_code, NGHTTP2_NO_ERROR);
	ck_assert_int_eq(flow[DIR_DOWN].finished, 1);
	end();
}
END

TEST(a_peer_that_breaks_the_protocol_is_told_so)
{
	begin();
	ask(get, NULL, 0);
	pump_all();
	put_raw(DIR_UP, "\0\0\1\0\0\0\0\0\0x", 10);	/* DATA on 0 */
	pump_all();
	ck_assert_int_eq(client.goaway_code, NGHTTP2_PROTOCOL_ERROR);
	ck_assert_int_eq(us[0]->over, 1);
	ck_assert_str_eq(us[0]->why, "the client broke HTTP/2");
	ck_assert_int_eq(server.goaway_code, NGHTTP2_NO_ERROR);
	ck_assert_int_ge(server.goaway, 0);
	ck_assert_int_eq(flow[DIR_UP].finished, 1);
	ck_assert_uint_eq(abuses[DIR_UP][H2_PROTOCOL], 1);
	end();
}
END

TEST(a_server_that_needs_no_more_says_so_to_the_client)
{
	int32_t id;

	begin();
	fill();
	id = ask(post, big, 1000);
	got(id)->hold = 1;
	pump_all();
	answer(1, ok, "early", 5);
	pump_all();
	nghttp2_submit_rst_stream(server.ng, 0, 1, NGHTTP2_NO_ERROR);
	pump_all();
	ck_assert_str_eq(got(id)->body.s, "early");
	ck_assert_int_eq(got(id)->ended, 1);
	ck_assert_int_eq(got(id)->reset, NGHTTP2_NO_ERROR);
	ck_assert_int_eq(us[0]->over, 1);
	ck_assert_ptr_null(us[0]->why);
	end();
}
END

TEST(what_a_server_that_ends_has_not_seen_may_be_asked_again)
{
	int32_t seen, held;

	begin();
	seen = ask(get, NULL, 0);
	pump_all();
	deed[DIR_UP] = HOLD;
	held = ask(get, NULL, 0);
	pump_all();
	server.shut = 1;
	pump_all();
	ck_assert_int_eq(got(seen)->reset, NGHTTP2_INTERNAL_ERROR);
	ck_assert_int_eq(got(held)->reset, NGHTTP2_REFUSED_STREAM);
	end();
}
END

TEST(lengths_that_are_not_true_reset_the_stream)
{
	static const nghttp2_nv five[] = { NV(":status", "200"),
	    NV("content-length", "5"), NV_END };
	static const nghttp2_nv says[] = { NV(":method", "POST"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/y"), NV("content-length", "5"), NV_END };
	int32_t id[4];
	int i;

	for (i = 0; i < 2; i++) {
		begin();
		deed[DIR_UP] = deed[DIR_DOWN] = i == 0 ? PASS : SEND;
		id[0] = ask(get, NULL, 0);
		id[1] = ask(get, NULL, 0);
		pump_all();
		answer(1, five, "1234", 4);
		answer(3, five, "123456", 6);
		id[2] = ask(says, "1234", 4);
		id[3] = ask(says, "123456", 6);
		pump_all();
		ck_assert_int_eq(got(id[0])->reset, NGHTTP2_PROTOCOL_ERROR);
		ck_assert_int_eq(got(id[1])->reset, NGHTTP2_PROTOCOL_ERROR);
		ck_assert_int_eq(got(id[2])->reset, NGHTTP2_PROTOCOL_ERROR);
		ck_assert_int_eq(got(id[3])->reset, NGHTTP2_PROTOCOL_ERROR);
		ck_assert_int_eq(got(id[0])->ended, 0);
		ck_assert_int_eq(seen_of(&server, 5)->ended, 0);
		ck_assert_int_eq(flow[DIR_UP].finished, 0);
		end();
	}
}
END

TEST(an_answer_to_head_has_no_content)
{
	static const nghttp2_nv head[] = { NV(":method", "HEAD"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/y"), NV_END };
	static const nghttp2_nv five[] = { NV(":status", "200"),
	    NV("content-length", "5"), NV_END };
	int32_t id;
	int i;

	for (i = 0; i < 3; i++) {
		begin();
		deed[DIR_DOWN] = i == 0 ? PASS : i == 1 ? SEND : REFUSE;
		id = ask(head, NULL, 0);
		pump_all();
		answer(1, five, NULL, 0);
		pump_all();
		ck_assert_int_eq(got(id)->ended, 1);
		ck_assert_uint_eq(got(id)->body.len, 0);
		if (i < 2)
			ck_assert_str_eq(got(id)->fields.s,
			    ":status: 200\ncontent-length: 5\n");
		ck_assert_ptr_null(us[0]->why);
		end();
	}
}
END

TEST(a_promise_ends_the_connection_of_the_server)
{
	int32_t id;

	begin();
	id = ask(get, NULL, 0);
	pump_all();
	put_raw(DIR_DOWN, "\0\0\5\5\4\0\0\0\1\0\0\0\2\x82", 14);
	pump_all();
	ck_assert_int_eq(server.goaway_code, NGHTTP2_PROTOCOL_ERROR);
	ck_assert_int_eq(got(id)->reset, NGHTTP2_INTERNAL_ERROR);
	ck_assert_int_eq(client.goaway_code, NGHTTP2_NO_ERROR);
	end();
}
END

TEST(who_is_refused_while_it_waits_is_not_asked_for)
{
	static const nghttp2_settings_entry one[] = {
	    { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 } };
	int32_t a, b;

	begin_with(one, 1);
	fill();
	pump_all();
	a = ask(get, NULL, 0);
	b = ask(post, big, sizeof(big));
	pump_all();
	ck_assert_uint_eq(server.n, 1);
	exchange_refuse(&us[1]->x, 403, "too late");
	pump_all();
	ck_assert_int_eq(got(b)->ended, 1);
	ck_assert_int_eq(got(b)->reset, NGHTTP2_NO_ERROR);
	answer(1, ok, "x", 1);
	pump_all();
	ck_assert_int_eq(got(a)->ended, 1);
	ck_assert_uint_eq(server.n, 1);
	ck_assert_int_eq(us[1]->over, 1);
	end();
}
END

TEST(a_page_ends_a_request_that_was_passing)
{
	int32_t id;

	begin();
	fill();
	id = ask(post, big, 100);
	got(id)->hold = 1;
	pump_all();
	exchange_refuse(&us[0]->x, 403, "too late");
	got(id)->out_len = sizeof(big);
	nghttp2_session_resume_data(client.ng, id);
	pump_all();
	ck_assert_ptr_nonnull(strstr(got(id)->fields.s, ":status: 403\n"));
	ck_assert_int_eq(got(id)->ended, 1);
	ck_assert_int_eq(got(id)->reset, NGHTTP2_NO_ERROR);
	ck_assert_int_eq(seen_of(&server, 1)->reset, NGHTTP2_CANCEL);
	ck_assert_int_eq(us[0]->over, 1);
	end();
}
END

/* The calls that an adapted answer makes. */
TEST(an_answer_waits_for_its_end_and_can_be_taken_back)
{
	struct http_text t = { 0 };
	struct exchange *x;
	int32_t id;
	int bad;

	begin();
	deed[DIR_UP] = HOLD;
	id = ask(get, NULL, 0);
	pump_all();
	x = &us[0]->x;
	exchange_set(x, DIR_UP, EXCHANGE_ANSWERED);
	exchange_set(x, DIR_DOWN, EXCHANGE_ANSWERED);
	ck_assert_int_eq(http_response(&t, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
	    25), 0);
	ck_assert_int_eq(x->codec->head(x->conn, DIR_DOWN, &t.head, 1, 7,
	    HTTP_REVOCABLE), 0);
	ck_assert_uint_eq(x->codec->data(x->conn, DIR_DOWN,
	    (const uint8_t *)"1234567", 7, &bad), 7);
	pump_all();
	ck_assert_int_eq(x->msg[DIR_DOWN].began, 0);
	ck_assert_ptr_null(got(id)->fields.s);
	ck_assert_int_eq(x->codec->commit(x->conn, DIR_DOWN), 1);
	x->msg[DIR_DOWN].began = 0;
	x->codec->revoke(x->conn, DIR_DOWN);
	ck_assert_int_eq(x->codec->head(x->conn, DIR_DOWN, &t.head, 1, 3,
	    HTTP_REVOCABLE), 0);
	ck_assert_uint_eq(x->codec->data(x->conn, DIR_DOWN,
	    (const uint8_t *)"abc", 3, &bad), 3);
	ck_assert_uint_eq(x->codec->data(x->conn, DIR_DOWN,
	    (const uint8_t *)"d", 1, &bad), 0);
	ck_assert_int_eq(bad, 1);
	ck_assert_int_eq(x->codec->end(x->conn, DIR_DOWN, NULL), 0);
	pump_all();
	ck_assert_str_eq(got(id)->body.s, "abc");
	ck_assert_str_eq(got(id)->fields.s,
	    ":status: 200\na: b\ncontent-length: 3\n");
	ck_assert_int_eq(got(id)->ended, 1);
	end();
}
END

TEST(fields_are_edited_and_with_host_the_authority)
{
	static const nghttp2_nv many[] = { NV(":method", "GET"),
	    NV(":scheme", "https"), NV(":authority", "a.example"),
	    NV(":path", "/x"), NV("range", "bytes=1-2"), NV("x", "1"),
	    NV("x", "2"), NV("cookie", "a=1"), NV("cookie", "b=2"), NV_END };
	struct http_edit edit[] = { { "range", NULL }, { "x", "3" },
	    { "host", "b.example" }, { "absent", "1" } };
	struct exchange *x;

	begin();
	deed[DIR_UP] = HOLD;
	ask(many, NULL, 0);
	pump_all();
	x = &us[0]->x;
	x->codec->edit(x->conn, DIR_UP, edit, 4);
	do_deed(us[0], DIR_UP, PASS);
	pump_all();
	ck_assert_str_eq(seen_of(&server, 1)->fields.s, ":method: GET\n"
	    ":scheme: https\n:path: /x\n:authority: b.example\n"
	    "x: 3\ncookie: a=1\ncookie: b=2\n");
	end();
}
END

SUITE("h2", a_request_and_its_response_pass, bodies_of_any_size_pass,
    or_are_taken_and_sent_again, a_page_answers_and_the_server_is_told,
    a_request_refused_reaches_no_server_and_need_not_be_sent_whole,
    interim_responses_and_trailers_pass, a_reset_of_either_side_is_the_others,
    a_held_stream_holds_itself_alone, requests_wait_for_a_place_at_the_server,
    a_server_that_leaves_answers_what_it_has_got,
    an_end_of_the_connection_is_the_end_of_what_is_not_whole,
    a_peer_that_breaks_the_protocol_is_told_so,
    a_server_that_needs_no_more_says_so_to_the_client,
    what_a_server_that_ends_has_not_seen_may_be_asked_again,
    lengths_that_are_not_true_reset_the_stream,
    an_answer_to_head_has_no_content,
    a_promise_ends_the_connection_of_the_server,
    who_is_refused_while_it_waits_is_not_asked_for,
    a_page_ends_a_request_that_was_passing,
    an_answer_waits_for_its_end_and_can_be_taken_back,
    fields_are_edited_and_with_host_the_authority)
