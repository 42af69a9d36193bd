/*
 * The key log's file: whose it may be, and what becomes of lines that cannot
 * be written.
 */
#include <fcntl.h>
#include <sys/resource.h>

#include "mint.h"
#include "tls/keylog.h"

/* What is logged goes to a file from here on. */
static char *
logged_to(void)
{
	char *path = xasprintf("%s/stderr", scratch());
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	ck_assert_int_ge(dup2(fd, 2), 0);
	close(fd);
	return path;
}

/* All of a file, with a NUL; the caller's. */
static char *
slurp(const char *path)
{
	char *s = xcalloc(1, 1 << 16);
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	s[fread(s, 1, (1 << 16) - 1, f)] = '\0';
	fclose(f);
	return s;
}

/* Until the file says so, ten seconds at the most. */
static void
await(const char *path, const char *what)
{
	int i, there = 0;
	char *s;

	for (i = 0; i < 1000 && !there; i++) {
		s = slurp(path);
		there = strstr(s, what) != NULL;
		free(s);
		if (!there)
			usleep(10000);
	}
	ck_assert_msg(there, "no \"%s\" in %s", what, path);
}

START_TEST(a_file_of_somebody_else_is_refused)
{
	char *path = xasprintf("%s/keys", scratch());
	struct text errors = { 0 };
	struct keylog *k;

	close(open(path, O_WRONLY | O_CREAT, 0600));
	k = keylog_new(path, &errors);
	ck_assert_msg(k != NULL, "%s", errors.s);
	keylog_free(k);
	if (chown(path, 12345, (gid_t)-1) == 0) {	/* we are root */
		ck_assert_ptr_null(keylog_new(path, &errors));
		ck_assert_ptr_nonnull(strstr(errors.s, path));
		ck_assert_ptr_nonnull(strstr(errors.s, "uid 12345"));
	}
	text_free(&errors);
	free(path);
	scratch_done();
}
END_TEST

START_TEST(a_line_that_was_cut_is_ended_before_the_next)
{
	struct rlimit was, limit;
	char *path = xasprintf("%s/keys", scratch()), *log = logged_to(), *s;
	char line[2000 + 1];
	struct text errors = { 0 };
	struct keylog *k = keylog_new(path, &errors);

	ck_assert_ptr_nonnull(k);
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	getrlimit(RLIMIT_FSIZE, &was);
	limit = was;
	limit.rlim_cur = 3000;
	setrlimit(RLIMIT_FSIZE, &limit);
	keylog_put(k, line);
	keylog_put(k, line);		/* 999 bytes of it */
	await(log, "lines lost so far: 1\n");
	setrlimit(RLIMIT_FSIZE, &was);
	keylog_put(k, "whole");
	keylog_free(k);
	s = slurp(path);
	ck_assert_uint_eq(strlen(s), 2001 + 999 + 1 + 6);
	ck_assert_str_eq(s + 3000, "\nwhole\n");
	free(s);
	free(log);
	free(path);
	scratch_done();
}
END_TEST

START_TEST(lines_that_the_queue_has_no_room_for_are_told)
{
	char *path = xasprintf("%s/fifo", scratch()), *log = logged_to();
	struct text errors = { 0 };
	char line[2000 + 1], buf[4096];
	struct keylog *k;
	int fd, i;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	k = keylog_new(path, &errors);
	ck_assert_msg(k != NULL, "%s", errors.s);
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < 1000; i++)
		keylog_put(k, line);	/* 2 MB, and a queue of one */
	await(log, "lines lost so far: ");
	fcntl(fd, F_SETFL, 0);
	for (i = 0; i < 400 * 1024; i += (int)sizeof(buf))
		ck_assert_int_gt(read(fd, buf, sizeof(buf)), 0);
	close(fd);		/* EPIPE for the rest */
	keylog_free(k);
	free(log);
	free(path);
	scratch_done();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keylog");
	TCase *c = tcase_create("keylog");
	SRunner *r;
	int bad;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_file_of_somebody_else_is_refused);
	tcase_add_test(c, a_line_that_was_cut_is_ended_before_the_next);
	tcase_add_test(c, lines_that_the_queue_has_no_room_for_are_told);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
