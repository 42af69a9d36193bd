/*
 * The key log file. Its lines decrypt every session. So it is never readable by
 * others, never reached through another user's link, and never a file of
 * another user. A write that fails half way leaves a torn line, which the next
 * write ends.
 */
#include "tls/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/outq.h"

#define QUEUE	(1 << 20)	/* some 1,000 handshakes */

struct keylog {
	struct outq	*queue;
	char		*path;
	_Atomic uint64_t lost;		/* lines whose write failed */
	/* used by the writer alone */
	int		 fd;
	int		 torn;		/* the last line has no end yet */
};

/* Warn that a line is lost, and how many were, at most once a second. */
static void
keylog_warn(struct keylog *k, const char *why)
{
	static struct log_gate gate;
	int held;

	if (log_gate(&gate, &held))
		log_warn("key log %s: %s; lines lost so far: %" PRIu64,
		    k->path, why, atomic_load(&k->lost) +
		    outq_dropped(k->queue));
}

static int
keylog_send(struct keylog *k, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(k->fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		p += n;
		len -= (size_t)n;
		k->torn = p[-1] != '\n';
	}
	return 0;
}

static void
keylog_write(void *ctx, const void *data, size_t len)
{
	struct keylog *k = ctx;

	if ((!k->torn || keylog_send(k, "\n", 1) == 0) &&
	    keylog_send(k, data, len) == 0)
		return;
	atomic_fetch_add(&k->lost, 1);
	keylog_warn(k, strerror(errno));
}

struct keylog *
keylog_new(const char *path, struct text *errors)
{
	static const struct outq_ops ops = { .write = keylog_write };
	struct keylog *k;
	struct stat st;
	int fd;

	/* Do not wait here for the reader of a FIFO. */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd == -1 || fstat(fd, &st) == -1) {
		text_printf(errors, "key log: %s: %s\n", path,
		    strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		text_printf(errors, "key log: %s: belongs to another user (uid "
		    "%u), who could read it; remove it, or chown it to %s\n",
		    path, (unsigned)st.st_uid, geteuid() == 0 ? "root" :
		    "the user who starts this");
		close(fd);
		return NULL;
	}
	fcntl(fd, F_SETFL, O_APPEND);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		(void)fchmod(fd, 0600);
	k = xcalloc(1, sizeof(*k));
	k->fd = fd;
	k->path = xstrdup(path);
	k->queue = outq_new("keylog", BUDGET_LOG, QUEUE, &ops, k);
	return k;
}

void
keylog_put(struct keylog *k, const char *line)
{
	size_t n = strlen(line);
	char *s = xmalloc(n + 1);

	memcpy(s, line, n);
	s[n] = '\n';
	if (outq_give(k->queue, s, n + 1) != 0)
		keylog_warn(k, "it is too slow for the keys that come");
}

void
keylog_free(struct keylog *k)
{
	if (k == NULL)
		return;
	/* A stuck writer still uses it. */
	if (outq_free(k->queue, 2000) != 0)
		return;
	close(k->fd);
	free(k->path);
	free(k);
}
