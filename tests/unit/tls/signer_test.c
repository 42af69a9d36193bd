/*
 * Slow keys: who asks does not wait, and nobody waits for all of another's.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "mint.h"
#include "tls/signer.h"
#include "util/err.h"

#define MANY	20

static EVP_PKEY		*key;
static struct signer	*s;
static sem_t		 go, done;
static atomic_int	 n, failed;
static int		 order[MANY + 2];
static X509		*certs[MANY + 2];

static void
setup(void)
{
	struct minted m = mint_ca("Any", NULL);
	size_t i;

	key = mint_key("rsa:2048");
	s = signer_new(key, 1);
	sem_init(&go, 0, 0);
	sem_init(&done, 0, 0);
	n = failed = 0;
	for (i = 0; i < NELEM(certs); i++)
		certs[i] = X509_dup(m.cert);
	mint_done(&m);
}

static void
teardown(void)
{
	size_t i;

	signer_free(s);
	for (i = 0; i < NELEM(certs); i++)
		X509_free(certs[i]);
	EVP_PKEY_free(key);
}

/* In the signer's thread; the first of all waits until it may go on. */
static void
told(void *arg, X509 *x, int err)
{
	int at = n++;

	order[at] = (int)(intptr_t)arg;
	failed += err != 0;
	if (at == 0)
		sem_wait(&go);
	sem_post(&done);
}

static void
ask(int who, int i)
{
	signer_sign(s, certs[i], (uint64_t)who, told, (void *)(intptr_t)who);
}

static void
all_told(int many)
{
	while (many-- > 0)
		sem_wait(&done);
}

/* Had it signed in sign(), the first would wait here for ever. */
START_TEST(one_with_many_forgings_holds_the_others_up_by_one)
{
	int i;

	for (i = 0; i < MANY; i++)
		ask(1, i);
	ask(2, MANY);
	ask(3, MANY + 1);
	sem_post(&go);
	all_told(MANY + 2);
	ck_assert_int_eq(failed, 0);
	/* The first was taken before the others had asked. */
	ck_assert_int_eq(order[0], 1);
	ck_assert_int_eq(order[1], 2);
	ck_assert_int_eq(order[2], 3);
	ck_assert_int_eq(X509_verify(certs[0], key), 1);
}
END_TEST

static void *
let_go(void *arg)
{
	/* Once what had not begun has failed. */
	all_told(MANY - 1);
	sem_post(&go);
	return NULL;
}

START_TEST(what_has_not_begun_fails_when_it_is_to_settle)
{
	pthread_t t;
	int i;

	for (i = 0; i < MANY; i++)
		ask(1, i);
	while (n == 0)		/* the first is under way */
		usleep(1000);
	pthread_create(&t, NULL, let_go, NULL);
	signer_settle(s);
	pthread_join(t, NULL);
	ck_assert_int_eq(n, MANY);
	ck_assert_int_eq(failed, MANY - 1);
}
END_TEST

START_TEST(slow_keys_have_a_queue_and_quick_ones_none)
{
	static const char *const quick[] = { "p-256", "ed25519" },
	    *const slow[] = { "p-384", "rsa:2048" };
	EVP_PKEY *k;
	size_t i;

	for (i = 0; i < 4; i++) {
		k = mint_key(i < 2 ? quick[i] : slow[i - 2]);
		ck_assert_int_eq(signer_threads(k) > 0, i >= 2);
		EVP_PKEY_free(k);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("signer");
	TCase *c = tcase_create("signer");
	SRunner *r;
	int bad;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, one_with_many_forgings_holds_the_others_up_by_one);
	tcase_add_test(c, what_has_not_begun_fails_when_it_is_to_settle);
	tcase_add_test(c, slow_keys_have_a_queue_and_quick_ones_none);
	suite_add_tcase(suite, c);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
