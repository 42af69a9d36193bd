/*
 * The metrics page: its text, and the server around it.
 */
#include "test.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/metrics.h"
#include "admin_env.h"
#include "util/mem.h"

static struct admin_env	 env;
static struct metrics	*m;

static void
up(struct addr *a)
{
	struct text why = { 0 };
	struct conf_rule rule = { .name = (char *)"two\nlines" };
	struct verdict v = { .rule = &rule };
	struct record r = { .verdict = &v };
	int port;

	env_fill(&env);
	tally_add(env.tally, &r);
	tally_add(env.tally, &r);
	for (port = 20000 + (int)getpid() % 10000; port < 40000; port++) {
		addr_parse(a, "127.0.0.1:1");
		addr_set_port(a, (uint16_t)port);
		if (metrics_new(&env, a, &m, &why) == 0)
			break;
	}
	text_free(&why);
	ck_assert_ptr_nonnull(m);
}

static void
down(void)
{
	metrics_free(m);
	env_done(&env);
}

static void
ck_has(const char *page, const char *line)
{
	ck_assert_msg(strstr(page, line) != NULL, "no \"%s\"", line);
}

/* name, maybe labels, one space, a number. */
static void
ck_sample(const char *line)
{
	const char *p = strrchr(line, ' ');

	ck_assert_int_eq(strncmp(line, "clearspan_", 10), 0);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_gt(strspn(p + 1, "0123456789."), 0);
	ck_assert_int_eq(p[1 + strspn(p + 1, "0123456789.")], '\0');
}

TEST(metrics_page_is_prometheus_text)
{
	struct text page = { 0 };
	char *line, *save = NULL;
	struct addr a;

	up(&a);
	metrics_page(m, &page);
	ck_has(page.s, "# TYPE clearspan_sessions_total counter\n");
	ck_has(page.s, "clearspan_sessions_total{action=\"decrypt\","
	    "rule=\"two\\nlines\"} 2\n");
	ck_has(page.s, "clearspan_mirror_packets_total{mirror=\"a\\\"b\\\\c\"} "
	    "5\n");
	ck_has(page.s, "\nclearspan_sessions_open 0\n");
	ck_has(page.s, "clearspan_icap_transactions_total{service=\"av\","
	    "method=\"RESPMOD\",result=\"204\"} 0\n");
	ck_has(page.s, "clearspan_icap_seconds_bucket{service=\"av\","
	    "le=\"+Inf\"} 0\n");
	ck_has(page.s, "clearspan_icap_server_up{service=\"av\","
	    "server=\"icap://127.0.0.1:9/av\"} 0\n");
	for (line = strtok_r(page.s, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		if (line[0] != '#')
			ck_sample(line);
	text_free(&page);
	down();
}
END

TEST(metrics_lay_a_loss_to_the_reason_there_was_when_it_came)
{
	struct text page = { 0 };
	struct addr a;

	up(&a);
	metrics_page(m, &page);
	env_lost.queued = 77;
	env_lost.lost_bytes = 30;
	env_lost.lost_reason = "queue full";
	text_clear(&page);
	metrics_page(m, &page);
	ck_has(page.s, "reason=\"port down\"} 9\n");
	ck_has(page.s, "reason=\"queue full\"} 21\n");
	ck_has(page.s, "memory_bytes{pool=\"mirrors\"} 77\n");
	text_free(&page);
	down();
}
END

static char *
fetched(const struct addr *a, const char *request)
{
	static char buf[1 << 16];
	size_t len = 0;
	ssize_t n = -1;
	int fd = socket(AF_INET, SOCK_STREAM, 0), turns;

	ck_assert_int_eq(connect(fd, &a->sa, addr_len(a)), 0);
	ck_assert_int_gt(send(fd, request, strlen(request), 0), 0);
	for (turns = 0; turns < 2000 && n != 0; turns++) {
		event_base_loop(env.base, EVLOOP_NONBLOCK);
		n = recv(fd, buf + len, sizeof(buf) - len - 1, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0)
			usleep(500);
	}
	buf[len] = '\0';
	close(fd);
	return buf;
}

TEST(metrics_are_served_at_their_path_and_nothing_else_is)
{
	struct addr a;
	char *got;

	up(&a);
	got = fetched(&a, "GET /metrics HTTP/1.1\r\nHost: x\r\n"
	    "Connection: close\r\n\r\n");
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 200 ", 13), 0);
	ck_has(got, "text/plain; version=0.0.4");
	ck_has(got, "clearspan_reloads_total{result=\"ok\"} 0\n");
	got = fetched(&a, "GET /etc HTTP/1.1\r\nHost: x\r\n"
	    "Connection: close\r\n\r\n");
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 404 ", 13), 0);
	got = fetched(&a, "POST /metrics HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n");
	ck_assert_int_ne(strncmp(got, "HTTP/1.1 200 ", 13), 0);
	down();
}
END

SUITE("metrics", metrics_page_is_prometheus_text,
    metrics_lay_a_loss_to_the_reason_there_was_when_it_came,
    metrics_are_served_at_their_path_and_nothing_else_is)
