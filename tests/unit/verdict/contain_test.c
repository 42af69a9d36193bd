/*
 * The table of endpoints that are contained, and what is kept of it in a file.
 */
#include "verdict/contain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"
#include "verdict/state.h"

static struct endpoint
who(const char *s)
{
	struct endpoint e;

	ck_assert_int_eq(endpoint_parse(&e, s), 0);
	return e;
}

static struct contained *
one(uint64_t id, const char *name, uint64_t end)
{
	static char profile[] = "all", reason[] = "r", by[] = "ids";
	struct contained c = { .id = id, .who = who(name), .since = 1000,
	    .until = 1000 + (int64_t)(end / 1000), .end = end,
	    .profile = profile, .reason = reason, .by = by };

	return contained_new(&c);
}

static void
put(struct contain *t, uint64_t id, const char *name, uint64_t end)
{
	struct contained *c = one(id, name, end);

	ck_assert_int_eq(contain_put(t, c), 0);
	contained_unref(c);
}

/* The id of who has this address (and MAC); 0: nobody is contained. */
static uint64_t
ask(struct contain *t, const char *addr, const char *mac, uint64_t now)
{
	struct endpoint a = who(addr), m = { 0 };
	struct contained *c;
	uint64_t id;

	if (mac != NULL)
		m = who(mac);
	c = contain_ask(t, &a.addr, mac != NULL ? m.mac : NULL, now);
	id = c != NULL ? c->id : 0;
	contained_unref(c);
	return id;
}

TEST(endpoints_have_one_spelling)
{
	static const struct {
		const char	*in, *out;
	} good[] = {
		{ "02:00:5E:10:00:01", "02:00:5e:10:00:01" },
		{ "02-00-5e-10-00-01", "02:00:5e:10:00:01" },
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:DB8::7", "2001:db8::7" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
	};
	static const char *const bad[] = { "", "x", "02:00:5e:10:00",
	    "02:00:5e:10:00:0", "02:00:5e:10:00:01:02", "0200:5e:10:00:011",
	    "02:00:5e:10:00:0g", "192.0.2.7:80", "192.0.2.0/24" };
	struct endpoint e;
	char s[ADDR_STRLEN];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		e = who(good[i].in);
		ck_assert_str_eq(endpoint_str(&e, s), good[i].out);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(endpoint_parse(&e, bad[i]) == ERR_FORMAT, "%s",
		    bad[i]);
}
END

TEST(one_is_found_by_its_address_or_its_hardware)
{
	struct contain *t = contain_new(7, 0);

	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 0), 0);
	put(t, 1, "192.0.2.1", 5000);
	put(t, 2, "02:00:00:00:00:02", 6000);
	put(t, 3, "2001:db8::3", 7000);
	ck_assert_uint_eq(contain_count(t), 3);
	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 0), 1);
	ck_assert_uint_eq(ask(t, "192.0.2.2", NULL, 0), 0);
	ck_assert_uint_eq(ask(t, "192.0.2.2", "02:00:00:00:00:02", 0), 2);
	ck_assert_uint_eq(ask(t, "192.0.2.1", "02:00:00:00:00:03", 0), 1);
	ck_assert_uint_eq(ask(t, "2001:db8::3", NULL, 6999), 3);
	/* An end is the end. */
	ck_assert_uint_eq(ask(t, "2001:db8::3", NULL, 7000), 0);
	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 5000), 0);
	contain_free(t);
}
END

TEST(one_takes_the_place_of_another_of_its_endpoint)
{
	struct contain *t = contain_new(7, 0);
	struct contained *c;

	put(t, 1, "192.0.2.1", 5000);
	put(t, 4, "192.0.2.1", 9000);
	ck_assert_uint_eq(contain_count(t), 1);
	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 8999), 4);
	ck_assert_ptr_null(contain_take(t, 1));
	c = contain_take(t, 4);
	ck_assert_uint_eq(c->end, 9000);
	contained_unref(c);
	ck_assert_uint_eq(contain_count(t), 0);
	contain_free(t);
}
END

TEST(those_that_are_over_come_out)
{
	struct contain *t = contain_new(7, 0);
	struct contained *c;
	char name[32];
	unsigned i, n = 0;

	for (i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "192.0.2.%u", i);
		put(t, i, name, i * 1000);
	}
	while ((c = contain_over(t, 40000)) != NULL) {
		ck_assert_uint_le(c->end, 40000);
		contained_unref(c);
		n++;
	}
	ck_assert_uint_eq(n, 40);
	ck_assert_uint_eq(contain_count(t), 60);
	contain_free(t);
}
END

TEST(a_table_has_room_for_so_many)
{
	struct contain *t = contain_new(7, 0);
	struct contained *c;
	char name[32];
	unsigned i;

	for (i = 0; i < CONTAIN_MAX; i++) {
		snprintf(name, sizeof(name), "10.0.%u.%u", i >> 8, i & 255);
		put(t, i + 1, name, 1000);
	}
	c = one(1, "192.0.2.1", 1000);
	ck_assert_int_eq(contain_put(t, c), ERR_LIMIT);
	contained_unref(c);
	put(t, 9, "10.0.0.1", 2000);	/* it is there already */
	contain_free(t);
}
END

/* The file of state, in a directory of its own. */
static struct contain *tags;	/* kept beside those who are contained */
static char dir[] = "/tmp/contain_test.XXXXXX", path[64];

static void
begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sub/state", dir);
	tags = contain_new(7, 1);
}

static void
end(void)
{
	char bad_path[80], sub[64];

	snprintf(bad_path, sizeof(bad_path), "%s.bad", path);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	unlink(bad_path);
	contain_free(tags);
	tags = NULL;
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(sub), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct state *
open_at(struct contain *t, int64_t wall, uint64_t now, uint64_t *last)
{
	struct contain *tables[STATE_KINDS] = { t, tags };
	int i;
	struct text why = { 0 };
	struct state *s = NULL;

	for (i = STATE_DENIAL; i < STATE_KINDS; i++)
		tables[i] = contain_new(7, CONTAIN_BY_BOTH);
	ck_assert_msg(state_open(path, NULL, tables, wall, now, last, &s, &why) == 0,
	    "%s", why.s);
	for (i = STATE_DENIAL; i < STATE_KINDS; i++)
		contain_free(tables[i]);
	return s;
}

TEST(a_restart_knows_who_was_contained)
{
	struct contain *t = contain_new(7, 0);
	struct contained *a, *b, *c, *over;
	struct state *s;
	uint64_t last;
	struct stat st;

	begin();
	s = open_at(t, 1000, 0, &last);
	ck_assert_uint_eq(last, 0);
	a = one(1, "192.0.2.1", 60000);		/* until 1060 */
	b = one(2, "02:00:00:00:00:02", 90000);	/* until 1090 */
	c = one(3, "192.0.2.3", 90000);
	state_held(s, STATE_QUARANTINE, a);
	state_held(s, STATE_QUARANTINE, b);
	state_held(s, STATE_QUARANTINE, c);
	state_freed(s, c);
	state_close(s);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	/* Another clock, half a minute later. */
	s = open_at(t, 1030, 500000, &last);
	ck_assert_uint_eq(last, 3);
	ck_assert_uint_eq(contain_count(t), 2);
	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 529999), 1);
	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 530000), 0);
	ck_assert_uint_eq(ask(t, "192.0.2.9", "02:00:00:00:00:02", 559999), 2);
	state_close(s);
	contain_free(t);
	t = contain_new(7, 0);
	s = open_at(t, 1070, 0, &last);
	ck_assert_uint_eq(ask(t, "192.0.2.1", NULL, 0), 0);
	ck_assert_uint_eq(ask(t, "192.0.2.9", "02:00:00:00:00:02", 0), 2);
	ck_assert_uint_eq(last, 3);
	state_close(s);
	/* One that ended meanwhile is there, for whoever tells of it. */
	contain_free(t);
	t = contain_new(7, 0);
	s = open_at(t, 9000, 0, &last);
	ck_assert_uint_eq(contain_count(t), 2);
	while ((over = contain_over(t, 0)) != NULL) {
		state_freed(s, over);
		contained_unref(over);
	}
	state_close(s);
	/* The number is remembered when nobody is contained. */
	state_close(open_at(t, 9000, 0, &last));
	state_close(open_at(t, 9000, 0, &last));
	ck_assert_uint_eq(last, 3);
	ck_assert_uint_eq(contain_count(t), 0);
	contain_free(t);
	contained_unref(a);
	contained_unref(b);
	contained_unref(c);
	end();
}
END

TEST(lines_that_are_not_ours_are_kept_beside_it)
{
	static const char lines[] = "{\"id\":5,\"who\":\"192.0.2.5\","
	    "\"profile\":\"all\",\"since\":1,\"until\":99,\"reason\":\"\","
	    "\"by\":\"x\"}\n{\"id\":6,\"who\":\"nobody\",\"profile\":\"all\","
	    "\"since\":1,\"until\":99,\"reason\":\"\",\"by\":\"x\"}\n"
	    "no JSON\n{\"id\":-1,\"freed\":true}\n\n{\"id\":7";
	struct contain *t = contain_new(7, 0);
	char sub[64], bad[80];
	uint64_t last;
	FILE *f;

	begin();
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	mkdir(sub, 0700);
	f = fopen(path, "w");
	fputs(lines, f);
	fclose(f);
	state_close(open_at(t, 10, 0, &last));
	ck_assert_uint_eq(last, 5);
	ck_assert_uint_eq(ask(t, "192.0.2.5", NULL, 88999), 5);
	snprintf(bad, sizeof(bad), "%s.bad", path);
	ck_assert_int_eq(access(bad, F_OK), 0);
	contain_free(t);
	end();
}
END

static struct contained *
tag(uint64_t id, const char *endpoint, const char *name, uint64_t end)
{
	char profile[64], reason[] = "because", by[] = "me";
	struct contained c = { .id = id, .who = who(endpoint),
	    .profile = profile, .end = end, .until = (int64_t)(end / 1000),
	    .reason = reason, .by = by };

	snprintf(profile, sizeof(profile), "%s", name);
	return contained_new(&c);
}

static void
named(struct contain *t, const char *addr, const char *mac, uint64_t now,
    const char *right)
{
	struct endpoint a = who(addr), m = who(mac);
	char *s = contain_names(t, &a.addr, m.mac, now);

	if (right == NULL)
		ck_assert_ptr_null(s);
	else
		ck_assert_str_eq(s, right);
	free(s);
}

TEST(an_endpoint_has_many_names_in_a_named_table)
{
	static const struct {
		const char *who, *name;
		uint64_t end;
	} rows[] = { { "192.0.2.1", "web", 5000 }, { "192.0.2.1", "a", 9000 },
	    { "02:00:00:00:00:02", "web", 7000 },
	    { "02:00:00:00:00:02", "z", 7000 }, { "192.0.2.9", "b", 9000 } };
	struct contain *t = contain_new(7, 1);
	struct contained *c;
	unsigned version;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		version = contain_version(t);
		c = tag(i + 1, rows[i].who, rows[i].name, rows[i].end);
		ck_assert_int_eq(contain_put(t, c), 0);
		ck_assert_uint_ne(contain_version(t), version);
		contained_unref(c);
	}
	ck_assert_uint_eq(contain_count(t), NELEM(rows));
	named(t, "192.0.2.1", "02:00:00:00:00:02", 0, "a,web,z");
	named(t, "192.0.2.1", "02:00:00:00:00:03", 0, "a,web");
	named(t, "192.0.2.1", "02:00:00:00:00:02", 5000, "a,web,z");
	named(t, "192.0.2.1", "02:00:00:00:00:02", 7000, "a");
	named(t, "192.0.2.2", "02:00:00:00:00:03", 0, NULL);
	/* Another end in the place of the same name. */
	c = tag(9, "192.0.2.1", "web", 20000);
	ck_assert_int_eq(contain_put(t, c), 0);
	contained_unref(c);
	ck_assert_uint_eq(contain_count(t), NELEM(rows));
	named(t, "192.0.2.1", "02:00:00:00:00:03", 10000, "web");
	version = contain_version(t);
	contained_unref(contain_take(t, 9));
	ck_assert_uint_ne(contain_version(t), version);
	named(t, "192.0.2.1", "02:00:00:00:00:03", 0, "a");
	contain_free(t);
}
END

TEST(a_restart_knows_the_tags)
{
	struct contain *t = contain_new(7, 0);
	struct contained *a, *b, *c;
	struct state *s;
	uint64_t last;

	begin();
	s = open_at(t, 1000, 0, &last);
	a = tag(1, "192.0.2.1", "web", 1060000);
	b = tag(2, "192.0.2.1", "db", 1090000);
	c = one(3, "192.0.2.1", 90000);
	state_held(s, STATE_TAG, a);
	state_held(s, STATE_TAG, b);
	state_held(s, STATE_QUARANTINE, c);
	state_freed(s, a);
	state_close(s);
	s = open_at(t, 1030, 0, &last);
	ck_assert_uint_eq(last, 3);
	ck_assert_uint_eq(contain_count(t), 1);
	named(tags, "192.0.2.1", "02:00:00:00:00:03", 59999, "db");
	named(tags, "192.0.2.1", "02:00:00:00:00:03", 60000, NULL);
	state_close(s);
	contain_free(t);
	contained_unref(a);
	contained_unref(b);
	contained_unref(c);
	end();
}
END

SUITE("contain", endpoints_have_one_spelling,
    one_is_found_by_its_address_or_its_hardware,
    one_takes_the_place_of_another_of_its_endpoint,
    those_that_are_over_come_out, a_table_has_room_for_so_many,
    an_endpoint_has_many_names_in_a_named_table,
    a_restart_knows_who_was_contained, a_restart_knows_the_tags,
    lines_that_are_not_ours_are_kept_beside_it)
