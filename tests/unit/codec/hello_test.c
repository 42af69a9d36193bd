/*
 * ClientHellos: what is found in them, in every split, and what is refused.
 */
#include "codec/hello.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#include "test.h"
#include "hello_make.h"

static struct hello h;
static struct text raw;

static int
parse(void)
{
	size_t need;

	return hello_parse(&h, (const uint8_t *)raw.s, raw.len, &need);
}

/* Whether the client sent a key share (RFC 8446, 4.2.8) of this group. */
static int
has_share(uint16_t group)
{
	struct cursor c = cursor_of(h.shares.p, h.shares.len);

	while (!c.bad && cursor_left(&c) > 0) {
		if (cursor_u16(&c) == group)
			return 1;
		cursor_bytes(&c, cursor_u16(&c));
	}
	return 0;
}

static int
has_alpn(const char *name)
{
	return alpn_has(h.alpn.p, h.alpn.len, name);
}

/* Read what raw holds in every prefix, each in memory of its very size. */
static int
parse_split(void)
{
	size_t n, need, last = 0;
	uint8_t *copy;
	int e = ERR_SHORT;

	for (n = 0; n <= raw.len && e == ERR_SHORT; n++) {
		copy = xmemdup(raw.s, n);
		e = hello_parse(&h, copy, n, &need);
		if (e == ERR_SHORT) {
			ck_assert_uint_gt(need, n);
			ck_assert_uint_ge(need, last);
			ck_assert_uint_le(need, raw.len);
			last = need;
		} else if (e == 0) {
			/* No byte earlier than it said, none later. */
			ck_assert_uint_eq(last, n);
			hello_free(&h);
		}
		free(copy);
	}
	return e;
}

static int
parse_bytes(const char *data, size_t len)
{
	text_clear(&raw);
	text_add(&raw, data, len);
	return parse();
}

/* A hello with these extensions and no more. */
static int
parse_exts(struct text *exts)
{
	struct parts p = { .exts = *exts };

	memset(exts, 0, sizeof(*exts));
	text_clear(&raw);
	make_hello(&raw, &p);
	return parse();
}

static int
parse_ext(uint16_t type, const char *body, size_t len)
{
	struct text x = { NULL, 0, 0 };

	add_ext(&x, type, body, len);
	return parse_exts(&x);
}

static int
parse_sni(const char *name, size_t len)
{
	struct text x = { NULL, 0, 0 };

	add_sni(&x, name, len);
	return parse_exts(&x);
}

/* A hello of about size bytes, an SNI behind its padding. */
static void
big_message(struct text *msg, size_t size)
{
	struct parts p = { .exts = { NULL, 0, 0 } };
	char *pad = xcalloc(1, size);

	add_ext(&p.exts, 21, pad, size);
	add_sni(&p.exts, LIT("big.example"));
	make_message(msg, &p);
	free(pad);
}

TEST(what_is_no_tls_is_known_from_the_first_bytes)
{
	ck_assert_int_eq(parse_bytes(LIT("G")), ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("SSH")), ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("\x15\2")), ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("\x17\3\x20")), ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("\xff\xfd\3")), ERR_NOTFOUND);
	/* A length in front of it, little-endian, as MongoDB has. */
	ck_assert_int_eq(parse_bytes(LIT("\x16\1\0\0\2\0\0\0\0\0")),
	    ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("\x16\1\0\0\2\1\1")),
	    ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("\x16\3\1\0\x40\1")), ERR_SHORT);
	ck_assert_int_eq(h.begun, 1);
	ck_assert_int_eq(parse_bytes(LIT("\x16\2")), ERR_SHORT);
	ck_assert_int_eq(h.begun, 0);
}
END

/* Refused with this alert, from that many bytes on and in every split. */
static void
is_wrong(const char *data, size_t len, size_t from, int alert)
{
	size_t n, need = 0;

	for (n = 0; n < from; n++) {
		ck_assert_int_eq(hello_parse(&h, (const uint8_t *)data, n,
		    &need), ERR_SHORT);
		ck_assert_uint_gt(need, n);
		ck_assert_uint_le(need, from);
	}
	ck_assert_int_eq(parse_bytes(data, len), ERR_FORMAT);
	ck_assert_int_eq(h.alert, alert);
	ck_assert_ptr_nonnull(h.wrong);
}

TEST(tls_that_is_no_hello_is_tls_nevertheless)
{
	is_wrong(LIT("\x15\3\1\0\2\1\0\x16\3\1"), 5,
	    ALERT_UNEXPECTED_MESSAGE);
	is_wrong(LIT("\x14\3\3\0\1\1"), 5, ALERT_UNEXPECTED_MESSAGE);
	is_wrong(LIT("\x17\3\3\1\0"), 5, ALERT_UNEXPECTED_MESSAGE);
	is_wrong(LIT("\x18\3\2\0\3\1\x40\0"), 5,
	    ALERT_UNEXPECTED_MESSAGE);
	is_wrong(LIT("\x16\3\1\0\x40\2"), 6, ALERT_UNEXPECTED_MESSAGE);
}
END

TEST(a_record_of_a_version_that_is_ignored_is_tls)
{
	struct parts p = { .exts = { NULL, 0, 0 } };
	struct text msg = { NULL, 0, 0 };

	add_sni(&p.exts, LIT("a.example"));
	make_message(&msg, &p);
	text_clear(&raw);
	make_records(&raw, &msg, 1000);
	raw.s[1] = 2;
	ck_assert_int_eq(parse(), ERR_FORMAT);
	ck_assert_int_eq(h.alert, ALERT_PROTOCOL_VERSION);
	text_clear(&raw);
	make_records(&raw, &msg, 1);
	raw.s[1] = 0;
	ck_assert_int_eq(parse(), ERR_FORMAT);
	ck_assert_int_eq(h.alert, ALERT_PROTOCOL_VERSION);
	text_free(&msg);
	text_free(&p.exts);
}
END

TEST(a_hello_of_sslv2_is_tls)
{
	static const char v2[] = "\x80\x1f\1\3\3\0\6\0\0\0\x10"
	    "\0\0\x2f\0\0\xff" "0123456789abcdef";

	is_wrong(v2, sizeof(v2) - 1, 11, ALERT_PROTOCOL_VERSION);
	is_wrong(LIT("\x80\x1c\1\0\2\0\3\0\0\0\x10\7\0\xc0"
	    "0123456789abcdef"), 11, ALERT_PROTOCOL_VERSION);
	/* Its lengths do not add up: something else. */
	ck_assert_int_eq(parse_bytes(LIT("\x80\x20\1\3\3\0\6\0\0\0"
	    "\x10")), ERR_NOTFOUND);
	ck_assert_int_eq(parse_bytes(LIT("\x80\x1e\1\3\3\0\5\0\0\0"
	    "\x10")), ERR_NOTFOUND);
}
END

TEST(nothing_yet_needs_one_byte)
{
	size_t need = 0;

	ck_assert_int_eq(hello_parse(&h, NULL, 0, &need), ERR_SHORT);
	ck_assert_uint_eq(need, 1);
	ck_assert_int_eq(hello_parse(&h, (const uint8_t *)"\x16", 1, NULL),
	    ERR_SHORT);
}
END

TEST(a_hello_in_one_record_is_read_where_it_lies)
{
	struct parts p = { .exts = { NULL, 0, 0 } };

	make_hello(&raw, &p);
	ck_assert_int_eq(parse(), 0);
	ck_assert_ptr_null(h.copy);
	ck_assert_ptr_eq(h.msg.p, (uint8_t *)raw.s + 5);
	ck_assert_uint_eq(h.raw_len, raw.len);
	ck_assert_uint_eq(h.records, 1);
	ck_assert_int_eq(h.version, 0x0303);
	ck_assert_int_eq(h.max_version, 0x0303);
	ck_assert_int_eq(h.random[31], 31);
	ck_assert_uint_eq(h.session_id.len, 3);
	ck_assert_uint_eq(h.suites.len, 8);
	ck_assert_str_eq(h.sni, "");
	ck_assert_uint_eq(h.flags, 0);
}
END

TEST(a_hello_without_an_extension_block_is_good)
{
	struct parts p = { .version = 0x0301, .exts = { NULL, 0, 0 } };

	make_hello(&raw, &p);
	ck_assert_int_eq(parse_split(), 0);
	ck_assert_int_eq(h.max_version, 0x0301);
	ck_assert_ptr_null(h.exts.p);
}
END

static const char *const captured[] = { "openssl_tls13", "openssl_tls12",
    "openssl_alpn_sni", "openssl_no_sni", "openssl_tls10", "curl_h2",
    "gnutls_normal", "java", "node", "python3", "wget", "chromium" };

TEST(captured_hellos_are_read_in_every_split)
{
	size_t i;

	for (i = 0; i < NELEM(captured); i++) {
		text_clear(&raw);
		load_hello(&raw, captured[i]);
		ck_assert_msg(parse_split() == 0, "%s", captured[i]);
	}
}
END

TEST(captured_hellos_are_read_in_records_of_any_size)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 64, 255, 1000 };
	struct text whole = { NULL, 0, 0 }, msg;
	size_t i, k;

	for (i = 0; i < NELEM(captured); i++) {
		text_clear(&whole);
		load_hello(&whole, captured[i]);
		msg = whole;
		msg.s += 5;
		msg.len -= 5;
		for (k = 0; k < NELEM(sizes); k++) {
			text_clear(&raw);
			make_records(&raw, &msg, sizes[k]);
			ck_assert_int_eq(parse(), 0);
			ck_assert_uint_eq(h.raw_len, raw.len);
			ck_assert_mem_eq(h.msg.p, msg.s, msg.len);
			hello_free(&h);
		}
	}
	text_free(&whole);
}
END

TEST(chromium_has_grease_ech_and_a_post_quantum_share)
{
	load_hello(&raw, "chromium");
	ck_assert_int_eq(parse(), 0);
	ck_assert_str_eq(h.sni, "chromium.example");
	ck_assert_uint_eq(h.flags & (HELLO_GREASE | HELLO_ECH |
	    HELLO_COMPRESS), HELLO_GREASE | HELLO_ECH | HELLO_COMPRESS);
	ck_assert(has_share(4588));	/* X25519MLKEM768 */
	ck_assert(has_share(29));
	ck_assert(!has_share(23));
	ck_assert(hello_has_group(&h, 23));
	ck_assert(has_alpn("h2"));
	ck_assert_int_eq(h.max_version, 0x0304);
	ck_assert(hello_can_ecdsa(&h, 0x0304, 23));
}
END

TEST(an_alpn_list_is_kept_as_it_came)
{
	struct cursor w;
	const uint8_t *p;
	size_t n;

	load_hello(&raw, "openssl_alpn_sni");
	ck_assert_int_eq(parse(), 0);
	ck_assert_str_eq(h.sni, "mixed.example.com");
	ck_assert_uint_eq(h.n_alpn, 3);
	ck_assert_uint_eq(h.alpn.len, 23);
	ck_assert_mem_eq(h.alpn.p, "\2h2\10http/1.1\12acme-tls/1", 23);
	w = cursor_of(h.alpn.p, h.alpn.len);
	ck_assert(hello_alpn_next(&w, &p, &n));
	ck_assert(n == 2 && memcmp(p, "h2", 2) == 0);
	ck_assert(has_alpn("acme-tls/1"));
	ck_assert(!has_alpn("http/1"));
}
END

TEST(an_old_ticket_is_seen)
{
	load_hello(&raw, "openssl_ticket");
	ck_assert_int_eq(parse(), 0);
	ck_assert(h.flags & HELLO_TICKETS && h.flags & HELLO_TICKET);
	text_clear(&raw);
	load_hello(&raw, "openssl_tls12");
	ck_assert_int_eq(parse(), 0);
	ck_assert(h.flags & HELLO_TICKETS && !(h.flags & HELLO_TICKET));
}
END

TEST(the_kind_of_leaf_follows_from_suites_groups_and_algorithms)
{
	load_hello(&raw, "openssl_tls12_rsa");
	ck_assert_int_eq(parse(), 0);
	ck_assert(!hello_can_ecdsa(&h, 0x0303, 23));
	ck_assert(hello_can_rsa(&h, 0x0303));
	text_clear(&raw);
	load_hello(&raw, "openssl_p384");	/* offers no P-256 */
	ck_assert_int_eq(parse(), 0);
	ck_assert(!hello_can_ecdsa(&h, 0x0303, 23));
	ck_assert_int_eq(parse_ext(13, LIT("\0\2\4\3")), 0);
	ck_assert(hello_can_ecdsa(&h, 0x0303, 23));
	ck_assert(hello_can_ecdsa(&h, 0x0304, 23));
	ck_assert(!hello_can_ecdsa(&h, 0x0304, 24));
	ck_assert(!hello_can_rsa(&h, 0x0304));
	ck_assert_int_eq(parse_ext(13, LIT("\0\4\5\3\10\7")), 0);
	ck_assert(!hello_can_ecdsa(&h, 0x0304, 23));
	ck_assert(hello_can_ecdsa(&h, 0x0304, 24));
	ck_assert(!hello_can_ecdsa(&h, 0x0304, 25));
	ck_assert(hello_can_ed25519(&h, 0x0304));
}
END

TEST(a_hello_of_16_kib_over_three_records_is_put_together)
{
	struct text msg = { NULL, 0, 0 };

	big_message(&msg, 16000);
	make_records(&raw, &msg, 6000);
	ck_assert_int_eq(parse_split(), 0);
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(h.records, 3);
	ck_assert_ptr_nonnull(h.copy);
	ck_assert_str_eq(h.sni, "big.example");
	ck_assert_mem_eq(h.msg.p, msg.s, msg.len);
	hello_free(&h);
	hello_free(&h);
	text_free(&msg);
}
END

TEST(a_hello_is_read_up_to_64_kib_and_no_further)
{
	struct text msg = { NULL, 0, 0 };
	size_t need = 0;

	big_message(&msg, 65300);
	make_records(&raw, &msg, 16384);
	ck_assert_uint_le(raw.len, HELLO_MAX);
	ck_assert_int_eq(parse(), 0);
	ck_assert_str_eq(h.sni, "big.example");
	hello_free(&h);
	text_clear(&raw);
	make_records(&raw, &msg, 1000);	/* the headers make it too long */
	ck_assert_int_eq(parse(), ERR_LIMIT);
	text_free(&msg);
	ck_assert_int_eq(hello_parse(&h,
	    (const uint8_t *)"\x16\3\1\x20\0\1\1\0\0", 9, &need), ERR_LIMIT);
}
END

TEST(what_comes_after_the_hello_is_not_looked_at)
{
	load_hello(&raw, "curl_h2");
	text_add(&raw, "\x17\3\3\xff\xff rubbish", 13);
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(h.raw_len, raw.len - 13);
}
END

/* RFC 8446, 5.1 forbids them, but libssl takes some: no way around us. */
TEST(empty_records_are_stepped_over)
{
	static const char empty[] = "\x16\3\1\0\0";
	struct text twice = { NULL, 0, 0 };

	load_hello(&raw, "curl_h2");
	text_add(&twice, empty, 5);
	text_add(&twice, empty, 5);
	text_add(&twice, raw.s, raw.len);
	text_clear(&raw);
	text_add(&raw, twice.s, twice.len);
	text_free(&twice);
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(h.raw_len, raw.len);
}
END

TEST(records_that_break_their_rules_are_malformed)
{
	struct text msg = { NULL, 0, 0 };
	size_t second;

	ck_assert_int_eq(parse_bytes(LIT("\x16\3\1\x40\1\1")), ERR_FORMAT);
	big_message(&msg, 300);
	text_clear(&raw);
	make_records(&raw, &msg, 200);
	second = 205;
	raw.s[second] = 0x17;		/* application data in the middle */
	ck_assert_int_eq(parse(), ERR_FORMAT);
	raw.s[second] = 0x16;
	raw.s[second + 1] = 2;
	ck_assert_int_eq(parse(), ERR_FORMAT);
	raw.s[second + 1] = 3;
	ck_assert_int_eq(parse(), 0);
	hello_free(&h);
	text_free(&msg);
}
END

TEST(messages_that_break_their_rules_are_malformed)
{
	struct parts p = { .exts = { NULL, 0, 0 } };
	size_t i;

	add_sni(&p.exts, LIT("a.example"));
	make_hello(&raw, &p);
	for (i = 0; i < 4; i++) {
		/* One byte more than there is, at each length in turn. */
		static const size_t at[] = { 43, 48, 57, 60 };

		raw.s[at[i]]++;
		ck_assert_msg(parse() == ERR_FORMAT, "length at %zu", at[i]);
		raw.s[at[i]]--;
	}
	ck_assert_int_eq(parse(), 0);
	raw.s[9] = 2;			/* legacy_version 0x0203 */
	ck_assert_int_eq(parse(), ERR_FORMAT);
	ck_assert_int_eq(h.alert, ALERT_PROTOCOL_VERSION);
	raw.s[9] = 4;			/* a later one (RFC 5246, E.1) */
	ck_assert_int_eq(parse(), 0);
	ck_assert_int_eq(h.max_version, 0x0303);
}
END

TEST(extensions_that_break_their_rules_are_malformed)
{
	ck_assert_int_eq(parse_ext(10, LIT("\0\3\0\x1d\0")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(10, LIT("\0\4\0\x1d")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(10, LIT("\0\2\0\x1d\0")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(13, LIT("\0")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(16, LIT("\0\0")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(16, LIT("\0\1\0")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(16, LIT("\0\3\3h2")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(43, LIT("\3\3\4\3")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(51, LIT("\0\5\0\x1d\0\2x")), ERR_FORMAT);
	ck_assert_int_eq(parse_ext(51, LIT("\0\6\0\x1d\0\2xy")), 0);
}
END

TEST(an_extension_that_is_read_may_come_once)
{
	struct text x = { NULL, 0, 0 };

	add_sni(&x, LIT("a.example"));
	add_sni(&x, LIT("b.example"));
	ck_assert_int_eq(parse_exts(&x), ERR_FORMAT);
	add_ext(&x, 16, LIT("\0\3\2h2"));
	add_ext(&x, 16, LIT("\0\3\2h3"));
	ck_assert_int_eq(parse_exts(&x), ERR_FORMAT);
	add_ext(&x, 43, LIT("\2\3\4"));
	add_ext(&x, 43, LIT("\2\3\3"));
	ck_assert_int_eq(parse_exts(&x), ERR_FORMAT);
}
END

TEST(a_good_name_is_kept_in_lower_case_without_its_dot)
{
	ck_assert_int_eq(parse_sni(LIT("WWW.Ex-ample_1.COM.")), 0);
	ck_assert_str_eq(h.sni, "www.ex-ample_1.com");
	ck_assert_uint_eq(h.flags, HELLO_SNI);
	ck_assert_int_eq(parse_sni(LIT("192.0.2.1")), 0);
	ck_assert_uint_eq(h.flags, HELLO_SNI | HELLO_SNI_IP);
	ck_assert_int_eq(parse_sni(LIT("localhost")), 0);
	ck_assert_str_eq(h.sni, "localhost");
}
END

static const struct {
	const char	*name;
	size_t		 len;
} bad_names[] = { { LIT("") }, { LIT(".") }, { LIT("a..b") }, { LIT(".a") },
    { LIT("a\0b") }, { LIT("a.example\0") }, { LIT("a b") }, { LIT("a/b") },
    { LIT("*.a") }, { LIT("::1") }, { LIT("\xc3\xa4.example") },
    { LIT("a\r\nb") }, { LIT("a..") }, { LIT("0123456789012345678901234567890"
    "123456789012345678901234567890123.example") } };

TEST(a_bad_name_is_marked_and_the_hello_is_good)
{
	char long_name[260];
	size_t i;

	for (i = 0; i < NELEM(bad_names); i++) {
		ck_assert_int_eq(parse_sni(bad_names[i].name,
		    bad_names[i].len), 0);
		ck_assert_msg(h.flags == (HELLO_SNI | HELLO_SNI_BAD),
		    "name %zu", i);
		ck_assert_str_eq(h.sni, "");
	}
	for (i = 0; i < sizeof(long_name); i++)
		long_name[i] = i % 10 == 9 ? '.' : 'a';
	ck_assert_int_eq(parse_sni(long_name, 255), 0);
	ck_assert_uint_eq(strlen(h.sni), 255);
	ck_assert_int_eq(parse_sni(long_name, 257), 0);
	ck_assert_uint_eq(h.flags, HELLO_SNI | HELLO_SNI_BAD);
}
END

TEST(a_server_name_of_another_shape_is_malformed)
{
	static const struct {
		const char	*body;
		size_t		 len;
	} bad[] = {
		/* Empty; no name in the list; two names; another type; cut
		 * off; something behind the list. */
		{ LIT("") }, { LIT("\0\0") }, { LIT("\0\10\0\0\1a\0\0\1b") },
		{ LIT("\0\4\1\0\1a") }, { LIT("\0\4\0\0\2a") },
		{ LIT("\0\4\0\0\1ab") }
	};
	size_t i;

	for (i = 0; i < NELEM(bad); i++) {
		ck_assert_msg(parse_ext(0, bad[i].body, bad[i].len) ==
		    ERR_FORMAT, "%zu", i);
		ck_assert_int_eq(h.alert, ALERT_DECODE_ERROR);
	}
}
END

TEST(grease_is_tolerated_wherever_it_may_stand)
{
	struct parts p = { .suites = "\x0a\x0a\x13\1", .suites_len = 4 };

	add_ext(&p.exts, 0xdada, LIT(""));
	add_ext(&p.exts, 43, LIT("\6\x9a\x9a\3\4\3\3"));
	add_ext(&p.exts, 10, LIT("\0\4\x1a\x1a\0\x1d"));
	add_ext(&p.exts, 51, LIT("\0\x0b\x1a\x1a\0\1\0\0\x1d\0\2xy"));
	add_ext(&p.exts, 13, LIT("\0\4\x2a\x2a\4\3"));
	add_ext(&p.exts, 16, LIT("\0\6\2\xfa\xfa\2h2"));
	add_ext(&p.exts, 0xfafa, LIT("x"));
	make_hello(&raw, &p);
	ck_assert_int_eq(parse(), 0);
	ck_assert_int_eq(h.max_version, 0x0304);
	ck_assert_uint_eq(h.flags, HELLO_GREASE);
	ck_assert(has_share(29));
	ck_assert(has_alpn("h2"));
}
END

TEST(flags_tell_what_else_was_asked_for)
{
	struct text x = { NULL, 0, 0 };

	add_ext(&x, 5, LIT("\1\0\0\0\0"));
	add_ext(&x, 18, LIT(""));
	add_ext(&x, 23, LIT(""));
	add_ext(&x, 27, LIT("\2\0\2"));
	add_ext(&x, 42, LIT(""));
	add_ext(&x, 49, LIT(""));
	add_ext(&x, 0xfe0d, LIT("\0"));
	add_ext(&x, 41, LIT("psk"));
	ck_assert_int_eq(parse_exts(&x), 0);
	ck_assert_uint_eq(h.flags, HELLO_OCSP | HELLO_SCT | HELLO_EMS |
	    HELLO_COMPRESS | HELLO_EARLY | HELLO_PHA | HELLO_ECH |
	    HELLO_PSK);
}
END

SUITE("hello", what_is_no_tls_is_known_from_the_first_bytes,
    tls_that_is_no_hello_is_tls_nevertheless,
    a_record_of_a_version_that_is_ignored_is_tls, a_hello_of_sslv2_is_tls,
    nothing_yet_needs_one_byte, a_hello_in_one_record_is_read_where_it_lies,
    a_hello_without_an_extension_block_is_good,
    captured_hellos_are_read_in_every_split,
    captured_hellos_are_read_in_records_of_any_size,
    chromium_has_grease_ech_and_a_post_quantum_share,
    an_alpn_list_is_kept_as_it_came, an_old_ticket_is_seen,
    the_kind_of_leaf_follows_from_suites_groups_and_algorithms,
    a_hello_of_16_kib_over_three_records_is_put_together,
    a_hello_is_read_up_to_64_kib_and_no_further,
    what_comes_after_the_hello_is_not_looked_at,
    empty_records_are_stepped_over,
    records_that_break_their_rules_are_malformed,
    messages_that_break_their_rules_are_malformed,
    extensions_that_break_their_rules_are_malformed,
    an_extension_that_is_read_may_come_once,
    a_good_name_is_kept_in_lower_case_without_its_dot,
    a_bad_name_is_marked_and_the_hello_is_good,
    a_server_name_of_another_shape_is_malformed,
    grease_is_tolerated_wherever_it_may_stand,
    flags_tell_what_else_was_asked_for)
