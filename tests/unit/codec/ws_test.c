/*
 * WebSocket frames and messages, whole and in every split.
 */
#include "codec/ws.h"

#include <string.h>

#include "util/err.h"
#include "util/text.h"

#include "test.h"

#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

static struct text said;	/* what the reader told, as text */

static void
on_payload(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t n)
{
	text_add(&said, (const char *)p, n);
}

static int
on_message(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	text_printf(&said, "<%d:%llu%s>", opcode, (unsigned long long)length,
	    deflated ? ":deflated" : "");
	return 0;
}

static const struct ws_user user = { on_payload, on_message };

/* Read it in pieces of n bytes; what was told is `want`. */
static int
read_pieces(int client, const uint8_t *p, size_t len, size_t n)
{
	struct ws_reader r = { .client = client };
	size_t at;
	ssize_t rv;

	text_clear(&said);
	for (at = 0; at < len; at += n) {
		rv = ws_read(&r, p + at, len - at < n ? len - at : n, &user,
		    NULL);
		if (rv < 0)
			return (int)rv;
		ck_assert_int_eq(rv, (ssize_t)(len - at < n ? len - at : n));
	}
	return 0;
}

static void
reads(int client, const uint8_t *p, size_t len, const void *want,
    size_t nwant)
{
	size_t n;

	for (n = 1; n <= len; n++) {
		ck_assert_int_eq(read_pieces(client, p, len, n), 0);
		ck_assert_uint_eq(said.len, nwant);
		ck_assert_mem_eq(said.s, want, nwant);
	}
}

static void
refuses(int client, const uint8_t *p, size_t len)
{
	size_t n;

	for (n = 1; n <= len; n++)
		ck_assert_int_eq(read_pieces(client, p, len, n), ERR_FORMAT);
}

TEST(the_examples_of_the_rfc_are_read)
{
	/* RFC 6455, 5.7 */
	reads(0, BYTES("\x81\x05Hello"), BYTES("Hello<1:5>"));
	reads(1, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
	    BYTES("Hello<1:5>"));
	reads(0, BYTES("\x01\x03Hel\x80\x02lo"), BYTES("Hello<1:5>"));
	reads(0, BYTES("\x89\x05Hello"), BYTES("Hello<9:5>"));
	/* RFC 7692, 7.2.3.1 */
	reads(0, BYTES("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
	    BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00<1:7:deflated>"));
}
END

TEST(control_frames_may_come_within_a_message)
{
	reads(0, BYTES("\x02\x01" "a" "\x89\x00\x00\x01" "b" "\x80\x00"),
	    BYTES("a<9:0>b<2:2>"));
}
END

TEST(what_breaks_the_rules_is_refused)
{
	refuses(0, BYTES("\x83\x00"));		/* opcode 3 */
	refuses(0, BYTES("\xa1\x00"));		/* RSV2 */
	refuses(0, BYTES("\x80\x00"));		/* continues nothing */
	refuses(0, BYTES("\x01\x00\x01\x00"));	/* begins within another */
	refuses(0, BYTES("\x01\x00\xc0\x00"));	/* RSV1 of a later frame */
	refuses(0, BYTES("\x09\x00"));		/* a ping in pieces */
	refuses(0, BYTES("\xc9\x00"));		/* a ping compressed */
	refuses(0, BYTES("\x89\x7e\x00\x7e"));	/* a ping of 126 bytes */
	refuses(0, BYTES("\x81\x7e\x00\x7d"));	/* not the shortest length */
	refuses(0, BYTES("\x81\x7f\0\0\0\0\0\0\xff\xff"));
	refuses(0, BYTES("\x81\x7f\x80\0\0\0\0\0\0\0"));	/* 2^63 */
	refuses(1, BYTES("\x81\x00"));		/* a client's must be masked */
	refuses(0, BYTES("\x81\x80\1\2\3\4"));	/* a server's must not */
}
END

TEST(lengths_of_a_message_that_add_up_to_too_much_are_refused)
{
	struct ws_reader r = { .opcode = WS_TEXT, .length = INT64_MAX };

	ck_assert_int_eq(ws_read(&r, BYTES("\x80\x01x"), &user, NULL),
	    ERR_FORMAT);
}
END

static int
stop(void *arg, enum ws_opcode opcode, uint64_t length, int deflated)
{
	return 1;
}

TEST(reading_stops_behind_a_message)
{
	const struct ws_user stopper = { NULL, stop };
	struct ws_reader r = { 0 };

	ck_assert_int_eq(ws_read(&r, BYTES("\x81\x01" "a" "\x81\x01" "b"),
	    &stopper, NULL), 3);
	ck_assert_int_eq(ws_read(&r, BYTES("\x81\x01" "b"), &stopper, NULL),
	    3);
}
END

TEST(a_head_that_was_written_is_read)
{
	static const uint64_t lengths[] = { 0, 1, 125, 126, 65535, 65536,
	    INT64_MAX };
	struct ws_frame f = { .opcode = WS_BINARY, .fin = 1, .deflated = 1 };
	struct ws_frame got;
	uint8_t head[WS_HEAD_MAX];
	size_t i, n;

	for (i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		f.length = lengths[i / 2];
		f.masked = i & 1;
		memcpy(f.key, f.masked ? "key!" : "\0\0\0", 4);
		n = ws_frame_put(head, &f);
		memset(&got, 0, sizeof(got));
		ck_assert_int_eq(ws_frame(&got, head, n), (int)n);
		ck_assert_mem_eq(&got, &f, sizeof(f));
		ck_assert_int_eq(ws_frame(&got, head, n - 1), ERR_SHORT);
	}
}
END

SUITE("ws",
    the_examples_of_the_rfc_are_read,
    control_frames_may_come_within_a_message,
    what_breaks_the_rules_is_refused,
    lengths_of_a_message_that_add_up_to_too_much_are_refused,
    reading_stops_behind_a_message,
    a_head_that_was_written_is_read)
