/*
 * What is counted for a certificate is at least what it takes, and not far
 * more than that.
 */
#include <malloc.h>

#include "mint.h"
#include "tls/cert.h"
#include "util/text.h"

#define N	100

/* Bytes of the heap that one certificate takes once it has been looked at. */
static size_t
taken(X509 *of)
{
	static X509 *x[N];
	uint8_t *der = NULL;
	const uint8_t *p;
	size_t before = 0;
	int i, n = i2d_X509(of, &der);

	for (i = -1; i < N; i++) {
		if (i == 0)
			before = mallinfo2().uordblks + mallinfo2().hblkhd;
		p = der;
		x[i < 0 ? 0 : i] = d2i_X509(NULL, &p, n);
		X509_check_purpose(x[i < 0 ? 0 : i], -1, 0);
		X509_check_host(x[i < 0 ? 0 : i], "z", 0, 0, NULL);
		if (i < 0)
			X509_free(x[0]);
	}
	before = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	for (i = 0; i < N; i++)
		X509_free(x[i]);
	OPENSSL_free(der);
	return before / N;
}

static void
expect(const char *what, const char *prefix, unsigned names)
{
	struct minted ca = mint_ca("An Authority", "rsa:2048"), leaf;
	struct text san = { 0 };
	size_t counted, real;
	unsigned i;

	for (i = 0; i < names; i++)
		text_printf(&san, "%sDNS:%s%u", i > 0 ? "," : "", prefix, i);
	leaf = mint_leaf(&ca, san.s);
	counted = cert_weight(leaf.cert);
	real = taken(leaf.cert);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	real = counted;			/* their heap tells nothing */
#endif
	printf("%s: %zu bytes, %zu counted\n", what, real, counted);
	ck_assert_uint_ge(counted, real);
	ck_assert_uint_le(counted, 4 * real);
	mint_done(&leaf);
	mint_done(&ca);
	text_free(&san);
}

START_TEST(a_usual_certificate_is_counted_as_what_it_takes)
{
	expect("usual", "www.example", 3);
	expect("of a large site", "www.subdomain.example.org", 100);
}
END_TEST

START_TEST(one_of_many_small_parts_is_counted_as_what_it_takes)
{
	expect("of small names", "", 9000);
}
END_TEST

START_TEST(what_is_no_certificate_is_counted_too)
{
	static const uint8_t junk[] = { 0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1 };
	uint8_t deep[4000];
	size_t i;

	ck_assert_uint_ge(cert_weight_der(junk, sizeof(junk)), sizeof(junk));
	ck_assert_uint_gt(cert_weight_der(NULL, 0), 0);
	for (i = 0; i + 2 <= sizeof(deep); i += 2) {
		deep[i] = 0x30;
		deep[i + 1] = 0x7f;
	}
	ck_assert_uint_ge(cert_weight_der(deep, sizeof(deep)), sizeof(deep));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    a_usual_certificate_is_counted_as_what_it_takes,
	    one_of_many_small_parts_is_counted_as_what_it_takes,
	    what_is_no_certificate_is_counted_too };
	Suite *s = suite_create("cert");
	TCase *c = tcase_create("cert");
	SRunner *r;
	size_t i;
	int bad;

	tcase_set_timeout(c, 120);
	for (i = 0; i < NELEM(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
