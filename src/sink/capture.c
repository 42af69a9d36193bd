/*
 * The picks of a round are merged, and written in blocks of whole packets. A
 * block that cannot be written is taken back, so that the file is always one
 * that can be read.
 */
#include "sink/capture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "codec/pcapfile.h"
#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"

#define BLOCK		((size_t)256 << 10)	/* bytes of a write */
#define FRAME_MOST	((size_t)70 << 10)	/* a packet, with its comment */
#define SAME		9999	/* files of one name, told by a number */
#define SUFFIX		".pcapng"

struct capture {
	struct capture_plan plan;
	char		*directory;
	struct capture_told told;
	char		*path;
	int		 fd;
	int		 error;		/* errno of what failed, or 0 */
	char		 why[96];
	EVP_MD_CTX	*sum;
	uint8_t		*buf;
	size_t		 len;
	/* of the packets in buf */
	uint64_t	 packets, sessions, first, last;
	const char	*about;		/* of the next frame, or NULL */
	uint64_t	 ns;		/* of the next frame */
};

/* A packet of one of the picks. */
struct next {
	struct ring_pick *pick;
	size_t		 at;
};

const char *
capture_end_str(enum capture_end how)
{
	static const char *const words[CAPTURE_ENDS] = { "written", "empty",
	    "cut", "failed" };

	return words[how];
}

int
capture_usable(const char *directory, struct text *why)
{
	struct stat st;

	if (stat(directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
		text_printf(why, "the directory %s does not exist; create it "
		    "for the user we run as", directory);
		return ERR_USAGE;
	}
	if (access(directory, W_OK | X_OK) == 0)
		return 0;
	text_printf(why, "cannot write in %s: %s", directory, strerror(errno));
	return ERR_DENIED;
}

struct capture *
capture_new(const struct capture_plan *plan)
{
	struct capture *c = xcalloc(1, sizeof(*c));

	c->plan = *plan;
	c->plan.comment = xstrdup(plan->comment);
	c->plan.prefix = xstrdup(plan->prefix);
	c->plan.directory = c->directory = xstrdup(plan->directory);
	c->fd = -1;
	c->sum = EVP_MD_CTX_new();
	if (c->sum == NULL || !EVP_DigestInit_ex(c->sum, EVP_sha256(), NULL))
		abort();
	c->told.how = CAPTURE_EMPTY;
	return c;
}

void
capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	EVP_MD_CTX_free(c->sum);
	free(c->plan.comment);
	free(c->plan.prefix);
	free(c->directory);
	free(c->path);
	free(c->buf);
	free(c);
}

static void
failed(struct capture *c, int err)
{
	c->error = err;
	c->told.how = CAPTURE_FAILED;
	snprintf(c->why, sizeof(c->why), "%s", err == ENOSPC ? "disk full" :
	    strerror(err));
	c->told.why = c->why;
	log_error("capture %s: %s: what follows is not in it", c->path != NULL ?
	    c->path : c->directory, c->why);
}

/* Names that captures have. */
static int
is_capture(const struct dirent *d)
{
	size_t n = strlen(d->d_name), s = strlen(SUFFIX);

	return (strncmp(d->d_name, "case-", 5) == 0 ||
	    strncmp(d->d_name, "endpoint-", 9) == 0) && n > s &&
	    strcmp(d->d_name + n - s, SUFFIX) == 0;
}

struct aged {
	char		*path;
	int64_t		 at;		/* ns */
};

static int
newer(const void *va, const void *vb)
{
	const struct aged *a = va, *b = vb;

	return a->at != b->at ? (a->at < b->at ? 1 : -1) :
	    strcmp(b->path, a->path);
}

static void
prune_one(const char *path)
{
	if (unlink(path) == 0)
		log_info("capture %s: removed (history: keep)", path);
	else
		log_warn("capture %s cannot be removed (history: keep): %s",
		    path, strerror(errno));
}

/* Remove the oldest files, but `keep`. Those being written are touched in each
 * round, and so are not among them. */
static void
prune(const struct capture *c)
{
	struct dirent **names;
	struct aged *all;
	struct stat st;
	int i, n = scandir(c->directory, &names, is_capture, NULL);

	if (n < 0)
		return;
	all = xcalloc((size_t)n + 1, sizeof(*all));
	for (i = 0; i < n; i++) {
		all[i].path = xasprintf("%s/%s", c->directory,
		    names[i]->d_name);
		if (lstat(all[i].path, &st) == 0)
			all[i].at = st.st_mtim.tv_sec * INT64_C(1000000000) +
			    st.st_mtim.tv_nsec;
		free(names[i]);
	}
	qsort(all, (size_t)n, sizeof(*all), newer);
	for (i = 0; i < n; i++) {
		if ((unsigned)i >= c->plan.keep)
			prune_one(all[i].path);
		free(all[i].path);
	}
	free(all);
	free(names);
}

static int
create(struct capture *c)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char stamp[32], more[16] = "";
	time_t t = time(NULL);
	struct tm tm;
	int i;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&t, &tm));
	for (i = 1; i <= SAME; i++) {
		free(c->path);
		c->path = xasprintf("%s/%s-%s%s" SUFFIX, c->directory,
		    c->plan.stem, stamp, more);
		if ((c->fd = open(c->path, flags, 0600)) >= 0)
			return 0;
		if (errno != EEXIST)
			break;
		snprintf(more, sizeof(more), "-%d", i);
	}
	return ERR_SYS;
}

/* All of the block gets into the file, or none of it. */
static int
flush(struct capture *c)
{
	struct capture_told *t = &c->told;
	int err;

	if (c->len > 0 && keep_write(c->fd, c->buf, c->len) != 0) {
		err = errno;
		if (ftruncate(c->fd, (off_t)t->bytes) != 0)
			log_error("capture %s: its end cannot be read: %s",
			    c->path, strerror(errno));
		failed(c, err);
		t->skipped += c->packets;
	} else {
		if (!EVP_DigestUpdate(c->sum, c->buf, c->len))
			abort();
		t->bytes += c->len;
		t->packets += c->packets;
		t->sessions += c->sessions;
		if (t->first == 0)
			t->first = c->first;
		if (c->last != 0)
			t->last = c->last;
	}
	c->len = 0;
	c->packets = c->sessions = c->first = c->last = 0;
	return c->error == 0 ? 0 : ERR_SYS;
}

static int
begin(struct capture *c)
{
	uint8_t head[PCAPFILE_HEAD_MAX];

	if (c->fd >= 0)
		return 0;
	c->told.path = NULL;
	if (create(c) != 0) {
		failed(c, errno);
		return ERR_SYS;
	}
	c->told.path = c->path;
	c->told.how = CAPTURE_WRITTEN;
	c->buf = xmalloc(BLOCK);
	c->len = pcapfile_section(head, "history", "Clearspan " VERSION,
	    c->plan.comment);
	memcpy(c->buf, head, c->len);
	prune(c);
	return flush(c);
}

static void
put_frame(void *arg, const struct frame *f)
{
	struct capture *c = arg;

	if (c->error != 0 || (c->len + FRAME_MOST > BLOCK && flush(c) != 0)) {
		c->told.skipped++;
		return;
	}
	c->len += pcapfile_put(c->buf + c->len, 1, c->ns, f, c->about);
	c->about = NULL;
	c->packets++;
	if (c->first == 0)
		c->first = c->ns;
	c->last = c->ns;
}

static void
put_packet(struct capture *c, const struct next *n)
{
	const struct ring_packet *p = &n->pick->packets[n->at];
	const char *said = pick_about(n->pick, p);
	struct text t = { 0 };

	if (said != NULL) {
		text_puts(&t, c->plan.prefix);
		text_puts(&t, said);
		c->sessions++;
	}
	c->about = t.s;
	c->ns = p->ns;
	pick_frames(n->pick, p, put_frame, c);
	c->about = NULL;
	text_free(&t);
}

/* Find the packets of a ring, up to that time: what is behind the first one
 * that is later is for the next round. Returns how many. */
static size_t
open_pick(struct ring_pick *p, uint64_t upto)
{
	size_t n = 0;

	if (p == NULL)
		return 0;
	pick_open(p);
	while (n < p->n && p->packets[n].ns <= upto)
		n++;
	p->n = n;
	return n;
}

/*
 * All packets, as the time was at each: those of one ring stay in their order,
 * even where the clock was set back meanwhile.
 */
static struct next *
merge(struct ring_pick **picks, size_t npicks, size_t total)
{
	size_t *at = xcalloc(npicks + 1, sizeof(*at)), i, k, best;
	struct next *all = xcalloc(total + 1, sizeof(*all));

	for (i = 0; i < total; i++) {
		best = npicks;
		for (k = 0; k < npicks; k++)
			if (picks[k] != NULL && at[k] < picks[k]->n &&
			    (best == npicks || picks[k]->packets[at[k]].ns <
			    picks[best]->packets[at[best]].ns))
				best = k;
		all[i] = (struct next){ picks[best], at[best]++ };
	}
	free(at);
	return all;
}

/* The bytes that may still be written, without the comments on sessions. Half
 * of them are for packets in any case. */
static uint64_t
room(const struct capture *c, struct ring_pick **picks, size_t npicks)
{
	uint64_t used = c->told.bytes, left, said = 0;
	size_t i;

	left = c->plan.max > used ? c->plan.max - used : 0;
	for (i = 0; i < npicks; i++)
		if (picks[i] != NULL)
			said += pick_about_bytes(picks[i],
			    strlen(c->plan.prefix));
	return left - (said < left / 2 ? said : left / 2);
}

/*
 * How many from the start are left out, for the rest to fit: the newest matter
 * most. Once the file has packets, it is the newest that find no room.
 */
static size_t
fits(const struct capture *c, const struct next *all, size_t total,
    uint64_t left, size_t *end)
{
	int oldest = c->told.packets == 0;
	const struct next *n;
	uint64_t sum = 0;
	unsigned segments;
	size_t i;

	for (i = 0; i < total; i++) {
		n = &all[oldest ? total - 1 - i : i];
		sum += pick_bytes(&n->pick->packets[n->at], &segments);
		if (sum > left)
			break;
	}
	*end = oldest ? total : i;
	return oldest ? total - i : 0;
}

static void
skip(struct capture *c, const struct next *all, size_t from, size_t to)
{
	unsigned segments;

	for (; from < to; from++) {
		pick_bytes(&all[from].pick->packets[all[from].at], &segments);
		c->told.skipped += segments;
		if (c->error == 0)
			c->told.how = CAPTURE_CUT;
	}
}

static void
write_some(struct capture *c, const struct next *all, size_t total,
    uint64_t left)
{
	size_t end, i = fits(c, all, total, left, &end);

	skip(c, all, 0, i);
	for (; i < end && c->error == 0; i++) {
		put_packet(c, &all[i]);
		pick_passed(all[i].pick, all[i].at);
	}
	if (c->error == 0)
		flush(c);
	skip(c, all, i, total);
}

int
capture_write(struct capture *c, struct ring_pick **picks, size_t n,
    uint64_t upto, void (*gave)(void *, const struct ring *, uint64_t),
    void *arg)
{
	uint64_t before = c->told.skipped;
	size_t i, total = 0;
	struct next *all;

	for (i = 0; i < n; i++)
		total += open_pick(picks[i], upto);
	all = merge(picks, n, total);
	if (total > 0 && begin(c) != 0)
		skip(c, all, 0, total);
	else if (total > 0)
		write_some(c, all, total, room(c, picks, n));
	if (c->fd >= 0)
		futimens(c->fd, NULL);
	free(all);
	for (i = 0; i < n; i++) {
		if (picks[i] != NULL && picks[i]->n > 0)
			gave(arg, picks[i]->ring,
			    picks[i]->packets[picks[i]->n - 1].seq);
		pick_free(picks[i]);
		picks[i] = NULL;
	}
	if (c->error != 0)
		return ERR_SYS;
	return c->told.skipped > before ? ERR_LIMIT : 0;
}

void
capture_close(struct capture *c)
{
	uint8_t sum[32];

	if (c->fd < 0)
		return;
	if (fsync(c->fd) != 0 && c->error == 0)
		failed(c, errno);
	close(c->fd);
	c->fd = -1;
	if (!EVP_DigestFinal_ex(c->sum, sum, NULL))
		abort();
	hex_lower(c->told.sha256, sum, sizeof(sum));
}

const struct capture_told *
capture_tells(const struct capture *c)
{
	return &c->told;
}
