/*
 * SOCKS5 greetings and requests, whole and in every split, and the answers.
 */
#include "codec/socks.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#include "test.h"

#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

static struct socks_request req;

/* Read it in every prefix; the need told is what makes the next one. */
static int
read_request(const uint8_t *data, size_t len)
{
	size_t need = 0, n = 0;
	int e;

	while ((e = socks_request(&req, data, n, &need)) == ERR_SHORT &&
	    n < len) {
		ck_assert_uint_gt(need, n);
		n++;
	}
	if (e == ERR_SHORT)
		ck_assert_uint_gt(need, len);
	return e;
}

TEST(a_greeting_without_authentication_is_taken)
{
	size_t used, need;

	ck_assert_int_eq(socks_greeting(BYTES("\5\1\0"), 0, &used, &need), 0);
	ck_assert_uint_eq(used, 3);
	ck_assert_int_eq(socks_greeting(BYTES("\5\3\1\2\0\5\1"), 0, &used, &need),
	    0);
	ck_assert_uint_eq(used, 5);
}
END

TEST(a_short_greeting_says_what_it_needs)
{
	size_t used, need;

	ck_assert_int_eq(socks_greeting(BYTES(""), 0, &used, &need), ERR_SHORT);
	ck_assert_uint_eq(need, 2);
	ck_assert_int_eq(socks_greeting(BYTES("\5"), 0, &used, &need), ERR_SHORT);
	ck_assert_uint_eq(need, 2);
	ck_assert_int_eq(socks_greeting(BYTES("\5\4\1"), 0, &used, &need),
	    ERR_SHORT);
	ck_assert_uint_eq(need, 6);
}
END

TEST(a_client_that_insists_on_authentication_is_refused)
{
	size_t used, need;

	ck_assert_int_eq(socks_greeting(BYTES("\5\2\1\2"), 0, &used, &need),
	    ERR_DENIED);
	ck_assert_uint_eq(used, 4);
	ck_assert_int_eq(socks_greeting(BYTES("\5\0"), 0, &used, &need),
	    ERR_DENIED);
}
END

TEST(socks4_is_known_and_refused)
{
	size_t used, need;
	uint8_t out[8];

	ck_assert(socks_starts(4) && socks_starts(5) && !socks_starts('C'));
	ck_assert_int_eq(socks_greeting(BYTES("\4\1\0\120"), 0, &used, &need),
	    ERR_UNSUPPORTED);
	ck_assert_uint_eq(socks4_refuse(out), 8);
	ck_assert_mem_eq(out, "\0\x5b\0\0\0\0\0\0", 8);
	ck_assert_int_eq(socks_greeting(BYTES("GET"), 0, &used, &need),
	    ERR_FORMAT);
}
END

TEST(a_name_is_read_in_lower_case)
{
	ck_assert_int_eq(read_request(BYTES("\5\1\0\3\12Ab.Example\1\273x")),
	    0);
	ck_assert_str_eq(req.host, "ab.example");
	ck_assert_int_eq(req.port, 443);
	ck_assert_uint_eq(req.len, 17);
	ck_assert_int_eq(req.addr.sa.sa_family, AF_UNSPEC);
}
END

TEST(addresses_of_both_families_are_read)
{
	char s[ADDR_STRLEN];

	ck_assert_int_eq(read_request(BYTES("\5\1\0\1\300\0\2\1\0\120")), 0);
	ck_assert_str_eq(addr_str(&req.addr, s), "192.0.2.1:80");
	ck_assert_str_eq(req.host, "192.0.2.1");
	ck_assert_int_eq(read_request(BYTES("\5\1\0\4\x20\1\x0d\xb8\0\0\0\0"
	    "\0\0\0\0\0\0\0\1\0\120")), 0);
	ck_assert_str_eq(addr_str(&req.addr, s), "[2001:db8::1]:80");
}
END

TEST(a_mapped_address_is_the_ipv4_address_it_is)
{
	char s[ADDR_STRLEN];

	ck_assert_int_eq(read_request(BYTES("\5\1\0\4\0\0\0\0\0\0\0\0\0\0"
	    "\xff\xff\x7f\0\0\1\0\120")), 0);
	ck_assert_str_eq(addr_str(&req.addr, s), "127.0.0.1:80");
	ck_assert_int_eq(read_request(BYTES("\5\1\0\3\20::ffff:127.0.0.1"
	    "\0\120")), 0);
	ck_assert_str_eq(addr_str(&req.addr, s), "127.0.0.1:80");
}
END

TEST(an_address_as_text_is_an_address)
{
	char s[ADDR_STRLEN];

	ck_assert_int_eq(read_request(BYTES("\5\1\0\3\11" "127.0.0.1\0\120")),
	    0);
	ck_assert_str_eq(addr_str(&req.addr, s), "127.0.0.1:80");
	ck_assert_int_eq(read_request(BYTES("\5\1\0\3\3::1\0\120")), 0);
	ck_assert_str_eq(addr_str(&req.addr, s), "[::1]:80");
	ck_assert_int_eq(read_request(BYTES("\5\1\0\3\12fe80::1%lo\0\120")),
	    ERR_FORMAT);
}
END

static const struct {
	const char	*data;
	size_t		 len;
	int		 e;
	uint8_t		 reply;
} wrong[] = {
#define B(s, e, r)	{ s, sizeof(s) - 1, e, r }
	B("\4\1\0\1\1\2\3\4\0\120", ERR_FORMAT, SOCKS_FAILURE),
	B("\5\2\0\1\1\2\3\4\0\120", ERR_UNSUPPORTED, SOCKS_BAD_COMMAND),
	B("\5\3\0\1\1\2\3\4\0\120", ERR_UNSUPPORTED, SOCKS_BAD_COMMAND),
	B("\5\1\1\1\1\2\3\4\0\120", ERR_FORMAT, SOCKS_FAILURE),
	B("\5\1\0\2\1\2\3\4\0\120", ERR_UNSUPPORTED, SOCKS_BAD_ADDRESS),
	B("\5\1\0\1\1\2\3\4\0\0", ERR_FORMAT, SOCKS_FAILURE),
	B("\5\1\0\3\0\0\120", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\0\0\120\0", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\3a\0b\0\120", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\3a b\0\120", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\4::1\0\0\120", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\4a..b\0\120", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\5a\r\nb:\0\120", ERR_FORMAT, SOCKS_HOST_UNREACHABLE),
	B("\5\1\0\3\5abc\0\120", ERR_SHORT, SOCKS_FAILURE),
};

TEST(bad_requests_are_refused_with_the_right_reply)
{
	size_t i;
	int e;

	for (i = 0; i < NELEM(wrong); i++) {
		e = read_request((const uint8_t *)wrong[i].data, wrong[i].len);
		ck_assert_msg(e == wrong[i].e && req.reply == wrong[i].reply,
		    "case %zu: %d, reply %d", i, e, req.reply);
	}
}
END

TEST(answers_carry_the_bound_address)
{
	uint8_t out[SOCKS_REPLY_MAX];
	struct addr a;

	ck_assert_uint_eq(socks_method(out, SOCKS_NO_METHOD), 2);
	ck_assert_mem_eq(out, "\5\xff", 2);
	ck_assert_uint_eq(socks_reply(out, SOCKS_REFUSED, NULL), 10);
	ck_assert_mem_eq(out, "\5\5\0\1\0\0\0\0\0\0", 10);
	ck_assert_int_eq(addr_parse(&a, "192.0.2.9:258"), 0);
	ck_assert_uint_eq(socks_reply(out, SOCKS_OK, &a), 10);
	ck_assert_mem_eq(out, "\5\0\0\1\300\0\2\11\1\2", 10);
	ck_assert_int_eq(addr_parse(&a, "[2001:db8::9]:258"), 0);
	ck_assert_uint_eq(socks_reply(out, SOCKS_OK, &a), 22);
	ck_assert_mem_eq(out + 18, "\0\11\1\2", 4);
}
END

SUITE("socks", a_greeting_without_authentication_is_taken,
    a_short_greeting_says_what_it_needs,
    a_client_that_insists_on_authentication_is_refused,
    socks4_is_known_and_refused, a_name_is_read_in_lower_case,
    addresses_of_both_families_are_read,
    a_mapped_address_is_the_ipv4_address_it_is,
    an_address_as_text_is_an_address,
    bad_requests_are_refused_with_the_right_reply,
    answers_carry_the_bound_address)
