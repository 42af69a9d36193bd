/*
 * HPACK: the examples of RFC 7541 (Appendix C), updates of the table's size,
 * and what a peer might send instead.
 */
#include "codec/hpack.h"

#include <stdio.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

static struct text	 said;

static uint8_t *
of_hex(const char *hex, size_t *len)
{
	uint8_t *p = xmalloc(strlen(hex) / 2 + 1);
	unsigned byte;

	for (*len = 0; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		p[(*len)++] = (uint8_t)byte;
	return p;
}

static void
say(const struct hpack_line *l)
{
	text_printf(&said, "%.*s: %.*s%s\n", SLICE(l->name), SLICE(l->value),
	    l->never ? " (never)" : "");
}

/*
 * Decodes a block, of which step bytes more come each time; its lines into
 * said. 0 or ERR_*: ERR_SHORT, if it ends within a line.
 */
static int
decode_by(struct hpack *h, const char *hex, size_t step)
{
	struct hpack_line l;
	struct cursor w;
	size_t len, at = 0, have = 0;
	uint8_t *all = of_hex(hex, &len), *piece;
	int rv;

	text_clear(&said);
	do {
		have = have + step < len ? have + step : len;
		piece = xmemdup(all + at, have - at);
		w = cursor_of(piece, have - at);
		while ((rv = hpack_next(h, &w, &l)) == 1)
			say(&l);
		at = have - cursor_left(&w);
		free(piece);
	} while (rv != ERR_FORMAT && have < len);
	free(all);
	return rv == 0 ? hpack_end(h) : rv;
}

static int
decode(struct hpack *h, const char *hex)
{
	return decode_by(h, hex, SIZE_MAX / 2);
}

#define UPDATE_256	"3fe101"
#define RESPONSE_1	":status: 302\ncache-control: private\n"		\
			"date: Mon, 21 Oct 2013 20:13:21 GMT\n"		\
			"location: https://www.example.com\n"
#define RESPONSE_2	":status: 307\ncache-control: private\n"		\
			"date: Mon, 21 Oct 2013 20:13:21 GMT\n"		\
			"location: https://www.example.com\n"
#define RESPONSE_3	":status: 200\ncache-control: private\n"		\
			"date: Mon, 21 Oct 2013 20:13:22 GMT\n"		\
			"location: https://www.example.com\n"		\
			"content-encoding: gzip\nset-cookie: "		\
			"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; "		\
			"max-age=3600; version=1\n"
#define GET		":method: GET\n"

/* Each is one decoder's, block by block. */
static const struct {
	const char	*hex, *lines;
} examples[][3] = {
	{ { "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
	    "custom-key: custom-header\n" },
	  { "040c2f73616d706c652f70617468", ":path: /sample/path\n" },
	  { "100870617373776f726406736563726574",
	    "password: secret (never)\n" } },
	{ { "828684410f7777772e6578616d706c652e636f6d",
	    GET ":scheme: http\n:path: /\n:authority: www.example.com\n" },
	  { "828684be58086e6f2d6361636865",
	    GET ":scheme: http\n:path: /\n:authority: www.example.com\n"
	    "cache-control: no-cache\n" },
	  { "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
	    GET ":scheme: https\n:path: /index.html\n"
	    ":authority: www.example.com\ncustom-key: custom-value\n" } },
	{ { "828684418cf1e3c2e5f23a6ba0ab90f4ff",
	    GET ":scheme: http\n:path: /\n:authority: www.example.com\n" },
	  { "828684be5886a8eb10649cbf",
	    GET ":scheme: http\n:path: /\n:authority: www.example.com\n"
	    "cache-control: no-cache\n" },
	  { "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
	    GET ":scheme: https\n:path: /index.html\n"
	    ":authority: www.example.com\ncustom-key: custom-value\n" } },
	{ { UPDATE_256 "4803333032580770726976617465611d4d6f6e2c203231204f63"
	    "7420323031332032303a31333a323120474d546e1768747470733a2f2f7777"
	    "772e6578616d706c652e636f6d", RESPONSE_1 },
	  { "4803333037c1c0bf", RESPONSE_2 },
	  { "88c1611d4d6f6e2c203231204f637420323031332032303a31333a32322047"
	    "4d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f"
	    "50495541585157454f49553b206d61782d6167653d333630303b2076657273"
	    "696f6e3d31", RESPONSE_3 } },
	{ { UPDATE_256 "488264025885aec3771a4b6196d07abe941054d444a820059504"
	    "0b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
	    RESPONSE_1 },
	  { "4883640effc1c0bf", RESPONSE_2 },
	  { "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9"
	    "ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5"
	    "291f9587316065c003ed4ee5b1063d5007", RESPONSE_3 } }
};

TEST(hpack_reads_the_examples_of_the_rfc_in_pieces_of_all_sizes)
{
	struct hpack *h;
	size_t i, j, step;

	for (step = 1; step < 100; step++)
		for (i = 0; i < NELEM(examples); i++) {
			h = hpack_new();
			for (j = 0; j < 3; j++) {
				ck_assert_int_eq(decode_by(h,
				    examples[i][j].hex, step), 0);
				ck_assert_str_eq(said.s,
				    examples[i][j].lines);
			}
			hpack_free(h);
		}
}
END

/* What a decoder says of a block. */
static int
of_block(const char *hex)
{
	struct hpack *h = hpack_new();
	int rv = decode(h, hex);

	hpack_free(h);
	return rv;
}

TEST(hpack_refuses_an_index_that_there_is_not)
{
	ck_assert_int_eq(of_block("80"), ERR_FORMAT);
	ck_assert_int_eq(of_block("bd"), 0);
	ck_assert_int_eq(of_block("be"), ERR_FORMAT);
	ck_assert_int_eq(of_block("7f000161"), ERR_FORMAT);
	ck_assert_int_eq(of_block("4001610162bf"), ERR_FORMAT);
	ck_assert_int_eq(of_block("ffffffffff07"), ERR_FORMAT);
}
END

TEST(hpack_refuses_a_number_of_more_than_32_bits)
{
	ck_assert_int_eq(of_block("ff80fe"), ERR_SHORT);
	ck_assert_int_eq(of_block("ff8080808000"), ERR_FORMAT);	/* no 127 */
	ck_assert_int_eq(of_block("ff808080800010"), ERR_FORMAT);
	ck_assert_int_eq(of_block("ff8180808010"), ERR_FORMAT);
	ck_assert_int_eq(of_block("ff808080808000"), ERR_FORMAT);
	ck_assert_int_eq(of_block("ffffffffffffffffffff01"), ERR_FORMAT);
	/* 62 as 31 and 31, with zeros that nobody needs. */
	ck_assert_int_eq(of_block("3f9f8080800082"), 0);
}
END

TEST(hpack_wants_all_of_a_line)
{
	static const char whole[] = "400a637573746f6d2d6b65790d637573746f6d2d"
	    "686561646572";
	char part[sizeof(whole)];
	size_t n;

	for (n = 2; n < sizeof(whole) - 1; n += 2) {
		memcpy(part, whole, n);
		part[n] = '\0';
		ck_assert_int_eq(of_block(part), ERR_SHORT);
	}
	ck_assert_int_eq(of_block(whole), 0);
	ck_assert_int_eq(of_block(""), 0);
}
END

TEST(hpack_refuses_a_string_that_is_too_long)
{
	/* 65536, and one more. */
	ck_assert_int_eq(of_block("007f81ff03"), ERR_SHORT);
	ck_assert_int_eq(of_block("007f82ff03"), ERR_FORMAT);
	ck_assert_int_eq(of_block("00ff82ff03"), ERR_FORMAT);
	ck_assert_int_eq(of_block("0001617f82ff03"), ERR_FORMAT);
	ck_assert_int_eq(of_block("04ffffffff0f"), ERR_FORMAT);
}
END

TEST(hpack_refuses_what_is_no_huffman)
{
	ck_assert_int_eq(of_block("0081ff0161"), ERR_FORMAT);
	ck_assert_int_eq(of_block("00016181ff"), ERR_FORMAT);
	ck_assert_int_eq(of_block("00016184ffffffff"), ERR_FORMAT);
	ck_assert_int_eq(of_block("0001618107"), 0);
}
END

TEST(hpack_takes_an_update_only_at_a_blocks_beginning)
{
	ck_assert_int_eq(of_block("2082"), 0);
	ck_assert_int_eq(of_block("203fe11f82"), 0);
	ck_assert_int_eq(of_block("8220"), ERR_FORMAT);
	ck_assert_int_eq(of_block("20"), 0);
	ck_assert_int_eq(of_block("3fe21f"), ERR_FORMAT);	/* 4097 */
}
END

TEST(hpack_forgets_by_an_update)
{
	struct hpack *h = hpack_new();

	ck_assert_int_eq(decode(h, "4001610162"), 0);
	ck_assert_int_eq(decode(h, "203fe11fbe"), ERR_FORMAT);
	hpack_free(h);
}
END

TEST(hpack_wants_an_update_where_less_is_allowed)
{
	struct hpack *h = hpack_new();

	hpack_allow(h, 100);
	ck_assert_int_eq(decode(h, "82"), ERR_FORMAT);
	hpack_free(h);
	h = hpack_new();
	hpack_allow(h, 100);
	ck_assert_int_eq(decode(h, ""), ERR_FORMAT);
	hpack_free(h);
	h = hpack_new();
	hpack_allow(h, 100);
	ck_assert_int_eq(decode(h, "3f4682"), ERR_FORMAT);	/* 101 */
	hpack_free(h);
	h = hpack_new();
	hpack_allow(h, 100);
	hpack_allow(h, 8192);			/* the least of both, once */
	ck_assert_int_eq(decode(h, "3f463fe13f82"), ERR_FORMAT);
	hpack_free(h);
	h = hpack_new();
	hpack_allow(h, 100);
	hpack_allow(h, 8192);
	ck_assert_int_eq(decode(h, "3f453fe13f82"), 0);
	ck_assert_int_eq(decode(h, "82"), 0);
	hpack_free(h);
}
END

/* More is the encoder's to take, by an update. */
TEST(hpack_wants_no_update_where_more_is_allowed)
{
	struct hpack *h = hpack_new();

	hpack_allow(h, 65536);
	ck_assert_int_eq(decode(h, "82"), 0);
	ck_assert_int_eq(decode(h, "3fe1ff0382"), 0);
	hpack_free(h);
}
END

/* The name goes with the line that it is of (4.4). */
TEST(hpack_keeps_a_name_whose_line_it_forgets)
{
	struct hpack *h = hpack_new();

	hpack_allow(h, 45);
	ck_assert_int_eq(decode(h, "3f0e40036b65790a30313233343536373839"),
	    0);
	ck_assert_int_eq(decode(h, "7e0a61626364656667686930"), 0);
	ck_assert_int_eq(decode(h, "7e0a41424344454647484930be"), 0);
	ck_assert_str_eq(said.s, "key: ABCDEFGHI0\nkey: ABCDEFGHI0\n");
	hpack_free(h);
}
END

SUITE("hpack", hpack_reads_the_examples_of_the_rfc_in_pieces_of_all_sizes,
    hpack_refuses_an_index_that_there_is_not,
    hpack_refuses_a_number_of_more_than_32_bits, hpack_wants_all_of_a_line,
    hpack_refuses_a_string_that_is_too_long,
    hpack_refuses_what_is_no_huffman,
    hpack_takes_an_update_only_at_a_blocks_beginning,
    hpack_forgets_by_an_update, hpack_wants_an_update_where_less_is_allowed,
    hpack_wants_no_update_where_more_is_allowed,
    hpack_keeps_a_name_whose_line_it_forgets)
