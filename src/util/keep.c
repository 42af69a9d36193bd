#include "util/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

static const struct passwd *
heir(const char *user)
{
	return user != NULL && geteuid() == 0 ? getpwnam(user) : NULL;
}

void
keep_dir_itself(const char *dir, mode_t mode, const char *user)
{
	if (mkdir(dir, mode) == 0 && keep_give_path(dir, user) != 0)
		log_warn("cannot give %s to the user %s: %m", dir, user);
}

void
keep_dir(const char *file, mode_t mode, const char *user)
{
	char *dir = xdirname(file);

	keep_dir_itself(dir, mode, user);
	free(dir);
}

int
keep_give(int fd, const char *user)
{
	const struct passwd *pw = heir(user);

	return pw == NULL || fchown(fd, pw->pw_uid, pw->pw_gid) == 0 ? 0 :
	    ERR_SYS;
}

int
keep_give_path(const char *path, const char *user)
{
	const struct passwd *pw = heir(user);

	return pw == NULL || lchown(path, pw->pw_uid, pw->pw_gid) == 0 ? 0 :
	    ERR_SYS;
}

/* The bytes that were written: fewer, with errno, if it fails. */
static size_t
write_all(int fd, const char *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		if ((n = write(fd, data + done, len - done)) >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	return done;
}

int
keep_write(int fd, const void *data, size_t len)
{
	return write_all(fd, data, len) == len ? 0 : ERR_SYS;
}

int
keep_lines(int fd, int *torn, const void *lines, size_t len)
{
	size_t done;

	if (*torn && keep_write(fd, "\n", 1) != 0)
		return ERR_SYS;
	done = write_all(fd, lines, len);
	*torn = done > 0 && done < len;
	return done == len ? 0 : ERR_SYS;
}

int
keep_renew(const char *path, const struct text *t)
{
	char *aside = xasprintf("%s.new", path);
	int fd = open(aside, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600), error;

	if (fd >= 0 && (keep_write(fd, t->s, t->len) != 0 ||
	    fdatasync(fd) != 0 || rename(aside, path) != 0)) {
		error = errno;
		unlink(aside);
		close(fd);
		errno = error;
		fd = -1;
	}
	error = errno;
	free(aside);
	errno = error;
	return fd;
}
