/*
 * What the checks of a configuration ask this machine. It changes and creates
 * nothing, and keeps nothing open. To find out what another user may do, a
 * child process becomes that user.
 */
#include "main/here.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

static int
may(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
}

/* Runs in the child; never returns. */
static void
may_as(const struct passwd *pw, const char *path, int mode)
{
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		_exit(EPERM);
	_exit(may(path, mode));
}

int
here_may(const char *user, const char *path, int mode)
{
	struct passwd *pw = user != NULL ? getpwnam(user) : NULL;
	int status = 0;
	pid_t pid;

	if (pw == NULL || geteuid() != 0 || pw->pw_uid == 0)
		return may(path, mode);
	if ((pid = fork()) == 0)
		may_as(pw, path, mode);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

char *
here_user(const struct conf *c)
{
	struct passwd *pw;

	if (c->user != NULL && geteuid() == 0)
		return xstrdup(c->user);
	pw = getpwuid(geteuid());
	return pw != NULL ? xstrdup(pw->pw_name) :
	    xasprintf("%u", (unsigned)geteuid());
}

void
here_mend_read(const char *user, const char *path, struct text *out)
{
	char *dir = xdirname(path);

	if (here_may(user, dir, X_OK) != 0)
		text_printf(out, "chmod a+x %s && ", dir);
	text_printf(out, "chown %s %s", user, path);
	free(dir);
}

/* Check the log's file; if it does not exist, its directory, or the one that
 * it would be created in. */
int
here_log(const struct conf *c, struct text *why, struct text *mend)
{
	const char *path = c->log.file;
	char *user = here_user(c), *dir = xdirname(path);
	char *above = xdirname(dir);
	int err;

	if (strcmp(path, "-") == 0) {
		err = 0;
	} else if (here_may(user, dir, F_OK) == ENOENT) {
		/* We create it before we become the user. */
		if ((err = here_may(NULL, above, W_OK | X_OK)) != 0) {
			text_printf(why, "no directory %s, and it cannot be "
			    "created: %s", dir, strerror(err));
			text_printf(mend, "mkdir -p %s && chown %s %s", dir,
			    user, dir);
		}
	} else if ((err = here_may(user, path, R_OK | W_OK)) == ENOENT) {
		if ((err = here_may(user, dir, W_OK | X_OK)) != 0) {
			text_printf(why, "%s cannot create it in %s: %s", user,
			    dir, strerror(err));
			text_printf(mend, "chown %s %s", user, dir);
		}
	} else if (err != 0) {
		text_printf(why, "%s cannot write to it: %s", user,
		    strerror(err));
		text_printf(mend, "chown %s %s", user, path);
	}
	free(above);
	free(dir);
	free(user);
	return err == 0 ? 0 : ERR_DENIED;
}

void
here_problem(const struct conf *c, struct conf_pos at, struct text *errors,
    const char *key, const char *what, const char *mend)
{
	text_printf(errors, "%s:%u:%u: \"%s\": %s%s%s\n", c->path, at.line,
	    at.column, key, what, mend[0] != '\0' ? "; " : "", mend);
}
