/*
 * Leases, and the file that keeps them.
 */
#include "verdict/leases.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

#define WALL	1800000000	/* seconds since 1970 */
#define NOW	5000		/* clock_ms() */
#define MAC	"02:00:00:00:09:01"
#define OTHER	"02:00:00:00:09:02"

static struct leases *
begin(void)
{
	return leases_new(7);
}

static struct lease
lease(const char *addr, const char *mac, const char *name, int64_t seconds)
{
	struct lease l = { .until = WALL + seconds,
	    .end = NOW + (uint64_t)seconds * 1000 };

	ck_assert_int_eq(addr_parse_ip(&l.addr, addr), 0);
	ck_assert_int_eq(mac_parse(l.mac, mac), 0);
	snprintf(l.name, sizeof(l.name), "%s", name);
	return l;
}

/* What it was before, or "". */
static const char *
put(struct leases *t, const char *addr, const char *mac, const char *name)
{
	static char out[MAC_STRLEN];
	struct lease l = lease(addr, mac, name, 60), old;

	ck_assert_int_eq(leases_put(t, &l, &old), 0);
	return old.addr.sa.sa_family != AF_UNSPEC ? mac_str(old.mac, out) : "";
}

static int
del(struct leases *t, const char *addr, const char *mac)
{
	struct lease old;
	uint8_t m[MAC_LEN];
	struct addr a;

	ck_assert_int_eq(addr_parse_ip(&a, addr), 0);
	ck_assert(mac == NULL || mac_parse(m, mac) == 0);
	return leases_del(t, &a, mac != NULL ? m : NULL, &old);
}

/* Whose an address is, or "". */
static const char *
of(struct leases *t, const char *addr)
{
	static char out[MAC_STRLEN];
	uint8_t mac[MAC_LEN];
	struct addr a;

	ck_assert_int_eq(addr_parse_ip(&a, addr), 0);
	return leases_mac(t, &a, mac) == 0 ? mac_str(mac, out) : "";
}

static size_t
count(struct leases *t, const char *mac)
{
	uint8_t m[MAC_LEN];
	size_t n;

	ck_assert(mac == NULL || mac_parse(m, mac) == 0);
	free(leases_list(t, mac != NULL ? m : NULL, &n));
	return n;
}

static unsigned
load(struct leases *t, const char *text, size_t len)
{
	char *copy = xcalloc(1, len);
	FILE *f;
	unsigned bad;

	memcpy(copy, text, len);
	f = fmemopen(copy, len, "r");
	bad = leases_load(t, f, WALL, NOW);
	fclose(f);
	free(copy);
	return bad;
}

TEST(the_last_word_about_an_address_counts)
{
	struct leases *t = begin();
	char name[LEASE_NAME];
	uint8_t mac[MAC_LEN];

	ck_assert_str_eq(put(t, "10.9.0.5", MAC, "pc"), "");
	ck_assert_str_eq(put(t, "fd09::5", MAC, ""), "");
	ck_assert_str_eq(of(t, "10.9.0.5"), MAC);
	ck_assert_str_eq(of(t, "::ffff:10.9.0.5"), MAC);
	ck_assert_str_eq(of(t, "10.9.0.6"), "");
	ck_assert_uint_eq(count(t, MAC), 2);
	ck_assert_str_eq(put(t, "10.9.0.5", OTHER, ""), MAC);
	ck_assert_str_eq(of(t, "10.9.0.5"), OTHER);
	ck_assert_uint_eq(count(t, MAC), 1);
	ck_assert_int_eq(mac_parse(mac, MAC), 0);
	ck_assert_int_eq(leases_name(t, mac, name), ERR_NOTFOUND);
	ck_assert_str_eq(put(t, "10.9.0.7", MAC, "pc-1.lan"), "");
	ck_assert_int_eq(leases_name(t, mac, name), 0);
	ck_assert_str_eq(name, "pc-1.lan");
	leases_free(t);
}
END

TEST(only_its_holder_gives_an_address_back)
{
	struct leases *t = begin();

	put(t, "10.9.0.5", MAC, "");
	ck_assert_int_eq(del(t, "10.9.0.5", OTHER), ERR_NOTFOUND);
	ck_assert_str_eq(of(t, "10.9.0.5"), MAC);
	ck_assert_int_eq(del(t, "10.9.0.5", MAC), 0);
	ck_assert_str_eq(of(t, "10.9.0.5"), "");
	put(t, "fd09::5", MAC, "");
	ck_assert_int_eq(del(t, "fd09::5", NULL), 0);
	ck_assert_int_eq(del(t, "fd09::5", NULL), ERR_NOTFOUND);
	leases_free(t);
}
END

TEST(a_lease_ends_with_its_time)
{
	struct leases *t = begin();
	struct lease l, old;

	l = lease("10.9.0.5", MAC, "", 10);
	leases_put(t, &l, &old);
	l = lease("fd09::5", MAC, "", 20);
	leases_put(t, &l, &old);
	ck_assert_int_eq(leases_over(t, NOW + 9999, &old), ERR_NOTFOUND);
	ck_assert_int_eq(leases_over(t, NOW + 10000, &old), 0);
	ck_assert_int_eq(old.addr.sa.sa_family, AF_INET);
	ck_assert_int_eq(leases_over(t, NOW + 10000, &old), ERR_NOTFOUND);
	ck_assert_uint_eq(count(t, NULL), 1);
	leases_free(t);
}
END

TEST(a_name_with_other_bytes_is_none)
{
	static const char *const names[] = { "<b>", "a b", "a\nb", "a/b",
	    "\xc3\xa9", "a%s" };
	struct leases *t = begin();
	struct lease *v;
	size_t i, n;

	for (i = 0; i < NELEM(names); i++) {
		put(t, "10.9.0.5", MAC, names[i]);
		v = leases_list(t, NULL, &n);
		ck_assert_str_eq(v[0].name, "");
		free(v);
	}
	leases_free(t);
}
END

/* Renewals are taken then, and what ends makes room. */
TEST(the_table_is_bounded)
{
	struct leases *t = begin();
	struct lease l = lease("10.0.0.0", MAC, "", 60), old;
	uint32_t i;

	for (i = 0; i < LEASES_MAX; i++) {
		l.addr.in.sin_addr.s_addr = htonl(0x0a000000 + i);
		ck_assert_int_eq(leases_put(t, &l, &old), 0);
	}
	ck_assert_int_eq(leases_put(t, &l, &old), 0);
	l.addr.in.sin_addr.s_addr = htonl(0x0a000000 + i);
	ck_assert_int_eq(leases_put(t, &l, &old), ERR_LIMIT);
	ck_assert_int_eq(del(t, "10.0.0.0", NULL), 0);
	ck_assert_int_eq(leases_put(t, &l, &old), 0);
	leases_free(t);
}
END

#define LINE(text)	{ text, sizeof(text) - 1 }
TEST(lines_that_are_no_leases_are_counted)
{
	static const struct {
		const char	*text;
		size_t		 len;
	} lines[] = {
		LINE("\n"), LINE(" \n"), LINE("x\n"), LINE("10.9.0\n"),
		LINE("10.9.0.6 " MAC "\n"), LINE("10.9.0.6 02:00 1900000000\n"),
		LINE("10.9.0.6 " MAC " soon\n"),
		LINE("10.9.0.6 " MAC " 1900000000x\n"),
		LINE("10.9.0.6 " MAC " 99999999999999999999\n"),
		LINE("10.9.0.6 " MAC " 1900000000 a b\n"),
		LINE("10.9.0.6 " MAC " 1900000000 a\0b\n"),
		LINE("10.9.0.6 " MAC " 1900000000 aaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"),
		LINE("10.9.0.6/24 " MAC " 1900000000\n"),
		/* cut off: it would end the lease of another address */
		LINE("10.9.0.5"),
		LINE("10.9.0.6 " MAC " 1900000000"),
	};
	struct leases *t = begin();
	char longer[2000];
	size_t i;

	put(t, "10.9.0.5", MAC, "");
	for (i = 0; i < NELEM(lines); i++)
		ck_assert_msg(load(t, lines[i].text, lines[i].len) == 1,
		    "%s", lines[i].text);
	memset(longer, ' ', sizeof(longer));
	memcpy(longer, "10.9.0.5", 8);
	longer[sizeof(longer) - 1] = '\n';
	ck_assert_uint_eq(load(t, longer, sizeof(longer)), 1);
	ck_assert_uint_eq(count(t, NULL), 1);
	ck_assert_str_eq(of(t, "10.9.0.5"), MAC);
	leases_free(t);
}
END

TEST(a_time_far_away_is_cut)
{
	static const char text[] =
	    "10.9.0.5 " MAC " 9223372036854775807 a\n"
	    "10.9.0.6 " MAC " -9223372036854775808 a\n"
	    "10.9.0.7 " MAC " 1800000060 a\n";
	struct leases *t = begin();
	struct lease old;

	ck_assert_uint_eq(load(t, text, sizeof(text) - 1), 0);
	ck_assert_uint_eq(count(t, NULL), 2);
	ck_assert_int_eq(leases_over(t, NOW + 60000, &old), 0);
	ck_assert_int_eq(leases_over(t, NOW + 60000, &old), ERR_NOTFOUND);
	ck_assert_int_eq(leases_over(t, NOW + UINT64_C(315360000000), &old),
	    0);
	leases_free(t);
}
END

static struct leases *
opened(const char *path, int64_t wall)
{
	struct leases *t = begin();
	struct text why = { 0 };

	ck_assert_msg(leases_open(t, path, NULL, wall, NOW, &why) == 0, "%s", why.s);
	return t;
}

TEST(what_is_kept_is_there_again)
{
	char dir[] = "/tmp/leases_testXXXXXX", path[64];
	struct leases *t;
	struct stat st;
	int i;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/leases", dir);
	t = opened(path, WALL);
	for (i = 0; i < 5000; i++)	/* renewals do not make it grow */
		put(t, "10.9.0.5", MAC, "pc");
	put(t, "10.9.0.6", MAC, "");
	put(t, "fd09::5", OTHER, "<b>");
	del(t, "10.9.0.6", NULL);
	leases_free(t);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, 100000);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	t = opened(path, WALL + 59);
	ck_assert_uint_eq(count(t, NULL), 2);
	ck_assert_str_eq(of(t, "10.9.0.5"), MAC);
	ck_assert_str_eq(of(t, "fd09::5"), OTHER);
	leases_free(t);
	t = opened(path, WALL + 61);
	ck_assert_uint_eq(count(t, NULL), 0);
	leases_free(t);
	unlink(path);
	rmdir(dir);
}
END

TEST(a_file_that_cannot_be_written_is_said)
{
	struct leases *t = begin();
	struct text why = { 0 };

	ck_assert_int_eq(leases_open(t, "/dev/null/leases", NULL, WALL, NOW, &why),
	    ERR_SYS);
	ck_assert_ptr_nonnull(strstr(why.s, "/dev/null/leases"));
	text_free(&why);
	leases_free(t);
}
END

SUITE("leases", the_last_word_about_an_address_counts,
    only_its_holder_gives_an_address_back, a_lease_ends_with_its_time,
    a_name_with_other_bytes_is_none, the_table_is_bounded,
    lines_that_are_no_leases_are_counted, a_time_far_away_is_cut,
    what_is_kept_is_there_again, a_file_that_cannot_be_written_is_said)
