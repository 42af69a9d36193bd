/*
 * The event log: its lines parse back to what the record says, and no file,
 * FIFO or disk it writes to holds up who writes.
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

#include "sink/connlog.h"
#include "sink/eve.h"
#include "util/err.h"
#include "util/mem.h"

#define PATIENCE_MS	50000	/* it hangs, if it is not done by then */

static struct conf_rule rule = { .name = (char *)"default" };
static const struct timespec now = { 1795417200, 123456789 };

static struct facts facts;
static struct verdict verdict;

static void
record_fill(struct record *r)
{
	struct facts *f = &facts;

	memset(r, 0, sizeof(*r));
	memset(f, 0, sizeof(*f));
	r->facts = f;
	r->verdict = &verdict;
	r->id = 7;
	r->start = (struct timespec){ 1795417190, 0 };
	r->end = (struct timespec){ 1795417199, 500000000 };
	f->listener = "proxy";
	f->mode = CONF_EXPLICIT;
	addr_parse(&f->client, "128.232.110.120:34855");
	addr_parse(&f->server, "66.35.250.204:80");
	f->sni = "example.com";
	strcpy(f->ja3, "0149f47eabf9a20d0893e2a44e5a6323");
	f->protocol = PROTO_TLS;
	f->tls_client.version = "TLSv1.3";
	f->tls_client.cipher = "TLS_AES_128_GCM_SHA256";
	verdict.rule = &rule;
	r->forged = 1;
	r->bytes[0] = 10;
	r->bytes[1] = 5000000000u;
	r->state = "closed";
	strcpy(r->reason, "client closed");
	r->mirrors[0] = (struct record_mirror){ "live",
	    { 3, 4, 5 } };
	r->nmirrors = 1;
}

/* The member at a path like "tls.ja3.hash". */
static json_t *
at(json_t *o, const char *path)
{
	char *copy = xstrdup(path), *save = NULL, *word;

	for (word = strtok_r(copy, ".", &save); word != NULL;
	    word = strtok_r(NULL, ".", &save))
		o = json_object_get(o, word);
	free(copy);
	return o;
}

#define ck_text(o, path, want)						\
	ck_assert_str_eq(json_string_value(at(o, path)), want)
#define ck_number(o, path, want)					\
	ck_assert_int_eq(json_integer_value(at(o, path)), want)

TEST(eve_flow_says_what_the_record_says)
{
	struct record r;
	json_t *o;

	record_fill(&r);
	o = eve_event(EVENT_FLOW, &r, NULL, NULL, &now);
	ck_text(o, "timestamp", "2026-11-23T07:00:00.123456+00:00");
	ck_text(o, "event_type", "flow");
	ck_number(o, "flow_id", 7);
	ck_text(o, "community_id", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	ck_text(o, "src_ip", "128.232.110.120");
	ck_number(o, "dest_port", 80);
	ck_text(o, "proto", "TCP");
	ck_text(o, "app_proto", "tls");
	ck_number(o, "flow.bytes_toclient", 5000000000);
	ck_number(o, "flow.age", 9);
	ck_text(o, "flow.reason", "client closed");
	ck_text(o, "tls.version", "TLS 1.3");
	ck_text(o, "tls.ja3.hash", "0149f47eabf9a20d0893e2a44e5a6323");
	ck_text(o, "clearspan.rule", "default");
	ck_text(o, "clearspan.action", "decrypt");
	ck_text(o, "clearspan.forged.ca", "trusted");
	ck_number(json_array_get(at(o, "clearspan.mirrors"), 0), "lost", 5);
	ck_assert_ptr_null(at(o, "clearspan.server"));
	json_decref(o);
}
END

TEST(eve_flow_of_an_undecided_session_leaves_out_what_is_not_known)
{
	struct verdict undecided = { 0 };
	struct facts f = { 0 };
	struct record r = { .facts = &f, .verdict = &undecided };
	json_t *o;

	addr_parse(&f.client, "[2001:db8::1]:5");
	o = eve_event(EVENT_FLOW, &r, NULL, NULL, &now);
	ck_text(o, "src_ip", "2001:db8::1");
	ck_assert_ptr_null(at(o, "dest_ip"));
	ck_assert_ptr_null(at(o, "community_id"));
	ck_assert_ptr_null(at(o, "tls"));
	ck_assert_ptr_null(at(o, "clearspan.action"));
	json_decref(o);
}
END

TEST(eve_text_that_is_not_utf8_is_shown_escaped)
{
	struct record r;
	json_t *o, *back;
	char *s;

	record_fill(&r);
	facts.sni = "a\xff\xc0\xafz\n\xed\xa0\x80\xc3\xa9\xf4\x90\x80\x80";
	o = eve_event(EVENT_FLOW, &r, NULL, NULL, &now);
	s = json_dumps(o, JSON_COMPACT);
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_null(strchr(s, '\n'));
	back = json_loads(s, 0, NULL);
	ck_text(back, "tls.sni", "a\\xff\\xc0\\xafz\n\\xed\\xa0\\x80\xc3\xa9"
	    "\\xf4\\x90\\x80\\x80");
	json_decref(back);
	json_decref(o);
	free(s);
}
END

static void
exchange_fill(struct http_record *h, const char *request,
    const char *response)
{
	static const struct timespec start = { 1795417199, 0 };
	struct http_text head = { 0 };

	ck_assert_int_eq(http_request(&head, request, strlen(request)), 0);
	http_record_request(h, &head.head, &start);
	if (response == NULL)
		return;
	memset(&head, 0, sizeof(head));
	ck_assert_int_eq(http_response(&head, response, strlen(response)),
	    0);
	http_record_response(h, &head.head, &now);
}

TEST(eve_http_has_the_names_of_eve)
{
	struct http_record h = { .number = 2 };
	struct record r;
	json_t *o;

	record_fill(&r);
	exchange_fill(&h, "POST /a?b=\xff HTTP/1.1\r\nHost: WWW.Example:81\r\n"
	    "User-Agent: curl/8\r\nReferer: http://x/\r\n"
	    "Content-Type: text/plain; charset=x\r\nContent-Length: 3\r\n\r\n",
	    "HTTP/1.1 302 Found\r\nContent-Type: text/html ; a=b\r\n"
	    "Location: /there\r\nContent-Length: 9\r\n\r\n");
	h.length[0] = 3;
	h.length[1] = 9;
	h.end = now;
	o = eve_event(EVENT_HTTP, &r, &h, NULL, &now);
	ck_text(o, "event_type", "http");
	ck_text(o, "app_proto", "http");
	ck_number(o, "flow_id", 7);
	ck_number(o, "tx_id", 2);
	ck_text(o, "http.hostname", "www.example");
	ck_number(o, "http.http_port", 81);
	ck_text(o, "http.url", "/a?b=\\xff");
	ck_text(o, "http.http_user_agent", "curl/8");
	ck_text(o, "http.http_refer", "http://x/");
	ck_text(o, "http.http_method", "POST");
	ck_text(o, "http.protocol", "HTTP/1.1");
	ck_number(o, "http.status", 302);
	ck_text(o, "http.redirect", "/there");
	ck_text(o, "http.http_content_type", "text/html");
	ck_number(o, "http.length", 9);
	ck_text(o, "clearspan.request_content_type", "text/plain");
	ck_number(o, "clearspan.request_length", 3);
	ck_assert(json_is_true(at(o, "clearspan.tls")));
	ck_assert_double_eq_tol(json_real_value(at(o,
	    "clearspan.total_ms")), 1123.457, 0.01);
	json_decref(o);
	http_record_next(&h);
	ck_assert_uint_eq(h.number, 3);
	ck_assert(h.method == NULL);
}
END

TEST(eve_http_of_a_request_without_an_answer)
{
	struct http_record h = { 0 };
	struct record r;
	json_t *o;

	record_fill(&r);
	exchange_fill(&h, "GET http://[2001:db8::1]/ HTTP/1.0\r\n\r\n", NULL);
	h.why = "client closed";
	o = eve_event(EVENT_HTTP, &r, &h, NULL, &now);
	ck_text(o, "http.hostname", "2001:db8::1");
	ck_assert_ptr_null(at(o, "http.http_port"));
	ck_text(o, "http.protocol", "HTTP/1.0");
	ck_assert_ptr_null(at(o, "http.status"));
	ck_assert_ptr_null(at(o, "clearspan.answer_ms"));
	ck_text(o, "clearspan.reason", "client closed");
	json_decref(o);
	http_record_free(&h);
}
END

TEST(eve_icap_joins_the_flow_and_the_exchange)
{
	struct icap_record i = { .service = "av", .server = "icap://h/av",
	    .method = ICAP_RESPMOD, .result = ICAP_R_BLOCK,
	    .outcome = "block", .status = 200, .istag = "", .bytes_out = 9,
	    .bytes_in = 7, .queue = -1, .connect = 0.5, .total = 3,
	    .attempts = 1, .finding = "Eicar\xff" };
	struct http_record h = { .number = 4 };
	struct record r;
	json_t *o;

	record_fill(&r);
	exchange_fill(&h, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
	o = eve_event(EVENT_ICAP, &r, &h, &i, &now);
	ck_text(o, "event_type", "icap");
	ck_number(o, "flow_id", 7);
	ck_number(o, "tx_id", 4);
	ck_text(o, "http.hostname", "x");
	ck_text(o, "icap.service", "av");
	ck_text(o, "icap.method", "RESPMOD");
	ck_text(o, "icap.outcome", "block");
	ck_number(o, "icap.status", 200);
	ck_text(o, "icap.finding", "Eicar\\xff");
	ck_number(o, "icap.bytes_toserver", 9);
	ck_assert_ptr_null(at(o, "icap.istag"));
	ck_assert_ptr_null(at(o, "icap.reason"));
	ck_assert_ptr_null(at(o, "icap.queue_ms"));
	ck_assert_double_eq(json_real_value(at(o, "icap.connect_ms")), 0.5);
	json_decref(o);
	o = eve_event(EVENT_ALERT, &r, NULL, &i, &now);
	ck_text(o, "event_type", "alert");
	ck_text(o, "alert.action", "blocked");
	ck_text(o, "alert.signature", "Eicar\\xff");
	ck_assert_ptr_null(at(o, "http"));
	json_decref(o);
	http_record_free(&h);
}
END

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

SUITE("connlog", eve_flow_says_what_the_record_says,
    eve_flow_of_an_undecided_session_leaves_out_what_is_not_known,
    eve_text_that_is_not_utf8_is_shown_escaped,
    eve_http_has_the_names_of_eve, eve_http_of_a_request_without_an_answer,
    eve_icap_joins_the_flow_and_the_exchange,
    connlog_writes_a_line_for_each_flow_and_only_what_was_asked_for,
    connlog_reopened_goes_on_in_a_new_file,
    connlog_does_not_follow_a_symbolic_link,
    connlog_to_a_fifo_nobody_reads_drops_and_counts_and_holds_nobody_up,
    connlog_to_a_fifo_read_late_delivers_all,
    connlog_after_a_torn_line_begins_a_new_one,
    connlog_tells_in_the_end_exactly_what_was_lost,
    connlog_waits_at_the_end_for_a_reader_that_is_slow,
    connlog_to_be_reopened_waits_for_a_reader_that_is_slow)
