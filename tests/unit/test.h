/*
 * What every unit test shares: one suite, one case, run by check in one
 * process each test (fork), so that a crash is one test's failure. Use:
 *
 *	TEST(hello_split_in_two_records_is_short) { ck_assert_int_eq(...); }
 *	TESTS(T(hello_split_in_two_records_is_short), ...)
 */
#ifndef TEST_H
#define TEST_H

#include <check.h>
#include <stdlib.h>

#define TEST(name)	START_TEST(name)
#define END		END_TEST

/* The body of main: SUITE("hello", first, second, ...). */
#define SUITE(name, ...)						\
int									\
main(void)								\
{									\
	const TTest *const tests[] = { __VA_ARGS__ };			\
	Suite *s = suite_create(name);					\
	TCase *c = tcase_create(name);					\
	SRunner *r;							\
	size_t i;							\
	int bad;							\
									\
	tcase_set_timeout(c, 60);					\
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)		\
		_tcase_add_test(c, tests[i], 0, 0, 0, 1);		\
	suite_add_tcase(s, c);						\
	r = srunner_create(s);						\
	srunner_run_all(r, CK_NORMAL);					\
	bad = srunner_ntests_failed(r);					\
	srunner_free(r);						\
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;			\
}

#endif
