/*
 * Reading HTTP/2 that passes, between two peers that speak it by nghttp2.
 */
#include "http/h2_read.h"

#include <stdio.h>
#include <string.h>

#include "codec/h2frame.h"
#include "h2_peers.h"
#include "h2_reader.h"
#include "test.h"
#include "util/budget.h"
#include "util/err.h"

#define GET(path)	{ NV(":method", "GET"), NV(":scheme", "https"),	\
	    NV(":authority", "a"), NV(":path", path) }
static const nghttp2_nv ok[] = { NV(":status", "200") };
static const nghttp2_nv trailer[] = { NV("x-last", "yes") };
static struct h2_body body[2];		/* by enum flow_dir */

/* "/early": 103 first; "/long": a body with trailers; "/reset". */
static void
answer(struct h2_peers *p, int32_t id, const char *path)
{
	static const nghttp2_nv early[] = { NV(":status", "103") };
	nghttp2_data_provider from = { { .ptr = &body[DIR_DOWN] },
	    peers_body };
	nghttp2_session *s = p->s[DIR_DOWN];

	if (strcmp(path, "/early") == 0)
		nghttp2_submit_headers(s, 0, id, NULL, early, 1, NULL);
	if (strcmp(path, "/reset") == 0)
		nghttp2_submit_rst_stream(s, 0, id, NGHTTP2_REFUSED_STREAM);
	else if (strcmp(path, "/long") == 0)
		nghttp2_submit_response(s, id, ok, 1, &from);
	else
		nghttp2_submit_response(s, id, ok, 1, NULL);
}

static void
ask(struct h2_peers *p, const char *path, size_t content)
{
	/* nghttp2 puts no :path into the table. */
	nghttp2_nv get[] = { NV(":method", "GET"), NV(":scheme", "https"),
	    NV(":authority", "a"), NV(":path", path), NV("x-path", path) };
	nghttp2_data_provider from = { { .ptr = &body[DIR_UP] }, peers_body };

	body[DIR_UP].left = content;
	nghttp2_submit_request(p->s[DIR_UP], NULL, get, 5,
	    content > 0 ? &from : NULL, NULL);
}

static void
meet(struct h2_peers *p)
{
	begin(65536, NULL);
	peers_new(p);
	p->shown = show;
	p->asked = answer;
	nghttp2_submit_settings(p->s[DIR_UP], 0, NULL, 0);
	nghttp2_submit_settings(p->s[DIR_DOWN], 0, NULL, 0);
}

static void
part(struct h2_peers *p)
{
	ck_assert_msg(rv == 0, "%s", why);
	peers_free(p);
	done();
}

TEST(a_stream_has_a_request_and_a_response)
{
	struct h2_peers p = { .piece = 0 };

	meet(&p);
	ask(&p, "/", 0);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/. 1>end:0 1<200. 1<end:0 "
	    "1<over:-1 ");
	part(&p);
}
END

TEST(interim_responses_bodies_and_trailers_are_told)
{
	struct h2_peers p = { .piece = 0 };

	meet(&p);
	ask(&p, "/early", 0);
	peers_run(&p);
	body[DIR_DOWN].left = 100000;
	body[DIR_DOWN].then = trailer;
	ask(&p, "/long", 70000);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/early. 1>end:0 1<103 1<200. "
	    "1<end:0 1<over:-1 3>GET a/long 3>end:70000 3<200 "
	    "3<end:100000[x-last: yes] 3<over:-1 ");
	part(&p);
}
END

TEST(pieces_of_any_size_and_padding_make_no_difference)
{
	struct h2_peers p;
	size_t n;

	for (n = 1; n < 40; n += 3) {
		memset(&p, 0, sizeof(p));
		p.piece = n;
		p.pad = n * 5;
		meet(&p);
		body[DIR_DOWN].left = 5000;
		body[DIR_DOWN].then = trailer;
		ask(&p, "/long", 3000);
		peers_run(&p);
		ask(&p, "/early", 0);
		peers_run(&p);
		ck_assert_str_eq(said.s, "1>GET a/long 1>end:3000 1<200 "
		    "1<end:5000[x-last: yes] 1<over:-1 3>GET a/early. "
		    "3>end:0 3<103 3<200. 3<end:0 3<over:-1 ");
		part(&p);
	}
}
END

TEST(a_reset_ends_a_stream_by_either_side)
{
	struct h2_peers p = { .piece = 0 };

	meet(&p);
	ask(&p, "/reset", 0);
	peers_run(&p);
	p.asked = NULL;
	ask(&p, "/", 0);
	peers_run(&p);
	nghttp2_submit_rst_stream(p.s[DIR_UP], 0, 3, NGHTTP2_CANCEL);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/reset. 1>end:0 1<over:7 "
	    "3>GET a/. 3>end:0 3>over:8 ");
	part(&p);
}
END

TEST(what_is_not_over_is_over_with_the_connection)
{
	struct h2_peers p = { .piece = 0 };

	meet(&p);
	p.asked = NULL;
	ask(&p, "/", 0);
	peers_run(&p);
	nghttp2_submit_goaway(p.s[DIR_DOWN], 0, 0, 0, NULL, 0);
	peers_run(&p);
	ck_assert_int_eq(streams, 1);
	part(&p);
}
END

TEST(a_promise_is_a_request_of_its_own)
{
	nghttp2_nv get[] = GET("/pushed");
	struct h2_peers p = { .piece = 3 };
	int32_t id;

	meet(&p);
	p.asked = NULL;
	ask(&p, "/", 0);
	peers_run(&p);
	id = nghttp2_submit_push_promise(p.s[DIR_DOWN], 0, 1, get, 4, NULL);
	answer(&p, id, "/");
	answer(&p, 1, "/");
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/. 1>end:0 2>GET a/pushed. 2>end:0 "
	    "1<200. 1<end:0 1<over:-1 2<200. 2<end:0 2<over:-1 ");
	part(&p);
}
END

TEST(an_answer_may_come_first)
{
	struct h2_peers p = { .asks_ahead = 1 };

	meet(&p);
	ask(&p, "/", 100000);
	peers_send(&p, DIR_UP);
	p.asked = NULL;
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/ 1<200. 1<end:0 1>end:100000 "
	    "1>over:-1 ");
	part(&p);
}
END

/* Each side says what its table may have, and heads fill it. */
TEST(tables_of_any_size_are_followed)
{
	static const uint32_t sizes[] = { 0, 4096, 100, 65536, 16, 20000 };
	struct h2_peers p = { .piece = 7 };
	nghttp2_settings_entry e[2] = { { 1, 0 }, { 1, 0 } };
	char path[64];
	unsigned i, k, id = 1;

	meet(&p);
	for (i = 0; i < NELEM(sizes); i++) {
		e[0].value = sizes[(i + 2) % NELEM(sizes)];
		e[1].value = sizes[i];
		nghttp2_submit_settings(p.s[i % 2], 0, e, 2);
		for (k = 0; k < 200; k++, id += 2) {
			snprintf(path, sizeof(path), "/%u/%u", i, k * k);
			ask(&p, path, 0);
			if (k % 7 == 0)
				peers_run(&p);
		}
		peers_run(&p);
	}
	ck_assert_int_eq(streams, 0);
	for (i = 0; i < NELEM(sizes); i++)
		for (k = 0; k < 200; k += 13) {
			snprintf(path, sizeof(path), "a/%u/%u. ", i, k * k);
			ck_assert_ptr_nonnull(strstr(said.s, path));
		}
	part(&p);
}
END

/* 90 fields of 300 bytes fill a table of 30 KB, if it may have them. */
TEST(a_large_table_counts_in_the_budget)
{
	nghttp2_settings_entry large = { 1, 65536 };
	struct h2_peers p = { .piece = 0 };
	char path[301];
	int i;

	meet(&p);
	nghttp2_submit_settings(p.s[DIR_DOWN], 0, &large, 1);
	peers_run(&p);
	memset(path, '0', sizeof(path));
	for (i = 0; i < 90; i++) {
		snprintf(path, sizeof(path), "/%0298d", i);
		ask(&p, path, 0);
	}
	peers_run(&p);
	ck_assert_uint_eq(budget_held(BUDGET_BUFFERS), 16384);
	part(&p);
	ck_assert_uint_eq(budget_held(BUDGET_BUFFERS), 0);

	budget_limit(16383);
	meet(&p);
	nghttp2_submit_settings(p.s[DIR_DOWN], 0, &large, 1);
	peers_run(&p);
	for (i = 0; i < 90; i++) {
		snprintf(path, sizeof(path), "/%0298d", i);
		ask(&p, path, 0);
	}
	peers_run(&p);
	ck_assert_int_eq(rv, ERR_LIMIT);
	peers_free(&p);
	done();
}
END

TEST(a_head_in_several_frames_is_one)
{
	static char longer[50000];
	nghttp2_nv get[] = { NV(":method", "GET"), NV(":scheme", "https"),
	    NV(":authority", "a"), NV(":path", "/"), NV("x-long", "") };
	struct h2_peers p = { .piece = 1000 };

	memset(longer, '#', sizeof(longer));
	get[4].value = (uint8_t *)longer;
	get[4].valuelen = sizeof(longer);
	meet(&p);
	nghttp2_submit_request(p.s[DIR_UP], NULL, get, 5, NULL, NULL);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/. 1>end:0 1<200. 1<end:0 "
	    "1<over:-1 ");
	part(&p);
}
END

TEST(a_head_that_is_too_long_is_bad_and_the_next_is_read)
{
	static char longer[4000];
	nghttp2_nv get[] = { NV(":method", "GET"), NV(":scheme", "https"),
	    NV(":authority", "a"), NV(":path", "/"), NV("x-long", "") };
	struct h2_peers p = { .piece = 0 };

	memset(longer, 'x', sizeof(longer));
	get[4].value = (uint8_t *)longer;
	get[4].valuelen = sizeof(longer);
	meet(&p);
	h2_read_free(reader);
	reader = h2_read_new(&user, NULL, 2000, NULL);
	nghttp2_submit_request(p.s[DIR_UP], NULL, get, 5, NULL, NULL);
	ask(&p, "/", 0);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>bad:the head is too long 3>GET a/. "
	    "3>end:0 3<200. 3<end:0 3<over:-1 ");
	part(&p);
}
END

TEST(streams_of_no_interest_are_not_told_of_again)
{
	struct h2_peers p = { .piece = 0 };

	bored = 1;
	meet(&p);
	ask(&p, "/early", 500);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/early ");
	part(&p);
}
END

TEST(streams_at_once_are_bounded)
{
	nghttp2_settings_entry many = { 3, 5000 };
	struct h2_peers p = { .piece = 0 };
	int i;

	meet(&p);
	p.asked = NULL;
	nghttp2_submit_settings(p.s[DIR_DOWN], 0, &many, 1);
	peers_run(&p);
	for (i = 0; i < 1025; i++)
		ask(&p, "/", 0);
	peers_run(&p);
	ck_assert_int_eq(streams, 1024);
	ck_assert_ptr_nonnull(strstr(said.s, "2049>bad:too many streams"));
	part(&p);
}
END

/* RFC 7540, 3.2: the settings of the request are the client's first. */
TEST(an_upgrade_begins_with_a_stream_that_was_asked_for)
{
	/* HEADER_TABLE_SIZE 65536, MAX_FRAME_SIZE 20000 */
	static const char head[] = "GET /first HTTP/1.1\r\nHost: a\r\n"
	    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	    "HTTP2-Settings: AAEAAQAAAAUAAE4g\r\n\r\n";
	static const uint8_t settings[] = { 0, 1, 0, 1, 0, 0, 0, 5, 0, 0,
	    0x4e, 0x20 };
	struct http_text *t = xcalloc(1, sizeof(*t));
	struct h2_peers p = { .piece = 0 };

	ck_assert_int_eq(http_request(t, head, strlen(head)), 0);
	begin(65536, &t->head);
	peers_new(&p);
	p.shown = show;
	p.asked = answer;
	nghttp2_session_upgrade2(p.s[DIR_UP], settings, 12, 0, NULL);
	nghttp2_session_upgrade2(p.s[DIR_DOWN], settings, 12, 0, NULL);
	nghttp2_submit_settings(p.s[DIR_UP], 0, NULL, 0);
	nghttp2_submit_settings(p.s[DIR_DOWN], 0, NULL, 0);
	answer(&p, 1, "/early");
	peers_run(&p);
	ask(&p, "/", 0);
	peers_run(&p);
	ck_assert_str_eq(said.s, "1>GET a/first. 1>end:0 1<103 1<200. "
	    "1<end:0 1<over:-1 3>GET a/. 3>end:0 3<200. 3<end:0 3<over:-1 ");
	part(&p);
	free(t);
}
END

SUITE("h2_read", a_stream_has_a_request_and_a_response,
    interim_responses_bodies_and_trailers_are_told,
    pieces_of_any_size_and_padding_make_no_difference,
    a_reset_ends_a_stream_by_either_side,
    what_is_not_over_is_over_with_the_connection,
    a_promise_is_a_request_of_its_own, an_answer_may_come_first,
    tables_of_any_size_are_followed, a_large_table_counts_in_the_budget,
    a_head_in_several_frames_is_one,
    a_head_that_is_too_long_is_bad_and_the_next_is_read,
    streams_of_no_interest_are_not_told_of_again, streams_at_once_are_bounded,
    an_upgrade_begins_with_a_stream_that_was_asked_for)
