/*
 * The event log: it has what was asked for, and no file, FIFO or disk it writes
 * to holds up who writes.
 */
#include "test.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "sink/connlog.h"
#include "util/err.h"
#include "util/mem.h"

#define PATIENCE_MS	50000	/* it hangs, if it is not done by then */

static char dir[64], path[128];

static void
place(void)
{
	strcpy(dir, "/tmp/connlog.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/eve.json", dir);
}

static void
unplace(void)
{
	char old[160];

	snprintf(old, sizeof(old), "%s.1", path);
	unlink(old);
	unlink(path);
	rmdir(dir);
}

static struct connlog *
opened(void)
{
	struct text why = { 0 };
	struct connlog *l;

	ck_assert_int_eq(connlog_open(path, 1 << EVENT_FLOW, &l, &why), 0);
	return l;
}

/* How many lines the file has, each checked to be an object. */
static int
lines(const char *file)
{
	char line[4096];
	json_t *o;
	FILE *f = fopen(file, "r");
	int n = 0;

	ck_assert_ptr_nonnull(f);
	for (; fgets(line, sizeof(line), f) != NULL; n++) {
		ck_assert_ptr_nonnull(o = json_loads(line, 0, NULL));
		json_decref(o);
	}
	fclose(f);
	return n;
}

TEST(connlog_writes_a_line_for_each_flow_and_only_what_was_asked_for)
{
	struct connlog *l;
	struct record r;
	struct stat st;

	place();
	record_fill(&r);
	l = opened();
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	connlog_event(l, EVENT_TLS, &r, NULL, NULL);
	connlog_stats(l, json_object());
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	connlog_close(l, PATIENCE_MS);
	ck_assert_int_eq(lines(path), 2);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	unplace();
}
END

TEST(connlog_reopened_goes_on_in_a_new_file)
{
	struct connlog *l;
	struct record r;
	char old[160];
	int i;

	place();
	record_fill(&r);
	l = opened();
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	snprintf(old, sizeof(old), "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	connlog_reopen(l);
	for (i = 0; i < 6000 && access(path, F_OK) != 0; i++)
		usleep(10000);
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	connlog_close(l, PATIENCE_MS);
	ck_assert_int_eq(lines(old), 1);
	ck_assert_int_eq(lines(path), 2);
	unplace();
}
END

TEST(connlog_does_not_follow_a_symbolic_link)
{
	struct text why = { 0 };
	struct connlog *l;

	place();
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(connlog_open(path, 1, &l, &why), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(why.s, "symbolic link"));
	text_free(&why);
	unplace();
}
END

TEST(connlog_to_a_fifo_nobody_reads_drops_and_counts_and_holds_nobody_up)
{
	struct connlog *l;
	struct record r;
	int i;

	place();
	record_fill(&r);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	l = opened();
	for (i = 0; i < 40000; i++)
		connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	ck_assert_int_gt(connlog_dropped(l), 0);
	connlog_close(l, 100);
	unplace();
}
END

TEST(connlog_to_a_fifo_read_late_delivers_all)
{
	struct connlog *l;
	struct record r;
	char buf[65536];
	ssize_t n;
	int i, fd, seen = 0;

	place();
	record_fill(&r);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	l = opened();
	for (i = 0; i < 1000; i++)
		connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	usleep(300000);		/* late, by whatever time */
	fd = open(path, O_RDONLY);
	while (seen < 1000 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			seen += buf[i] == '\n';
	ck_assert_int_eq(seen, 1000);
	ck_assert_int_eq(connlog_dropped(l), 0);
	close(fd);
	connlog_close(l, PATIENCE_MS);
	unplace();
}
END

static void
half_a_line(void)
{
	FILE *f = fopen(path, "w");

	fputs("{\"timestamp\":\"2026-01-01T0", f);
	fclose(f);
}

/* What the log holds: whole flow events, others told as lost, torn lines. */
struct sum {
	unsigned flows, lost, torn;
};

static struct sum
summed(void)
{
	struct sum sum = { 0 };
	char line[4096];
	FILE *f = fopen(path, "r");
	json_t *o;

	while (fgets(line, sizeof(line), f) != NULL) {
		if ((o = json_loads(line, 0, NULL)) == NULL)
			sum.torn++;
		else if (at(o, "stats") != NULL)
			sum.lost += (unsigned)json_integer_value(at(o,
			    "stats.event_log.lost"));
		else
			sum.flows++;
		json_decref(o);
	}
	fclose(f);
	return sum;
}

TEST(connlog_after_a_torn_line_begins_a_new_one)
{
	struct connlog *l;
	struct record r;
	struct sum sum;
	char old[160];

	place();
	record_fill(&r);
	half_a_line();
	l = opened();
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	while (connlog_queued(l) > 0)
		usleep(1000);
	sum = summed();
	ck_assert_uint_eq(sum.torn, 1);
	ck_assert_uint_eq(sum.flows, 1);
	snprintf(old, sizeof(old), "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	half_a_line();
	connlog_reopen(l);
	connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	connlog_close(l, PATIENCE_MS);
	sum = summed();
	ck_assert_uint_eq(sum.torn, 1);
	ck_assert_uint_eq(sum.flows, 1);
	unplace();
}
END

static void
some(struct connlog *l, const struct record *r, int n)
{
	while (n-- > 0)
		connlog_event(l, EVENT_FLOW, r, NULL, NULL);
	while (connlog_queued(l) > 0)
		usleep(1000);
}

TEST(connlog_tells_in_the_end_exactly_what_was_lost)
{
	struct rlimit was, little;
	struct connlog *l;
	struct record r;
	struct sum sum;

	place();
	record_fill(&r);
	l = opened();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	little = was;
	little.rlim_cur = 30000;	/* check writes files too */
	setrlimit(RLIMIT_FSIZE, &little);
	some(l, &r, 200);
	some(l, &r, 3);		/* what tells of it is itself lost */
	ck_assert_uint_gt(connlog_dropped(l), 100);
	setrlimit(RLIMIT_FSIZE, &was);
	some(l, &r, 2);
	setrlimit(RLIMIT_FSIZE, &little);
	some(l, &r, 4);
	setrlimit(RLIMIT_FSIZE, &was);
	connlog_close(l, PATIENCE_MS);
	sum = summed();
	ck_assert_uint_gt(sum.flows, 10);
	ck_assert_uint_eq(sum.flows + sum.lost, 209);
	unplace();
}
END

/* Comes late, and reads so many lines. */
static void *
late(void *arg)
{
	struct pollfd pfd = { .fd = *(int *)arg, .events = POLLIN };
	unsigned lines = 0;
	char buf[4096];
	ssize_t n, i;

	usleep(700000);		/* as it is said: late */
	while (lines < 20 && poll(&pfd, 1, PATIENCE_MS) == 1 &&
	    (n = read(pfd.fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			lines += buf[i] == '\n';
	return (void *)(uintptr_t)lines;
}

static void
fifo_read_late(int reopen)
{
	pthread_t thread;
	struct connlog *l;
	struct record r;
	void *n;
	int i, fd;

	place();
	record_fill(&r);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	ck_assert_int_gt(fcntl(fd, F_SETPIPE_SZ, 4096), 0);
	l = opened();
	for (i = 0; i < 20; i++)
		connlog_event(l, EVENT_FLOW, &r, NULL, NULL);
	if (reopen)
		connlog_reopen(l);
	pthread_create(&thread, NULL, late, &fd);
	if (reopen)
		while (connlog_queued(l) > 0)
			usleep(1000);
	connlog_close(l, PATIENCE_MS);
	pthread_join(thread, &n);
	ck_assert_uint_eq((uintptr_t)n, 20);
	close(fd);
	unplace();
}

TEST(connlog_waits_at_the_end_for_a_reader_that_is_slow)
{
	fifo_read_late(0);
}
END

TEST(connlog_to_be_reopened_waits_for_a_reader_that_is_slow)
{
	fifo_read_late(1);
}
END

SUITE("connlog",
    connlog_writes_a_line_for_each_flow_and_only_what_was_asked_for,
    connlog_reopened_goes_on_in_a_new_file,
    connlog_does_not_follow_a_symbolic_link,
    connlog_to_a_fifo_nobody_reads_drops_and_counts_and_holds_nobody_up,
    connlog_to_a_fifo_read_late_delivers_all,
    connlog_after_a_torn_line_begins_a_new_one,
    connlog_tells_in_the_end_exactly_what_was_lost,
    connlog_waits_at_the_end_for_a_reader_that_is_slow,
    connlog_to_be_reopened_waits_for_a_reader_that_is_slow)
