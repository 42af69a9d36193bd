/*
 * The file that survives a restart.
 */
#include "verdict/state.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

#define WALL	1800000000	/* seconds since 1970 */
#define NOW	5000		/* clock_ms() */

static char dir[] = "/tmp/state_test.XXXXXX";
static char *path;
static struct contain *tables[STATE_KINDS];
static uint64_t last;

/* A daemon that starts, at that time. */
static struct state *
start_at(int64_t wall)
{
	struct text why = { 0 };
	struct state *s;
	int k;

	if (path == NULL) {
		ck_assert_ptr_nonnull(mkdtemp(dir));
		path = xasprintf("%s/state", dir);
	}
	for (k = 0; k < STATE_KINDS; k++) {
		contain_free(tables[k]);
		tables[k] = contain_new(7, k == STATE_TAG ||
		    k == STATE_PROPOSAL ? 1 : k == STATE_DENIAL ?
		    CONTAIN_BY_NAME : 0);
	}
	ck_assert_int_eq(state_open(path, NULL, tables, wall, NOW, &last, &s,
	    &why), 0);
	return s;
}

static struct state *
start(void)
{
	return start_at(WALL);
}

static void
over(void)
{
	char *bad = xasprintf("%s.bad", path);

	unlink(path);
	unlink(bad);
	rmdir(dir);
	free(bad);
}

static void
held(struct state *s, uint64_t id, const char *who, const char *reason)
{
	struct contained c = { .id = id, .profile = (char *)"all",
	    .since = WALL, .until = WALL + 60, .end = NOW + 60000,
	    .reason = (char *)(uintptr_t)reason, .by = (char *)"a\xff" };

	ck_assert_int_eq(endpoint_parse(&c.who, who), 0);
	state_held(s, STATE_QUARANTINE, &c);
}

/* The reason why it is held; "": it is not. */
static const char *
reason_of(uint64_t id)
{
	static char out[64];
	struct contained *c = contain_find(tables[STATE_QUARANTINE], id);

	snprintf(out, sizeof(out), "%s", c != NULL ? c->reason : "");
	contained_unref(c);
	return out;
}

TEST(state_keeps_what_is_not_utf8)
{
	struct state *s = start();

	held(s, 1, "10.0.0.1", "\x83g\x83\x8d\x83" "C");
	held(s, 2, "10.0.0.2", "\xe3\x83\x88");
	state_close(s);
	state_close(start());
	ck_assert_str_eq(reason_of(1), "\\x83g\\x83\\x8d\\x83" "C");
	ck_assert_str_eq(reason_of(2), "\xe3\x83\x88");
	ck_assert_uint_eq(last, 2);
	over();
}
END

/* In milliseconds, of number 1. */
static uint64_t
left(void)
{
	struct contained *c = contain_find(tables[STATE_QUARANTINE], 1);
	uint64_t n = c->end - NOW;

	contained_unref(c);
	return n;
}

TEST(state_lasts_no_longer_by_a_clock_set_back)
{
	struct state *s = start();

	held(s, 1, "10.0.0.1", "one");
	state_close(s);
	state_close(start_at(WALL + 20));
	ck_assert_uint_eq(left(), 40000);
	state_close(start_at(WALL - 3600));
	ck_assert_uint_eq(left(), 60000);
	state_close(start_at(0));
	ck_assert_uint_eq(left(), 60000);
	state_close(start_at(WALL + 61));
	ck_assert_uint_eq(left(), 0);
	over();
}
END

/* Files may have no more than these bytes. */
static void
limit(rlim_t bytes)
{
	struct rlimit l = { bytes, RLIM_INFINITY };

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

TEST(state_loses_one_line_to_a_full_disk)
{
	struct state *s = start();
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	held(s, 1, "10.0.0.1", "one");
	ck_assert_int_eq(stat(path, &st), 0);
	limit((rlim_t)st.st_size + 10);
	held(s, 2, "10.0.0.2", "two");
	limit(RLIM_INFINITY);
	held(s, 3, "10.0.0.3", "three");
	held(s, 4, "10.0.0.4", "four");
	state_close(s);
	state_close(start());
	ck_assert_str_eq(reason_of(1), "one");
	ck_assert_str_eq(reason_of(2), "");
	ck_assert_str_eq(reason_of(3), "three");
	ck_assert_str_eq(reason_of(4), "four");
	over();
}
END

SUITE("state", state_keeps_what_is_not_utf8,
    state_lasts_no_longer_by_a_clock_set_back,
    state_loses_one_line_to_a_full_disk)
