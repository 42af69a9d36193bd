/*
 * User and password, of Basic and of SOCKS5.
 */
#include "codec/basic.h"

#include <string.h>

#include "util/err.h"

#include "test.h"

static struct basic b;

static int
value(const char *s)
{
	return basic_read(&b, slice_of(s, strlen(s)));
}

TEST(a_value_has_a_user_and_a_password)
{
	/* RFC 7617, 2 and 2.1 */
	ck_assert_int_eq(value("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), 0);
	ck_assert_str_eq(b.user, "Aladdin");
	ck_assert_str_eq(b.password, "open sesame");
	ck_assert_int_eq(value("basic dGVzdDoxMjPCow=="), 0);
	ck_assert_str_eq(b.password, "123\xc2\xa3");
	ck_assert_int_eq(value("Basic YTo="), 0);
	ck_assert_str_eq(b.password, "");
	ck_assert_int_eq(value("Basic YTpiOmM="), 0);
	ck_assert_str_eq(b.password, "b:c");
}
END

TEST(a_value_that_is_none)
{
	ck_assert_int_eq(value(""), ERR_NOTFOUND);
	ck_assert_int_eq(value("Basic"), ERR_NOTFOUND);
	ck_assert_int_eq(value("Digest YTpi"), ERR_NOTFOUND);
	ck_assert_int_eq(value("Basic YQ=="), ERR_FORMAT);	/* "a" */
	ck_assert_int_eq(value("Basic OmI="), ERR_FORMAT);	/* ":b" */
	ck_assert_int_eq(value("Basic YTpiY"), ERR_FORMAT);
	ck_assert_int_eq(value("Basic Y:pi"), ERR_FORMAT);
	ck_assert_int_eq(value("Basic AGE6Yg=="), ERR_FORMAT);
	ck_assert_str_eq(b.user, "");
}
END

TEST(the_message_of_socks_in_every_prefix)
{
	static const uint8_t m[] = "\1\5alice\6wonder\5";
	size_t i, used, need;

	for (i = 0; i < 14; i++) {
		ck_assert_int_eq(basic_read_socks(&b, m, i, &used, &need),
		    ERR_SHORT);
		ck_assert_uint_gt(need, i);
	}
	ck_assert_int_eq(basic_read_socks(&b, m, 15, &used, &need), 0);
	ck_assert_uint_eq(used, 14);
	ck_assert_str_eq(b.user, "alice");
	ck_assert_str_eq(b.password, "wonder");
	ck_assert_int_eq(basic_read_socks(&b, (const uint8_t *)"\5", 1, &used,
	    &need), ERR_FORMAT);
	ck_assert_int_eq(basic_read_socks(&b, (const uint8_t *)"\1\0\1x", 4,
	    &used, &need), ERR_FORMAT);
}
END

SUITE("basic", a_value_has_a_user_and_a_password, a_value_that_is_none,
    the_message_of_socks_in_every_prefix)
