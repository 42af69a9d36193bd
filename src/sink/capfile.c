/*
 * Capture files and their rotation.
 *
 * A fixed name without rotation is overwritten at each start, as by tcpdump -w,
 * and may be a FIFO. In every other case an existing file is left alone, and
 * the new name gets "-1", "-2" before its suffix.
 */
#include "sink/capfile.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec/pcapfile.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/timeglob.h"

#define CAPFILE_SAME	9999	/* files of one name, told by a number */
#define CAPFILE_DIGITS	4	/* of that number */

struct capfile {
	char		*mirror, *pattern;
	int		 ng;
	uint64_t	 rotate_size, rotate_ms;
	unsigned	 keep;
	int		 fd;
	char		*name;
	uint64_t		 opened;	/* monotonic ms */
	uint64_t	 size;		/* up to the last whole packet */
	uint8_t		 head[PCAPFILE_HEAD_MAX];
	size_t		 head_len;
};

static char *
capfile_expand(const char *pattern)
{
	char out[4096];
	struct tm tm;
	time_t t = time(NULL);

	localtime_r(&t, &tm);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (strftime(out, sizeof(out), pattern, &tm) == 0)
		return xstrdup(pattern);
#pragma GCC diagnostic pop
	return xstrdup(out);
}

int
capfile_look(const struct capfile *cf, struct text *why)
{
	char *name = capfile_expand(cf->pattern), *copy = xstrdup(name);
	const char *dir = dirname(copy);
	struct stat st;
	int rv = 0;

	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		text_printf(why, "%s: the directory %s does not exist; create "
		    "it for the user we run as", cf->pattern, dir);
		rv = ERR_USAGE;
	} else if (access(dir, W_OK | X_OK) != 0 && access(name, W_OK) != 0) {
		text_printf(why, "%s: cannot write in %s: %s", cf->pattern,
		    dir, strerror(errno));
		rv = ERR_DENIED;
	}
	free(copy);
	free(name);
	return rv;
}

int
capfile_new(const struct conf_mirror *c, struct capfile **out,
    struct text *why)
{
	struct capfile *cf = xcalloc(1, sizeof(*cf));
	int rv;

	cf->mirror = xstrdup(c->name);
	cf->pattern = xstrdup(c->path);
	cf->ng = c->pcapng;
	cf->rotate_size = c->rotate_size;
	cf->rotate_ms = c->rotate_ms;
	cf->keep = c->rotate_keep;
	cf->fd = -1;
	cf->head_len = pcapfile_head(cf->head, c->pcapng, c->name,
	    "Clearspan " VERSION);
	if ((rv = capfile_look(cf, why)) != 0) {
		capfile_free(cf);
		return rv;
	}
	*out = cf;
	return 0;
}

static void
capfile_close(struct capfile *cf)
{
	if (cf->fd >= 0 && close(cf->fd) != 0)
		log_warn("mirror %s: %s: %s", cf->mirror, cf->name,
		    strerror(errno));
	cf->fd = -1;
}

void
capfile_free(struct capfile *cf)
{
	if (cf == NULL)
		return;
	capfile_close(cf);
	free(cf->mirror);
	free(cf->pattern);
	free(cf->name);
	free(cf);
}

const char *
capfile_name(const struct capfile *cf)
{
	return cf->name != NULL ? cf->name : cf->pattern;
}

/* The suffix of a path, or its end if it has none. */
static const char *
suffix_of(const char *path)
{
	const char *base = strrchr(path, '/'), *dot;

	dot = strrchr(base != NULL ? base : path, '.');
	return dot != NULL ? dot : path + strlen(path);
}

/* Add to g the names of our pattern with a number of this many digits. */
static void
capfile_glob(const struct capfile *cf, unsigned digits, glob_t *g)
{
	const char *suffix = suffix_of(cf->pattern);
	char *stem = xstrndup(cf->pattern, (size_t)(suffix - cf->pattern));
	int rv, more = digits > 0 ? GLOB_APPEND : 0;
	struct text t = { 0 };
	char bad;

	rv = timeglob(&t, stem, &bad);
	if (digits > 0)
		text_puts(&t, "-[1-9]");
	for (; digits > 1; digits--)
		text_puts(&t, "[0-9]");
	if (rv == 0 && timeglob(&t, suffix, &bad) == 0)
		glob(t.s, more | GLOB_NOSORT, NULL, g);
	text_free(&t);
	free(stem);
}

struct aged {
	const char	*name;
	struct timespec	 at;
};

static int
older(const void *va, const void *vb)
{
	const struct aged *a = va, *b = vb;

	if (a->at.tv_sec != b->at.tv_sec)
		return a->at.tv_sec < b->at.tv_sec ? -1 : 1;
	if (a->at.tv_nsec != b->at.tv_nsec)
		return a->at.tv_nsec < b->at.tv_nsec ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Remove the oldest files of our pattern until keep are left. */
static void
capfile_prune(struct capfile *cf)
{
	glob_t g = { 0 };
	struct aged *all;
	struct stat st;
	size_t n = 0, i;

	for (i = 0; i <= CAPFILE_DIGITS; i++)
		capfile_glob(cf, (unsigned)i, &g);
	all = xcalloc(g.gl_pathc + 1, sizeof(*all));
	for (i = 0; i < g.gl_pathc; i++) {
		if (lstat(g.gl_pathv[i], &st) != 0 || !S_ISREG(st.st_mode) ||
		    strcmp(g.gl_pathv[i], cf->name) == 0)
			continue;
		all[n].name = g.gl_pathv[i];
		all[n++].at = st.st_mtim;
	}
	qsort(all, n, sizeof(*all), older);
	for (i = 0; n - i >= cf->keep && i < n; i++)
		if (unlink(all[i].name) != 0)
			log_warn("mirror %s: cannot remove %s: %s", cf->mirror,
			    all[i].name, strerror(errno));
	free(all);
	globfree(&g);
}

static int
capfile_create(struct capfile *cf, char *base)
{
	const char *suffix = suffix_of(base);
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	int i, fd;

	free(cf->name);
	cf->name = xstrdup(base);
	if (cf->rotate_size == 0 && cf->rotate_ms == 0 &&
	    strchr(cf->pattern, '%') == NULL)
		return open(cf->name, flags | O_TRUNC, 0600);
	fd = open(cf->name, flags | O_EXCL, 0600);
	for (i = 1; fd < 0 && errno == EEXIST && i <= CAPFILE_SAME; i++) {
		free(cf->name);
		cf->name = xasprintf("%.*s-%d%s", (int)(suffix - base), base,
		    i, suffix);
		fd = open(cf->name, flags | O_EXCL, 0600);
	}
	return fd;
}

static int
write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, p, len)) < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYS;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Write all the bytes, or leave the file as it was. */
static int
capfile_append(struct capfile *cf, const uint8_t *p, size_t len)
{
	int err;

	if (write_all(cf->fd, p, len) == 0) {
		cf->size += len;
		return 0;
	}
	err = errno;
	/* A FIFO or a device cannot be truncated: start again. */
	if (ftruncate(cf->fd, (off_t)cf->size) != 0 ||
	    lseek(cf->fd, (off_t)cf->size, SEEK_SET) < 0)
		capfile_close(cf);
	errno = err;
	return ERR_SYS;
}

static int
capfile_open(struct capfile *cf)
{
	char *base = capfile_expand(cf->pattern);
	int err;

	cf->size = 0;
	cf->fd = capfile_create(cf, base);
	free(base);
	if (cf->fd < 0)
		return ERR_SYS;
	cf->opened = clock_ms();
	if (cf->keep > 0)
		capfile_prune(cf);
	if (capfile_append(cf, cf->head, cf->head_len) != 0) {
		err = errno;
		capfile_close(cf);
		if (cf->rotate_size != 0 || cf->rotate_ms != 0 ||
		    strchr(cf->pattern, '%') != NULL)
			unlink(cf->name);	/* empty, and ours */
		errno = err;
		return ERR_SYS;
	}
	return 0;
}

void
capfile_tick(struct capfile *cf)
{
	if (cf->fd >= 0 && cf->rotate_ms != 0 &&
	    clock_ms() - cf->opened >= cf->rotate_ms)
		capfile_close(cf);
}

int
capfile_write(struct capfile *cf, const uint8_t *p, size_t len)
{
	capfile_tick(cf);
	if (cf->fd >= 0 && cf->rotate_size != 0 &&
	    cf->size > cf->head_len && cf->size + len > cf->rotate_size)
		capfile_close(cf);
	if (cf->fd < 0 && capfile_open(cf) != 0)
		return ERR_SYS;
	return capfile_append(cf, p, len);
}
