/*
 * What is said to an upstream proxy, and what its answers mean.
 */
#include "codec/upproxy.h"

#include <string.h>

#include "util/err.h"

#include "test.h"

static struct text out;

static void
say(struct upproxy *u, const void *want, size_t len)
{
	text_clear(&out);
	ck_assert_int_eq(upproxy_begin(u, &out), 0);
	ck_assert_uint_eq(out.len, len);
	ck_assert_mem_eq(out.s, want, len);
}
#define SAYS(u, s)	say(u, s, sizeof(s) - 1)

static int
hear(struct upproxy *u, const void *data, size_t len, size_t want)
{
	size_t used;
	int rv;

	text_clear(&out);
	rv = upproxy_read(u, data, len, &used, &out);
	if (rv == 0 || rv == ERR_AGAIN)
		ck_assert_uint_eq(used, want);
	return rv;
}
#define HEARS(u, s, used)	hear(u, s, sizeof(s) - 1, used)

TEST(connect_names_the_host_and_brings_the_password)
{
	struct upproxy u = { .host = "www.example.com", .port = 443,
	    .auth = "Aladdin:open sesame" };

	/* The password is that of RFC 7617, 2. */
	SAYS(&u, "CONNECT www.example.com:443 HTTP/1.1\r\n"
	    "Host: www.example.com:443\r\n"
	    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
	    "\r\n");
	ck_assert_int_eq(HEARS(&u, "HTTP/1.1 200 Connection est", 0),
	    ERR_SHORT);
	ck_assert_int_eq(HEARS(&u, "HTTP/1.0 200 OK\r\n\r\n220 x", 19), 0);
}
END

TEST(an_ipv6_address_has_brackets)
{
	struct upproxy u = { .host = "2001:db8::1", .port = 80 };

	SAYS(&u, "CONNECT [2001:db8::1]:80 HTTP/1.1\r\n"
	    "Host: [2001:db8::1]:80\r\n\r\n");
}
END

TEST(a_host_that_is_none_is_not_said)
{
	struct upproxy u = { .host = "a b", .port = 80 };

	ck_assert_int_eq(upproxy_begin(&u, &out), ERR_FORMAT);
	u.host = "x\r\nEvil: 1";
	ck_assert_int_eq(upproxy_begin(&u, &out), ERR_FORMAT);
	u.host = "fe80::1%eth0";
	ck_assert_int_eq(upproxy_begin(&u, &out), ERR_FORMAT);
}
END

TEST(refusals_have_their_reasons)
{
	struct upproxy u = { .host = "a.test", .port = 80 };

	ck_assert_int_eq(HEARS(&u, "HTTP/1.1 407 Who\r\n\r\n", 0),
	    ERR_DENIED);
	ck_assert_str_eq(u.why, "it answered 407 Who (it wants a user and a "
	    "password)");
	u.auth = "a:b";
	ck_assert_int_eq(HEARS(&u, "HTTP/1.1 407\r\n\r\n", 0), ERR_DENIED);
	ck_assert_str_eq(u.why, "it answered 407 (it does not take our user "
	    "and password)");
	ck_assert_int_eq(u.timed_out, 0);
	ck_assert_int_eq(HEARS(&u, "HTTP/1.1 504 T\r\n\r\n", 0), ERR_DENIED);
	ck_assert_int_eq(u.timed_out, 1);
	ck_assert_int_eq(HEARS(&u, "SSH-2.0-x\r\n\r\n", 0), ERR_FORMAT);
}
END

TEST(socks_goes_through_its_three_questions)
{
	struct upproxy u = { .kind = UPPROXY_SOCKS5, .host = "a.test",
	    .port = 443, .auth = "me:pw" };

	SAYS(&u, "\5\2\0\2");
	ck_assert_int_eq(HEARS(&u, "\5", 0), ERR_SHORT);
	ck_assert_int_eq(HEARS(&u, "\5\2", 2), ERR_AGAIN);
	ck_assert_mem_eq(out.s, "\1\2me\2pw", 7);
	ck_assert_int_eq(HEARS(&u, "\1\0", 2), ERR_AGAIN);
	ck_assert_uint_eq(out.len, 13);
	ck_assert_mem_eq(out.s, "\5\1\0\3\6a.test\1\xbb", 13);
	ck_assert_int_eq(HEARS(&u, "\5\0\0\1\1\2\3\4\0", 0), ERR_SHORT);
	ck_assert_int_eq(HEARS(&u, "\5\0\0\1\1\2\3\4\0\1more", 10), 0);
}
END

TEST(socks_gets_an_address_as_one)
{
	struct upproxy u = { .kind = UPPROXY_SOCKS5, .host = "192.0.2.1",
	    .port = 80 };

	SAYS(&u, "\5\1\0");
	ck_assert_int_eq(HEARS(&u, "\5\0", 2), ERR_AGAIN);
	ck_assert_uint_eq(out.len, 10);
	ck_assert_mem_eq(out.s, "\5\1\0\1\300\0\2\1\0\120", 10);
	ck_assert_int_eq(HEARS(&u, "\5\6\0\1", 0), ERR_DENIED);
	ck_assert_int_eq(u.timed_out, 1);
}
END

TEST(user_and_password_must_fit)
{
	char longer[300];

	memset(longer, 'x', sizeof(longer));
	longer[1] = ':';
	longer[258] = '\0';
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_SOCKS5, longer), 0);
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_HTTP, longer), 1);
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_SOCKS5, "u:"), 0);
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_HTTP, "u:"), 1);
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_HTTP, ":p"), 0);
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_HTTP, "u"), 0);
	ck_assert_int_eq(upproxy_auth_valid(UPPROXY_HTTP, "u:\n"), 0);
}
END

SUITE("upproxy", connect_names_the_host_and_brings_the_password,
    an_ipv6_address_has_brackets, a_host_that_is_none_is_not_said,
    refusals_have_their_reasons, socks_goes_through_its_three_questions,
    socks_gets_an_address_as_one, user_and_password_must_fit)
