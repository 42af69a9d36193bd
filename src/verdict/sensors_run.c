/*
 * The process that reads sensors. It has no capability, no file but those that
 * it was given, and nothing to lose: what it makes of a line is checked again.
 */
#include "verdict/sensors.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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
#include "verdict/sensors_lines.h"
#include "verdict/sensors_tls.h"
#include "verdict/sensors_wire.h"

#define FILE_EVERY	50	/* ms between looks at files */
#define LOST_EVERY	1000	/* ms between messages about what was lost */
#define CONNECTIONS	256	/* of all sensors together */
#define HANDSHAKE	10000	/* ms for one of TLS */

struct reader;

struct source {			/* what one sensor sends by */
	struct source	*next;
	struct reader	*r;
	struct sensor_given given;
	int		 fd;
	int		 listens;
	struct event	*ev;		/* NULL: a file */
	short		 waits;		/* EV_READ or EV_WRITE */
	uint64_t	 since, heard;	/* ms; of a line. 0: never */
	SSL_CTX		*ctx;		/* TLS that listens */
	SSL		*ssl;		/* a connection of it */
	struct addr	 from;
	char		 sender[SENDER_MAX];	/* its name, or "" */
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
	struct log_gate	 gate;
	uint64_t	 lost, refused, told;
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
	s->heard = clock_ms();
	if (rv == ERR_NOTFOUND)
		return;
	if (rv == 0 && s->sender[0] != '\0')
		fields_add(&r->message, "@sender", s->sender);
	/* It waits if the daemon is slow: a stream's sender waits, too. */
	if (rv != 0 || parcel_send(r->fd, r->message.s, r->message.len, NULL,
	    0) < 0)
		r->lost++;
}

static int
is_syslog(const struct source *s)
{
	return s->given.kind == SENSOR_TCP || s->given.kind == SENSOR_TLS;
}

/* Take out the lines that are whole. */
static void
lines_take(struct source *s)
{
	size_t at = 0, len, before, behind;

	for (;;) {
		len = sensors_line(s->buf + at, s->n - at, is_syslog(s),
		    &before, &behind);
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

/* Not a file, a listener, or a socket that datagrams come to. */
static int
is_connection(const struct source *s)
{
	return !s->listens && (s->given.kind == SENSOR_UNIX ||
	    s->given.kind == SENSOR_TCP || s->given.kind == SENSOR_TLS);
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
	if (is_connection(s))
		s->r->connections--;
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	close(s->fd);
	free(s->buf);
	free(s);
}

static void
source_wait(struct source *s, short what)
{
	if (s->waits == what)
		return;
	if (s->ev != NULL)
		event_free(s->ev);
	s->waits = what;
	s->ev = event_new(s->r->base, s->fd, what | EV_PERSIST,
	    source_readable, s);
	event_add(s->ev, NULL);
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
	s->since = clock_ms();
	source_wait(s, EV_READ);
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

/* Why a connection was refused; a peer can cause many such lines. */
static void
refused(struct reader *r, const char *sensor, const struct addr *from,
    const char *why)
{
	char s[ADDR_STRLEN];
	int held;

	r->refused++;
	if (log_gate(&r->gate, &held))
		log_warn("sensor %s: a connection from %s is refused: %s (%d "
		    "lines like this were held back)", sensor,
		    addr_ip_str(from, s), why, held);
}

/* Of the sensor with the most of them, and there of those who have said nothing
 * for the longest time: whoever opens many loses his own. */
static struct source *
source_spare(struct reader *r)
{
	unsigned n[SENSORS] = { 0 }, mine, its;
	struct source *s, *spare = NULL;

	for (s = r->sources; s != NULL; s = s->next)
		n[s->given.index] += (unsigned)is_connection(s);
	for (s = r->sources; s != NULL; s = s->next) {
		mine = n[s->given.index];
		its = spare != NULL ? n[spare->given.index] : 0;
		if (is_connection(s) && (mine > its || (mine == its &&
		    (s->heard < spare->heard || (s->heard == spare->heard &&
		    s->since < spare->since)))))
			spare = s;
	}
	return spare;
}

/* One more; another goes if there are too many, so that those who are silent
 * keep nobody out. */
static void
source_connected(struct source *s, int fd, const struct addr *from)
{
	struct reader *r = s->r;
	struct source *c;

	if (r->connections >= CONNECTIONS) {
		r->refused++;
		source_free(source_spare(r));
	}
	r->connections++;
	c = source_new(r, &s->given, fd, 0);
	c->from = *from;
	if (s->ctx != NULL && ((c->ssl = SSL_new(s->ctx)) == NULL ||
	    SSL_set_fd(c->ssl, fd) != 1)) {
		r->refused++;
		source_free(c);
	} else if (s->ctx != NULL) {
		SSL_set_accept_state(c->ssl);
	}
}

static void
source_accept(struct source *s)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct addr from;
	int fd;

	while ((fd = accept4(s->fd, (struct sockaddr *)&ss, &len,
	    SOCK_CLOEXEC)) >= 0) {
		addr_set(&from, (struct sockaddr *)&ss);
		if (source_from(s, (struct sockaddr *)&ss)) {
			source_connected(s, fd, &from);
		} else {
			refused(s->r, s->given.name, &from, "it is not in "
			    "\"from\"");
			close(fd);
			s->r->lost++;
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

/* It has closed. The last line may have no end. */
static void
source_over(struct source *s, int whole)
{
	if (whole && s->n > 0 && !s->skip)
		line_take(s, s->buf, s->n);
	source_free(s);
}

/* Say no. What has come is read, so that the alert is not lost behind a
 * reset. */
static void
source_refuse(struct source *s, const char *why)
{
	refused(s->r, s->given.name, &s->from, why);
	shutdown(s->fd, SHUT_WR);
	while (read(s->fd, s->buf, REPORT_MAX) > 0)
		;
	source_free(s);
}

/* A record that is larger than the room is read in several turns: the socket
 * does not wake us for its rest. */
static void
source_tls(struct source *s)
{
	enum sensors_tls_got got;
	size_t n;

	do {
		got = sensors_tls_read(s->ssl, s->buf + s->n, REPORT_MAX -
		    s->n, &n);
		if (got == TLS_GOT_BYTES) {
			s->n += n;
			lines_take(s);
		} else if (got == TLS_GOT_HANDSHAKE) {
			sensors_tls_sender(s->ssl, s->sender);
		}
	} while (got <= TLS_GOT_HANDSHAKE && (got == TLS_GOT_HANDSHAKE ||
	    SSL_has_pending(s->ssl)));
	if (got == TLS_GOT_ERROR)
		source_refuse(s, sensors_tls_why(s->ssl));
	else if (got == TLS_GOT_END || got == TLS_GOT_CUT)
		source_over(s, got == TLS_GOT_END);
	else
		source_wait(s, got == TLS_GOT_ROOM ? EV_WRITE : EV_READ);
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
	if (s->ssl != NULL) {
		source_tls(s);
		return;
	}
	n = read(s->fd, s->buf + s->n, REPORT_MAX - s->n);
	if (n > 0) {
		s->n += (size_t)n;
		lines_take(s);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		source_over(s, 1);
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

/* Who has begun a handshake, and does not go on. */
static void
stalled_refuse(struct reader *r, uint64_t now)
{
	struct source *s, *next;

	for (s = r->sources; s != NULL; s = next) {
		next = s->next;
		if (s->ssl != NULL && !SSL_is_init_finished(s->ssl) &&
		    now - s->since >= HANDSHAKE)
			source_refuse(s, "its handshake takes too long");
	}
}

/* Once a second: who is too slow; and what was lost. */
static void
lost_tell(evutil_socket_t fd, short what, void *arg)
{
	struct fields_head h = { .sensor = FIELDS_LOST };
	struct reader *r = arg;

	stalled_refuse(r, clock_ms());
	h.lost = r->lost;
	h.refused = r->refused;
	if (r->lost + r->refused != r->told && parcel_send(r->fd, &h,
	    sizeof(h), NULL, 0) > 0)
		r->told = r->lost + r->refused;
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

/* Whether it can be what the daemon has sent, so many bytes of it. */
static int
given_right(const struct sensor_given *g, size_t len)
{
	size_t pem = (size_t)g->cert + g->key + g->ca;

	return g->index < SENSORS && g->nfrom <= SENSOR_FROM &&
	    pem <= SENSOR_PEM && len == sizeof(*g) + pem;
}

static void
listener_given(struct reader *r, const struct sensor_given *g, int fd,
    const char *pem)
{
	struct text why = { 0 };
	SSL_CTX *ctx = NULL;

	if (g->kind == SENSOR_TLS &&
	    (ctx = sensors_tls_new(g, pem, &why)) == NULL) {
		log_error("sensor %s: TLS cannot be spoken: %s", g->name,
		    why.s);
		text_free(&why);
		close(fd);
		return;
	}
	source_new(r, g, fd, g->kind == SENSOR_UNIX || g->kind ==
	    SENSOR_TCP || g->kind == SENSOR_TLS)->ctx = ctx;
}

static void
reader_given(evutil_socket_t fd, short what, void *arg)
{
	static struct {
		struct sensor_given g;
		char	 pem[SENSOR_PEM];
	} m;
	struct reader *r = arg;
	size_t nfds = 1;
	int given = -1, n;

	n = parcel_recv(r->fd, &m, sizeof(m), &given, &nfds);
	if (n < (int)sizeof(m.g) || nfds != 1 ||
	    !given_right(&m.g, (size_t)n)) {
		event_base_loopbreak(r->base);	/* it has gone */
		return;
	}
	m.g.name[SENSOR_NAME - 1] = '\0';
	if (m.g.kind == SENSOR_FILE)
		file_given(r, &m.g, given);
	else
		listener_given(r, &m.g, given, m.pem);
	OPENSSL_cleanse(m.pem, sizeof(m.pem));
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
	if (helper_drop(HELPER_NOBODY, 0) != 0 ||
	    (r.base = event_base_new()) == NULL) {
		log_error("sensors: cannot start: %m");
		return 1;
	}
	/* Keys will be in it, and others may be nobody, too. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
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
