/*
 * The key log file. Its lines open every session, so it is never made
 * readable by others, nor followed through a link somebody else has laid.
 */
#include "tls/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
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
	int		 fd;
	int		 failed;	/* said so already */
};

static void
keylog_write(void *ctx, const void *data, size_t len)
{
	struct keylog *k = ctx;
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(k->fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		p += n;
		len -= (size_t)n;
	}
	if (len > 0 && !k->failed) {
		k->failed = 1;
		log_error("key log %s: %s; keys are lost", k->path,
		    strerror(errno));
	}
}

struct keylog *
keylog_new(const char *path, struct text *errors)
{
	static const struct outq_ops ops = { .write = keylog_write };
	struct keylog *k;
	struct stat st;
	int fd;

	/* Not to wait here for the reader of a FIFO. */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd == -1 || fstat(fd, &st) == -1) {
		text_printf(errors, "key log: %s: %s\n", path,
		    strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	fcntl(fd, F_SETFL, O_APPEND);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		(void)fchmod(fd, 0600);
	k = xcalloc(1, sizeof(*k));
	k->fd = fd;
	k->path = xstrdup(path);
	k->queue = outq_new("keylog", QUEUE, &ops, k);
	return k;
}

void
keylog_put(struct keylog *k, const char *line)
{
	size_t n = strlen(line);
	char *s = xmalloc(n + 1);

	memcpy(s, line, n);
	s[n] = '\n';
	outq_give(k->queue, s, n + 1);
}

void
keylog_free(struct keylog *k)
{
	if (k == NULL)
		return;
	/* A writer that is stuck keeps what it needs. */
	if (outq_free(k->queue, 2000) != 0)
		return;
	close(k->fd);
	free(k->path);
	free(k);
}
