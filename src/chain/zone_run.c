/*
 * fork, exec and wait, with a text in and what went wrong out.
 */
#include "chain/zone_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"

#define NOT_FOUND	127	/* as the shell says it */

static const char *const places[] = {
	"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/"
};

/* In the child; never returns. */
static void
run_exec(const char *const argv[], int in, int out)
{
	static char *const env[] = { (char *)(uintptr_t)"LC_ALL=C", NULL };
	char path[64];
	sigset_t none;
	size_t i;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", places[i], argv[0]);
		execve(path, (char *const *)(uintptr_t)argv, env);
	}
	_exit(NOT_FOUND);
}

/* A file in memory, at its beginning. */
static int
run_file(const struct text *input)
{
	int fd = memfd_create("zone", MFD_CLOEXEC);

	if (fd >= 0 && input != NULL && input->len > 0 &&
	    (write(fd, input->s, input->len) != (ssize_t)input->len ||
	    lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What the program said, on one line. */
static void
run_said(int fd, struct text *why)
{
	char buf[400];
	ssize_t n = pread(fd, buf, sizeof(buf), 0), i;

	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
		n--;
	for (i = 0; i < n; i++)
		if ((unsigned char)buf[i] < ' ')
			buf[i] = ' ';
	if (n > 0)
		text_add(why, buf, (size_t)n);
}

int
zone_run(const char *const argv[], const struct text *input,
    struct text *why)
{
	int in = run_file(input), out = run_file(NULL), status = -1, rv = 0;
	pid_t pid = in >= 0 && out >= 0 ? fork() : -1;

	if (pid == 0)
		run_exec(argv, in, out);
	if (pid < 0) {
		text_printf(why, "cannot run %s: %s", argv[0],
		    strerror(errno));
		rv = ERR_SYS;
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
		text_printf(why, "%s is missing", argv[0]);
		rv = ERR_NOTFOUND;
	} else if (pid > 0 && status != 0) {
		text_printf(why, "%s: ", argv[0]);
		run_said(out, why);
		rv = ERR_SYS;
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rv;
}

int
zone_sysctl(const char *name, const char *value)
{
	char path[128];
	size_t len = strlen(value);
	ssize_t n = -1;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0) {
		n = write(fd, value, len);
		err = errno;
		close(fd);
		errno = err;
	}
	return n == (ssize_t)len ? 0 : ERR_SYS;
}
