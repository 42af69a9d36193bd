/*
 * fork, exec and wait, with texts in files in memory, so that no pipe can fill.
 */
#include "util/run.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

#define NOT_FOUND	127	/* as the shell says it */

/* The caller frees. */
static char *
run_path(void)
{
	const char *path = getenv("PATH");

	return xasprintf("%s:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
	    path != NULL ? path : "");
}

int
run_finds(const char *name)
{
	char *path = run_path(), *save = NULL, *dir, *file;
	int found = 0;

	for (dir = strtok_r(path, ":", &save); dir != NULL && !found;
	    dir = strtok_r(NULL, ":", &save)) {
		file = xasprintf("%s/%s", dir, name);
		found = access(file, X_OK) == 0;
		free(file);
	}
	free(path);
	return found;
}

/* In the child; never returns. */
static void
run_exec(const char *const argv[], int in, int out, int err)
{
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("LC_ALL", "C", 1);
	setenv("PATH", run_path(), 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? NOT_FOUND : NOT_FOUND - 1);
}

static int
run_file(const struct text *t)
{
	int fd = memfd_create("run", MFD_CLOEXEC);

	if (fd >= 0 && t != NULL && t->len > 0 &&
	    (write(fd, t->s, t->len) != (ssize_t)t->len ||
	    lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
run_take(int fd, struct text *t)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), at)) > 0) {
		text_add(t, buf, (size_t)n);
		at += n;
	}
}

static int
run_judge(int status, const char *name, struct text *err)
{
	if (status == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
		text_printf(err, "%s is missing", name);
		return ERR_NOTFOUND;
	}
	if (err->len == 0)
		text_printf(err, "%s failed", name);
	return ERR_SYS;
}

int
run_program(const char *const argv[], const struct text *input,
    struct text *out, struct text *err)
{
	int fd[3] = { run_file(input), run_file(NULL), run_file(NULL) };
	int rv = ERR_SYS, status = -1, i;
	pid_t pid = fd[0] >= 0 && fd[1] >= 0 && fd[2] >= 0 ? fork() : -1;

	if (pid == 0)
		run_exec(argv, fd[0], fd[1], fd[2]);
	if (pid < 0)
		text_printf(err, "cannot run %s: %s", argv[0],
		    strerror(errno));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0) {
		run_take(fd[1], out);
		run_take(fd[2], err);
		rv = run_judge(status, argv[0], err);
	}
	for (i = 0; i < 3; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return rv;
}
