/*
 * The process that reads sensors. It has no capability, no file but those that
 * it was given, and nothing to lose: what it makes of a line is checked again.
 */
#include "verdict/sensors.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/report.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/helper.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/parcel.h"
#include "verdict/sensors_wire.h"

#define NOBODY		65534
#define FILE_EVERY	50	/* ms between looks at files */
#define LOST_EVERY	1000	/* ms between messages about what was lost */
#define CONNECTIONS	256	/* of all sensors together */

struct reader;

struct source {			/* what one sensor sends by */
	struct source	*next;
	struct reader	*r;
	struct sensor_given given;
	int		 fd;
	int		 listens;
	struct event	*ev;		/* NULL: a file */
	/* A line that is not whole. skip: it was too long, up to its end. */
	char		*buf;
	size_t		 n;
	int		 skip;
	off_t		 at;
};

struct reader {
	struct event_base *base;
	int		 fd;		/* to the daemon */
	struct source	*sources;
	unsigned	 connections;
	struct text	 message;
	uint64_t	 lost, told;
};

static void	source_readable(evutil_socket_t, short, void *);

/* A line of a source, without its end; it has room for a NUL behind it. */
static void
line_take(struct source *s, char *line, size_t len)
{
	struct reader *r = s->r;
	const char *why;
	int rv;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\0'))
		len--;
	if (len == 0)
		return;
	rv = fields_make(&r->message, s->given.index, clock_us(), line, len,
	    &why);
	if (rv == ERR_NOTFOUND)
		return;
	/* It waits if the daemon is slow: a stream's sender waits, too. */
	if (rv != 0 || parcel_send(r->fd, r->message.s, r->message.len, NULL,
	    0) < 0)
		r->lost++;
}

/* RFC 6587, 3.4.1: "LEN SP" before a message. Its bytes, or 0: it is none such;
 * *head is the length of that. */
static size_t
octets(const char *p, size_t n, size_t *head)
{
	size_t len = 0, i;

	for (i = 0; i < n && i < 6 && p[i] >= '0' && p[i] <= '9'; i++)
		len = len * 10 + (size_t)(p[i] - '0');
	if (i == 0 || i == n || p[i] != ' ' || p[0] == '0')
		return 0;
	*head = i + 1;
	return len;
}

/* The length of the line that is whole at p, and in *before and *behind that of
 * what stands around it; 0: more is needed. */
static size_t
line_next(const struct source *s, const char *p, size_t n, size_t *before,
    size_t *behind)
{
	const char *nl;
	size_t len;

	*before = *behind = 0;
	if (s->given.kind == SENSOR_TCP && (len = octets(p, n, before)) > 0) {
		if (len > n - *before)
			return 0;
		return len;
	}
	*before = 0;
	if ((nl = memchr(p, '\n', n)) == NULL)
		return 0;
	*behind = 1;
	len = (size_t)(nl - p);
	if (len == 0) {			/* an empty one */
		*before = 1;
		*behind = 0;
	}
	return len;
}

/* Take out the lines that are whole. */
static void
lines_take(struct source *s)
{
	size_t at = 0, len, before, behind;

	for (;;) {
		len = line_next(s, s->buf + at, s->n - at, &before, &behind);
		if (len == 0 && before != 1)
			break;
		at += before;
		if (len > 0 && !s->skip)
			line_take(s, s->buf + at, len);
		s->skip = 0;
		at += len + behind;
	}
	memmove(s->buf, s->buf + at, s->n - at);
	s->n -= at;
	if (s->n < REPORT_MAX)
		return;
	s->r->lost += !s->skip;
	s->skip = 1;
	s->n = 0;
}

static void
source_free(struct source *s)
{
	struct source **at = &s->r->sources;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (s->ev != NULL)
		event_free(s->ev);
	if (s->given.kind != SENSOR_FILE && !s->listens &&
	    s->given.kind != SENSOR_UDP && s->given.kind != SENSOR_UNIX_DGRAM)
		s->r->connections--;
	close(s->fd);
	free(s->buf);
	free(s);
}

static struct source *
source_new(struct reader *r, const struct sensor_given *g, int fd, int listens)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->r = r;
	s->given = *g;
	s->fd = fd;
	s->listens = listens;
	s->buf = listens ? NULL : xmalloc(REPORT_MAX + 1);
	s->next = r->sources;
	r->sources = s;
	if (g->kind == SENSOR_FILE)
		return s;
	evutil_make_socket_nonblocking(fd);
	s->ev = event_new(r->base, fd, EV_READ | EV_PERSIST, source_readable,
	    s);
	event_add(s->ev, NULL);
	return s;
}

static int
source_from(const struct source *s, const struct sockaddr *sa)
{
	struct addr a;
	uint32_t i;

	if (s->given.nfrom == 0 || sa->sa_family == AF_UNIX)
		return 1;
	addr_set(&a, sa);
	for (i = 0; i < s->given.nfrom; i++)
		if (prefix_has(&s->given.from[i], &a))
			return 1;
	return 0;
}

static void
source_accept(struct source *s)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int fd;

	while ((fd = accept4(s->fd, (struct sockaddr *)&ss, &len,
	    SOCK_CLOEXEC)) >= 0) {
		if (s->r->connections >= CONNECTIONS ||
		    !source_from(s, (struct sockaddr *)&ss)) {
			close(fd);
			s->r->lost++;
		} else {
			s->r->connections++;
			source_new(s->r, &s->given, fd, 0);
		}
		len = sizeof(ss);
	}
}

/* One report each; a batch for each wake-up, so that others have their turn. */
static void
source_datagrams(struct source *s)
{
	struct sockaddr_storage ss;
	socklen_t len;
	ssize_t n;
	int i;

	for (i = 0; i < 256; i++) {
		len = sizeof(ss);
		ss.ss_family = AF_UNIX;
		n = recvfrom(s->fd, s->buf, REPORT_MAX, MSG_TRUNC,
		    (struct sockaddr *)&ss, &len);
		if (n < 0)
			return;
		if (n > REPORT_MAX || !source_from(s, (struct sockaddr *)&ss))
			s->r->lost++;
		else
			line_take(s, s->buf, (size_t)n);
	}
}

static void
source_readable(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;
	ssize_t n;

	if (s->listens) {
		source_accept(s);
		return;
	}
	if (s->given.kind == SENSOR_UDP ||
	    s->given.kind == SENSOR_UNIX_DGRAM) {
		source_datagrams(s);
		return;
	}
	n = read(s->fd, s->buf + s->n, REPORT_MAX - s->n);
	if (n > 0) {
		s->n += (size_t)n;
		lines_take(s);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (s->n > 0 && !s->skip)	/* the last has no end */
			line_take(s, s->buf, s->n);
		source_free(s);
	}
}

/* What was added to a file. It may have been cut, too. */
static void
file_look(struct source *s)
{
	struct stat st;
	ssize_t n;
	int i;

	if (fstat(s->fd, &st) == 0 && st.st_size < s->at) {
		s->at = 0;
		s->n = 0;
	}
	for (i = 0; i < 64; i++) {
		n = pread(s->fd, s->buf + s->n, REPORT_MAX - s->n, s->at);
		if (n <= 0)
			return;
		s->at += n;
		s->n += (size_t)n;
		lines_take(s);
	}
}

static void
files_look(evutil_socket_t fd, short what, void *arg)
{
	struct reader *r = arg;
	struct source *s;

	for (s = r->sources; s != NULL; s = s->next)
		if (s->given.kind == SENSOR_FILE)
			file_look(s);
}

static void
lost_tell(evutil_socket_t fd, short what, void *arg)
{
	struct fields_head h = { .sensor = FIELDS_LOST };
	struct reader *r = arg;

	h.lost = r->lost;
	if (r->lost != r->told && parcel_send(r->fd, &h, sizeof(h), NULL,
	    0) > 0)
		r->told = r->lost;
}

/* A file that takes another's place: what is in the other comes first. */
static void
file_given(struct reader *r, const struct sensor_given *g, int fd)
{
	struct source *s, *next;

	for (s = r->sources; s != NULL; s = next) {
		next = s->next;
		if (s->given.kind == SENSOR_FILE &&
		    s->given.index == g->index) {
			file_look(s);
			source_free(s);
		}
	}
	s = source_new(r, g, fd, 0);
	if (g->at_end)
		s->at = lseek(fd, 0, SEEK_END);
	file_look(s);
}

static void
reader_given(evutil_socket_t fd, short what, void *arg)
{
	struct reader *r = arg;
	struct sensor_given g;
	size_t nfds = 1;
	int given = -1, n;

	n = parcel_recv(r->fd, &g, sizeof(g), &given, &nfds);
	if (n != sizeof(g) || nfds != 1 || g.nfrom > SENSOR_FROM) {
		event_base_loopbreak(r->base);	/* it has gone */
		return;
	}
	if (g.kind == SENSOR_FILE)
		file_given(r, &g, given);
	else
		source_new(r, &g, given, g.kind == SENSOR_UNIX ||
		    g.kind == SENSOR_TCP);
}

int
sensors_run(int fd)
{
	static const struct timeval files = { 0, FILE_EVERY * 1000 },
	    lost = { LOST_EVERY / 1000, 0 };
	struct reader r = { .fd = fd };
	struct event *ev[3];
	size_t i;

	if (helper_begin(fd, SENSORS_NAME) != 0) {
		fprintf(stderr, "clearspan: %s is what the daemon runs for "
		    "sensors; it is of no other use\n", SENSORS_ARG);
		return 2;
	}
	if (helper_drop(NOBODY, 0) != 0 ||
	    (r.base = event_base_new()) == NULL) {
		log_error("sensors: cannot start: %m");
		return 1;
	}
	ev[0] = event_new(r.base, fd, EV_READ | EV_PERSIST, reader_given, &r);
	ev[1] = event_new(r.base, -1, EV_PERSIST, files_look, &r);
	ev[2] = event_new(r.base, -1, EV_PERSIST, lost_tell, &r);
	event_add(ev[0], NULL);
	event_add(ev[1], &files);
	event_add(ev[2], &lost);
	event_base_dispatch(r.base);
	while (r.sources != NULL)
		source_free(r.sources);
	for (i = 0; i < 3; i++)
		event_free(ev[i]);
	event_base_free(r.base);
	text_free(&r.message);
	return 0;
}
