/*
 * The check of an ICAP service, against a server of a few lines; and the
 * service's configuration on its way to where the check runs.
 */
#include "test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/icapcheck.h"
#include "util/mem.h"
#include "util/text.h"

#define OPTIONS	"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nISTag: \"x\"\r\n"	\
		"Preview: 1024\r\nAllow: 204\r\nService: s\r\n"			\
		"Encapsulated: null-body=0\r\n\r\n"
#define CLEAN	"ICAP/1.0 204 No\r\nISTag: \"x\"\r\n\r\n"
#define FOUND	"ICAP/1.0 200 OK\r\nISTag: \"x\"\r\n"			\
		"X-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\n"	\
		"Encapsulated: res-hdr=0, res-body=26\r\n\r\n"		\
		"HTTP/1.1 403 Forbidden\r\n\r\n3\r\nno!\r\n0\r\n\r\n"

static int
server_listen(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&sin, &len);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* Answers each request by the next text; NULL closes, and goes on with the
 * one behind it on the next connection. "" says nothing. */
static pid_t
server(const char *const *answers, size_t n, uint16_t *port)
{
	int fd = server_listen(port), c = -1;
	char buf[65536];
	size_t i;
	pid_t pid;

	if ((pid = fork()) != 0) {
		close(fd);
		return pid;
	}
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < n; i++) {
		if (c < 0)
			c = accept(fd, NULL, NULL);
		if (answers[i] == NULL) {
			close(c);
			c = -1;
		} else if (recv(c, buf, sizeof(buf), 0) > 0) {
			(void)!write(c, answers[i], strlen(answers[i]));
		}
	}
	pause();
	_exit(0);
}

static json_t *
check(const char *const *answers, size_t n, const char *more)
{
	struct text yaml = { 0 }, errors = { 0 };
	struct conf *c, *back;
	uint16_t port;
	pid_t pid = server(answers, n, &port);
	json_t *packed, *o;

	text_printf(&yaml, "listen: [{name: p, mode: explicit, "
	    "address: \"127.0.0.1:1\"}]\nicap:\n- {name: av, timeout: "
	    "{first-byte: 200ms, idle: 200ms}, respmod: "
	    "\"icap://127.0.0.1:%u/av\"%s}\n", port, more);
	ck_assert_msg(conf_parse_in(&conf_world_none, "c", yaml.s, yaml.len,
	    &c, &errors) == 0, "%s", errors.s);
	packed = icapcheck_pack(&c->icaps[0]);
	back = icapcheck_unpack(packed);
	ck_assert_ptr_nonnull(back);
	o = icapcheck_run(&back->icaps[0]);
	json_decref(packed);
	conf_unref(c);
	conf_unref(back);
	text_free(&yaml);
	kill(pid, SIGKILL);
	return o;
}

static const char *
result(json_t *o, size_t i)
{
	return json_string_value(json_object_get(json_array_get(
	    json_object_get(o, "checks"), i), "result"));
}

static int
good(json_t *o)
{
	return json_is_true(json_object_get(o, "good"));
}

TEST(a_scanner_stops_the_one_and_passes_the_other)
{
	static const char *const answers[] = { OPTIONS, CLEAN, FOUND };
	json_t *o = check(answers, NELEM(answers), ", auth: \"me:secret\"");
	char *s = json_dumps(o, 0);

	ck_assert(good(o));
	ck_assert_str_eq(json_string_value(json_object_get(o, "eicar")),
	    "stopped");
	ck_assert_str_eq(result(o, 0), "RESPMOD 204 preview 1024 (s)");
	ck_assert_str_eq(result(o, 1), "passes");
	ck_assert_str_eq(result(o, 2), "is stopped: HTTP 403, Eicar");
	ck_assert_ptr_nonnull(strstr(s, "> Preview: 1024"));
	ck_assert_ptr_nonnull(strstr(s, "< HTTP/1.1 403 Forbidden"));
	ck_assert_ptr_nonnull(strstr(s, "> Authorization: (not shown)"));
	ck_assert_ptr_null(strstr(s, "EICAR-STANDARD"));
	free(s);
	json_decref(o);
}
END

TEST(a_kept_connection_that_died_is_opened_again)
{
	static const char *const answers[] = { OPTIONS, NULL, CLEAN, NULL,
	    "ICAP/1.0 100 Continue\r\n\r\n" CLEAN };
	json_t *o = check(answers, NELEM(answers), "");

	ck_assert(good(o));
	ck_assert_str_eq(result(o, 1), "passes");
	ck_assert_str_eq(result(o, 2), "passes");
	ck_assert_str_ne(json_string_value(json_object_get(o, "eicar")),
	    "stopped");
	json_decref(o);
}
END

TEST(what_is_no_icap_is_told)
{
	static const char *const http[] = {
	    "HTTP/1.1 400 Bad Request\r\n\r\n" };
	static const char *const quiet[] = { "" };
	static const char *const half[] = { OPTIONS, "ICAP/1.0 200 OK\r\n"
	    "ISTag: x\r\nEncapsulated: res-hdr=0, res-body=26\r\n\r\n"
	    "HTTP/1.1 403 Forbidden\r\n\r\n3\r\nno", NULL };
	json_t *o;

	o = check(http, NELEM(http), "");
	ck_assert(!good(o));
	ck_assert_int_eq(strncmp(result(o, 0), "ICAP head: ", 11), 0);
	json_decref(o);
	o = check(quiet, NELEM(quiet), "");
	ck_assert(!good(o));
	ck_assert_str_eq(result(o, 0), "reading the answer: timed out");
	json_decref(o);
	o = check(half, NELEM(half), "");
	ck_assert(!good(o));
	ck_assert_int_eq(strncmp(result(o, 1), "failed: ", 8), 0);
	json_decref(o);
}
END

TEST(without_options_the_messages_are_sent_all_the_same)
{
	static const char *const answers[] = {
	    "ICAP/1.0 404 Not Found\r\n\r\n", CLEAN, FOUND };
	json_t *o = check(answers, NELEM(answers), ", options: off");

	ck_assert(good(o));
	ck_assert_str_eq(result(o, 2), "is stopped: HTTP 403, Eicar");
	json_decref(o);
}
END

TEST(a_service_is_packed_and_unpacked)
{
	static const char yaml[] = "listen: [{name: p, mode: explicit, "
	    "address: \"127.0.0.1:1\"}]\nicap:\n"
	    "- {name: av, reqmod: [\"icap://h/x?a=b&c\", {url: "
	    "\"icaps://[::1]:9/\", weight: 2}], preview: 5, auth: "
	    "\"u:p\\\"\\\\\\u00e9\", headers: [\"A: b\", \"C: d\"], trust: /t, "
	    "echo-headers: [X], options: off, timeout: {connect: 300ms}}\n";
	struct text errors = { 0 };
	struct conf *c, *back;
	json_t *o;

	ck_assert_int_eq(conf_parse_in(&conf_world_none, "c", yaml,
	    sizeof(yaml) - 1, &c, &errors), 0);
	o = icapcheck_pack(&c->icaps[0]);
	back = icapcheck_unpack(o);
	ck_assert_ptr_nonnull(back);
	ck_assert_str_eq(back->icaps[0].name, "av");
	ck_assert_uint_eq(back->icaps[0].nreqmod, 2);
	ck_assert_str_eq(back->icaps[0].reqmod[0].url, "icap://h/x?a=b&c");
	ck_assert_uint_eq(back->icaps[0].reqmod[1].weight, 2);
	ck_assert_int_eq(back->icaps[0].preview, 5);
	ck_assert_str_eq(back->icaps[0].auth, "u:p\"\\\xc3\xa9");
	ck_assert_str_eq(back->icaps[0].headers.v[1], "C: d");
	ck_assert_str_eq(back->icaps[0].trust, "/t");
	ck_assert_int_eq(back->icaps[0].options, 0);
	ck_assert_uint_eq(back->icaps[0].connect_timeout, 300);
	json_decref(o);
	conf_unref(c);
	conf_unref(back);
	o = json_pack("{s:s}", "error", "x");
	ck_assert_ptr_null(icapcheck_unpack(o));
	json_decref(o);
}
END

SUITE("icapcheck", a_scanner_stops_the_one_and_passes_the_other,
    a_kept_connection_that_died_is_opened_again, what_is_no_icap_is_told,
    without_options_the_messages_are_sent_all_the_same,
    a_service_is_packed_and_unpacked)
