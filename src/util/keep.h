/*
 * Files that are kept over a restart. They are made as root, and belong to the
 * user that the daemon becomes, who goes on writing to them. A user of NULL or
 * that does not exist, and whoever is not root, gives nothing to anybody.
 */
#ifndef UTIL_KEEP_H
#define UTIL_KEEP_H

#include <stddef.h>
#include <sys/types.h>

#include "util/text.h"

/* Make the last directory of a file's path if it is missing. If that fails,
 * opening the file says why. */
void	keep_dir(const char *file, mode_t, const char *user);
/* The same of a directory's own path. */
void	keep_dir_itself(const char *dir, mode_t, const char *user);

/* Returns 0, or ERR_SYS with errno; so do those below. */
int	keep_give(int fd, const char *user);
int	keep_give_path(const char *path, const char *user);

/* Write all of it. */
int	keep_write(int fd, const void *, size_t len);
/*
 * Write whole lines. *torn says whether the file ends in a part of a line, as
 * of one for which the disk had no place: these begin behind it then, and are
 * not lost with it.
 */
int	keep_lines(int fd, int *torn, const void *, size_t len);
/*
 * A new file, with that in it and on the disk, takes the place of another; or
 * the other one stays as it is. Returns its descriptor, for appending; the
 * caller closes it. Or -1, with errno; EACCES where we may not make files.
 */
int	keep_renew(const char *path, const struct text *);

#endif
