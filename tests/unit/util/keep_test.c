/*
 * Files that are kept over a restart.
 */
#include "util/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/err.h"
#include "util/mem.h"

static char dir[] = "/tmp/keep.XXXXXX";

static char *
all_of(const char *path)
{
	static char s[64];
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	s[fread(s, 1, sizeof(s) - 1, f)] = '\0';
	fclose(f);
	return s;
}

/* Each test is a process of its own. */
static void
end(void)
{
	char *rm = xasprintf("rm -r %s", dir);

	if (system(rm) != 0)
		fprintf(stderr, "cannot: %s\n", rm);
	free(rm);
}

static void
begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	atexit(end);
}

TEST(a_new_file_takes_the_place_of_the_old_one_and_can_be_added_to)
{
	struct text one = { 0 }, two = { 0 };
	int fd, other;

	begin();
	text_puts(&one, "one\n");
	text_puts(&two, "two\n");
	ck_assert_int_ge(fd = keep_renew("f", &one), 0);
	ck_assert_int_eq(keep_write(fd, two.s, two.len), 0);
	ck_assert_str_eq(all_of("f"), "one\ntwo\n");
	ck_assert_int_ge(other = keep_renew("f", &two), 0);
	ck_assert_str_eq(all_of("f"), "two\n");
	close(fd);
	close(other);
	text_free(&one);
	text_free(&two);
}
END

/* A directory is where the one that is written aside would be. */
TEST(what_cannot_be_written_leaves_the_old_one)
{
	struct text one = { 0 }, none = { 0 };

	begin();
	text_puts(&one, "one\n");
	close(keep_renew("f", &one));
	ck_assert_int_eq(mkdir("f.new", 0700), 0);
	ck_assert_int_eq(keep_renew("f", &none), -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_str_eq(all_of("f"), "one\n");
	text_free(&one);
}
END

TEST(a_full_disk_is_an_error)
{
	struct text one = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	text_puts(&one, "one\n");
	ck_assert_int_eq(keep_write(fd, one.s, one.len), ERR_SYS);
	ck_assert_int_eq(errno, ENOSPC);
	close(fd);
	text_free(&one);
}
END

/* Of root; to others there is nobody to give to. */
TEST(what_is_made_is_the_users)
{
	struct text none = { 0 };
	struct stat st;
	uid_t want = geteuid() == 0 ? 1 : geteuid();	/* daemon */
	int fd;

	begin();
	keep_dir("sub/f", 0750, "daemon");
	ck_assert_int_ge(fd = keep_renew("sub/f", &none), 0);
	ck_assert_int_eq(keep_give(fd, "daemon"), 0);
	ck_assert_int_eq(stat("sub", &st), 0);
	ck_assert_int_eq(st.st_uid, want);
	ck_assert_int_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(stat("sub/f", &st), 0);
	ck_assert_int_eq(st.st_uid, want);
	ck_assert_int_eq(keep_give(fd, "no-such-user"), 0);
	ck_assert_int_eq(keep_give(fd, NULL), 0);
	close(fd);
}
END

SUITE("keep",
    a_new_file_takes_the_place_of_the_old_one_and_can_be_added_to,
    what_cannot_be_written_leaves_the_old_one, a_full_disk_is_an_error,
    what_is_made_is_the_users)
