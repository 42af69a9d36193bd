/*
 * RADIUS of RFC 5176. The packets were computed by another implementation of
 * MD5 and HMAC, and the one of RFC 2865 is its own example.
 */
#include "codec/radius.h"

#include <string.h>

#include "test.h"
#include "util/err.h"

static const char secret[] = "a secret of ours";
static struct radius_packet p;

#define SECRET	secret, sizeof(secret) - 1
#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

static const char wanted[] =
	    "\x28\x07\x00\x52\x2b\xcc\xf1\x9d\xd3\x12\x0f\x6e\xb3\x61\x50\x8e"
	    "\x5f\x3a\x0a\xe2\x50\x12\x50\xf3\xea\x4e\x31\x21\x5b\x74\x34\x24"
	    "\x23\xcd\x01\xf0\x02\xeb\x20\x08\x73\x77\x69\x74\x63\x68\x1f\x13"
	    "\x30\x32\x2d\x30\x30\x2d\x30\x30\x2d\x30\x30\x2d\x30\x30\x2d\x30"
	    "\x37\x37\x06\x6a\x0b\x1c\x2d\x1a\x0b\x00\x00\x00\x09\x01\x05\x78"
	    "\x3d\x79";
static const char ack[] =
	    "\x29\x07\x00\x26\x49\x9c\x56\xfd\x81\x32\x03\xde\xd3\x5c\xab\x77"
	    "\x1d\x68\x06\x7d\x50\x12\x8f\x85\x2b\xb3\xb6\x49\xbf\xf4\x79\x14"
	    "\xd7\xaf\xee\x8f\xd0\x1a";
static const char nak[] =
	    "\x2a\x07\x00\x1a\xa2\xe3\x79\xbd\xb2\xd5\xea\x7a\x79\x84\x8d\xb9"
	    "\x55\xae\xff\x93\x65\x06\x00\x00\x01\xf7";

static void
request(void)
{
	radius_begin(&p, RADIUS_DISCONNECT, 7);
	ck_assert_int_eq(radius_add(&p, RADIUS_NAS_IDENTIFIER, "switch", 6),
	    0);
	ck_assert_int_eq(radius_add(&p, RADIUS_CALLING_STATION,
	    "02-00-00-00-00-07", 17), 0);
	ck_assert_int_eq(radius_add_number(&p, RADIUS_EVENT_TIMESTAMP,
	    0x6a0b1c2d), 0);
	ck_assert_int_eq(radius_add_vendor(&p, 9, 1, "x=y", 3), 0);
	ck_assert_int_eq(radius_seal(&p, SECRET), 0);
}

TEST(request_is_signed_by_both_authenticators)
{
	request();
	ck_assert_uint_eq(p.len, sizeof(wanted) - 1);
	ck_assert_int_eq(memcmp(p.b, wanted, p.len), 0);
	/* Again it is the same. */
	ck_assert_int_eq(radius_seal(&p, SECRET), 0);
	ck_assert_int_eq(memcmp(p.b, wanted, p.len), 0);
}
END

TEST(answers_are_read_with_their_cause)
{
	struct radius_answer a;

	request();
	ck_assert_int_eq(radius_answer(&p, SECRET, BYTES(ack), &a), 0);
	ck_assert_int_eq(a.code, RADIUS_DISCONNECT_ACK);
	ck_assert_uint_eq(a.cause, 0);
	ck_assert_int_eq(radius_answer(&p, SECRET, BYTES(nak), &a), 0);
	ck_assert_int_eq(a.code, RADIUS_DISCONNECT_NAK);
	ck_assert_uint_eq(a.cause, 503);
	ck_assert_str_eq(radius_cause_str(503), "Session-Context-Not-Found");
	ck_assert_str_eq(radius_cause_str(1), "");
}
END

TEST(answer_with_any_bit_changed_is_none)
{
	struct radius_answer a;
	uint8_t b[sizeof(ack) - 1];
	size_t i;

	request();
	for (i = 0; i < 8 * sizeof(b); i++) {
		memcpy(b, ack, sizeof(b));
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_int_ne(radius_answer(&p, SECRET, b, sizeof(b), &a),
		    0);
	}
	for (i = 0; i < sizeof(b); i++)
		ck_assert_int_eq(radius_answer(&p, SECRET, BYTES(ack) -
		    (sizeof(b) - i), &a), ERR_FORMAT);
	ck_assert_int_eq(radius_answer(&p, "other", 5, BYTES(ack), &a),
	    ERR_DENIED);
}
END

TEST(answer_of_rfc_2865_is_genuine)
{
	static const char accept[] = "\x02\x00\x00\x26\x86\xfe\x22\x0e"
	    "\x76\x24\xba\x2a\x10\x05\xf6\xbf\x9b\x55\xe0\xb2\x06\x06\x00"
	    "\x00\x00\x01\x0f\x06\x00\x00\x00\x00\x0e\x06\xc0\xa8\x01\x03";
	static const char authenticator[] = "\x0f\x40\x3f\x94\x73\x97\x80"
	    "\x57\xbd\x83\xd5\xcb\x98\xf4\x22\x7a";
	struct radius_answer a;

	radius_begin(&p, (enum radius_code)1, 0);
	memcpy(p.b + 4, authenticator, 16);
	ck_assert_int_eq(radius_answer(&p, "xyzzy5461", 9, BYTES(accept), &a),
	    0);
	ck_assert_int_eq((int)a.code, 2);
}
END

TEST(attributes_have_names_and_numbers)
{
	struct radius_attribute a;

	ck_assert_int_eq(radius_attribute(&a, "cisco-avpair"), 0);
	ck_assert_uint_eq(a.vendor, 9);
	ck_assert_int_eq(radius_attribute(&a, "27"), 0);
	ck_assert_int_eq(a.kind, RADIUS_NUMBER);
	ck_assert_int_eq(radius_attribute(&a, "26.14823.1"), 0);
	ck_assert_uint_eq(a.vendor, 14823);
	ck_assert_int_eq(radius_attribute(&a, "Calling-Station-Id"), 0);
	ck_assert(radius_is_ours(&a));
	ck_assert_int_eq(radius_attribute(&a, "0"), ERR_FORMAT);
	ck_assert_int_eq(radius_attribute(&a, "26"), ERR_FORMAT);
	ck_assert_int_eq(radius_attribute(&a, "26.9"), ERR_FORMAT);
	ck_assert_int_eq(radius_attribute(&a, "256"), ERR_FORMAT);
	ck_assert_int_eq(radius_attribute(&a, "No-Such"), ERR_FORMAT);
}
END

TEST(values_are_of_their_kind)
{
	struct radius_attribute number = { 0, 27, RADIUS_NUMBER },
	    address = { 0, 4, RADIUS_ADDRESS }, words = { 9, 1, RADIUS_TEXT };
	uint8_t out[RADIUS_VALUE];
	char longest[RADIUS_VALUE + 1];
	size_t len;

	ck_assert_int_eq(radius_value(&number, "258", out, &len), 0);
	ck_assert_int_eq(memcmp(out, "\0\0\1\2", len), 0);
	ck_assert_int_eq(radius_value(&number, "x", out, &len), ERR_FORMAT);
	ck_assert_int_eq(radius_value(&number, "4294967296", out, &len),
	    ERR_FORMAT);
	ck_assert_int_eq(radius_value(&address, "10.1.2.3", out, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_int_eq(radius_value(&address, "::1", out, &len), ERR_FORMAT);
	ck_assert_int_eq(radius_value(&words, "0x0aFf", out, &len), 0);
	ck_assert_int_eq(memcmp(out, "\x0a\xff", len), 0);
	ck_assert_int_eq(radius_value(&words, "0x0", out, &len), ERR_FORMAT);
	ck_assert_int_eq(radius_value(&words, "0x!!", out, &len), ERR_FORMAT);
	memset(longest, 'x', sizeof(longest));
	longest[RADIUS_VALUE - 6] = '\0';
	ck_assert_int_eq(radius_value(&words, longest, out, &len), 0);
	longest[RADIUS_VALUE - 6] = 'x';
	longest[RADIUS_VALUE] = '\0';
	ck_assert_int_eq(radius_value(&words, longest, out, &len),
	    ERR_FORMAT);
}
END

TEST(packet_that_is_full_takes_no_more)
{
	char value[RADIUS_VALUE] = "";
	size_t was;

	radius_begin(&p, RADIUS_COA, 1);
	while (radius_add(&p, 11, value, sizeof(value)) == 0)
		continue;
	was = p.len;
	ck_assert_int_eq(radius_add(&p, 11, value, sizeof(value)), ERR_LIMIT);
	ck_assert_uint_eq(p.len, was);
	ck_assert_uint_le(p.len, RADIUS_MAX);
}
END

SUITE("radius", request_is_signed_by_both_authenticators,
    answers_are_read_with_their_cause, answer_with_any_bit_changed_is_none,
    answer_of_rfc_2865_is_genuine, attributes_have_names_and_numbers,
    values_are_of_their_kind, packet_that_is_full_takes_no_more)
