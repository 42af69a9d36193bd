/*
 * The control socket, as a peer meets it.
 */
#include "test.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/control.h"
#include "admin/verbs.h"
#include "admin_env.h"

static struct admin_env	 env;
static struct control	*ctl;
static char		 path[64];

static void
up(void)
{
	struct text why = { 0 };

	snprintf(path, sizeof(path), "/tmp/control.%d", (int)getpid());
	signal(SIGPIPE, SIG_IGN);	/* as main does */
	env_fill(&env);
	ck_assert_int_eq(control_new(&env, path, &ctl, &why), 0);
}

static void
down(void)
{
	control_free(ctl);
	env_done(&env);
	ck_assert_int_ne(access(path, F_OK), 0);
}

static int
client(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Turns of the loop until a whole line has come, or the peer closed. */
static json_t *
answer(int fd)
{
	static char buf[1 << 16];
	size_t len = 0;
	ssize_t n;
	int turns;

	for (turns = 0; turns < 1000; turns++) {
		event_base_loop(env.base, EVLOOP_NONBLOCK);
		if ((n = recv(fd, buf + len, 1, 0)) == 0)
			return NULL;
		if (n > 0 && buf[len++] == '\n')
			return json_loadb(buf, len, 0, NULL);
		while (n > 0 && (n = recv(fd, buf + len, 1, 0)) > 0)
			if (buf[len++] == '\n')
				return json_loadb(buf, len, 0, NULL);
	}
	return NULL;
}

static json_t *
asked(int fd, const char *line)
{
	ck_assert_int_eq(send(fd, line, strlen(line), 0),
	    (ssize_t)strlen(line));
	return answer(fd);
}

static void
ck_error(int fd, const char *line, const char *want)
{
	json_t *o = asked(fd, line);

	ck_assert_ptr_nonnull(json_string_value(json_object_get(o, "error")));
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(o,
	    "error")), want));
	json_decref(o);
}

TEST(control_tells_its_status_to_the_owner_alone)
{
	struct stat st;
	json_t *o;
	int fd;

	up();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	fd = client();
	o = asked(fd, "status\n");
	ck_assert_str_eq(json_string_value(json_object_get(o, "state")),
	    "running");
	ck_assert_int_eq(json_array_size(json_object_get(o, "mirrors")), 1);
	json_decref(o);
	close(fd);
	down();
}
END

TEST(control_answers_many_lines_sent_at_once_in_their_order)
{
	json_t *o;
	int fd;

	up();
	fd = client();
	o = asked(fd, "sessions\ncounters\r\nsession 4\n");
	ck_assert_ptr_nonnull(json_object_get(o, "sessions"));
	json_decref(o);
	o = answer(fd);
	ck_assert_ptr_nonnull(json_object_get(o, "accepted"));
	json_decref(o);
	o = answer(fd);
	ck_assert_ptr_nonnull(json_object_get(o, "error"));
	json_decref(o);
	close(fd);
	down();
}
END

TEST(control_answers_one_who_has_shut_down_writing)
{
	json_t *o;
	int fd;

	up();
	fd = client();
	ck_assert_int_eq(send(fd, "help\n", 5, 0), 5);
	shutdown(fd, SHUT_WR);
	o = answer(fd);
	ck_assert_ptr_nonnull(json_object_get(o, "status"));
	json_decref(o);
	ck_assert_ptr_null(answer(fd));
	close(fd);
	down();
}
END

TEST(control_says_what_is_wrong_with_a_request)
{
	int fd;

	up();
	fd = client();
	ck_error(fd, "\n", "no such verb");
	ck_error(fd, "frobnicate\n", "no such verb");
	ck_error(fd, "status now\n", "too many words");
	ck_error(fd, "kill\n", "takes a session's id");
	ck_error(fd, "kill -1\n", "is a number");
	ck_error(fd, "session 99999999999999999999999\n", "is a number");
	ck_error(fd, "kill 12\n", "no such session");
	ck_error(fd, "reload\n", "\\xff");
	close(fd);
	down();
}
END

TEST(control_hangs_up_on_an_endless_line)
{
	char junk[VERB_LINE * 2];
	int fd;

	up();
	fd = client();
	memset(junk, 'x', sizeof(junk));
	ck_assert_int_gt(send(fd, junk, sizeof(junk), 0), 0);
	ck_assert_ptr_null(answer(fd));
	close(fd);
	down();
}
END

TEST(control_holds_a_reader_that_does_not_read_to_one_answer)
{
	int fd, other, i;
	json_t *o;

	up();
	fd = client();
	for (i = 0; i < 100000; i++) {
		if (send(fd, "counters\n", 9, 0) < 0)
			break;
		event_base_loop(env.base, EVLOOP_NONBLOCK);
	}
	ck_assert_int_lt(i, 100000);
	other = client();
	o = asked(other, "status\n");
	ck_assert_ptr_nonnull(o);
	json_decref(o);
	close(other);
	close(fd);
	event_base_loop(env.base, EVLOOP_NONBLOCK);
	down();
}
END

TEST(control_tells_one_too_many_so)
{
	int fd[40], i;
	json_t *o;

	up();
	for (i = 0; i < 40; i++) {
		fd[i] = client();
		event_base_loop(env.base, EVLOOP_NONBLOCK);
	}
	o = answer(fd[39]);
	ck_assert_str_eq(json_string_value(json_object_get(o, "error")),
	    "too many clients");
	json_decref(o);
	for (i = 0; i < 40; i++)
		close(fd[i]);
	down();
}
END

TEST(control_replaces_a_dead_socket_but_no_live_one_and_no_file)
{
	struct text why = { 0 };
	struct control *second;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	up();
	ck_assert_int_eq(control_new(&env, path, &second, &why), ERR_DENIED);
	down();
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	up();
	down();
	fclose(fopen(path, "w"));
	ck_assert_int_eq(control_new(&env, path, &second, &why), ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(why.s, "not a socket"));
	text_free(&why);
	unlink(path);
}
END

TEST(icap_tells_services_servers_and_a_configuration)
{
	json_t *o, *line;
	int fd;

	up();
	fd = client();
	o = asked(fd, "icap\n");
	line = json_array_get(json_object_get(o, "servers"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(line, "server")),
	    "icap://127.0.0.1:9/av");
	ck_assert_str_eq(json_string_value(json_object_get(line, "state")),
	    "new");
	line = json_array_get(json_object_get(o, "services"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(line, "fail")),
	    "closed");
	json_decref(o);
	o = asked(fd, "icap config av\n");
	ck_assert_str_eq(json_string_value(json_object_get(o, "name")), "av");
	json_decref(o);
	o = asked(fd, "icap config nobody\n");
	ck_assert_ptr_nonnull(json_object_get(o, "error"));
	json_decref(o);
	o = asked(fd, "icap check av\n");
	ck_assert_ptr_nonnull(json_object_get(o, "error"));
	json_decref(o);
	o = asked(fd, "icap config av now\n");
	ck_assert_ptr_nonnull(json_object_get(o, "error"));
	json_decref(o);
	close(fd);
	down();
}
END

SUITE("control", icap_tells_services_servers_and_a_configuration,
    control_tells_its_status_to_the_owner_alone,
    control_answers_many_lines_sent_at_once_in_their_order,
    control_answers_one_who_has_shut_down_writing,
    control_says_what_is_wrong_with_a_request,
    control_hangs_up_on_an_endless_line,
    control_holds_a_reader_that_does_not_read_to_one_answer,
    control_tells_one_too_many_so,
    control_replaces_a_dead_socket_but_no_live_one_and_no_file)
