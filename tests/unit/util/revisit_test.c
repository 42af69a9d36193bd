/*
 * A list of what is to be looked at again: each once a turn, whatever whoever
 * looks adds and forgets.
 */
#include <stddef.h>
#include <string.h>

#include "test.h"
#include "util/revisit.h"

#define N	5

struct thing {
	struct visit	 visit;
	unsigned	 seen;
};

static struct thing	 things[N];
static struct revisit	 list;

static void
setup(void)
{
	size_t i;

	memset(things, 0, sizeof(things));
	revisit_init(&list);
	for (i = 0; i < N; i++)
		revisit_add(&list, &things[i].visit);
}

/* One turn, in which look() does as it likes; how many were looked at. */
static unsigned
turn(void (*look)(struct thing *))
{
	struct visit *v;
	struct thing *t;
	unsigned n = 0;

	revisit_turn(&list);
	while ((v = revisit_next(&list)) != NULL) {
		t = visit_of(v, struct thing, visit);
		t->seen++;
		if (look != NULL)
			look(t);
		ck_assert_uint_le(++n, N);
	}
	return n;
}

static void
forget_last(struct thing *t)
{
	revisit_forget(&list, &things[N - 1].visit);
}

static void
forget_next(struct thing *t)
{
	if (t != &things[N - 1])
		revisit_forget(&list, &t[1].visit);
}

static void
forget_all(struct thing *t)
{
	size_t i;

	for (i = 0; i < N; i++)
		revisit_forget(&list, &things[i].visit);
}

static void
add_itself(struct thing *t)
{
	revisit_add(&list, &t->visit);
}

static void
add_all(struct thing *t)
{
	size_t i;

	for (i = 0; i < N; i++)
		revisit_add(&list, &things[i].visit);
}

/* What hung a worker: the last leaves, and the others come again. */
static void
forget_last_add_itself(struct thing *t)
{
	forget_last(t);
	if (t != &things[N - 1])
		add_itself(t);
}

static void
move_last(struct thing *t)
{
	forget_last(t);
	revisit_add(&list, &things[N - 1].visit);
}

TEST(each_is_looked_at_once)
{
	size_t i;

	setup();
	ck_assert_uint_eq(turn(NULL), N);
	for (i = 0; i < N; i++)
		ck_assert_uint_eq(things[i].seen, 1);
	ck_assert(revisit_empty(&list));
	ck_assert_uint_eq(turn(NULL), 0);
}
END

TEST(the_last_may_be_forgotten_on_the_way)
{
	setup();
	ck_assert_uint_eq(turn(forget_last), N - 1);
	ck_assert_uint_eq(things[N - 1].seen, 0);
}
END

TEST(the_next_may_be_forgotten_on_the_way)
{
	setup();
	ck_assert_uint_eq(turn(forget_next), 3);
	ck_assert_uint_eq(things[1].seen + things[3].seen, 0);
}
END

TEST(itself_and_all_may_be_forgotten_on_the_way)
{
	setup();
	ck_assert_uint_eq(turn(forget_all), 1);
	ck_assert(revisit_empty(&list));
}
END

TEST(what_comes_in_a_turn_waits_for_the_next)
{
	size_t i;

	setup();
	ck_assert_uint_eq(turn(add_itself), N);
	ck_assert_uint_eq(turn(add_itself), N);
	/* Those before it are there again, those behind it still. */
	ck_assert_uint_eq(turn(add_all), N);
	for (i = 0; i < N; i++)
		ck_assert_uint_eq(things[i].seen, 3);
}
END

TEST(a_turn_ends_though_the_last_leaves_and_the_others_come_again)
{
	setup();
	ck_assert_uint_eq(turn(forget_last_add_itself), N - 1);
	ck_assert_uint_eq(turn(move_last), N - 1);
	ck_assert_uint_eq(things[N - 1].seen, 0);
	ck_assert_uint_eq(turn(NULL), 1);
}
END

SUITE("revisit", each_is_looked_at_once,
    the_last_may_be_forgotten_on_the_way,
    the_next_may_be_forgotten_on_the_way,
    itself_and_all_may_be_forgotten_on_the_way,
    what_comes_in_a_turn_waits_for_the_next,
    a_turn_ends_though_the_last_leaves_and_the_others_come_again)
