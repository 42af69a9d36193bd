/*
 * The spool: a body's first bytes in memory, what comes after them in an
 * unlinked file. Offsets are those of the body throughout; what was dropped
 * from the front is forgotten, and once nothing is left the memory is used
 * again before the file is.
 */
#include "http/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/budget.h"
#include "util/err.h"
#include "util/mem.h"

#define SPOOL_FIRST	4096		/* most bodies are small */
#define SPOOL_WINDOW	65536		/* read from the file at once */
#define SPOOL_HOLE	(1024 * 1024)	/* given back to the disk at once */

struct spool {
	uint64_t	 max;
	uint64_t	 first;		/* oldest byte kept */
	uint64_t	 size;
	int		 ended;
	/* Bytes first to file_at of the body, from mem_off on. */
	uint8_t		*mem;
	size_t		 mem_cap, mem_off;
	/* Bytes file_at to size; the file's own offset 0 is file_zero. */
	int		 fd;		/* -1: none yet */
	uint64_t	 file_at, file_zero, holed;
	uint8_t		*win;		/* what was read from it last */
	uint64_t	 win_at;
	size_t		 win_len;
};

static _Atomic uint64_t	memory_max = 256 << 20, disk_max = 8ULL << 30;
static _Atomic uint64_t	disk_used;

void
spool_budget(uint64_t memory, uint64_t disk)
{
	memory_max = memory;
	disk_max = disk;
}

uint64_t
spool_disk(void)
{
	return disk_used;
}

/* In memory: of its own share, and of all that is held. */
static int
spool_grow(size_t n)
{
	if (budget_take(BUDGET_SPOOL, n, 1) != 0)
		return ERR_MEM;
	if (budget_held(BUDGET_SPOOL) <= memory_max)
		return 0;
	budget_give(BUDGET_SPOOL, n);
	return ERR_MEM;
}

struct spool *
spool_new(uint64_t max)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	s->max = max;
	s->fd = -1;
	return s;
}

void
spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	budget_give(BUDGET_SPOOL, s->mem_cap);
	atomic_fetch_sub(&disk_used, s->size - s->file_at);
	if (s->fd != -1)
		close(s->fd);
	free(s->mem);
	free(s->win);
	free(s);
}

static int
spool_open(struct spool *s)
{
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];

	if (dir == NULL || *dir == '\0')
		dir = "/tmp";
	s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd != -1)
		return 0;
	snprintf(path, sizeof(path), "%s/clearspan.XXXXXX", dir);
	if ((s->fd = mkostemp(path, O_CLOEXEC)) == -1)
		return ERR_SYS;
	unlink(path);
	return 0;
}

/* Room for n more bytes in memory: 0, or ERR_MEM (then they go to disk). */
static int
spool_room(struct spool *s, size_t n)
{
	size_t cap = s->mem_cap == 0 ? SPOOL_FIRST : s->mem_cap;
	size_t len = (size_t)(s->file_at - s->first);

	if (len + n > SPOOL_MEMORY)
		return ERR_MEM;
	if (s->mem_off + len + n <= s->mem_cap)
		return 0;
	while (cap < len + n)
		cap *= 2;
	if (cap > s->mem_cap && spool_grow(cap - s->mem_cap) != 0)
		return ERR_MEM;
	if (s->mem_off > 0)
		memmove(s->mem, s->mem + s->mem_off, len);
	s->mem_off = 0;
	if (cap > s->mem_cap)
		s->mem = xrealloc(s->mem, cap);
	s->mem_cap = cap;
	return 0;
}

static int
spool_write(struct spool *s, const uint8_t *p, size_t n)
{
	size_t done = 0;
	ssize_t w;
	int saved;

	if (atomic_fetch_add(&disk_used, n) + n > disk_max) {
		atomic_fetch_sub(&disk_used, n);
		return ERR_MEM;
	}
	if (s->fd == -1 && spool_open(s) != 0)
		goto fail;
	if (s->file_at == s->size)
		s->file_zero = s->holed = s->size;
	while (done < n) {
		w = pwrite(s->fd, p + done, n - done,
		    (off_t)(s->size - s->file_zero + done));
		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0)
			goto fail;
		done += (size_t)w;
	}
	return 0;
fail:
	saved = errno;
	atomic_fetch_sub(&disk_used, n);
	errno = saved;
	return ERR_SYS;
}

int
spool_add(struct spool *s, const void *p, size_t n)
{
	int rv;

	if (n == 0)
		return 0;
	if (s->size - s->first > s->max || n > s->max - (s->size - s->first))
		return ERR_LIMIT;
	if (s->file_at == s->size && spool_room(s, n) == 0) {
		memcpy(s->mem + s->mem_off + (s->size - s->first), p, n);
		s->file_at += n;
	} else if ((rv = spool_write(s, p, n)) != 0)
		return rv;
	s->size += n;
	return 0;
}

void
spool_end(struct spool *s, int whole)
{
	if (s->ended == 0)
		s->ended = whole ? 1 : -1;
}

int
spool_ended(const struct spool *s)
{
	return s->ended;
}

uint64_t
spool_size(const struct spool *s)
{
	return s->size;
}

uint64_t
spool_first(const struct spool *s)
{
	return s->first;
}

static int
spool_read(struct spool *s, uint64_t offset)
{
	size_t want = SPOOL_WINDOW;
	ssize_t n;

	if (want > s->size - offset)
		want = (size_t)(s->size - offset);
	if (s->win == NULL)
		s->win = xmalloc(SPOOL_WINDOW);
	s->win_len = 0;
	do
		n = pread(s->fd, s->win, want, (off_t)(offset - s->file_zero));
	while (n == -1 && errno == EINTR);
	if (n == 0)
		errno = EIO;
	if (n <= 0)
		return ERR_SYS;
	s->win_at = offset;
	s->win_len = (size_t)n;
	return 0;
}

int
spool_at(struct spool *s, uint64_t offset, const uint8_t **p, size_t *len)
{
	size_t skip;

	if (offset < s->first)
		return ERR_NOTFOUND;
	if (offset >= s->size)
		return ERR_EOF;
	if (offset < s->file_at) {
		*p = s->mem + s->mem_off + (offset - s->first);
		*len = (size_t)(s->file_at - offset);
		return 0;
	}
	if ((offset < s->win_at || offset >= s->win_at + s->win_len) &&
	    spool_read(s, offset) != 0)
		return ERR_SYS;
	skip = (size_t)(offset - s->win_at);
	*p = s->win + skip;
	*len = s->win_len - skip;
	return 0;
}

void
spool_drop(struct spool *s, uint64_t offset)
{
	uint64_t n;

	if (offset > s->size)
		offset = s->size;
	if (offset <= s->first)
		return;
	s->mem_off = offset < s->file_at ?
	    s->mem_off + (size_t)(offset - s->first) : 0;
	s->first = offset;
	if (offset < s->file_at || s->file_at == s->size)
		return;
	budget_give(BUDGET_SPOOL, s->mem_cap);	/* only the file is left */
	free(s->mem);
	s->mem = NULL;
	s->mem_cap = 0;
	atomic_fetch_sub(&disk_used, offset - s->file_at);
	s->file_at = offset;
	if (offset == s->size) {
		s->win_len = 0;
		if (ftruncate(s->fd, 0) == 0)
			return;
	}
	n = offset - s->holed;
	if (n >= SPOOL_HOLE) {
		fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)(s->holed - s->file_zero), (off_t)n);
		s->holed = offset;
	}
}
