/*
 * HTTPS records in DNS: what is taken out of them, and what is left alone.
 */
#include "codec/dnsmsg.h"

#include <string.h>

#include "util/err.h"
#include "util/text.h"

#include "test.h"

#define LIT(s)		(s), sizeof(s) - 1
#define QUESTION	"\1a\4test\0\0\x41\0\1"

static struct text msg;

/* A response with one question, and so many records, which follow. */
static void
begin(uint8_t flags, uint8_t records)
{
	const uint8_t head[12] = { 1, 2, flags, 0, 0, 1, 0, records };

	text_clear(&msg);
	text_add(&msg, (const char *)head, sizeof(head));
	text_add(&msg, LIT(QUESTION));
}

/* A record of the type; its owner is the question's name, compressed. */
static void
record(uint8_t type, const char *params, size_t n)
{
	const uint8_t size[2] = { 0, (uint8_t)(3 + n) };
	const char head[] = { 0, (char)type, 0, 1, 0, 0, 0, 60 };

	text_add(&msg, LIT("\xc0\x0c"));
	text_add(&msg, head, sizeof(head));
	text_add(&msg, (const char *)size, 2);
	text_add(&msg, LIT("\0\1\0"));
	text_add(&msg, params, n);
}

/* The message blunted, of which the last n bytes are then these. */
static void
blunted(int changed, const char *want, size_t n)
{
	size_t len = msg.len;

	ck_assert_int_eq(dnsmsg_blunt((uint8_t *)msg.s, len, 0), changed);
	ck_assert_mem_eq(msg.s + len - n, want, n);
}

TEST(ech_becomes_private_behind_the_others)
{
	begin(0x81, 1);
	record(65, LIT("\0\4\0\4\1\2\3\4\0\5\0\2EC\0\6\0\1x"));
	blunted(1, LIT("\0\4\0\4\1\2\3\4\0\6\0\1x\xff\0\0\2EC"));
	blunted(0, LIT("\0\6\0\1x\xff\0\0\2EC"));
}
END

TEST(private_keys_of_others_keep_their_order)
{
	begin(0x81, 1);
	record(64, LIT("\0\5\0\1E\xff\0\0\0\xff\1\0\1p\xff\5\0\0"));
	blunted(1, LIT("\xff\0\0\0\xff\1\0\1p\xff\2\0\1E\xff\5\0\0"));
}
END

TEST(http3_and_its_drafts_are_protocols_of_nobody)
{
	begin(0x81, 1);
	record(65, LIT("\0\1\0\x0f\2h3\2h2\5h3-29\2hx"));
	blunted(1, LIT("\0\1\0\x0f\2-3\2h2\5-3-29\2hx"));
}
END

TEST(every_record_of_every_section_is_blunted)
{
	begin(0x81, 2);
	msg.s[11] = 1;			/* and one additional record */
	record(1, LIT("\0"));
	record(65, LIT("\0\5\0\1E"));
	record(65, LIT("\0\5\0\1E"));
	blunted(2, LIT("\xff\0\0\1E"));
}
END

TEST(what_is_malformed_is_left_alone)
{
	begin(0x81, 1);
	record(65, LIT("\0\5\0\1E\0\1\0\3\2h3"));	/* keys fall */
	blunted(0, LIT("\0\5\0\1E\0\1\0\3\2h3"));
	begin(0x81, 1);
	record(65, LIT("\0\5\0\2E"));
	blunted(0, LIT("\0\5\0\2E"));
	begin(0x81, 1);
	record(65, LIT("\0\1\0\4\2h2\x09"));
	blunted(0, LIT("\0\1\0\4\2h2\x09"));
}
END

TEST(queries_pass_and_rubbish_is_told)
{
	begin(1, 1);
	record(65, LIT("\0\5\0\1E"));
	blunted(0, LIT("\0\5\0\1E"));
	begin(0x81, 2);
	record(65, LIT("\0\5\0\1E"));
	ck_assert_int_eq(dnsmsg_blunt((uint8_t *)msg.s, msg.len, 0),
	    ERR_FORMAT);
	ck_assert_int_eq(dnsmsg_blunt((uint8_t *)msg.s, 11, 0), ERR_FORMAT);
}
END

/* A signature of the type at the name. */
static void
signature(const char *name, size_t n, uint8_t covered)
{
	const char rest[] = { 0, 46, 0, 1, 0, 0, 0, 60, 0, 3, 0, (char)covered,
	    13 };

	text_add(&msg, name, n);
	text_add(&msg, rest, sizeof(rest));
}

TEST(a_set_with_its_signature_is_left_alone)
{
	begin(0x81, 2);
	record(65, LIT("\0\5\0\1E"));
	signature(LIT("\xc0\x0c"), 65);
	blunted(0, LIT("A\x0d"));
	ck_assert_int_eq(dnsmsg_blunt((uint8_t *)msg.s, msg.len, 1), 1);
}
END

TEST(a_signature_of_another_name_or_type_is_not_its_own)
{
	begin(0x81, 3);
	record(65, LIT("\0\5\0\1E"));
	signature(LIT("\xc0\x0e"), 65);		/* test. */
	signature(LIT("\xc0\x0c"), 64);
	blunted(1, LIT("@\x0d"));
}
END

TEST(names_are_the_same_in_any_case_and_however_written)
{
	begin(0x81, 2);
	record(65, LIT("\0\5\0\1E"));
	signature(LIT("\1A\xc0\x0e"), 65);
	blunted(0, LIT("A\x0d"));
}
END

TEST(names_that_lead_in_circles_are_no_names)
{
	begin(0x81, 2);
	record(65, LIT("\0\5\0\1E"));
	signature(LIT("\1A\xc0\x2c"), 65);	/* to itself */
	ck_assert_int_eq((uint8_t)msg.s[0x2c], 1);
	blunted(1, LIT("A\x0d"));
}
END

TEST(sets_that_are_too_many_are_left_alone)
{
	int i;

	begin(0x81, 10);
	record(65, LIT("\0\5\0\1E"));
	for (i = 0; i < 9; i++)
		signature(LIT("\xc0\x0e"), 65);
	blunted(0, LIT("A\x0d"));
}
END

static void
refused(const char *want, size_t n)
{
	size_t len = dnsmsg_refuse((uint8_t *)msg.s, msg.len);

	ck_assert_uint_eq(len, n);
	if (n > 0)
		ck_assert_mem_eq(msg.s, want, n);
}

TEST(a_refusal_has_the_question_and_nothing_else)
{
	begin(0x7b, 1);			/* opcode 15, TC, RD */
	msg.s[3] = (char)0xff;
	record(65, LIT("\0\5\0\1E"));
	refused(LIT("\1\2\xf9\x15\0\1\0\0\0\0\0\0" QUESTION));
}
END

TEST(a_refusal_of_half_a_question_has_none)
{
	begin(1, 0);
	msg.len--;
	refused(LIT("\1\2\x81\5\0\0\0\0\0\0\0\0"));
}
END

static void
pointed(const char *ip, const char *want, size_t n)
{
	struct addr a;
	size_t len;

	ck_assert_int_eq(addr_parse_ip(&a, ip), 0);
	text_more(&msg, 64);
	len = dnsmsg_point((uint8_t *)msg.s, msg.len, msg.len + 28, &a, 5);
	ck_assert_uint_eq(len, n);
	ck_assert_mem_eq(msg.s, want, n);
}

/* A query for a.test, of that type. */
static void
ask(const char *type)
{
	text_clear(&msg);
	text_add(&msg, LIT("\1\2\1\x10\0\1\0\0\0\0\0\0\1A\4test\0"));
	text_add(&msg, type, 2);
	text_add(&msg, LIT("\0\1"));
}

TEST(a_name_gets_the_address_of_its_family)
{
	ask("\0\1");
	pointed("192.0.2.7", LIT("\1\2\x81\x90\0\1\0\1\0\0\0\0\1A\4test\0"
	    "\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xc0\0\2\7"));
	ask("\0\x1c");
	pointed("192.0.2.7", LIT("\1\2\x81\x90\0\1\0\0\0\0\0\0\1A\4test\0"
	    "\0\x1c\0\1"));
	ask("\0\x1c");
	pointed("2001:db8::1", LIT("\1\2\x81\x90\0\1\0\1\0\0\0\0\1A\4test\0"
	    "\0\x1c\0\1\xc0\x0c\0\x1c\0\1\0\0\0\5\0\x10\x20\1\xd\xb8"
	    "\0\0\0\0\0\0\0\0\0\0\0\1"));
	ask("\0\1");
	msg.s[2] = 0x29;		/* an update */
	pointed("192.0.2.7", "", 0);
}
END

TEST(a_query_has_a_name_of_a_host)
{
	char name[DNSMSG_NAME_MAX];

	ask("\0\1");
	ck_assert_int_eq(dnsmsg_name((uint8_t *)msg.s, msg.len, name), 0);
	ck_assert_str_eq(name, "a.test");
	msg.s[13] = '.';
	ck_assert_int_eq(dnsmsg_name((uint8_t *)msg.s, msg.len, name),
	    ERR_FORMAT);
	msg.s[12] = (char)0xc0;
	ck_assert_int_eq(dnsmsg_name((uint8_t *)msg.s, msg.len, name),
	    ERR_FORMAT);
	msg.s[12] = '\0';
	ck_assert_int_eq(dnsmsg_name((uint8_t *)msg.s, msg.len, name),
	    ERR_FORMAT);
}
END

TEST(the_header_says_what_a_message_is)
{
	uint16_t id = 0;

	begin(1, 0);
	ck_assert_int_eq(dnsmsg_kind((uint8_t *)msg.s, 11, &id), DNSMSG_NONE);
	ck_assert_uint_eq(id, 0);
	ck_assert_int_eq(dnsmsg_kind((uint8_t *)msg.s, 12, &id), DNSMSG_QUERY);
	ck_assert_uint_eq(id, 0x102);
	begin(0x80, 0);
	ck_assert_int_eq(dnsmsg_kind((uint8_t *)msg.s, 12, &id),
	    DNSMSG_ANSWER);
}
END

SUITE("dnsmsg",
    a_name_gets_the_address_of_its_family,
    a_query_has_a_name_of_a_host,
    a_refusal_has_the_question_and_nothing_else,
    a_refusal_of_half_a_question_has_none,
    the_header_says_what_a_message_is,
    a_set_with_its_signature_is_left_alone,
    a_signature_of_another_name_or_type_is_not_its_own,
    names_are_the_same_in_any_case_and_however_written,
    names_that_lead_in_circles_are_no_names,
    sets_that_are_too_many_are_left_alone,
    ech_becomes_private_behind_the_others,
    private_keys_of_others_keep_their_order,
    http3_and_its_drafts_are_protocols_of_nobody,
    every_record_of_every_section_is_blunted,
    what_is_malformed_is_left_alone,
    queries_pass_and_rubbish_is_told)
