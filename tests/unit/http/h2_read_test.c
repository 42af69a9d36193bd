/*
 * Reading HTTP/2 that passes: between two peers that speak it by nghttp2, and
 * of frames written by hand, which break it.
 */
#include "http/h2_read.h"

#include <stdio.h>
#include <string.h>

#include "codec/h2frame.h"
#include "h2_peers.h"
#include "test.h"
#include "util/budget.h"
#include "util/err.h"

/* What the reader said, as a text: a word a call. */
static struct text said;
static struct h2_read *reader;
static int rv;
static const char *why;
static int streams;			/* not over */
static int bored;			/* no stream is of interest */

struct seen {
	uint32_t	 id;
	size_t		 data[2];
};

static void *
on_begin(void *arg, uint32_t id, const struct http_head *h, int last)
{
	struct seen *s = xcalloc(1, sizeof(*s));

	text_printf(&said, "%u>%.*s %.*s%.*s%s ", id, SLICE(h->method),
	    SLICE(h->authority), SLICE(h->target), last ? "." : "");
	if (bored) {
		free(s);
		return NULL;
	}
	s->id = id;
	streams++;
	return s;
}

static void
on_head(void *stream, const struct http_head *h, int last)
{
	text_printf(&said, "%u<%d%s ", ((struct seen *)stream)->id, h->status,
	    last ? "." : "");
}

static void
on_data(void *stream, enum flow_dir dir, const uint8_t *p, size_t len)
{
	((struct seen *)stream)->data[dir] += len;
}

static void
on_end(void *stream, enum flow_dir dir, const struct text *trailers)
{
	struct seen *s = stream;

	text_printf(&said, "%u%cend:%zu", s->id, "><"[dir], s->data[dir]);
	if (trailers != NULL)
		text_printf(&said, "[%.*s]", (int)trailers->len - 2,
		    trailers->s);
	text_puts(&said, " ");
}

static void
on_over(void *stream, enum flow_dir dir, int64_t code)
{
	struct seen *s = stream;

	text_printf(&said, "%u%cover:%d ", s->id, "><"[dir], (int)code);
	streams--;
	free(s);
}

static void
on_bad(void *arg, uint32_t id, void *stream, enum flow_dir dir,
    const char *reason)
{
	text_printf(&said, "%u%cbad:%s ", id, "><"[dir], reason);
	streams -= stream != NULL;
	free(stream);
}

static const struct h2_read_user user = { on_begin, on_head, on_data, on_end,
	on_over, on_bad };

static void
show(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	rv = h2_read(reader, dir, p, len, &why);
}

static void
begin(size_t limit, const struct http_head *first)
{
	rv = 0;
	text_clear(&said);
	text_puts(&said, "");
	reader = h2_read_new(&user, NULL, limit, first);
}

static void
done(void)
{
	h2_read_free(reader);
	ck_assert_int_eq(streams, 0);
	text_free(&said);
}

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

/*
 * Frames by hand: "U" or "D", then length, type, flags and stream, and content
 * in hexadecimal. Heads are of the static table.
 */
#define SET		"U000000 04 00 00000000 D000000 04 00 00000000 "
#define HEAD		"828784 410161"		/* GET https /, a */
#define OK		"88"

static const struct {
	const char	*frames;
	const char	*said;		/* and if it fails, why */
} byhand[] = {
	{ "U000000 00 00 00000001 ", "!the first frame is not SETTINGS" },
	{ "U000000 04 01 00000000 ", "!the first frame is not SETTINGS" },
	{ "D485454 50 2f 312e3120 ", "!a frame longer than" },
	{ SET "U000000 00 00 00000000 ", "!a frame of a stream" },
	{ SET "U000000 04 00 00000001 ", "!a frame of the connection" },
	{ SET "U000005 04 00 00000000 0000000000 ", "!SETTINGS of a length" },
	{ SET "U000006 04 01 00000000 000000000000 ",
	  "!SETTINGS of a length" },
	{ SET "U000007 06 00 00000000 00000000000000 ", "!a frame that is" },
	{ SET "U000003 08 00 00000000 000000 ", "!a frame that is" },
	{ SET "U000005 03 00 00000001 0000000000 ", "!a frame that is" },
	{ SET "U000007 07 00 00000000 00000000000000 ", "!a frame that is" },
	{ SET "U000000 00 08 00000001 ", "!a frame that is" },
	{ SET "U000004 01 24 00000001 00000000 ", "!a frame that is" },
	{ SET "U000005 01 2c 00000001 0000000000 ", "!a frame that is" },
	{ SET "U000001 00 08 00000001 01 ", "!more padding" },
	{ SET "U000004 00 08 00000001 04000000 ", "!more padding" },
	{ SET "D000004 05 04 00000001 00000000 ", "!a promise of no stream" },
	{ SET "U000007 05 04 00000001 00000002 828784 ",
	  "!a promise by the client" },
	{ SET "U000000 09 04 00000001 ", "!a frame amid a head" },
	{ SET "U000003 01 01 00000001 828784 U000000 00 00 00000001 ",
	  "!a frame amid a head" },
	{ SET "U000003 01 01 00000001 828784 U000003 09 04 00000003 410161 ",
	  "!a frame amid a head" },
	{ SET "U000001 01 05 00000001 ff ", "!a head that is no HPACK" },
	{ SET "U000001 01 05 00000001 80 ", "!a head that is no HPACK" },
	{ SET "U000003 01 05 00000001 3fe21f ", "!a head that is no HPACK" },
	/* The same, where a larger table was allowed than is kept. */
	{ "U000000 04 00 00000000 D000006 04 00 00000000 000100020000 "
	  "U000000 04 01 00000000 U000004 01 05 00000001 3fe1ff07 ",
	  "!a head that may need a larger table" },

	/* What only one stream dies of. */
	{ SET "U000003 01 05 00000001 828784 U000006 01 05 00000003 " HEAD,
	  "1>bad::authority or Host 3>GET a/. 3>end:0 " },
	{ SET "U000006 01 05 00000001 " HEAD " D000000 00 00 00000001 ",
	  "1>GET a/. 1>end:0 " },
	{ SET "U000006 01 05 00000001 " HEAD " D000001 00 00 00000001 00 ",
	  "1>GET a/. 1>end:0 1<bad:content before the head " },
	{ SET "U000006 01 05 00000001 " HEAD " D000000 00 01 00000001 ",
	  "1>GET a/. 1>end:0 1<bad:an end before the head " },
	{ SET "U000006 01 05 00000001 " HEAD " U000001 00 00 00000001 00 ",
	  "1>GET a/. 1>end:0 1>bad:a frame behind " },
	{ SET "U000006 01 05 00000001 " HEAD " U000000 01 05 00000001 ",
	  "1>GET a/. 1>end:0 1>bad:a frame behind " },
	{ SET "U000006 01 04 00000001 " HEAD " U000000 01 04 00000001 ",
	  "1>GET a/ 1>bad:trailers that " },
	{ SET "U000006 01 04 00000001 " HEAD " U000001 01 05 00000001 82 ",
	  "1>GET a/ 1>bad:a pseudo-header " },
	{ SET "U000006 01 05 00000001 " HEAD " D000005 01 05 00000001 "
	  "4803313033 ", "1>GET a/. 1>end:0 1<bad:an interim " },
	{ SET "U000006 01 05 00000001 " HEAD " D000005 01 05 00000001 "
	  "4803313031 ", "1>GET a/. 1>end:0 1<bad:101 in " },
	/* content-length: 2 */
	{ SET "U000006 01 05 00000001 " HEAD " D000005 01 05 00000001 "
	  "880f0d0132 ", "1>GET a/. 1>end:0 1<200. "
	  "1<bad:content is shorter " },
	{ SET "U000006 01 05 00000001 " HEAD " D000005 01 04 00000001 "
	  "880f0d0132 D000003 00 01 00000001 616263 ",
	  "1>GET a/. 1>end:0 1<200 1<bad:content is longer " },
	{ SET "U000006 01 05 00000001 " HEAD " D000005 01 04 00000001 "
	  "880f0d0132 D000002 00 01 00000001 6162 ",
	  "1>GET a/. 1>end:0 1<200 1<end:2 1<over:-1 " },
	/* 304, and the answer to HEAD, say the length of another. */
	{ SET "U000006 01 05 00000001 " HEAD " D000005 01 05 00000001 "
	  "8b0f0d0132 ", "1>GET a/. 1>end:0 1<304. 1<end:0 1<over:-1 " },
	{ SET "U00000b 01 05 00000001 420448454144878441 0161 "
	  "D000005 01 05 00000001 880f0d0132 ",
	  "1>HEAD a/. 1>end:0 1<200. 1<end:0 1<over:-1 " },

	/* gRPC's bytes: x-bin is 00 0a 20; x is the same, and refused. */
	{ SET "U000011 01 05 00000001 " HEAD " 0005782d62696e 03000a20 ",
	  "1>GET a/. 1>end:0 " },
	{ SET "U00000d 01 05 00000001 " HEAD " 000178 03000a20 ",
	  "1>bad:a value with " },

	/* What says nothing. */
	{ SET "U000006 01 05 00000003 " HEAD " U000006 01 05 00000001 " HEAD
	  " U000006 01 05 00000002 " HEAD, "3>GET a/. 3>end:0 " },
	{ SET "D000001 01 05 00000001 " OK " D000001 00 01 00000007 00 "
	  "D000004 03 00 00000007 00000000 ", "" },
	{ SET "U000004 ee ff 00000005 00000000 U000001 ff 00 00000000 00 "
	  "U000003 02 00 00000001 000000 U000000 04 01 00000000 "
	  "D000008 06 00 00000000 0000000000000000 ", "" },
	{ SET "D00000a 05 04 00000001 00000002 " HEAD " D00000a 05 04 "
	  "00000001 00000002 " HEAD, "2>GET a/. 2>end:0 " },
};

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : -1;
}

static void
show_byhand(const char *p)
{
	enum flow_dir dir = DIR_UP;
	uint8_t c;

	show(NULL, DIR_UP, (const uint8_t *)H2FRAME_PREFACE,
	    strlen(H2FRAME_PREFACE));
	for (; *p != '\0' && rv == 0; p++) {
		if (*p == 'U' || *p == 'D')
			dir = *p == 'U' ? DIR_UP : DIR_DOWN;
		else if (hex(p[0]) >= 0) {
			c = (uint8_t)(hex(p[0]) << 4 | hex(p[1]));
			show(NULL, dir, &c, 1);
			p++;
		}
	}
}

/* Each word of want is the begin of one that was said. */
static int
said_so(const char *want)
{
	const char *p;

	if (want[0] == '!')
		return rv != 0 && strncmp(why, want + 1, strlen(want + 1)) == 0;
	if (rv != 0)
		return 0;
	p = strstr(want, "bad:");
	return p == NULL ? strcmp(said.s, want) == 0 :
	    strncmp(said.s, want, (size_t)(p - want) + 10) == 0;
}

TEST(frames_are_held_to_their_rules)
{
	size_t i;

	for (i = 0; i < NELEM(byhand); i++) {
		begin(4096, NULL);
		show_byhand(byhand[i].frames);
		ck_assert_msg(said_so(byhand[i].said),
		    "%zu: want %s, got %d %s \"%s\"", i, byhand[i].said, rv,
		    rv != 0 ? why : "", said.s);
		done();
	}
}
END

TEST(an_error_ends_all_streams_and_stays)
{
	begin(4096, NULL);
	show_byhand(SET "U000006 01 04 00000001 " HEAD
	    " D000001 01 05 00000001 80 ");
	ck_assert_int_eq(rv, ERR_FORMAT);
	ck_assert_str_eq(said.s, "1>GET a/ 1>over:-2 ");
	show(NULL, DIR_UP, (const uint8_t *)"x", 1);
	ck_assert_int_eq(rv, ERR_FORMAT);
	ck_assert_ptr_nonnull(why);
	done();
}
END

TEST(another_protocol_is_told_by_its_first_bytes)
{
	begin(4096, NULL);
	show(NULL, DIR_UP, (const uint8_t *)"PRI * HTTP/1", 12);
	ck_assert_int_eq(rv, ERR_FORMAT);
	done();
}
END

TEST(settings_that_nobody_acknowledges_are_bounded)
{
	int i;

	begin(4096, NULL);
	show_byhand(SET);
	for (i = 0; i < 100 && rv == 0; i++)
		show(NULL, DIR_DOWN, (const uint8_t *)"\0\0\0\4\0\0\0\0\0", 9);
	ck_assert_int_eq(rv, ERR_LIMIT);
	done();
}
END

TEST(a_larger_frame_is_read_where_it_was_allowed)
{
	static uint8_t big[40000];

	begin(4096, NULL);
	/* MAX_FRAME_SIZE 40000 from the client is for the server. */
	show_byhand("U000006 04 00 00000000 000500009c40 "
	    "D000000 04 00 00000000 D009c40 ee 00 00000000 ");
	ck_assert_int_eq(rv, 0);
	show(NULL, DIR_DOWN, big, sizeof(big));
	show(NULL, DIR_DOWN, (const uint8_t *)"\0\0\0\4\1\0\0\0\0", 9);
	ck_assert_int_eq(rv, 0);
	show(NULL, DIR_UP, (const uint8_t *)"\0\x9c\x40\xee\0\0\0\0\0", 9);
	ck_assert_int_eq(rv, ERR_FORMAT);
	done();
}
END

SUITE("h2_read", a_stream_has_a_request_and_a_response,
    interim_responses_bodies_and_trailers_are_told,
    pieces_of_any_size_and_padding_make_no_difference,
    a_reset_ends_a_stream_by_either_side,
    what_is_not_over_is_over_with_the_connection,
    a_promise_is_a_request_of_its_own, an_answer_may_come_first,
    tables_of_any_size_are_followed, a_large_table_counts_in_the_budget, a_head_in_several_frames_is_one,
    a_head_that_is_too_long_is_bad_and_the_next_is_read,
    streams_of_no_interest_are_not_told_of_again, streams_at_once_are_bounded,
    an_upgrade_begins_with_a_stream_that_was_asked_for,
    frames_are_held_to_their_rules, an_error_ends_all_streams_and_stays,
    another_protocol_is_told_by_its_first_bytes,
    settings_that_nobody_acknowledges_are_bounded,
    a_larger_frame_is_read_where_it_was_allowed)
