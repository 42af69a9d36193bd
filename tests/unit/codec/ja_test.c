/*
 * JA3 and JA4. The JA3 hashes are tshark's for the same captured hellos; the
 * JA4 ones of chosen lists have been published.
 */
#include "codec/ja.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#include "test.h"
#include "hello_make.h"

static struct hello h;
static struct text raw;

static const struct {
	const char	*name;
	const char	*ja3;		/* as tshark 4.0 has it */
	const char	*ja4;
} captured[] = {
	{ "chromium", "0f2c62ec2901dfcc00c6dafa33ad74a6",
	  "t13d1517h2_8daaf6152771_cb7bf5808d99" },
	{ "curl_h2", "0149f47eabf9a20d0893e2a44e5a6323",
	  "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6" },
	{ "curl_tls12_ip", "a800670a9e75f9768d052dd7f0be5728",
	  "t12i2806h2_d943125447b4_a44c6288192a" },
	{ "gnutls_pfs", "02dec8b993fb419617017a0a689e970a",
	  "t12d1910ip_669dc83c3772_e6ce4e5f5537" },
	{ "java", "795a08fe385896aee616d3b7236502da",
	  "t13i371100_db35923f8641_7c76daad20ec" },
	{ "node", "1a28e69016765d92e3b381168d68922c",
	  "t13d5911h2_a33745022dd6_1f22a2ca17c4" },
	{ "openssl_tls10", "c6dbf3152a545382a95425e390e2d2e8",
	  "t10d090600_c491f621fb4c_195413a0cc0f" },
	{ "python3", "304734bb1c086c3453b387400cf83f11",
	  "t13d1812h1_85036bcba153_d41ae481755e" },
	{ "wget", "bb4f9fef542ff6b4b29aa653bf0c1d31",
	  "t13d291300_723694b0fccc_899037bd0b8c" },
};

TEST(captured_hellos_have_their_fingerprints)
{
	char hash[JA3_HASH_LEN + 1], fp[JA4_LEN + 1];
	size_t i, need;

	for (i = 0; i < NELEM(captured); i++) {
		text_clear(&raw);
		load_hello(&raw, captured[i].name);
		ck_assert_int_eq(hello_parse(&h, (const uint8_t *)raw.s,
		    raw.len, &need), 0);
		ck_assert_int_eq(ja3_hash(hash, &h, NULL), 0);
		ck_assert_str_eq(hash, captured[i].ja3);
		ck_assert_int_eq(ja4(fp, &h, NULL), 0);
		ck_assert_str_eq(fp, captured[i].ja4);
	}
}
END

/* Numbers in hexadecimal with commas between, as u16 each. */
static void
add_list(struct text *t, const char *list)
{
	char *end;

	for (;;) {
		add_u16(t, strtoul(list, &end, 16));
		if (*end == '\0')
			break;
		list = end + 1;
	}
}

/*
 * A hello of these suites, extensions and signature algorithms, with
 * server_name, an ALPN of h2, and TLS 1.3; GREASE put in between.
 */
static void
make_from_lists(const char *suites, const char *exts, const char *sigalgs)
{
	struct text s = { NULL, 0, 0 }, sig = { NULL, 0, 0 };
	struct text types = { NULL, 0, 0 }, body = { NULL, 0, 0 };
	struct parts p = { .exts = { NULL, 0, 0 } };
	struct cursor w;
	uint16_t type;

	add_list(&s, "1a1a");
	add_list(&s, suites);
	add_list(&sig, sigalgs);
	add_list(&types, exts);
	add_u16(&body, sig.len);
	text_add(&body, sig.s, sig.len);
	add_ext(&p.exts, 0x2a2a, LIT(""));
	w = cursor_of(types.s, types.len);
	while (cursor_left(&w) > 0) {
		type = cursor_u16(&w);
		if (type == 13)
			add_ext(&p.exts, type, body.s, body.len);
		else if (type == 43)
			add_ext(&p.exts, type, LIT("\4\x3a\x3a\3\4"));
		else if (type == 10 || type == 51)
			add_ext(&p.exts, type, LIT("\0\0"));
		else if (type == 11)
			add_ext(&p.exts, type, LIT("\1\0"));
		else
			add_ext(&p.exts, type, LIT(""));
	}
	add_ext(&p.exts, 16, LIT("\0\3\2h2"));
	add_sni(&p.exts, LIT("a.example"));
	p.suites = s.s;
	p.suites_len = s.len;
	text_clear(&raw);
	make_hello(&raw, &p);
	text_free(&s);
	text_free(&sig);
	text_free(&types);
	text_free(&body);
}

TEST(published_lists_give_the_published_ja4)
{
	char fp[JA4_LEN + 1];
	size_t need;

	/* Chrome, as several readers of JA4 show it. */
	make_from_lists("1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,"
	    "c014,009c,009d,002f,0035",
	    "ff01,0005,0012,44cd,0017,002b,0023,000d,001b,0033,000a,002d,"
	    "fe0d,000b", "0403,0804,0401,0503,0805,0501,0806,0601");
	ck_assert_int_eq(hello_parse(&h, (const uint8_t *)raw.s, raw.len,
	    &need), 0);
	ck_assert_int_eq(ja4(fp, &h, NULL), 0);
	ck_assert_str_eq(fp, "t13d1516h2_8daaf6152771_d8a2da3f94cd");
	/* The example of FoxIO's JA4.md. */
	make_from_lists("1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,"
	    "c014,009c,009d,002f,0035",
	    "001b,0033,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,"
	    "000a,0015", "0403,0804,0401,0503,0805,0501,0806,0601");
	ck_assert_int_eq(hello_parse(&h, (const uint8_t *)raw.s, raw.len,
	    &need), 0);
	ck_assert_int_eq(ja4(fp, &h, NULL), 0);
	ck_assert_str_eq(fp, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	/* A client with an SCSV among its suites, which counts. */
	make_from_lists("1301,1302,1303,c02b,c02c,c02f,c030,cca8,cca9,00ff",
	    "0005,000a,000b,000d,0017,0023,002b,002d,0033",
	    "0503,0403,0807,0806,0805,0804,0601,0501,0401");
	ck_assert_int_eq(hello_parse(&h, (const uint8_t *)raw.s, raw.len,
	    &need), 0);
	ck_assert_int_eq(ja4(fp, &h, NULL), 0);
	ck_assert_str_eq(fp, "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3");
}
END

static void
check_start(struct parts *p, const char *start)
{
	char fp[JA4_LEN + 1];
	size_t need;

	text_clear(&raw);
	make_hello(&raw, p);
	ck_assert_int_eq(hello_parse(&h, (const uint8_t *)raw.s, raw.len,
	    &need), 0);
	ck_assert_int_eq(ja4(fp, &h, NULL), 0);
	ck_assert_msg(strncmp(fp, start, strlen(start)) == 0, "%s, not %s",
	    fp, start);
	memset(p, 0, sizeof(*p));
}

TEST(the_first_part_of_ja4_shows_version_name_counts_and_alpn)
{
	struct parts p = { .version = 0x0300 };
	char *many = xcalloc(200, 2);
	int i;

	check_start(&p, "ts3i040000_");
	p.version = 0x0302;
	add_ext(&p.exts, 16, LIT("\0\2\1x"));
	check_start(&p, "t11i0401xx_");
	add_ext(&p.exts, 16, LIT("\0\3\2\xab\xcd"));
	check_start(&p, "t12i0401ad_");
	add_ext(&p.exts, 16, LIT("\0\4\3a/\xff"));
	check_start(&p, "t12i04016f_");
	for (i = 0; i < 120; i++)
		add_ext(&p.exts, (uint16_t)(0x7000 + i), LIT(""));
	p.suites = many;
	p.suites_len = 400;
	check_start(&p, "t12i999900_");
	p.suites = "\x0a\x0a";
	p.suites_len = 2;
	check_start(&p, "t12i000000_000000000000_000000000000");
	free(many);
}
END

/* The values of FoxIO's JA4.md, "ALPN Extension Value". */
TEST(an_alpn_that_is_not_alphanumeric_shows_its_hexadecimal)
{
	static const struct {
		const char *name, *shown;
	} alpns[] = {
		{ "\xab", "ab" }, { " ", "20" }, { "\xab\xcd", "ad" },
		{ " a", "21" }, { "0\xab", "3b" }, { "a ", "60" },
		{ "01\xab\xcd", "3d" }, { "0\xab\xcd" "1", "01" }
	};
	struct parts p = { .version = 0x0303 };
	char body[16], want[16];
	size_t i, n;

	for (i = 0; i < NELEM(alpns); i++) {
		n = strlen(alpns[i].name);
		body[0] = 0;
		body[1] = (char)(n + 1);
		body[2] = (char)n;
		memcpy(body + 3, alpns[i].name, n);
		p.version = 0x0303;
		add_ext(&p.exts, 16, body, n + 3);
		snprintf(want, sizeof(want), "t12i0401%s_", alpns[i].shown);
		check_start(&p, want);
	}
}
END

TEST(ja3_text_has_five_parts_even_when_empty)
{
	struct parts p = { .version = 0x0301, .suites = "\0\x2f",
	    .suites_len = 2 };
	struct text t = { NULL, 0, 0 };
	size_t need;

	make_hello(&raw, &p);
	ck_assert_int_eq(hello_parse(&h, (const uint8_t *)raw.s, raw.len,
	    &need), 0);
	ja3_text(&t, &h);
	ck_assert_str_eq(t.s, "769,47,,,");
	text_free(&t);
}
END

/* Read one from its parts; it lives in the text. */
static void
hello_of(struct hello *out, struct text *t, struct parts *p)
{
	make_message(t, p);
	ck_assert_int_eq(hello_parse_message(out, (const uint8_t *)t->s,
	    t->len), 0);
}

TEST(the_distance_counts_what_is_in_one_hello_only)
{
	static const struct {
		uint16_t	version;
		const char	*suites, *sigalgs;
		uint16_t	ext;
		const char	*alpn;
		unsigned	apart;
	} others[] = {
		{ 0, "\x13\1\xc0\x2b", "\4\3\x08\4", 35, "h2", 0 },
		{ 0, "\xc0\x2b\x13\1", "\4\3\x08\4", 35, "h2", 0 },
		{ 0, "\x13\1\xc0\x2f", "\4\3\x08\4", 35, "h2", 2 },
		{ 0, "\x13\1\x1a\x1a", "\4\3\x08\4", 35, "h2", 1 },
		{ 0, "\x13\1\xc0\x2b", "\x08\4\4\3", 35, "h2", 1 },
		{ 0, "\x13\1\xc0\x2b", "\4\3\x08\5", 35, "h2", 2 },
		{ 0, "\x13\1\xc0\x2b", "\4\3\x08\4", 23, "h2", 2 },
		{ 0, "\x13\1\xc0\x2b", "\4\3\x08\4", 0x2a2a, "h2", 1 },
		{ 0, "\x13\1\xc0\x2b", "\4\3\x08\4", 35, "h3", 1 },
		{ 0x302, "\x13\1\xc0\x2b", "\4\3\x08\4", 35, "h2", 1 },
		{ 0x302, "\0\1\0\2", "\5\5\5\6", 23, "h3", 12 },
	};
	struct text t[2] = { { 0 }, { 0 } };
	char body[16];
	struct hello x[2];
	struct parts p;
	size_t i, k;

	for (i = 0; i < NELEM(others); i++) {
		for (k = 0; k < 2; k++) {
			p = (struct parts){ .version = others[i * k].version,
			    .suites = others[i * k].suites, .suites_len = 4 };
			memcpy(body, "\0\4", 2);
			memcpy(body + 2, others[i * k].sigalgs, 4);
			add_ext(&p.exts, 13, body, 6);
			add_ext(&p.exts, others[i * k].ext, "", 0);
			memcpy(body, "\0\3\2", 3);
			memcpy(body + 3, others[i * k].alpn, 2);
			add_ext(&p.exts, 16, body, 5);
			text_clear(&t[k]);
			hello_of(&x[k], &t[k], &p);
		}
		ck_assert_msg(ja4_distance(&x[0], &x[1]) == others[i].apart &&
		    ja4_distance(&x[1], &x[0]) == others[i].apart,
		    "%zu: %u", i, ja4_distance(&x[0], &x[1]));
	}
	text_free(&t[0]);
	text_free(&t[1]);
}
END

SUITE("ja", captured_hellos_have_their_fingerprints,
    published_lists_give_the_published_ja4,
    the_first_part_of_ja4_shows_version_name_counts_and_alpn,
    an_alpn_that_is_not_alphanumeric_shows_its_hexadecimal,
    ja3_text_has_five_parts_even_when_empty,
    the_distance_counts_what_is_in_one_hello_only)
