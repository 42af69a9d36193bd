/*
 * The conditions on the ClientHello.
 */
#include "policy/hello.h"

#include "made.h"

TEST(fingerprints_of_the_hello)
{
	struct policy *p = made(
	    "  - {name: a, ja3: 0149F47EABF9A20D0893E2A44E5A6323, "
	    "action: block}\n"
	    "  - {name: b, ja4: [\"t12*\", "
	    "t13d1516h2_8daaf6152771_e5627efa2ab1], action: block}\n"
	    "  - {name: c, ja4: \"*_e5627efa2ab1\", action: block}\n");
	struct facts f = { .protocol = PROTO_TLS };

	ck_assert_str_eq(decides(p, &f), "default");
	strcpy(f.ja3, "0149f47eabf9a20d0893e2a44e5a6323");
	ck_assert_str_eq(decides(p, &f), "a");
	f.ja3[0] = '1';
	strcpy(f.ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	ck_assert_str_eq(decides(p, &f), "b");
	strcpy(f.ja4, "t13d1516h1_8daaf6152771_e5627efa2ab1");
	ck_assert_str_eq(decides(p, &f), "c");
	strcpy(f.ja4, "t12d1516h1_8daaf6152771_e5627efa2ab2");
	ck_assert_str_eq(decides(p, &f), "b");
	policy_unref(p);
}
END

TEST(a_fingerprint_comes_with_the_hello_or_not_at_all)
{
	struct policy *p = made(
	    "  - {name: a, ja4: \"t13*\", action: decrypt}\n"
	    "  - {name: b, port: 443, action: block}\n");
	struct facts f = { .port = 443 };
	struct verdict v;

	ck_assert_int_eq(policy_refuses(p, &f, &v), 0);
	f.protocol = PROTO_OTHER;
	ck_assert_int_eq(policy_refuses(p, &f, &v), 1);
	policy_unref(p);
}
END

SUITE("hello", fingerprints_of_the_hello,
    a_fingerprint_comes_with_the_hello_or_not_at_all)
