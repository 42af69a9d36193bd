/*
 * Huffman's code: the examples of RFC 7541 (Appendix C), every symbol by its
 * code as another library has it, and the ends that a string may not have.
 */
#include "codec/huffman.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static const struct {
	const char	*coded;
	size_t		 len;
	const char	*text;
} examples[] = {
	{ "\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", 12,
	  "www.example.com" },
	{ "\xa8\xeb\x10\x64\x9c\xbf", 6, "no-cache" },
	{ "\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", 8, "custom-key" },
	{ "\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf", 9, "custom-value" },
	{ "\x64\x02", 2, "302" },
	{ "\xae\xc3\x77\x1a\x4b", 5, "private" },
	{ "\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66"
	  "\xe0\x82\xa6\x2d\x1b\xff", 22, "Mon, 21 Oct 2013 20:13:21 GMT" },
	{ "\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43"
	  "\xd3", 17, "https://www.example.com" },
	{ "", 0, "" },
	{ "\x07", 1, "0" }
};

static ssize_t
decode(char *out, const void *p, size_t len)
{
	uint8_t *exact = xmemdup(p, len);
	ssize_t n;

	huffman_init();
	n = huffman_decode(out, exact, len);
	free(exact);
	return n;
}

TEST(huffman_reads_the_examples_of_the_rfc)
{
	char out[64];
	size_t i;

	for (i = 0; i < NELEM(examples); i++) {
		ck_assert_int_eq(decode(out, examples[i].coded,
		    examples[i].len), strlen(examples[i].text));
		ck_assert_mem_eq(out, examples[i].text,
		    strlen(examples[i].text));
	}
}
END

/* The coded value of a field that is not indexed, behind its name "x". */
static const uint8_t *
value_of(const uint8_t *block, size_t *len)
{
	size_t shift = 0;

	ck_assert_uint_eq(block[3] & 0x80, 0x80);
	*len = block[3] & 0x7f;
	block += 4;
	if (*len == 0x7f)
		do
			*len += (size_t)(*block & 0x7f) << shift;
		while (shift += 7, *block++ & 0x80);
	return block;
}

/* Behind so many of the shortest code that nghttp2 takes this code, and that
 * it stands at each bit of a byte. */
TEST(huffman_knows_the_code_of_each_symbol)
{
	const nghttp2_nv of = { (uint8_t *)"x", NULL, 1, 0,
	    NGHTTP2_NV_FLAG_NO_INDEX };
	nghttp2_hd_deflater *d;
	uint8_t text[256], block[512];
	char out[HUFFMAN_ROOM(512)];
	const uint8_t *coded;
	size_t symbol, before, len;
	nghttp2_nv nv = of;

	ck_assert_int_eq(nghttp2_hd_deflate_new(&d, 0), 0);
	for (symbol = 0; symbol < 256; symbol++)
		for (before = 100; before < 108; before++) {
			memset(text, 'a', sizeof(text));
			text[before] = (uint8_t)symbol;
			nv.value = text;
			nv.valuelen = 200;
			ck_assert_int_gt(nghttp2_hd_deflate_hd(d, block,
			    sizeof(block), &nv, 1), 0);
			/* An update of the table's size comes first, once. */
			coded = value_of(block[0] == 0x20 ? block + 1 : block,
			    &len);
			ck_assert_int_eq(decode(out, coded, len), 200);
			ck_assert_mem_eq(out, text, 200);
		}
	nghttp2_hd_deflate_del(d);
}
END

static const struct {
	const char	*coded;
	size_t		 len;
} wrong[] = {
	{ "\xff", 1 },				/* eight bits of padding */
	{ "\x07\xff", 2 },			/* '0' and eleven */
	{ "\x1f\xff", 2 },			/* 'a' and eleven */
	{ "\x00", 1 },				/* '0' and zeros */
	{ "\x06", 1 },				/* '0' and 110 */
	{ "\xff\xff\xff\xff", 4 },		/* EOS and padding */
	{ "\x07\xff\xff\xff\xff", 5 },		/* '0' and EOS */
	{ "\xff\xff\xff\xfc", 4 },		/* EOS and zeros */
	{ "\xff\xff\xff\xfb\xff\xff\xff\xff", 8 },
	{ "\xfe", 1 }				/* most of a code */
};

TEST(huffman_refuses_eos_and_what_is_no_padding)
{
	char out[32];
	size_t i;

	for (i = 0; i < NELEM(wrong); i++)
		ck_assert_int_eq(decode(out, wrong[i].coded, wrong[i].len),
		    ERR_FORMAT);
}
END

SUITE("huffman", huffman_reads_the_examples_of_the_rfc,
    huffman_knows_the_code_of_each_symbol,
    huffman_refuses_eos_and_what_is_no_padding)
