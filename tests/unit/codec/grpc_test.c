/*
 * Messages of gRPC, whole and in every split, and the media types of calls.
 */
#include "codec/grpc.h"

#include <string.h>

#include "util/err.h"
#include "util/text.h"

#include "test.h"

#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

static struct text said;	/* what the reader told, as text */
static int stops;		/* behind each message */

static void
on_begin(void *arg, unsigned flags, uint32_t length)
{
	text_printf(&said, "<%x:%u>", flags, (unsigned)length);
}

static void
on_payload(void *arg, const uint8_t *p, size_t n)
{
	text_add(&said, (const char *)p, n);
}

static int
on_end(void *arg)
{
	text_puts(&said, ".");
	return stops;
}

static const struct grpc_user user = { on_begin, on_payload, on_end };

/* Read it in pieces of n bytes. Returns what the reader says of the last. */
static ssize_t
read_pieces(struct grpc_reader *r, const uint8_t *p, size_t len, size_t n)
{
	size_t at, m;
	ssize_t rv = 0;

	text_clear(&said);
	for (at = 0; at < len && rv >= 0; at += n) {
		m = len - at < n ? len - at : n;
		rv = grpc_read(r, p + at, m, &user, NULL);
		ck_assert(rv < 0 || (size_t)rv == m);
	}
	return rv;
}

static void
reads(int web, const uint8_t *p, size_t len, const char *want)
{
	size_t n;

	for (n = 1; n <= len; n++) {
		struct grpc_reader r = { .web = web };

		ck_assert_int_ge(read_pieces(&r, p, len, n), 0);
		ck_assert_str_eq(said.s, want);
		ck_assert(grpc_between(&r));
	}
}

static void
refuses(int web, const uint8_t *p, size_t len)
{
	size_t n;

	for (n = 1; n <= len; n++) {
		struct grpc_reader r = { .web = web };

		ck_assert_int_eq(read_pieces(&r, p, len, n), ERR_FORMAT);
	}
}

TEST(messages_are_read_in_every_split)
{
	reads(0, BYTES("\0\0\0\0\5Hello"), "<0:5>Hello.");
	reads(0, BYTES("\0\0\0\0\0"), "<0:0>.");
	reads(0, BYTES("\1\0\0\0\1a\0\0\0\0\0\0\0\0\0\2bc"),
	    "<1:1>a.<0:0>.<0:2>bc.");
}
END

TEST(trailers_are_a_message_of_grpc_web_alone)
{
	reads(1, BYTES("\0\0\0\0\1a\x80\0\0\0\3x:y\x81\0\0\0\0"),
	    "<0:1>a.<80:3>x:y.<81:0>.");
	refuses(0, BYTES("\x80\0\0\0\3x:y"));
}
END

TEST(flags_that_are_not_defined_are_refused)
{
	refuses(0, BYTES("\2\0\0\0\1a"));
	refuses(1, BYTES("\x40\0\0\0\1a"));
	refuses(0, BYTES("\0\0\0\0\1aPOST"));
}
END

TEST(a_length_has_four_bytes)
{
	struct grpc_reader r = { 0 };

	ck_assert_int_eq(read_pieces(&r, BYTES("\0\xff\xfe\xfd\xfcx"), 1), 1);
	ck_assert_str_eq(said.s, "<0:4294901244>x");
	ck_assert(!grpc_between(&r));
}
END

TEST(a_piece_of_a_prefix_is_a_message_that_is_not_whole)
{
	struct grpc_reader r = { 0 };

	ck_assert(grpc_between(&r));
	ck_assert_int_eq(read_pieces(&r, BYTES("\0"), 1), 1);
	ck_assert(!grpc_between(&r));
}
END

TEST(reading_stops_behind_a_message_if_the_user_says_so)
{
	struct grpc_reader r = { 0 };
	const char two[] = "\0\0\0\0\1a\0\0\0\0\1b";

	stops = 1;
	text_clear(&said);
	ck_assert_int_eq(grpc_read(&r, BYTES(two), &user, NULL), 6);
	ck_assert_str_eq(said.s, "<0:1>a.");
	ck_assert_int_eq(grpc_read(&r, (const uint8_t *)two + 6, 6, &user,
	    NULL), 6);
	ck_assert_str_eq(said.s, "<0:1>a.<0:1>b.");
	stops = 0;
}
END

TEST(what_is_written_is_read)
{
	uint8_t prefix[GRPC_PREFIX];

	grpc_put(prefix, GRPC_COMPRESSED, 0x01020304);
	ck_assert_mem_eq(prefix, "\1\1\2\3\4", GRPC_PREFIX);
}
END

TEST(calls_are_known_by_their_media_type)
{
	static const struct {
		const char	*type;
		enum grpc_kind	 kind;
	} cases[] = {
		{ "application/grpc", GRPC_HTTP2 },
		{ "Application/gRPC", GRPC_HTTP2 },
		{ "application/grpc+proto", GRPC_HTTP2 },
		{ "application/grpc;charset=x", GRPC_HTTP2 },
		{ "application/grpc ; x=y", GRPC_HTTP2 },
		{ "application/grpc-web", GRPC_WEB },
		{ "application/grpc-web+proto", GRPC_WEB },
		{ "application/grpc-web-text", GRPC_NONE },
		{ "application/grpc-web-text+proto", GRPC_NONE },
		{ "application/grpcx", GRPC_NONE },
		{ "application/grp", GRPC_NONE },
		{ "text/html", GRPC_NONE },
		{ "", GRPC_NONE }
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(grpc_kind(slice_of(cases[i].type,
		    strlen(cases[i].type))) == cases[i].kind, "%s",
		    cases[i].type);
	ck_assert_int_eq(grpc_kind(slice_of(NULL, 0)), GRPC_NONE);
}
END

SUITE("grpc",
    messages_are_read_in_every_split,
    trailers_are_a_message_of_grpc_web_alone,
    flags_that_are_not_defined_are_refused,
    a_length_has_four_bytes,
    a_piece_of_a_prefix_is_a_message_that_is_not_whole,
    reading_stops_behind_a_message_if_the_user_says_so,
    what_is_written_is_read,
    calls_are_known_by_their_media_type)
