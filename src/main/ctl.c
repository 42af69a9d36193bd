/*
 * `clearspan ctl` sends a line to the daemon's control socket, and shows the
 * JSON answer as it is or formatted for a person: members as lines of name and
 * value, objects in them with dotted names, arrays of objects as tables. Its
 * texts may come from a peer, so nothing is printed that a terminal would take
 * as a command.
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
#include "admin/verbs.h"
#include "main/cmd.h"
#include "util/mem.h"
#include "util/text.h"

#define WAIT		15	/* s for an answer */
#define ANSWER_MAX	(64 << 20) /* bytes; ten thousand sessions are 4 MB */
#define COLUMNS		24	/* of a table, at most */

static char	*value_text(const json_t *);
static void	 show_members(FILE *, const json_t *, const char *prefix);

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
	int late;

	errno = 0;
	if (send(fd, request->s, request->len, MSG_NOSIGNAL) ==
	    (ssize_t)request->len)
		while (in.len < ANSWER_MAX &&
		    (n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			text_add(&in, buf, (size_t)n);
			if (in.s[in.len - 1] == '\n')
				break;
		}
	late = errno == EAGAIN || errno == EWOULDBLOCK;
	if (in.len > 0 && in.s[in.len - 1] == '\n')
		answer = json_loadb(in.s, in.len, 0, &err);
	if (answer == NULL && n == -1 && late)
		fprintf(stderr, "clearspan: ctl: no answer within %d s; what "
		    "was asked for may still be done\n", WAIT);
	else if (answer == NULL)
		fprintf(stderr, "clearspan: ctl: no answer from the daemon%s\n",
		    request->len > VERB_LINE ? ": the request is too long" :
		    "");
	text_free(&in);
	return answer;
}

/* "a,b"; what is in it may be of any kind. */
static char *
array_text(const json_t *v)
{
	struct text t = { 0 };
	size_t i;
	char *s;

	for (i = 0; i < json_array_size(v); i++) {
		s = value_text(json_array_get(v, i));
		text_printf(&t, "%s%s", i > 0 ? "," : "", s);
		free(s);
	}
	return text_take(&t);
}

/* A value as text; the caller frees. Controls, C1 too, become '?'. */
static char *
value_text(const json_t *v)
{
	unsigned char *p;
	char *s;

	if (json_is_string(v))
		s = xstrdup(json_string_value(v));
	else if (json_is_true(v) || json_is_false(v))
		s = xstrdup(json_is_true(v) ? "yes" : "no");
	else if (json_is_integer(v))
		s = xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		s = xasprintf("%.3f", json_real_value(v));
	else if (json_is_array(v))
		s = array_text(v);
	else if ((s = json_dumps(v, JSON_COMPACT)) == NULL)
		s = xstrdup("-");
	if (s[0] == '\0') {
		free(s);
		s = xstrdup("-");
	}
	for (p = (unsigned char *)s; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f ||
		    (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			*p = '?';
	return s;
}

static void
show_row(FILE *out, const char *const *cells, const size_t *width, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(out, i + 1 < n ? "%-*s  " : "%*s", i + 1 < n ?
		    (int)width[i] : 0, cells[i]);
	fputc('\n', out);
}

/* Each on a line. */
static void
show_list(FILE *out, const json_t *values)
{
	size_t i;
	char *s;

	for (i = 0; i < json_array_size(values); i++) {
		s = value_text(json_array_get(values, i));
		fprintf(out, "%s\n", s);
		free(s);
	}
}

/* The names of all members that are in no row objects. Returns how many. */
static size_t
columns(const json_t *rows, const char *names[COLUMNS])
{
	char nested[COLUMNS] = { 0 };
	size_t n = 0, r, i, kept = 0;
	const char *key;
	json_t *v;

	for (r = 0; r < json_array_size(rows); r++)
		json_object_foreach(json_array_get(rows, r), key, v) {
			for (i = 0; i < n && strcmp(names[i], key) != 0; i++)
				;
			if (i == COLUMNS)
				continue;
			names[i] = key;
			n += i == n;
			nested[i] |= json_is_object(v);
		}
	for (i = 0; i < n; i++)
		if (!nested[i])
			names[kept++] = names[i];
	return kept;
}

/* Those that are, below their row. */
static void
show_nested(FILE *out, json_t *row)
{
	const char *key, *member;
	json_t *v, *w;
	char *name, *s;

	json_object_foreach(row, key, v)
		json_object_foreach(v, member, w) {
			name = xasprintf("    %s.%s", key, member);
			s = value_text(w);
			fprintf(out, "%-32s %s\n", name, s);
			free(name);
			free(s);
		}
}

/* Show objects as a table. */
static void
show_table(FILE *out, const json_t *rows)
{
	const char *names[COLUMNS];
	size_t width[COLUMNS], n, r, i, nrows;
	char **cells;

	if (!json_is_object(json_array_get(rows, 0))) {
		show_list(out, rows);
		return;
	}
	n = columns(rows, names);
	for (i = 0; i < n; i++)
		width[i] = strlen(names[i]);
	nrows = json_array_size(rows);
	cells = xcalloc(nrows * n, sizeof(*cells));
	for (r = 0; r < nrows; r++)
		for (i = 0; i < n; i++) {
			cells[r * n + i] = value_text(json_object_get(
			    json_array_get(rows, r), names[i]));
			if (strlen(cells[r * n + i]) > width[i])
				width[i] = strlen(cells[r * n + i]);
		}
	show_row(out, names, width, n);
	for (r = 0; r < nrows; r++) {
		show_row(out, (const char *const *)cells + r * n, width, n);
		show_nested(out, json_array_get(rows, r));
	}
	for (i = 0; i < nrows * n; i++)
		free(cells[i]);
	free(cells);
}

static void
show_member(FILE *out, const char *name, const json_t *v)
{
	char *s;

	if (json_is_object(v)) {
		show_members(out, v, name);
	} else if (json_is_array(v)) {
		if (json_array_size(v) == 0)
			return;
		fprintf(out, "\n%s:\n", name);
		show_table(out, v);
	} else {
		s = value_text(v);
		fprintf(out, "%-32s %s\n", name, s);
		free(s);
	}
}

static void
show_members(FILE *out, const json_t *o, const char *prefix)
{
	const char *key;
	json_t *v;
	char *name;

	json_object_foreach((json_t *)o, key, v) {
		name = xasprintf("%s%s%s", prefix, prefix[0] != '\0' ? "." :
		    "", key);
		show_member(out, name, v);
		free(name);
	}
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
		show_members(stdout, answer, "");
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
