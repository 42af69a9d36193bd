/*
 * sink/history and sink/capture: from the sessions of workers to a file.
 */
#include "test.h"

#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include "session.h"
#include "sink/capture.h"
#include "sink/history.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

static char dir[64];

static struct capture_plan
plan(void)
{
	struct capture_plan p = { .directory = dir, .stem = "case-7",
	    .comment = (char *)"case: 7; endpoint: 192.0.2.1",
	    .prefix = (char *)"case: 7; ", .max = 64 << 20, .keep = 3 };

	if (dir[0] == '\0') {
		strcpy(dir, "/tmp/capture_testXXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(dir));
		log_level = -1;
	}
	return p;
}

static void
clean(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* Two workers in one thread. */
struct both {
	struct conf	 conf;
	struct history	*history;
	struct bench	 worker[2];
	struct history_question question;
	int		 done;
};

static void
both_open(struct both *b)
{
	static struct conf_rule rule = { .name = (char *)"the-rule" };
	int i;

	memset(b, 0, sizeof(*b));
	b->conf.workers = 2;
	b->conf.history.given = 1;
	b->conf.history.size = 8 << 20;
	b->conf.history.age = 60000;
	b->history = history_new(&b->conf);
	for (i = 0; i < 2; i++) {
		struct bench *w = &b->worker[i];

		w->ops = &sink_history;
		w->base = event_base_new();
		w->sink = b->history;
		w->seat = sink_history.attach(b->history, w->base);
		w->record.id = (uint64_t)(17 + i);
		w->record.facts = &w->facts;
		w->record.verdict = &w->verdict;
		w->verdict.rule = &rule;
		w->facts.listener = "gateway";
		w->facts.sni = "example.com";
		addr_parse(&w->facts.client, i == 0 ? "192.0.2.1:4000" :
		    "192.0.2.1:4001");
		addr_parse(&w->facts.server, "198.51.100.2:443");
	}
}

static void
both_close(struct both *b)
{
	int i;

	for (i = 0; i < 2; i++) {
		sink_history.detach(b->worker[i].seat);
		event_base_free(b->worker[i].base);
	}
	history_question_clear(&b->question);
	history_free(b->history);
}

static void
answered(struct history_question *q)
{
	struct both *b = (struct both *)(void *)((char *)q -
	    offsetof(struct both, question));

	b->done++;
}

static void
gave(void *arg, const struct ring *r, uint64_t seq)
{
	history_gave(arg, r, seq);
}

static uint64_t
wall(void)
{
	struct timespec ts = clock_wall();

	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A round; what capture_write() said. */
static int
round_of(struct both *b, struct capture *c, const char *who, uint64_t upto)
{
	struct history_question *q = &b->question;

	endpoint_parse(&q->who, who);
	q->done = answered;
	b->done = 0;
	history_ask(b->history, q);
	ck_assert_int_eq(b->done, 0);
	event_base_loop(b->worker[0].base, EVLOOP_NONBLOCK);
	event_base_loop(b->worker[1].base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(b->done, 1);
	return capture_write(c, q->picks, q->npicks, upto, gave, q);
}

static void *
begin(struct both *b, int worker)
{
	return sink_history.begin(b->worker[worker].seat, NULL,
	    &b->worker[worker].record);
}

static void
say(struct both *b, void *s, enum flow_dir way, const char *what)
{
	sink_history.tap->data(s, way, (const uint8_t *)what, strlen(what));
}

static void
end(struct both *b, int worker, void *s)
{
	struct tap_counts m = { 0 };

	session_end(&b->worker[worker], s, &m);
}

/* The digest of a file, and how many bytes it has. */
static uint64_t
digest(const char *path, char out[65])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	FILE *f = fopen(path, "r");
	uint8_t buf[4096], sum[32];
	uint64_t n = 0;
	size_t k;

	ck_assert_ptr_nonnull(f);
	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	while ((k = fread(buf, 1, sizeof(buf), f)) > 0) {
		EVP_DigestUpdate(md, buf, k);
		n += k;
	}
	EVP_DigestFinal_ex(md, sum, NULL);
	EVP_MD_CTX_free(md);
	fclose(f);
	hex_lower(out, sum, sizeof(sum));
	return n;
}

/* What was told of the file is so; and its packets, whose times do not go
 * back. */
static void
told_right(const struct capture_told *t)
{
	char sum[65];
	struct stat st;

	ck_assert_uint_eq(digest(t->path, sum), t->bytes);
	ck_assert_str_eq(sum, t->sha256);
	ck_assert_uint_eq(capture_file(t->path, NULL), t->packets);
	ck_assert_int_eq(stat(t->path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}

/* The payloads of a file's packets, in their order. */
static struct text
payloads(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pc = pcap_open_offline(path, why);
	struct pcap_pkthdr *h;
	struct text t = { 0 };
	const u_char *p;
	size_t head;

	ck_assert_msg(pc != NULL, "%s", why);
	text_puts(&t, "");
	while (pcap_next_ex(pc, &h, &p) == 1) {
		head = 34 + (size_t)(p[46] >> 4) * 4;
		text_add(&t, (const char *)p + head, h->caplen - head);
	}
	pcap_close(pc);
	return t;
}

TEST(packets_of_two_workers_are_merged_by_their_time)
{
	static const char *const words[] = { "a", "b", "c", "d", "e", "f",
	    "g", "h" };
	struct capture_plan p = plan();
	struct capture *c = capture_new(&p);
	const struct capture_told *told;
	struct both b;
	struct text t;
	void *s[2];
	size_t i;

	both_open(&b);
	s[0] = begin(&b, 0);
	s[1] = begin(&b, 1);
	for (i = 0; i < NELEM(words); i++)
		say(&b, s[i % 3 == 0], DIR_UP, words[i]);
	end(&b, 1, s[1]);
	ck_assert_int_eq(round_of(&b, c, "192.0.2.1", UINT64_MAX), 0);
	capture_close(c);
	told = capture_tells(c);
	ck_assert_int_eq(told->how, CAPTURE_WRITTEN);
	ck_assert_uint_eq(told->sessions, 2);
	ck_assert_uint_eq(told->skipped, 0);
	told_right(told);
	t = payloads(told->path);
	ck_assert_str_eq(t.s, "abcdefgh");
	text_free(&t);
	capture_free(c);
	end(&b, 0, s[0]);
	both_close(&b);
	clean();
}
END

TEST(a_round_leaves_what_is_newer_than_it_to_the_next)
{
	struct capture_plan p = plan();
	struct capture *c = capture_new(&p);
	struct both b;
	struct text t;
	uint64_t then;
	void *s[2];

	both_open(&b);
	s[0] = begin(&b, 0);
	s[1] = begin(&b, 1);
	say(&b, s[0], DIR_UP, "1");
	then = wall();
	say(&b, s[1], DIR_UP, "2");
	say(&b, s[0], DIR_UP, "3");
	ck_assert_int_eq(round_of(&b, c, "192.0.2.1", then), 0);
	t = payloads(capture_tells(c)->path);
	ck_assert_str_eq(t.s, "1");
	text_free(&t);
	say(&b, s[1], DIR_UP, "4");
	ck_assert_int_eq(round_of(&b, c, "192.0.2.1", UINT64_MAX), 0);
	capture_close(c);
	told_right(capture_tells(c));
	ck_assert_uint_eq(capture_tells(c)->sessions, 2);
	t = payloads(capture_tells(c)->path);
	ck_assert_str_eq(t.s, "1234");
	text_free(&t);
	capture_free(c);
	end(&b, 0, s[0]);
	end(&b, 1, s[1]);
	both_close(&b);
	clean();
}
END

TEST(without_packets_there_is_no_file)
{
	struct capture_plan p = plan();
	struct capture *c = capture_new(&p);
	struct both b;
	void *s;

	both_open(&b);
	s = begin(&b, 0);
	ck_assert_int_eq(round_of(&b, c, "192.0.2.9", UINT64_MAX), 0);
	capture_close(c);
	ck_assert_int_eq(capture_tells(c)->how, CAPTURE_EMPTY);
	ck_assert_ptr_null(capture_tells(c)->path);
	capture_free(c);
	end(&b, 0, s);
	both_close(&b);
	clean();
}
END

TEST(a_file_that_would_be_too_large_has_the_newest)
{
	struct capture_plan p = plan();
	const struct capture_told *told;
	uint8_t *data = noise(1 << 20);
	struct capture *c;
	struct both b;
	void *s;

	p.max = 300000;
	c = capture_new(&p);
	both_open(&b);
	s = session_talk(&b.worker[0], data, 1 << 20);
	say(&b, s, DIR_UP, "the last");
	ck_assert_int_ne(round_of(&b, c, "192.0.2.1", UINT64_MAX), 0);
	capture_close(c);
	told = capture_tells(c);
	ck_assert_int_eq(told->how, CAPTURE_CUT);
	ck_assert_uint_le(told->bytes, 300000);
	ck_assert_uint_gt(told->bytes, 200000);
	ck_assert_uint_gt(told->skipped, 400);
	told_right(told);
	capture_free(c);
	end(&b, 0, s);
	both_close(&b);
	free(data);
	clean();
}
END

TEST(a_disk_that_is_full_leaves_a_file_that_can_be_read)
{
	struct rlimit limit = { 400000, 400000 };
	struct capture_plan p = plan();
	struct capture *c = capture_new(&p);
	uint8_t *data = noise(1 << 20);
	const struct capture_told *told;
	struct both b;
	void *s;

	both_open(&b);
	s = session_talk(&b.worker[0], data, 1 << 20);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_ne(round_of(&b, c, "192.0.2.1", UINT64_MAX), 0);
	capture_close(c);
	told = capture_tells(c);
	ck_assert_int_eq(told->how, CAPTURE_FAILED);
	ck_assert_ptr_nonnull(told->why);
	ck_assert_uint_le(told->bytes, 400000);
	ck_assert_uint_gt(told->packets, 100);
	ck_assert_uint_gt(told->skipped, 100);
	told_right(told);
	capture_free(c);
	end(&b, 0, s);
	both_close(&b);
	free(data);
	clean();
}
END

static unsigned
files(const char *begin_)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(dir);

	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, begin_, strlen(begin_)) == 0;
	closedir(d);
	return n;
}

TEST(the_oldest_files_of_ours_are_removed)
{
	struct capture_plan p = plan();
	struct capture *c;
	char path[128];
	struct both b;
	void *s;
	int i;

	both_open(&b);
	snprintf(path, sizeof(path), "%s/case-other.txt", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	s = begin(&b, 0);
	for (i = 0; i < 6; i++) {
		c = capture_new(&p);
		history_question_clear(&b.question);
		memset(&b.question, 0, sizeof(b.question));
		ck_assert_int_eq(round_of(&b, c, "192.0.2.1", UINT64_MAX), 0);
		capture_close(c);
		ck_assert_int_eq(access(capture_tells(c)->path, R_OK), 0);
		capture_free(c);
	}
	ck_assert_uint_eq(files("case-7-"), 3);
	ck_assert_uint_eq(files("case-other"), 1);
	end(&b, 0, s);
	both_close(&b);
	clean();
}
END

TEST(history_ends_and_begins_with_a_configuration)
{
	struct ring_stats st;
	struct both b;
	void *s[2];

	both_open(&b);
	s[0] = begin(&b, 0);
	history_stats(b.history, &st);
	ck_assert_uint_eq(st.packets, 3);
	b.conf.history.given = 0;
	history_renew(b.history, &b.conf);
	b.conf.history.given = 1;
	history_renew(b.history, &b.conf);	/* these seats have ended */
	event_base_loop(b.worker[0].base, EVLOOP_NONBLOCK);
	event_base_loop(b.worker[1].base, EVLOOP_NONBLOCK);
	say(&b, s[0], DIR_UP, "x");
	s[1] = begin(&b, 1);
	history_stats(b.history, &st);
	ck_assert_uint_eq(st.packets, 0);
	ck_assert_uint_eq(st.put, 3);
	end(&b, 0, s[0]);
	end(&b, 1, s[1]);
	both_close(&b);
}
END

SUITE("capture", packets_of_two_workers_are_merged_by_their_time,
    a_round_leaves_what_is_newer_than_it_to_the_next,
    without_packets_there_is_no_file,
    a_file_that_would_be_too_large_has_the_newest,
    a_disk_that_is_full_leaves_a_file_that_can_be_read,
    the_oldest_files_of_ours_are_removed,
    history_ends_and_begins_with_a_configuration)
