/*
 * Capture files on disk. A thread that may block writes blocks of packets. A
 * strftime(3) pattern names the files; their mode is 0600. They rotate by size
 * and time, and the oldest of the same pattern are removed.
 *
 * A fixed name without rotation is overwritten at each start, as by tcpdump -w,
 * and may be a FIFO. In every other case an existing file is left alone, and
 * the new name gets "-1", "-2" before its suffix.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec/pcapfile.h"
#include "sink/sinks.h"
#include "sink/strip.h"
#include "sink/stream.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/outq.h"
#include "util/timeglob.h"

#define PCAP_END_MS	3000	/* at the end, for the disk to take the rest */
#define CAPFILE_SAME	9999	/* files of one name, told by a number */
#define CAPFILE_DIGITS	4	/* of that number */

struct capfile {
	char		*mirror, *pattern;
	int		 fixed;		/* one name, never rotated */
	uint64_t	 rotate_size, rotate_ms;
	unsigned	 keep;
	int		 fd;
	char		*name;		/* being written, or last tried */
	uint64_t	 opened;	/* monotonic ms */
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
sink_pcap_usable(const char *pattern, struct text *why)
{
	char *name = capfile_expand(pattern), *dir = xdirname(name);
	struct stat st;
	int rv = 0;

	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		text_printf(why, "%s: the directory %s does not exist; create "
		    "it for the user we run as", pattern, dir);
		rv = ERR_USAGE;
	} else if (access(dir, W_OK | X_OK) != 0 && access(name, W_OK) != 0) {
		text_printf(why, "%s: cannot write in %s: %s", pattern, dir,
		    strerror(errno));
		rv = ERR_DENIED;
	}
	free(dir);
	free(name);
	return rv;
}

/* The first file is opened when there is something to write. */
static struct capfile *
capfile_new(const struct conf_mirror *c)
{
	struct capfile *cf = xcalloc(1, sizeof(*cf));

	cf->mirror = xstrdup(c->name);
	cf->pattern = xstrdup(c->path);
	cf->fixed = c->rotate_size == 0 && c->rotate_ms == 0 &&
	    strchr(c->path, '%') == NULL;
	cf->rotate_size = c->rotate_size;
	cf->rotate_ms = c->rotate_ms;
	cf->keep = c->rotate_keep;
	cf->fd = -1;
	cf->head_len = pcapfile_head(cf->head, c->pcapng, c->name,
	    "Clearspan " VERSION);
	return cf;
}

static void
capfile_close(struct capfile *cf)
{
	if (cf->fd >= 0 && close(cf->fd) != 0)
		log_warn("mirror %s: %s: %s", cf->mirror, cf->name,
		    strerror(errno));
	cf->fd = -1;
}

static void
capfile_free(struct capfile *cf)
{
	capfile_close(cf);
	free(cf->mirror);
	free(cf->pattern);
	free(cf->name);
	free(cf);
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
	int64_t		 at;		/* ns */
};

static int
older(const void *va, const void *vb)
{
	const struct aged *a = va, *b = vb;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
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
		all[n++].at = st.st_mtim.tv_sec * 1000000000 +
		    st.st_mtim.tv_nsec;
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
	if (cf->fixed)
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

/* Write all the bytes, or leave the file as it was. */
static int
capfile_append(struct capfile *cf, const uint8_t *p, size_t len)
{
	int err;

	if (keep_write(cf->fd, p, len) == 0) {
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
		if (!cf->fixed)
			unlink(cf->name);	/* empty, and ours */
		errno = err;
		return ERR_SYS;
	}
	return 0;
}

/* Close the file if it is too old. */
static void
capfile_tick(struct capfile *cf)
{
	if (cf->fd >= 0 && cf->rotate_ms != 0 &&
	    clock_ms() - cf->opened >= cf->rotate_ms)
		capfile_close(cf);
}

/*
 * Write whole packets to the current file, or to the next if this one is full
 * or old. Returns 0, or ERR_SYS if none was written; the file then ends with
 * the last whole packet before them, and the next call tries again.
 */
static int
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

struct pcap_sink {
	struct stream	 stream;	/* first */
	struct outq	*outq;
	struct log_gate	 gate;
	/* Used by the writer alone. */
	struct capfile	*file;
	uint64_t	 last;		/* time of the last packet written */
};

static void
pcap_give(struct stream *stream, struct block *b)
{
	struct pcap_sink *s = (struct pcap_sink *)stream;

	/* The stream's account bounds the bytes; the queue never refuses. */
	block_uncount(b);	/* the queue counts it now */
	outq_give(s->outq, b, sizeof(*b) + b->len);
}

static void
pcap_failed(struct pcap_sink *s, const struct block *b, int err)
{
	const char *why = err == ENOSPC ? "disk full" : "write failed";
	int held;

	atomic_store(&s->stream.failing, why);
	synth_lost_late(&s->stream.synth.counts, b->packets, b->payload, why);
	if (log_gate(&s->gate, &held))
		log_warn("mirror %s: packets lost: %s: %s; %d more losses "
		    "since the last such line", s->stream.synth.name,
		    s->file->name, strerror(err), held);
}

/* data is the block; the queue frees it. */
static void
pcap_write(void *ctx, const void *data, size_t len)
{
	struct pcap_sink *s = ctx;
	struct block *b = (struct block *)(uintptr_t)data;

	block_order(b, &s->last);
	if (capfile_write(s->file, b->data, b->len) != 0) {
		pcap_failed(s, b, errno);
	} else {
		atomic_store(&s->stream.failing, NULL);
		synth_written(&s->stream.synth.counts, b->packets,
		    b->payload);
	}
	block_settle(b);
}

static void
pcap_quiet(void *ctx)
{
	capfile_tick(((struct pcap_sink *)ctx)->file);
}

static void
pcap_end(struct pcap_sink *s)
{
	capfile_free(s->file);
	synth_sink_clear(&s->stream.synth);
	free(s);
}

static int
pcap_open(const struct conf_mirror *c, void **sink, struct text *why)
{
	static const struct outq_ops ops = {
		.write = pcap_write, .quiet = pcap_quiet
	};
	struct pcap_sink *s = xcalloc(1, sizeof(*s));
	int rv;

	s->file = capfile_new(c);
	if ((rv = stream_init(&s->stream, c, why)) != 0 ||
	    (rv = sink_pcap_usable(c->path, why)) != 0) {
		pcap_end(s);
		return rv;
	}
	s->stream.full = "disk too slow";
	s->stream.give = pcap_give;
	s->outq = outq_new("pcap", BUDGET_MIRRORS, SIZE_MAX, &ops, s);
	*sink = s;
	return 0;
}

static void
pcap_close(void *sink)
{
	struct pcap_sink *s = sink;

	if (outq_free(s->outq, PCAP_END_MS) == 0) {
		pcap_end(s);
		return;
	}
	/* The stuck writer still uses the sink, so do not free it. */
	log_warn("mirror %s: its file takes no more bytes; the packets queued "
	    "for it are lost", s->stream.synth.name);
}

static int
pcap_dropped(void *sink, struct text *why)
{
	return sink_pcap_usable(((struct pcap_sink *)sink)->file->pattern, why);
}

const struct sink_ops sink_pcap = {
	.tap = &synth_tap,
	.open = pcap_open,
	.dropped = pcap_dropped,
	.attach = stream_attach,
	.begin = strip_open,
	.detach = stream_detach,
	.close = pcap_close,
	.stats = stream_stats
};
