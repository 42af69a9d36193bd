/*
 * The file of the event log and its queue. Several lines go out in one write.
 * A write that fails half way leaves a torn line, which the next write ends.
 */
#include "sink/connlog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/eve.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/outq.h"

#define QUEUE_MAX	(16 << 20)	/* some 10,000 events */
#define LINE_ROOM	1024		/* bytes for an event at first */
#define BATCH		65536		/* bytes of one write: a pipe's size */
#define GATHER_MS	20		/* that an event may wait for others */
#define STUCK_MS	200		/* between checks of a stuck write */
#define REOPEN_LOOKS	25	/* such checks (5 s) before a reopen */

struct connlog {
	struct outq	*q;
	_Atomic unsigned events;
	char		*wanted;	/* the main thread's: the latest path */
	_Atomic uint64_t lost;		/* events whose write failed */
	atomic_int	 reopens;	/* asked for */
	atomic_int	 reopened;	/* done; earlier events are written */
	atomic_int	 ending;	/* do not wait for a reader */
	/* used by the writer alone */
	char		*path;		/* or NULL */
	int		 fd;		/* or -1 */
	int		 torn;		/* the last line has no end yet */
	int		 looks;		/* checks since it took a byte */
	uint64_t	 told;		/* of the lost */
	struct text	 batch;
	size_t		 telling;	/* its first line's bytes, or 0 ... */
	uint64_t	 tells;		/* ... that tells so many lost */
};

static void	 connlog_write(void *, const void *, size_t);
static void	 log_batch(void *);
static void	 connlog_end(void *);

static const struct outq_ops writer = {
	.write = connlog_write,
	.quiet = log_batch,
	.close = connlog_end,
	.gather_ms = GATHER_MS
};

/* In the queue, as an event of no length. */
struct turn {
	char		*path;		/* another one, or NULL; or ... */
	int		 fd;
	int		 again;		/* ... the same again */
};

/* A FIFO that is open for reading and writing never blocks open(2). */
static int
log_open(const char *path)
{
	if (strcmp(path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
}

/*
 * A file may end within a line, if the process was killed or the disk was
 * full. For a FIFO only the writer knows.
 */
static void
log_look_torn(struct connlog *l)
{
	struct stat st;
	char last;

	l->torn = 0;
	if (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	l->torn = st.st_size > 0 &&
	    pread(l->fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static const char *
log_open_why(void)
{
	if (errno == ELOOP)
		return "it is a symbolic link: name the file itself";
	return strerror(errno);
}

/* -1 for NULL. Returns 0, or ERR_SYS with a sentence in why. */
static int
log_open_path(const char *path, int *fd, struct text *why)
{
	*fd = path != NULL ? log_open(path) : -1;
	if (*fd >= 0 || path == NULL)
		return 0;
	text_printf(why, "cannot open the event log %s: %s", path,
	    log_open_why());
	return ERR_SYS;
}

static char *
path_dup(const char *path)
{
	return path != NULL ? xstrdup(path) : NULL;
}

int
connlog_open(const char *path, unsigned events, struct connlog **out,
    struct text *why)
{
	struct connlog *l;
	int fd;

	*out = NULL;
	if (log_open_path(path, &fd, why) != 0)
		return ERR_SYS;
	l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->path = path_dup(path);
	l->wanted = path_dup(path);
	l->events = path != NULL ? events : 0;
	log_look_torn(l);
	l->q = outq_new("eventlog", BUDGET_LOG, QUEUE_MAX, &writer, l);
	*out = l;
	return 0;
}

/* An empty line: few events need more than that. */
static struct text
line_new(void)
{
	struct text t = { xmalloc(LINE_ROOM), 0, LINE_ROOM };

	return t;
}

/* Queue the event as a line, and take its text. */
static void
connlog_put(struct connlog *l, struct text *line)
{
	text_add(line, "\n", 1);
	outq_give(l->q, line->s, line->len);
}

static int
connlog_wants(const struct connlog *l, enum conf_event e)
{
	return l != NULL && (l->events & 1u << e) != 0;
}

void
connlog_event(struct connlog *l, enum conf_event e, const struct record *r,
    const struct http_record *h, const struct icap_record *i)
{
	struct timespec now;
	struct text line;

	if (connlog_wants(l, e)) {
		now = clock_wall();
		line = line_new();
		eve_event(&line, e, r, h, i, &now);
		connlog_put(l, &line);
	}
	if (e == EVENT_ICAP &&
	    (i->result == ICAP_R_BLOCK || i->finding != NULL))
		connlog_event(l, EVENT_ALERT, r, h, i);
}

void
connlog_message(struct connlog *l, const struct record *r,
    const struct ws_message *m)
{
	struct timespec now = clock_wall();
	struct text line = line_new();

	eve_message(&line, r, m, &now);
	connlog_put(l, &line);
}

void
connlog_report(struct connlog *l, const char *type, json_t *o)
{
	struct timespec now = clock_wall();
	struct text line;

	if (l == NULL) {
		json_decref(o);
		return;
	}
	line = line_new();
	eve_object(&line, type, o, &now);
	connlog_put(l, &line);
}

void
connlog_stats(struct connlog *l, json_t *stats)
{
	if (connlog_wants(l, EVENT_STATS))
		connlog_report(l, "stats", stats);
	else
		json_decref(stats);
}

/* Wait until a reader takes more. Returns 0 when the wait is over in vain. */
static int
log_wait(struct connlog *l)
{
	struct pollfd pfd = { .fd = l->fd, .events = POLLOUT };

	while (poll(&pfd, 1, atomic_load(&l->ending) ? 0 : STUCK_MS) == 0)
		if (atomic_load(&l->ending) || (++l->looks >= REOPEN_LOOKS &&
		    atomic_load(&l->reopens) != l->reopened))
			return 0;
	return 1;
}

/* *sent is the number of bytes written, even on failure. */
static int
log_send(struct connlog *l, const char *p, size_t len, size_t *sent)
{
	ssize_t n;

	for (*sent = 0; *sent < len;) {
		if ((n = write(l->fd, p + *sent, len - *sent)) > 0) {
			*sent += (size_t)n;
			l->torn = p[*sent - 1] != '\n';
			l->looks = 0;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN) {
			if (!log_wait(l))
				return ERR_AGAIN;
		} else {
			return ERR_SYS;
		}
	}
	return 0;
}

/* The number of events in the batch that were not sent whole. */
static unsigned
log_lost(const struct connlog *l, size_t sent)
{
	size_t i = sent > l->telling ? sent : l->telling;
	unsigned n = 0;

	for (; i < l->batch.len; i++)
		n += l->batch.s[i] == '\n';
	return n;
}

/* Write the batch. Events that fail are lost, and counted. */
static void
log_batch(void *ctx)
{
	static struct log_gate gate;
	struct connlog *l = ctx;
	size_t sent = 0, end;
	int err = 0, held;
	unsigned lost;

	if (l->batch.len == 0)
		return;
	if (l->torn)
		err = log_send(l, "\n", 1, &end);
	if (err == 0)
		err = log_send(l, l->batch.s, l->batch.len, &sent);
	if (l->telling > 0 && sent >= l->telling)
		l->told = l->tells;
	if (err != 0) {
		lost = log_lost(l, sent);
		atomic_fetch_add(&l->lost, lost);
		if (log_gate(&gate, &held))
			log_warn("event log %s: %s; %u events lost", l->path,
			    err_str(err), lost);
	}
	text_clear(&l->batch);
	l->telling = 0;
}

static void
log_take(struct connlog *l, int fd)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = fd;
	l->looks = 0;
	log_look_torn(l);
}

static void
log_reopen(struct connlog *l)
{
	int fd;

	l->reopened++;
	if (l->path == NULL)
		return;
	if ((fd = log_open(l->path)) < 0) {
		log_error("cannot reopen the event log %s: %s; the old file "
		    "stays in use", l->path, log_open_why());
		return;
	}
	log_take(l, fd);
	log_info("event log %s reopened", l->path);
}

static void
log_turn(struct connlog *l, const struct turn *t)
{
	log_batch(l);
	if (t->again) {
		log_reopen(l);
		return;
	}
	l->reopened++;
	free(l->path);
	l->path = t->path;
	log_take(l, t->fd);
}

/*
 * Put a line with the number of lost events at the head of the batch. They
 * count as told once that line is out.
 */
static void
log_tell_lost(struct connlog *l)
{
	uint64_t lost = connlog_dropped(l);
	struct timespec now;

	if (lost == l->told)
		return;
	now = clock_wall();
	eve_object(&l->batch, "stats", json_pack("{s:{s:I,s:I}}", "event_log",
	    "lost", (json_int_t)(lost - l->told), "lost_in_all",
	    (json_int_t)lost), &now);
	text_add(&l->batch, "\n", 1);
	l->telling = l->batch.len;
	l->tells = lost;
}

static void
connlog_write(void *ctx, const void *data, size_t len)
{
	struct connlog *l = ctx;

	if (len == 0) {
		log_turn(l, data);
		return;
	}
	if (l->batch.len == 0)
		log_tell_lost(l);
	text_add(&l->batch, data, len);
	if (l->batch.len >= BATCH)
		log_batch(l);
}

static void
connlog_end(void *ctx)
{
	struct connlog *l = ctx;

	log_batch(l);
	log_tell_lost(l);	/* no later event will */
	log_batch(l);
	if (l->fd != -1)
		close(l->fd);
	text_free(&l->batch);
	free(l->path);
	free(l->wanted);
	free(l);
}

void
connlog_reopen(struct connlog *l)
{
	static const struct turn again = { .again = 1 };

	if (l == NULL)
		return;
	atomic_fetch_add(&l->reopens, 1);
	outq_give(l->q, xmemdup(&again, sizeof(again)), 0);
}

int
connlog_turn(struct connlog *l, const char *path, unsigned events,
    struct text *why)
{
	struct turn t = { .fd = -1 };
	int rv;

	if (path == NULL ? l->wanted != NULL : l->wanted == NULL ||
	    strcmp(path, l->wanted) != 0) {
		if ((rv = log_open_path(path, &t.fd, why)) != 0)
			return rv;
		t.path = path_dup(path);
		free(l->wanted);
		l->wanted = path_dup(path);
		atomic_fetch_add(&l->reopens, 1);
		outq_give(l->q, xmemdup(&t, sizeof(t)), 0);
	}
	l->events = path != NULL ? events : 0;
	return 0;
}

uint64_t
connlog_dropped(struct connlog *l)
{
	return l == NULL ? 0 : outq_dropped(l->q) + atomic_load(&l->lost);
}

size_t
connlog_queued(struct connlog *l)
{
	return l == NULL ? 0 : outq_queued(l->q);
}

/* Give the writer ms, then tell a stuck write to stop waiting. */
void
connlog_close(struct connlog *l, int ms)
{
	struct outq *q;
	int waited;

	if (l == NULL)
		return;
	q = l->q;
	for (waited = 0; waited < ms && (outq_queued(q) > 0 ||
	    atomic_load(&l->reopened) != atomic_load(&l->reopens));
	    waited += 10)
		poll(NULL, 0, 10);
	atomic_store(&l->ending, 1);
	outq_free(q, 2 * STUCK_MS);
}
