/*
 * `clearspan ctl` sends a line to the daemon's control socket, and shows the
 * JSON answer as it is or formatted for a person.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/icapcheck.h"
#include "main/cmd.h"
#include "main/show.h"
#include "util/mem.h"
#include "util/text.h"

#define WAIT		15	/* s for an answer */
#define ANSWER_MAX	(64 << 20) /* bytes; ten thousand sessions are 4 MB */

/* The daemon's socket, or the one of this user's quickstart. */
static char *
ctl_default(void)
{
	char *dir, *mine;

	if (access(CTL_SOCKET, F_OK) == 0)
		return xstrdup(CTL_SOCKET);
	dir = cmd_default_dir();
	mine = xasprintf("%s/control.sock", dir);
	free(dir);
	if (access(mine, F_OK) == 0)
		return mine;
	free(mine);
	return xstrdup(CTL_SOCKET);
}

static int
ctl_connect(const char *path)
{
	const struct timeval wait = { WAIT, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		fprintf(stderr, "clearspan: ctl: %s: path too long\n", path);
		return -1;
	}
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun,
	    sizeof(sun)) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		return fd;
	}
	fprintf(stderr, "clearspan: ctl: %s: %s%s\n", path, strerror(errno),
	    errno == ENOENT || errno == ECONNREFUSED ?
	    " (is the daemon running, with control: socket: set? "
	    "-s names another socket)" : "");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Send a line and read one. Returns the answer (json_decref), or NULL after
 * reporting the failure. */
static json_t *
ctl_ask(int fd, const struct text *request)
{
	struct text in = { 0 };
	json_error_t err;
	json_t *answer = NULL;
	char buf[16384];
	ssize_t n = 0;

	if (send(fd, request->s, request->len, MSG_NOSIGNAL) ==
	    (ssize_t)request->len)
		while (in.len < ANSWER_MAX &&
		    (n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			text_add(&in, buf, (size_t)n);
			if (in.s[in.len - 1] == '\n')
				break;
		}
	if (in.len > 0 && in.s[in.len - 1] == '\n')
		answer = json_loadb(in.s, in.len, 0, &err);
	if (answer == NULL)
		fprintf(stderr, "clearspan: ctl: no answer from the daemon\n");
	text_free(&in);
	return answer;
}

static int
ctl_tell(const json_t *answer, int raw)
{
	const char *error;

	error = json_string_value(json_object_get(answer, "error"));
	if (raw) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (error != NULL) {
		fprintf(stderr, "clearspan: ctl: %s\n", error);
	} else {
		show_json(stdout, answer);
	}
	return error != NULL ? EXIT_FAILED : EXIT_DONE;
}

static int
ctl_request(struct text *t, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strpbrk(argv[i], "\r\n") != NULL)
			return -1;
		text_printf(t, "%s%s", i > 0 ? " " : "", argv[i]);
	}
	text_puts(t, "\n");
	return 0;
}

/*
 * `icap check SERVICE`: the daemon has answered with the service's
 * configuration. The check runs in this process, so that no thread of the
 * daemon waits for a scanner.
 */
static int
ctl_check(json_t **answer, int raw)
{
	json_t *config = *answer;
	struct conf *c;
	int good;

	if (json_object_get(config, "error") != NULL)
		return ctl_tell(config, raw);
	if ((c = icapcheck_unpack(config)) != NULL) {
		signal(SIGPIPE, SIG_IGN);
		*answer = icapcheck_run(&c->icaps[0]);
		conf_unref(c);
	} else
		*answer = json_pack("{s:s}", "error",
		    "the daemon is of another version");
	json_decref(config);
	good = json_is_true(json_object_get(*answer, "good"));
	return ctl_tell(*answer, raw) == EXIT_DONE && good ? EXIT_DONE :
	    EXIT_FAILED;
}

static int
ctl_run(const char *path, int raw, int check, const struct text *request)
{
	json_t *answer = NULL;
	int fd, status = EXIT_FAILED;

	if ((fd = ctl_connect(path)) < 0)
		return EXIT_FAILED;
	if ((answer = ctl_ask(fd, request)) != NULL)
		status = check ? ctl_check(&answer, raw) :
		    ctl_tell(answer, raw);
	json_decref(answer);
	close(fd);
	return status;
}

int
cmd_ctl(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	struct text request = { 0 };
	char *path = NULL;
	int ch, raw = 0, check, status;

	opterr = 0;
	while ((ch = getopt_long(argc, argv, "s:j", longs, NULL)) != -1) {
		if (ch == '?')
			return cmd_usage(argv[0], "unknown option");
		if (ch == 'j')
			raw = 1;
		else
			path = optarg;
	}
	if (optind == argc)
		return cmd_usage(argv[0], "the verb is missing; help lists "
		    "them");
	check = argc - optind == 3 && strcmp(argv[optind], "icap") == 0 &&
	    strcmp(argv[optind + 1], "check") == 0;
	if (check)
		argv[optind + 1] = (char *)"config";
	if (ctl_request(&request, argc - optind, argv + optind) != 0)
		return cmd_usage(argv[0], "a verb is one line");
	path = path != NULL ? xstrdup(path) : ctl_default();
	status = ctl_run(path, raw, check, &request);
	free(path);
	text_free(&request);
	return status;
}
