/*
 * A cache keeps to its bytes, whatever is put in, made larger, dropped and
 * held, and in whatever order; and frees each thing once.
 */
#include <pthread.h>
#include <string.h>

#include "test.h"
#include "util/budget.h"
#include "util/cache.h"
#include "util/mem.h"

struct thing {
	struct cache_item item;
	uint8_t		 fill;
};

static atomic_long	 alive;

static void
thing_free(struct cache_item *i)
{
	atomic_fetch_sub(&alive, 1);
	free(i);
}

static struct thing *
thing_new(const uint8_t key[32])
{
	struct thing *t = xcalloc(1, sizeof(*t));

	atomic_fetch_add(&alive, 1);
	cache_item_init(&t->item, key, thing_free);
	return t;
}

static void
key_of(unsigned n, uint8_t key[32])
{
	size_t i;

	for (i = 0; i < 32; i++)
		key[i] = (uint8_t)((n + 1) * 2654435761u >> (i % 4 * 8));
}

/* Whether it was kept. */
static int
put(struct cache *c, unsigned n, size_t bytes, enum cache_part part)
{
	uint8_t key[32];
	struct cache_item *i;
	int kept;

	key_of(n, key);
	if ((i = cache_lock(c, key)) != NULL)
		cache_drop(c, i, 0);
	kept = cache_add(c, &thing_new(key)->item, bytes, part);
	cache_unlock(c, key);
	return kept;
}

static int
has(struct cache *c, unsigned n)
{
	uint8_t key[32];
	int yes;

	key_of(n, key);
	yes = cache_ask(c, key) != NULL;
	cache_unlock(c, key);
	return yes;
}

static size_t
bytes_of(struct cache *c)
{
	struct cache_stats st;

	cache_stats(c, &st);
	ck_assert_uint_le(st.bytes, st.max);
	ck_assert_uint_eq(st.bytes, budget_held(BUDGET_CACHES));
	return st.bytes;
}

START_TEST(the_least_recently_used_goes_first)
{
	struct cache *c = cache_new(16000);	/* 14000 of them good */
	unsigned i;

	for (i = 0; i < 14; i++)
		ck_assert_int_eq(put(c, i, 1000, CACHE_GOOD), 1);
	ck_assert_int_eq(has(c, 0), 1);
	put(c, 14, 2000, CACHE_GOOD);
	ck_assert_int_eq(has(c, 0), 1);
	ck_assert_int_eq(has(c, 1), 0);
	ck_assert_int_eq(has(c, 2), 0);
	ck_assert_int_eq(has(c, 3), 1);
	ck_assert_uint_eq(bytes_of(c), 14000);
	cache_free(c);
	ck_assert_int_eq(alive, 0);
	ck_assert_uint_eq(budget_held(BUDGET_CACHES), 0);
}
END_TEST

START_TEST(strangers_displace_only_strangers)
{
	struct cache *c = cache_new(16000);
	unsigned i;

	for (i = 0; i < 14; i++)
		put(c, i, 1000, CACHE_GOOD);
	for (i = 100; i < 1000; i++)
		ck_assert_int_eq(put(c, i, 1000, CACHE_POOR), 1);
	for (i = 0; i < 14; i++)
		ck_assert_int_eq(has(c, i), 1);
	ck_assert_int_eq(has(c, 999), 1);
	ck_assert_int_eq(has(c, 998), 1);
	ck_assert_int_eq(has(c, 997), 0);
	ck_assert_uint_eq(bytes_of(c), 16000);
	cache_free(c);
	ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(one_too_large_is_not_kept_and_displaces_nobody)
{
	struct cache *c = cache_new(16000);
	uint8_t key[32];
	struct cache_item *i;

	put(c, 1, 3000, CACHE_GOOD);
	ck_assert_int_eq(put(c, 2, 4001, CACHE_GOOD), 0);
	ck_assert_int_eq(put(c, 3, 2001, CACHE_POOR), 0);
	ck_assert_int_eq(has(c, 1), 1);
	ck_assert_int_eq(has(c, 2) + has(c, 3), 0);
	/* One that becomes too large goes too. */
	key_of(1, key);
	i = cache_lock(c, key);
	cache_size(c, i, 5000, CACHE_GOOD);
	cache_unlock(c, key);
	ck_assert_int_eq(has(c, 1), 0);
	ck_assert_uint_eq(bytes_of(c), 0);
	ck_assert_int_eq(alive, 0);
	cache_free(c);
}
END_TEST

START_TEST(what_is_busy_stays_and_what_is_held_lives_on)
{
	struct cache *c = cache_new(16000);
	struct cache_item *busy, *held;
	uint8_t key[32], other[32];
	unsigned i;

	key_of(0, key);
	key_of(1, other);
	busy = &thing_new(key)->item;
	busy->busy = 1;
	ck_assert_ptr_null(cache_lock(c, key));
	cache_add(c, busy, 2000, CACHE_GOOD);
	cache_unlock(c, key);
	held = &thing_new(other)->item;
	((struct thing *)held)->fill = 7;
	cache_lock(c, other);
	cache_add(c, cache_ref(held), 1000, CACHE_GOOD);
	cache_unlock(c, other);
	for (i = 10; i < 200; i++)
		put(c, i, 1000, CACHE_GOOD);
	ck_assert_int_eq(has(c, 0), 1);
	ck_assert_int_eq(has(c, 1), 0);
	ck_assert_int_eq(((struct thing *)held)->fill, 7);
	cache_lock(c, key);
	busy->busy = 0;
	cache_size(c, busy, 100, CACHE_POOR);
	cache_unlock(c, key);
	ck_assert_int_eq(has(c, 0), 1);
	cache_free(c);
	ck_assert_int_eq(alive, 1);
	cache_unref(held);
	ck_assert_int_eq(alive, 0);
}
END_TEST

/* One step of anything, on any of 5000 keys. */
static void
step(struct cache *c, unsigned *seed)
{
	unsigned r = (unsigned)rand_r(seed), n = r % 5000;
	size_t size = 200 + (unsigned)rand_r(seed) % 9000;
	enum cache_part part = r >> 16 & 1 ? CACHE_POOR : CACHE_GOOD;
	uint8_t key[32];
	struct cache_item *i, *mine = NULL;

	key_of(n, key);
	i = cache_ask(c, key);
	if (i == NULL)
		cache_add(c, &thing_new(key)->item, size, part);
	else if (r >> 20 & 1)
		mine = cache_ref(i);
	else if (r >> 21 & 1)
		cache_size(c, i, size, part);
	else
		cache_drop(c, i, r >> 22 & 1);
	cache_unlock(c, key);
	if (mine != NULL)
		ck_assert_int_eq(((struct thing *)mine)->fill, 0);
	cache_unref(mine);
}

START_TEST(the_budget_holds_in_any_order)
{
	struct cache *c = cache_new(_i * 700000 + 20000);
	unsigned seed = 4711 + (unsigned)_i, i;

	for (i = 0; i < 20000; i++) {
		step(c, &seed);
		bytes_of(c);
	}
	ck_assert_uint_gt(bytes_of(c), 10000);
	cache_free(c);
	ck_assert_int_eq(alive, 0);
	ck_assert_uint_eq(budget_held(BUDGET_CACHES), 0);
}
END_TEST

static void *
stepper(void *arg)
{
	static atomic_uint nth;
	unsigned seed = atomic_fetch_add(&nth, 1), i;

	for (i = 0; i < 20000; i++)
		step(arg, &seed);
	return NULL;
}

/* For the thread sanitizer. */
START_TEST(threads_share_a_cache)
{
	struct cache *c = cache_new(8 << 20);
	pthread_t th[4];
	size_t i;

	for (i = 0; i < NELEM(th); i++)
		pthread_create(&th[i], NULL, stepper, c);
	for (i = 0; i < NELEM(th); i++)
		pthread_join(th[i], NULL);
	ck_assert_uint_gt(bytes_of(c), 0);
	cache_free(c);
	ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(the_budget_of_all_is_one_sum)
{
	budget_limit(1000);
	ck_assert_int_eq(budget_take(BUDGET_BUFFERS, 600, 1), 0);
	ck_assert_int_ne(budget_take(BUDGET_TLS, 401, 1), 0);
	ck_assert_int_ne(budget_take(BUDGET_TLS, 1, 2), 0);
	ck_assert_int_eq(budget_take(BUDGET_TLS, 400, 1), 0);
	budget_add(BUDGET_LOG, 50);
	ck_assert_uint_eq(budget_used(), 1050);
	ck_assert_uint_eq(budget_held(BUDGET_TLS), 400);
	budget_give(BUDGET_LOG, 50);
	budget_give(BUDGET_BUFFERS, 600);
	ck_assert_int_eq(budget_take(BUDGET_TLS, 100, 2), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cache");
	TCase *c = tcase_create("cache");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 120);
	tcase_add_test(c, the_least_recently_used_goes_first);
	tcase_add_test(c, strangers_displace_only_strangers);
	tcase_add_test(c, one_too_large_is_not_kept_and_displaces_nobody);
	tcase_add_test(c, what_is_busy_stays_and_what_is_held_lives_on);
	tcase_add_loop_test(c, the_budget_holds_in_any_order, 0, 3);
	tcase_add_test(c, threads_share_a_cache);
	tcase_add_test(c, the_budget_of_all_is_one_sum);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
