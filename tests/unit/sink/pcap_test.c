/*
 * sink/pcap: files read back by libpcap.
 */
#include "test.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "clock.h"
#include "session.h"
#include "util/log.h"

static char dir[64];

static char *
in_dir(const char *name)
{
	static char path[8][128];
	static int i;

	if (dir[0] == '\0') {
		strcpy(dir, "/tmp/pcap_testXXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(dir));
		log_level = -1;
	}
	i = (i + 1) % 8;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void
clean(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static unsigned
files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
write_one(int ng, const char *name)
{
	struct conf_mirror c = mirror_conf();
	struct recorder r = { 0 };
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(700001);
	struct stat st;

	c.path = in_dir(name);
	c.pcapng = ng;
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, data, 700001), &m);
	bench_close(&b);
	ck_assert_uint_eq(capture_file(c.path, &r), m.packets);
	streams_are(&r, data, 700001);
	ck_assert_uint_eq(m.bytes, 700004);
	ck_assert_uint_eq(m.lost, 0);
	ck_assert_uint_le(r.side[1].unacked_max, 65495 / 1460);
	ck_assert_uint_eq(r.side[1].unacked, 0);
	ck_assert(r.side[0].fin && r.side[1].fin);
	ck_assert_int_eq(stat(c.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	free(data);
	recorder_free(&r);
	clean();
}

TEST(classic_file_reads_back)
{
	write_one(0, "a.pcap");
}
END

TEST(pcapng_file_reads_back)
{
	write_one(1, "a.pcapng");
}
END

TEST(pcapng_says_who_and_what)
{
	struct conf_mirror c = mirror_conf();
	struct tap_counts m;
	struct bench b = { 0 };
	char buf[8192];
	size_t n;
	FILE *f;

	c.path = in_dir("a.pcapng");
	c.pcapng = 1;
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, (const uint8_t *)"x", 1), &m);
	bench_close(&b);
	f = fopen(c.path, "r");
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	ck_assert_ptr_nonnull(memmem(buf, n, "recorder", 8));
	ck_assert_ptr_nonnull(memmem(buf, n, "listener: gateway", 17));
	ck_assert_ptr_nonnull(memmem(buf, n, "sni: example.com", 16));
	ck_assert_ptr_nonnull(memmem(buf, n, "rule: the-rule", 14));
	clean();
}
END

TEST(session_without_end_is_reset)
{
	struct conf_mirror c = mirror_conf();
	struct recorder r = { 0 };
	struct tap_counts m;
	struct bench b = { 0 };

	c.path = in_dir("a.pcap");
	bench_open(&b, &sink_pcap, &c);
	b.ops->tap->close(session_talk(&b, (const uint8_t *)"x", 1), &m);
	bench_close(&b);
	capture_file(c.path, &r);
	ck_assert(r.side[0].rst);
	recorder_free(&r);
	clean();
}
END

TEST(filter_chooses)
{
	struct conf_mirror c = mirror_conf();
	struct recorder r = { 0 };
	struct tap_counts m;
	struct bench b = { 0 };

	c.path = in_dir("a.pcap");
	c.filter = (char *)"src port 443 and tcp[tcpflags] & tcp-syn = 0";
	c.vlan = 7;
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, (const uint8_t *)"reply", 5), &m);
	bench_close(&b);
	ck_assert_uint_eq(capture_file(c.path, &r), m.packets);
	ck_assert_uint_eq(r.side[0].port, 443);
	ck_assert_uint_eq(r.side[0].len, 5);
	ck_assert_uint_eq(r.side[1].frames, 0);
	recorder_free(&r);
	clean();
}
END

TEST(bad_filter_and_missing_directory_are_told)
{
	struct conf_mirror c = mirror_conf();
	struct text why = { 0 };
	void *sink;

	c.path = in_dir("a.pcap");
	c.filter = (char *)"tcp port port";
	ck_assert_int_lt(sink_pcap.open(&c, &sink, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.s, "tcp port port"));
	c.filter = NULL;
	c.path = in_dir("nowhere/a.pcap");
	text_clear(&why);
	ck_assert_int_lt(sink_pcap.open(&c, &sink, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.s, "nowhere"));
	text_free(&why);
	clean();
}
END

TEST(files_rotate_by_size_and_the_oldest_go)
{
	struct conf_mirror c = mirror_conf();
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(2000000);
	struct dirent *e;
	struct stat st;
	DIR *d;
	FILE *f;

	c.path = in_dir("x-%Y%m%d.pcap");
	c.rotate_size = 300000;
	c.rotate_keep = 3;
	fclose(fopen(in_dir("x-20260101.pcap"), "w"));	/* of an earlier run */
	f = fopen(in_dir("x-other.pcap"), "w");		/* not ours */
	fclose(f);
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, data, 2000000), &m);
	bench_close(&b);
	ck_assert_uint_eq(m.lost, 0);
	ck_assert_uint_eq(files(), 4);
	ck_assert_int_eq(access(in_dir("x-other.pcap"), F_OK), 0);
	ck_assert_int_ne(access(in_dir("x-20260101.pcap"), F_OK), 0);
	d = opendir(dir);
	while ((e = readdir(d)) != NULL) {
		if (stat(in_dir(e->d_name), &st) == 0 && S_ISREG(st.st_mode))
			ck_assert_int_le(st.st_size, 300000);
	}
	closedir(d);
	free(data);
	clean();
}
END

static void
touch(const char *name)
{
	fclose(fopen(in_dir(name), "w"));
}

TEST(keep_removes_no_file_of_another_name)
{
	static const char *const others[] = { "t-evidence.pcap",
	    "t-2026-01-02x.pcap", "t-2026-01-02-20-incident.pcap",
	    "t-2026-01-02-.pcap", "t-2026-01-02-12345.pcap",
	    "t-2026-1-02.pcap" };
	struct conf_mirror c = mirror_conf();
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(500000);
	size_t i;

	for (i = 0; i < 6; i++)
		touch(others[i]);
	touch("t-2026-01-02.pcap");
	touch("t-2026-01-02-1.pcap");
	touch("t-2026-01-02-9999.pcap");
	c.path = in_dir("t-%F.pcap");
	c.rotate_size = 200000;
	c.rotate_keep = 2;
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, data, 500000), &m);
	bench_close(&b);
	for (i = 0; i < 6; i++)
		ck_assert_msg(access(in_dir(others[i]), F_OK) == 0, "%s",
		    others[i]);
	ck_assert_uint_eq(files(), 6 + 2);
	free(data);
	clean();
}
END

TEST(files_rotate_by_time)
{
	struct conf_mirror c = mirror_conf();
	struct tap_counts m;
	struct bench b = { 0 };
	void *s;

	c.path = in_dir("a.pcap");
	c.rotate_ms = 3600000;
	bench_open(&b, &sink_pcap, &c);
	s = session_talk(&b, (const uint8_t *)"x", 1);
	bench_settle(&b);
	clock_ahead = 3601;
	session_end(&b, s, &m);
	bench_close(&b);
	clock_ahead = 0;	/* check measures how long this took */
	ck_assert_uint_eq(files(), 2);
	ck_assert_int_eq(access(in_dir("a-1.pcap"), F_OK), 0);
	clean();
}
END

struct worker {
	pthread_t	 thread;
	struct bench	 b;
	unsigned	 packets;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct tap_counts m;
	uint8_t *data = noise(20000);
	int i;

	w->b.base = event_base_new();
	w->b.seat = w->b.ops->attach(w->b.sink, w->b.base);
	for (i = 0; i < 100; i++) {
		session_end(&w->b, session_talk(&w->b, data, 20000), &m);
		w->packets += (unsigned)m.packets;
		if (m.lost != 0)
			w->packets += 1000000;
		if (i % 10 == 0)
			bench_run(&w->b, 10);
	}
	w->b.ops->detach(w->b.seat);
	event_base_free(w->b.base);
	free(data);
	return NULL;
}

TEST(workers_share_a_file_in_order_of_time)
{
	struct conf_mirror c = mirror_conf();
	struct worker w[4] = { 0 };
	struct bench b = { 0 };
	unsigned i, n = 0;

	c.path = in_dir("a.pcapng");
	c.pcapng = 1;
	c.queue = 64 << 20;
	bench_open(&b, &sink_pcap, &c);
	for (i = 0; i < 4; i++) {
		w[i].b = b;
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(w[i].thread, NULL);
		n += w[i].packets;
	}
	bench_close(&b);
	ck_assert_uint_eq(capture_file(c.path, NULL), n);
	clean();
}
END

TEST(small_queue_is_shared_by_what_is_in_it)
{
	struct conf_mirror c = mirror_conf();
	struct tap_counts m;
	struct sink_stats st;
	struct bench b = { 0 }, w[8];
	void *s[8];
	int i;

	c.path = in_dir("a.pcap");
	c.queue = 64 << 10;
	bench_open(&b, &sink_pcap, &c);
	for (i = 0; i < 8; i++) {
		w[i] = b;
		w[i].seat = b.ops->attach(b.sink, b.base);
		s[i] = session_talk(&w[i], (const uint8_t *)"reply", 5);
	}
	for (i = 0; i < 8; i++) {
		session_end(&w[i], s[i], &m);
		ck_assert_uint_eq(m.lost, 0);
		b.ops->detach(w[i].seat);
	}
	sink_pcap.stats(b.sink, &st);
	ck_assert_uint_eq(st.lost_packets, 0);
	bench_close(&b);
	clean();
}
END

static void *
read_fifo(void *path)
{
	struct recorder r = { .loss_ok = 1 };
	uintptr_t n = capture_file(path, &r);

	ck_assert_str_eq(r.wrong, "");
	recorder_free(&r);
	return (void *)n;
}

TEST(fifo_without_reader_loses_exactly_what_does_not_fit)
{
	struct conf_mirror c = mirror_conf();
	struct sink_stats st;
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(4000000);
	pthread_t thread;
	void *n;

	c.path = in_dir("fifo");
	c.queue = 1 << 20;
	ck_assert_int_eq(mkfifo(c.path, 0600), 0);
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, data, 4000000), &m);
	sink_pcap.stats(b.sink, &st);
	ck_assert_uint_gt(m.lost, 2900000);
	ck_assert_uint_eq(m.bytes + m.lost, 4000003);
	ck_assert_uint_eq(st.lost_bytes, m.lost);
	ck_assert_str_eq(st.lost_reason, "disk too slow");
	/* The reader comes at last: what was queued is there and whole. */
	pthread_create(&thread, NULL, read_fifo, c.path);
	bench_close(&b);
	pthread_join(thread, &n);
	ck_assert_uint_eq((uintptr_t)n, m.packets);
	free(data);
	clean();
}
END

TEST(full_disk_is_counted_and_writing_resumes)
{
	struct conf_mirror c = mirror_conf();
	struct recorder r = { .loss_ok = 1 };
	struct rlimit was, little;
	struct sink_stats st;
	struct tap_counts m;
	struct bench b = { 0 };
	uint8_t *data = noise(2000000);
	void *s;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	c.path = in_dir("a.pcap");
	bench_open(&b, &sink_pcap, &c);
	s = session_talk(&b, data, 300000);
	bench_settle(&b);
	little = was;
	little.rlim_cur = 400000;
	setrlimit(RLIMIT_FSIZE, &little);
	b.ops->tap->data(s, DIR_DOWN, data + 300000, 700000);
	bench_settle(&b);
	sink_pcap.stats(b.sink, &st);
	ck_assert_uint_eq(st.lost_bytes, 700000);
	ck_assert_str_eq(st.lost_reason, "write failed");
	setrlimit(RLIMIT_FSIZE, &was);
	b.ops->tap->data(s, DIR_DOWN, data + 1000000, 1000000);
	session_end(&b, s, &m);
	bench_close(&b);
	capture_file(c.path, &r);
	ck_assert_str_eq(r.wrong, "");
	ck_assert_uint_eq(r.side[1].gap, 700000);
	ck_assert_uint_eq(r.side[1].len, 2000000);
	ck_assert_mem_eq(r.side[1].data + 1000000, data + 1000000, 1000000);
	free(data);
	recorder_free(&r);
	clean();
}
END

TEST(sessions_of_a_full_disk_know_what_they_lose)
{
	struct conf_mirror c = mirror_conf();
	struct rlimit was, little;
	struct tap_counts m[3];
	struct sink_stats st;
	struct bench b = { 0 };
	uint8_t *data = noise(600000);
	int i;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	c.path = in_dir("a.pcap");
	little = was;
	little.rlim_cur = 16000;	/* check writes too */
	setrlimit(RLIMIT_FSIZE, &little);
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, data, 600000), &m[0]);
	/* Each second one tries the disk once more, and learns of it late. */
	for (i = 0; i < 20; i++) {
		bench_settle(&b);
		clock_stop();
		session_end(&b, session_talk(&b, data, 600000), &m[1]);
		clock_go();
		if (m[1].lost == 600003)
			break;
	}
	ck_assert_uint_eq(m[1].lost, 600003);
	ck_assert_str_eq((sink_pcap.stats(b.sink, &st), st.lost_reason),
	    "write failed");
	setrlimit(RLIMIT_FSIZE, &was);
	for (i = 0; i < 600; i++) {
		session_end(&b, session_talk(&b, data, 1000), &m[2]);
		if (m[2].lost == 0)
			break;
		bench_run(&b, 50);
	}
	ck_assert_uint_eq(m[2].lost, 0);
	bench_close(&b);
	ck_assert_uint_gt(capture_file(c.path, NULL), 0);
	free(data);
	clean();
}
END

TEST(what_is_written_and_what_is_lost_late_are_all_there_was)
{
	struct conf_mirror c = mirror_conf();
	struct rlimit was, little;
	struct tap_counts m;
	struct sink_stats st;
	struct bench b = { 0 };
	uint8_t *data = noise(2000000);

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	c.path = in_dir("a.pcap");
	little = was;
	little.rlim_cur = 700000;
	setrlimit(RLIMIT_FSIZE, &little);
	bench_open(&b, &sink_pcap, &c);
	session_end(&b, session_talk(&b, data, 2000000), &m);
	bench_settle(&b);
	sink_pcap.stats(b.sink, &st);
	ck_assert_uint_gt(st.packets, 0);
	ck_assert_uint_gt(st.lost_packets, 0);
	ck_assert_uint_eq(st.bytes + st.lost_bytes, 2000003);
	ck_assert_uint_eq(capture_file(c.path, NULL), st.packets);
	setrlimit(RLIMIT_FSIZE, &was);
	bench_close(&b);
	free(data);
	clean();
}
END

SUITE("pcap", classic_file_reads_back, pcapng_file_reads_back,
    pcapng_says_who_and_what, session_without_end_is_reset, filter_chooses,
    bad_filter_and_missing_directory_are_told,
    files_rotate_by_size_and_the_oldest_go,
    keep_removes_no_file_of_another_name, files_rotate_by_time,
    workers_share_a_file_in_order_of_time,
    small_queue_is_shared_by_what_is_in_it,
    fifo_without_reader_loses_exactly_what_does_not_fit,
    full_disk_is_counted_and_writing_resumes,
    sessions_of_a_full_disk_know_what_they_lose,
    what_is_written_and_what_is_lost_late_are_all_there_was)
