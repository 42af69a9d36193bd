/*
 * Streams of HTTP/2 as conversations of HTTP/1.1: the bytes of each, its end,
 * and what is counted. Frames are written by hand.
 */
#include "sink/split.h"

#include <string.h>

#include "codec/h2frame.h"
#include "sink/synth.h"
#include "test.h"
#include "util/cursor.h"

#define TALKS		8

struct talk {			/* a conversation, by the client's port */
	uint16_t	 port;
	int		 reset, fin[2];
	struct text	 said[2];	/* by enum flow_dir */
};

static struct talk	 talks[TALKS];	/* as they began */
static size_t		 ntalks;
static struct synth_sink sink;
static struct synth_seat seat;
static struct facts	 facts;
static struct verdict	 verdict;
static struct record	 record;
static struct tap	 tap;
static struct tap_counts counts;
static size_t		 piece;		/* bytes shown at once; 0: all */

static enum synth_mode
ready(struct synth_seat *s)
{
	return SYNTH_SHOW;
}

static void
emit(struct synth_seat *s, const struct frame *f, const char *comment)
{
	struct cursor w = cursor_of(f->head + f->tcp, 14);
	uint16_t port[2] = { cursor_u16(&w), cursor_u16(&w) };
	uint8_t flags = f->head[f->tcp + 13];
	size_t i;

	for (i = 0; i < ntalks && talks[i].port != port[f->dir]; i++)
		;
	ck_assert_uint_lt(i, TALKS);
	if (i == ntalks)
		talks[ntalks++].port = port[f->dir];
	talks[i].reset |= (flags & FRAME_RST) != 0;
	talks[i].fin[f->dir] |= (flags & FRAME_FIN) != 0;
	text_add(&talks[i].said[f->dir], (const char *)f->data, f->len);
	synth_sent(s, f);
}

static void
say(enum flow_dir dir, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = piece > 0 && piece < len ? piece : len;
		tap.ops->data(tap.state, dir, p, n);
	}
}

static void
frame(enum flow_dir dir, enum h2frame_type type, uint8_t flags, uint8_t id,
    const struct text *t)
{
	size_t len = t != NULL ? t->len : 0;
	uint8_t head[H2FRAME_HEAD] = { 0, (uint8_t)(len >> 8), (uint8_t)len,
	    (uint8_t)type, flags, 0, 0, 0, id };

	say(dir, head, sizeof(head));
	if (len > 0)
		say(dir, t->s, len);
}

/* A literal that is not indexed (RFC 7541, 6.2.2). */
static void
field(struct text *t, const char *name, const char *value)
{
	const char *part[] = { name, value };
	size_t i;

	text_add(t, "", 1);
	for (i = 0; i < 2; i++) {
		text_add(t, &(char){ (char)strlen(part[i]) }, 1);
		text_puts(t, part[i]);
	}
}

static void
fields(enum flow_dir dir, uint8_t id, int last, const char *const (*f)[2])
{
	struct text t = { 0 };

	for (; (*f)[0] != NULL; f++)
		field(&t, (*f)[0], (*f)[1]);
	frame(dir, H2FRAME_HEADERS, H2FRAME_END_HEADERS |
	    (last ? H2FRAME_END_STREAM : 0), id, &t);
	text_free(&t);
}

static void
ask(uint8_t id, const char *method, const char *path, int last)
{
	const char *const f[][2] = { { ":method", method },
	    { ":scheme", "https" }, { ":authority", "a" },
	    { ":path", path }, { NULL, NULL } };

	fields(DIR_UP, id, last, f);
}

static void
answer(uint8_t id, int last)
{
	static const char *const f[][2] = { { ":status", "200" },
	    { NULL, NULL } };

	fields(DIR_DOWN, id, last, f);
}

static void
content(enum flow_dir dir, uint8_t id, const char *s, int last)
{
	struct text t = { 0 };

	text_puts(&t, s);
	frame(dir, H2FRAME_DATA, last ? H2FRAME_END_STREAM : 0, id, &t);
	text_free(&t);
}

static void
begin(size_t bytes)
{
	static const struct synth_out out = { .ready = ready, .emit = emit };
	struct conf_mirror c = { .name = (char *)"m", .vlan = -1,
	    .http11 = 1 };
	struct text why = { 0 };

	memset(talks, 0, sizeof(talks));
	ntalks = 0;
	piece = bytes;
	facts = (struct facts){ .listener = "l" };
	addr_parse(&facts.client, "192.0.2.1:40000");
	addr_parse(&facts.server, "198.51.100.2:443");
	record = (struct record){ .facts = &facts, .verdict = &verdict,
	    .shown = shown_new(&facts.client, &facts.server) };
	ck_assert_int_eq(synth_sink_init(&sink, &c, &why), 0);
	synth_seat_init(&seat, &sink, &out);
	tap = (struct tap){ .ops = &synth_tap };
	tap.state = split_open(&seat, &tap, &record);
	say(DIR_UP, H2FRAME_PREFACE, strlen(H2FRAME_PREFACE));
	frame(DIR_UP, H2FRAME_SETTINGS, 0, 0, NULL);
	frame(DIR_DOWN, H2FRAME_SETTINGS, 0, 0, NULL);
}

static void
over(void)
{
	memset(&counts, 0, sizeof(counts));
	tap.ops->close(tap.state, &counts);
}

static void
end(void)
{
	size_t i;

	for (i = 0; i < ntalks; i++) {
		text_free(&talks[i].said[DIR_UP]);
		text_free(&talks[i].said[DIR_DOWN]);
	}
	synth_seat_clear(&seat);
	synth_sink_clear(&sink);
	shown_free(record.shown);
}

static uint64_t
streams(enum sink_stream what)
{
	return sink.counts.streams[what];
}

static const char *
said(size_t i, enum flow_dir dir)
{
	return talks[i].said[dir].s != NULL ? talks[i].said[dir].s : "";
}

#define GET(path)	"GET " path " HTTP/1.1\r\nhost: a\r\n"
#define OK		"HTTP/1.1 200 \r\n"
#define CHUNKED		"transfer-encoding: chunked\r\n\r\n"

TEST(interleaved_streams_are_conversations_of_their_own)
{
	begin(0);
	ask(1, "POST", "/a", 0);
	ask(3, "GET", "/b", 1);
	content(DIR_UP, 1, "up", 0);
	answer(3, 0);
	answer(1, 0);
	content(DIR_DOWN, 3, "bb", 0);
	content(DIR_DOWN, 1, "a", 0);
	content(DIR_UP, 1, "on", 1);
	content(DIR_DOWN, 3, "bbb", 1);
	content(DIR_DOWN, 1, "aa", 1);
	over();
	ck_assert_uint_eq(ntalks, 2);
	ck_assert_str_eq(said(0, DIR_UP), "POST /a HTTP/1.1\r\nhost: a\r\n"
	    CHUNKED "2\r\nup\r\n2\r\non\r\n0\r\n\r\n");
	ck_assert_str_eq(said(0, DIR_DOWN), OK CHUNKED
	    "1\r\na\r\n2\r\naa\r\n0\r\n\r\n");
	ck_assert_str_eq(said(1, DIR_UP), GET("/b") "\r\n");
	ck_assert_str_eq(said(1, DIR_DOWN), OK CHUNKED
	    "2\r\nbb\r\n3\r\nbbb\r\n0\r\n\r\n");
	ck_assert(!talks[0].reset && talks[0].fin[0] && talks[0].fin[1]);
	ck_assert_uint_eq(streams(SINK_WHOLE), 2);
	ck_assert_uint_eq(counts.lost, 0);
	ck_assert_uint_eq(counts.streams, 2);
	end();
}
END

TEST(stream_that_comes_byte_by_byte_is_the_same)
{
	static const char *const f[][2] = { { ":status", "200" },
	    { "content-length", "5" }, { NULL, NULL } };

	begin(1);
	ask(1, "GET", "/a", 1);
	fields(DIR_DOWN, 1, 0, f);
	content(DIR_DOWN, 1, "hello", 1);
	over();
	ck_assert_str_eq(said(0, DIR_UP), GET("/a") "\r\n");
	ck_assert_str_eq(said(0, DIR_DOWN), OK
	    "content-length: 5\r\n\r\nhello");
	ck_assert_uint_eq(streams(SINK_WHOLE), 1);
	ck_assert_uint_eq(counts.lost, 0);
	end();
}
END

TEST(reset_cuts_its_stream_alone)
{
	struct text code = { 0 };

	text_add(&code, "\0\0\0\10", 4);
	begin(0);
	ask(1, "GET", "/a", 1);
	ask(3, "GET", "/b", 1);
	answer(1, 0);
	content(DIR_DOWN, 1, "half", 0);
	frame(DIR_UP, H2FRAME_RST_STREAM, 0, 1, &code);
	answer(3, 0);
	content(DIR_DOWN, 3, "whole", 1);
	over();
	ck_assert(talks[0].reset);
	ck_assert_str_eq(said(0, DIR_DOWN), OK CHUNKED "4\r\nhalf\r\n");
	ck_assert(!talks[1].reset && talks[1].fin[0] && talks[1].fin[1]);
	ck_assert_str_eq(said(1, DIR_DOWN), OK CHUNKED
	    "5\r\nwhole\r\n0\r\n\r\n");
	ck_assert_uint_eq(streams(SINK_CUT), 1);
	ck_assert_uint_eq(streams(SINK_WHOLE), 1);
	text_free(&code);
	end();
}
END

TEST(trailers_are_behind_the_last_chunk)
{
	static const char *const f[][2] = { { "x-sum", "42" },
	    { NULL, NULL } };

	begin(0);
	ask(1, "GET", "/a", 1);
	answer(1, 0);
	content(DIR_DOWN, 1, "abc", 0);
	fields(DIR_DOWN, 1, 1, f);
	over();
	ck_assert_str_eq(said(0, DIR_DOWN), OK CHUNKED
	    "3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n");
	ck_assert_uint_eq(streams(SINK_WHOLE), 1);
	end();
}
END

TEST(padding_is_not_shown)
{
	struct text t = { 0 };

	begin(0);
	ask(1, "GET", "/a", 1);
	answer(1, 0);
	text_add(&t, "\4abc\0\0\0\0", 8);
	frame(DIR_DOWN, H2FRAME_DATA, H2FRAME_PADDED | H2FRAME_END_STREAM, 1,
	    &t);
	over();
	ck_assert_str_eq(said(0, DIR_DOWN), OK CHUNKED
	    "3\r\nabc\r\n0\r\n\r\n");
	ck_assert_uint_eq(streams(SINK_WHOLE), 1);
	text_free(&t);
	end();
}
END

TEST(session_that_cannot_be_read_is_cut_and_its_bytes_are_lost)
{
	struct text t = { 0 };

	begin(0);
	ask(1, "GET", "/a", 1);
	answer(1, 1);
	ask(3, "GET", "/b", 1);
	answer(3, 0);
	content(DIR_DOWN, 3, "half", 0);
	text_add(&t, "\0\0\0\0\0", 5);		/* of a PING: too short */
	frame(DIR_DOWN, H2FRAME_PING, 0, 0, &t);
	say(DIR_DOWN, "and on it goes", 14);
	say(DIR_UP, "up", 2);
	over();
	ck_assert_uint_eq(ntalks, 2);
	ck_assert(!talks[0].reset && talks[1].reset);
	ck_assert_str_eq(said(1, DIR_DOWN), OK CHUNKED "4\r\nhalf\r\n");
	ck_assert_uint_eq(streams(SINK_WHOLE), 1);
	ck_assert_uint_eq(streams(SINK_CUT), 1);
	ck_assert_uint_ge(counts.lost, 16);
	ck_assert_uint_eq(sink.counts.lost_bytes, counts.lost);
	text_free(&t);
	end();
}
END

TEST(session_that_ends_cuts_what_is_open)
{
	begin(0);
	ask(1, "POST", "/a", 0);
	content(DIR_UP, 1, "half", 0);
	tap.ops->eof(tap.state, DIR_UP);
	over();
	ck_assert(talks[0].reset);
	ck_assert_str_eq(said(0, DIR_UP), "POST /a HTTP/1.1\r\nhost: a\r\n"
	    CHUNKED "4\r\nhalf\r\n");
	ck_assert_uint_eq(streams(SINK_CUT), 1);
	end();
}
END

SUITE("split", interleaved_streams_are_conversations_of_their_own,
    stream_that_comes_byte_by_byte_is_the_same,
    reset_cuts_its_stream_alone, trailers_are_behind_the_last_chunk,
    padding_is_not_shown,
    session_that_cannot_be_read_is_cut_and_its_bytes_are_lost,
    session_that_ends_cuts_what_is_open)
