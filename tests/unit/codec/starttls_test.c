/*
 * codec/starttls: the dialogues of the protocols that begin TLS in the middle,
 * in every split; and what only looks like one.
 */
#include "codec/starttls.h"

#include <string.h>

#include "util/mem.h"

#include "test.h"

#define TLS	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

/* The state after all of it; the same however it is cut in two. */
static enum starttls_state
follow(const char *p, size_t len)
{
	struct starttls t, whole = { 0 };
	size_t i;

	starttls_feed(&whole, (const uint8_t *)p, len);
	for (i = 0; i <= len; i++) {
		memset(&t, 0, sizeof(t));
		starttls_feed(&t, (const uint8_t *)p, i);
		ck_assert_int_eq(starttls_feed(&t, (const uint8_t *)p + i,
		    len - i), whole.state);
	}
	return whole.state;
}

#define AFTER(s)	follow((s), sizeof(s) - 1)

TEST(every_protocol_s_way_to_ask_is_known)
{
	ck_assert_int_eq(AFTER("EHLO x\r\nSTARTTLS\r\n" TLS), STARTTLS_TLS);
	ck_assert_int_eq(AFTER("ehlo x\nstarttls\n" TLS), STARTTLS_TLS);
	ck_assert_int_eq(AFTER("a1 CAPABILITY\r\na2 STARTTLS\r\n" TLS),
	    STARTTLS_TLS);
	ck_assert_int_eq(AFTER("CAPA\r\nSTLS\r\n" TLS), STARTTLS_TLS);
	ck_assert_int_eq(AFTER("AUTH TLS\r\n" TLS), STARTTLS_TLS);
	ck_assert_int_eq(AFTER("AUTH SSL \r\n" TLS), STARTTLS_TLS);
	ck_assert_int_eq(AFTER("<?xml version='1.0'?><stream:stream to='x'>"
	    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" TLS),
	    STARTTLS_TLS);
	ck_assert_int_eq(AFTER("\0\0\0\x08\x04\xd2\x16\x2f" TLS),
	    STARTTLS_TLS);
	ck_assert_int_eq(AFTER("\x20\0\0\x01\x85\xae\xff\x19\0\0\0\x01\xff"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" TLS),
	    STARTTLS_TLS);
	ck_assert_int_eq(AFTER("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
	    "1.3.6.1.4.1.1466.20037" TLS), STARTTLS_TLS);
}
END

TEST(a_command_that_is_refused_is_none)
{
	ck_assert_int_eq(AFTER("STARTTLS\r\nMAIL FROM:<a>\r\n"),
	    STARTTLS_FOLLOWS);
	ck_assert_int_eq(AFTER("STARTTLS\r\nNOOP\r\nSTARTTLS\r\n" TLS),
	    STARTTLS_TLS);
}
END

TEST(what_only_mentions_it_does_not_ask)
{
	ck_assert_int_eq(AFTER("say STARTTLS now\r\n" TLS), STARTTLS_FOLLOWS);
	ck_assert_int_eq(AFTER("XSTARTTLS\r\n" TLS), STARTTLS_FOLLOWS);
	ck_assert_int_eq(AFTER("AUTH PLAIN\r\n" TLS), STARTTLS_FOLLOWS);
	ck_assert_int_eq(AFTER("<starttlsx/>" TLS), STARTTLS_FOLLOWS);
	ck_assert_int_eq(AFTER("\0\0\0\x08\x04\xd2\x16\x2e" TLS),
	    STARTTLS_FOLLOWS);
	ck_assert_int_eq(AFTER(TLS), STARTTLS_FOLLOWS);
}
END

TEST(looking_ends)
{
	char *p = xcalloc(1, STARTTLS_MAX + 100);
	struct starttls t = { 0 };

	memset(p, 'x', STARTTLS_MAX + 100);
	ck_assert_int_eq(starttls_feed(&t, (uint8_t *)p, STARTTLS_MAX),
	    STARTTLS_FOLLOWS);
	ck_assert_int_eq(starttls_feed(&t, (uint8_t *)p, 1), STARTTLS_NO);
	ck_assert_int_eq(starttls_feed(&t, (const uint8_t *)"\nSTLS\n" TLS,
	    16), STARTTLS_NO);
	free(p);
}
END

SUITE("starttls", every_protocol_s_way_to_ask_is_known,
    a_command_that_is_refused_is_none, what_only_mentions_it_does_not_ask,
    looking_ends)
