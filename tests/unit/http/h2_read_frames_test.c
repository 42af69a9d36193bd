/*
 * Reading HTTP/2 that passes, of frames written by hand, which break it.
 */
#include <string.h>

#include "codec/h2frame.h"
#include "h2_reader.h"
#include "test.h"
#include "util/err.h"
#include "util/mem.h"

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

SUITE("h2_read_frames", frames_are_held_to_their_rules,
    an_error_ends_all_streams_and_stays,
    another_protocol_is_told_by_its_first_bytes,
    settings_that_nobody_acknowledges_are_bounded,
    a_larger_frame_is_read_where_it_was_allowed)
