/*
 * The file of cases, also one that was cut off.
 */
#include "verdict/cases.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static char dir[] = "/tmp/cases_test.XXXXXX";
static char *path;
static uint64_t last;

static struct cases *
start(void)
{
	struct text why = { 0 };
	struct cases *c;

	if (path == NULL) {
		ck_assert_ptr_nonnull(mkdtemp(dir));
		path = xasprintf("%s/cases", dir);
	}
	ck_assert_int_eq(cases_open(path, NULL, &last, &c, &why), 0);
	return c;
}

static void
over(struct cases *c)
{
	cases_close(c);
	unlink(path);
	rmdir(dir);
}

static void
add(struct cases *c, uint64_t id)
{
	cases_add(c, id, 1800000000, "set", json_pack("{s:s}", "who", "x"));
}

static off_t
size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

/* How many lines a case has; *broken as in cases_read(). */
static size_t
lines(struct cases *c, uint64_t id, uint64_t *broken)
{
	json_t *v = cases_read(c, id, broken);
	size_t n = json_array_size(v);

	json_decref(v);
	return n;
}

/* The second line was cut off: those behind it are all there. */
static void
lost_one(struct cases *c)
{
	uint64_t broken;

	add(c, 3);
	add(c, 4);
	ck_assert_uint_eq(lines(c, 1, &broken), 1);
	ck_assert_uint_eq(lines(c, 3, &broken), 1);
	ck_assert_uint_eq(lines(c, 4, &broken), 1);
	ck_assert_uint_eq(broken, 2);
	over(c);
}

TEST(cases_go_on_behind_a_line_that_was_cut_off)
{
	struct cases *c = start();

	add(c, 1);
	add(c, 2);
	cases_close(c);
	ck_assert_int_eq(truncate(path, size() - 20), 0);
	c = start();
	lost_one(c);
}
END

TEST(cases_lose_one_line_to_a_full_disk)
{
	struct cases *c = start();
	struct rlimit l = { 0, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	add(c, 1);
	l.rlim_cur = (rlim_t)size() + 10;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
	add(c, 2);
	l.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
	lost_one(c);
}
END

TEST(cases_say_the_highest_number)
{
	struct cases *c = start();

	ck_assert_uint_eq(last, 0);
	add(c, 7);
	add(c, 3);
	cases_close(c);
	c = start();
	ck_assert_uint_eq(last, 7);
	cases_close(c);
	last = 9;			/* that of the state is higher */
	c = start();
	ck_assert_uint_eq(last, 9);
	over(c);
}
END

SUITE("cases", cases_go_on_behind_a_line_that_was_cut_off,
    cases_lose_one_line_to_a_full_disk, cases_say_the_highest_number)
