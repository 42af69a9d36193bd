/*
 * The daemon's end: opens sockets and files, starts the process, gives it all
 * of them, and reads what comes back.
 */
#include "verdict/sensors.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"
#include "util/helper.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/parcel.h"
#include "verdict/sensors_pem.h"
#include "verdict/sensors_wire.h"

#define BATCH	64		/* reports a turn: others have theirs */
#define BACKLOG	128
#define BUFFER	(4 << 20)	/* bytes that a UDP socket may hold */

struct opened {			/* of one sensor */
	int		 fd;		/* -1: a file that is not there yet */
	struct stat	 st;		/* of a file */
	int		 told;		/* that it is not there */
	struct sensor_pem pem;		/* TLS */
};

struct sensors {
	struct event_base *base;
	struct conf	*conf;		/* a reference */
	struct opened	*opened;	/* of its sensors */
	sensors_said	 said;
	void		*arg;
	int		 fd;		/* to the process; -1: it has ended */
	pid_t		 pid;
	struct event	*ev;
	struct sensors_stats stats;
	uint64_t	 lost, refused;	/* of processes that have ended */
};

static int
open_failed(const struct conf_sensor *c, const char *what, struct text *why)
{
	text_printf(why, "sensor %s: %s: %s", c->name, what,
	    strerror(errno));
	return ERR_SYS;
}

/* A socket in the file system, of a daemon that is gone or of this one. */
static int
open_unix(const struct conf_sensor *c, const char *user, int type,
    struct text *why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	keep_dir(c->path, 0755, NULL);
	memcpy(sun.sun_path, c->path, strlen(c->path) + 1);
	if (lstat(c->path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(c->path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    chmod(c->path, 0660) == 0 && keep_give_path(c->path, user) == 0 &&
	    (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	open_failed(c, c->path, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
open_inet(const struct conf_sensor *c, int type, struct text *why)
{
	int fd = socket(c->address.sa.sa_family, type | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0), on = 1, size = BUFFER;
	char s[ADDR_STRLEN];

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (type == SOCK_DGRAM)
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
			    sizeof(size));
	}
	if (fd >= 0 && bind(fd, &c->address.sa, addr_len(&c->address)) == 0 &&
	    (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	open_failed(c, addr_str(&c->address, s), why);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A file that is not there, or that we may not read, may come. */
static void
open_file(const struct conf_sensor *c, struct opened *o)
{
	int fd = open(c->path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &o->st) == 0 && S_ISREG(o->st.st_mode)) {
		o->fd = fd;
		o->told = 0;
		return;
	}
	if (!o->told)
		log_warn("sensor %s: %s: %s; it is read when it is there",
		    c->name, c->path, fd >= 0 ? "it is no file" :
		    strerror(errno));
	o->told = 1;
	if (fd >= 0)
		close(fd);
}

static int
open_one(const struct conf_sensor *c, const char *user, struct opened *o,
    struct text *why)
{
	o->fd = -1;
	switch (c->kind) {
	case SENSOR_FILE:
		open_file(c, o);
		return 0;
	case SENSOR_UNIX:
		o->fd = open_unix(c, user, SOCK_STREAM, why);
		break;
	case SENSOR_UNIX_DGRAM:
		o->fd = open_unix(c, user, SOCK_DGRAM, why);
		break;
	case SENSOR_UDP:
		o->fd = open_inet(c, SOCK_DGRAM, why);
		break;
	case SENSOR_TCP:
		o->fd = open_inet(c, SOCK_STREAM, why);
		break;
	case SENSOR_TLS:
		o->fd = open_inet(c, SOCK_STREAM, why);
		break;
	case SENSOR_REST:
		return 0;
	}
	return o->fd >= 0 ? 0 : ERR_SYS;
}

/* With its certificate and key behind it. */
static void
give(struct sensors *s, size_t i, int at_end)
{
	const struct conf_sensor *c = &s->conf->sensors[i];
	const struct sensor_pem *p = &s->opened[i].pem;
	size_t size = sizeof(struct sensor_given) + p->n;
	struct sensor_given *g;

	if (s->fd < 0 || s->opened[i].fd < 0)
		return;
	g = xcalloc(1, size);
	g->index = (uint32_t)i;
	g->kind = (uint32_t)c->kind;
	g->at_end = (uint32_t)at_end;
	g->nfrom = (uint32_t)c->from.n;
	if (c->from.n > 0)
		memcpy(g->from, c->from.v, c->from.n * sizeof(*g->from));
	snprintf(g->name, sizeof(g->name), "%s", c->name);
	g->cert = p->cert;
	g->key = p->key;
	g->ca = p->ca;
	if (p->n > 0)
		memcpy(g + 1, p->s, p->n);
	parcel_send(s->fd, g, size, &s->opened[i].fd, 1);
	OPENSSL_cleanse(g, size);
	free(g);
}

/* It has nothing to bring in order. */
static void
reap(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void
ended(struct sensors *s)
{
	log_error("the process that reads sensors has ended; it is started "
	    "again");
	event_free(s->ev);
	s->ev = NULL;
	close(s->fd);
	s->fd = -1;
	s->stats.up = 0;
	s->lost = s->stats.lost;
	s->refused = s->stats.refused;
	reap(s->pid);
}

static void
heard(struct sensors *s, const struct fields *f)
{
	if (f->head.sensor == FIELDS_LOST) {
		s->stats.lost = s->lost + f->head.lost;
		s->stats.refused = s->refused + f->head.refused;
	} else if (f->head.sensor < s->conf->nsensors) {
		s->stats.reports++;
		s->said(s->arg, &s->conf->sensors[f->head.sensor], f);
	}
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	static char message[FIELDS_BYTES];
	static struct fields f;
	struct sensors *s = arg;
	ssize_t n;
	int i;

	for (i = 0; i < BATCH; i++) {
		n = recv(fd, message, sizeof(message), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			ended(s);
			return;
		}
		/* One that lies has been taken over, or is broken. */
		if (fields_read(&f, message, (size_t)n) != 0 &&
		    f.head.sensor != FIELDS_LOST) {
			ended(s);
			return;
		}
		heard(s, &f);
	}
}

static int
start(struct sensors *s, int at_end, struct text *why)
{
	static char name[] = "clearspan", arg[] = SENSORS_ARG;
	static char *const argv[] = { name, arg, NULL };
	int size = 2 * FIELDS_BYTES;
	size_t i;

	if (helper_start(argv, NULL, &s->fd, &s->pid) != 0) {
		s->fd = -1;
		text_printf(why, "cannot start the process that reads "
		    "sensors: %s", strerror(errno));
		return ERR_SYS;
	}
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	s->stats.up = 1;
	s->ev = event_new(s->base, s->fd, EV_READ | EV_PERSIST, readable, s);
	event_add(s->ev, NULL);
	for (i = 0; i < s->conf->nsensors; i++)
		give(s, i, at_end);
	return 0;
}

/* Whether another has this path. */
static int
has_path(const struct conf *c, const char *path)
{
	size_t i;

	for (i = 0; i < c->nsensors; i++)
		if (c->sensors[i].kind != SENSOR_FILE &&
		    c->sensors[i].path != NULL &&
		    strcmp(c->sensors[i].path, path) == 0)
			return 1;
	return 0;
}

static void
paths_remove(const struct sensors *s, const struct conf *but)
{
	const struct conf_sensor *c;
	size_t i;

	for (i = 0; i < s->conf->nsensors; i++) {
		c = &s->conf->sensors[i];
		if (c->kind != SENSOR_FILE && c->path != NULL &&
		    s->opened[i].fd >= 0 && (but == NULL ||
		    !has_path(but, c->path)))
			unlink(c->path);
	}
}

static void
stop(struct sensors *s)
{
	size_t i;

	if (s->ev != NULL)
		event_free(s->ev);
	if (s->fd >= 0) {
		close(s->fd);
		reap(s->pid);
	}
	for (i = 0; i < s->conf->nsensors; i++) {
		if (s->opened[i].fd >= 0)
			close(s->opened[i].fd);
		sensor_pem_drop(&s->opened[i].pem);
	}
	free(s->opened);
	conf_unref(s->conf);
	free(s);
}

/* Of the old ones, what has the same. -1: none. */
static int
inherit(const struct sensors *old, const struct conf_sensor *c,
    struct opened *o)
{
	const struct conf_sensor *p;
	size_t i;

	for (i = 0; old != NULL && i < old->conf->nsensors; i++) {
		p = &old->conf->sensors[i];
		if (p->kind == c->kind && (c->path != NULL ?
		    strcmp(p->path, c->path) == 0 :
		    addr_eq(&p->address, &c->address)) &&
		    old->opened[i].fd >= 0) {
			*o = old->opened[i];
			o->fd = fcntl(old->opened[i].fd, F_DUPFD_CLOEXEC, 3);
			memset(&o->pem, 0, sizeof(o->pem));
			if (conf_sensor_tls_same(p, c))
				sensor_pem_copy(&o->pem, &old->opened[i].pem);
			return o->fd;
		}
	}
	return -1;
}

static struct sensors *
sensors_new(struct event_base *base, struct conf *conf, sensors_said said,
    void *arg)
{
	struct sensors *s = xcalloc(1, sizeof(*s));
	size_t i;

	s->base = base;
	s->conf = conf_ref(conf);
	s->said = said;
	s->arg = arg;
	s->fd = -1;
	s->opened = xcalloc(conf->nsensors + 1, sizeof(*s->opened));
	for (i = 0; i < conf->nsensors; i++)
		s->opened[i].fd = -1;
	return s;
}

/* Whether they are the same, with the same in their files. */
static int
sensors_same(const struct conf *a, const struct conf *b)
{
	size_t i;

	if (!conf_same(a, b, "sensors"))
		return 0;
	for (i = 0; i < a->nsensors; i++)
		if (!conf_sensor_tls_same(&a->sensors[i], &b->sensors[i]))
			return 0;
	return 1;
}

/* What a sensor needs, of the old ones or new. */
static int
ready_one(struct sensors *s, size_t i, const struct sensors *old,
    struct text *why)
{
	const struct conf_sensor *c = &s->conf->sensors[i];
	struct opened *o = &s->opened[i];
	struct text said = { 0 };
	int rv = 0;

	if (inherit(old, c, o) < 0)
		rv = open_one(c, s->conf->user, o, why);
	if (rv == 0 && c->kind == SENSOR_TLS && o->pem.s == NULL &&
	    sensor_pem_read(&o->pem, c, &said) != 0) {
		text_printf(why, "sensor %s: %s", c->name, said.s);
		rv = ERR_USAGE;
	}
	text_free(&said);
	return rv;
}

/* Whether there is any for the process: admin/rest serves the others. */
static int
has_read(const struct conf *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->nsensors; i++)
		n += c->sensors[i].kind != SENSOR_REST;
	return n > 0;
}

int
sensors_open(struct event_base *base, struct conf *conf, struct sensors *old,
    sensors_said said, void *arg, struct sensors **out, struct text *why)
{
	struct sensors *s;
	int rv = 0;
	size_t i;

	*out = old;
	if (old != NULL && sensors_same(old->conf, conf))
		return 0;
	*out = NULL;
	if (!has_read(conf))
		return 0;
	s = sensors_new(base, conf, said, arg);
	for (i = 0; i < conf->nsensors && rv == 0; i++)
		rv = ready_one(s, i, old, why);
	if (rv == 0)
		*out = s;
	else
		sensors_drop(s, old);
	return rv;
}

void
sensors_drop(struct sensors *s, struct sensors *old)
{
	if (s == NULL || s == old)
		return;
	paths_remove(s, old != NULL ? old->conf : NULL);
	stop(s);
}

void
sensors_free(struct sensors *s)
{
	sensors_drop(s, NULL);
}

void
sensors_begin(struct sensors *s, struct conf *conf, struct sensors *old)
{
	struct text why = { 0 };

	if (s == old && s != NULL) {
		conf_ref(conf);
		conf_unref(s->conf);
		s->conf = conf;
		return;
	}
	if (old != NULL) {
		paths_remove(old, conf);
		if (s != NULL) {
			s->stats = old->stats;
			s->lost = old->stats.lost;
			s->refused = old->stats.refused;
		}
		stop(old);
	}
	/* If not, the next tick tries again. */
	if (s != NULL && start(s, 1, &why) != 0)
		log_error("%s", why.s);
	text_free(&why);
}

/* Whether another file has taken its place. */
static int
rotated(const struct conf_sensor *c, const struct opened *o)
{
	struct stat st;

	return o->fd < 0 || (stat(c->path, &st) == 0 &&
	    (st.st_ino != o->st.st_ino || st.st_dev != o->st.st_dev));
}

void
sensors_tick(struct sensors *s)
{
	struct text why = { 0 };
	const struct conf_sensor *c;
	struct opened *o;
	size_t i;

	if (s == NULL)
		return;
	if (s->fd < 0 && start(s, 0, &why) != 0)
		log_error("%s", why.s);
	text_free(&why);
	for (i = 0; i < s->conf->nsensors; i++) {
		c = &s->conf->sensors[i];
		o = &s->opened[i];
		if (c->kind != SENSOR_FILE || !rotated(c, o))
			continue;
		if (o->fd >= 0)
			close(o->fd);
		o->fd = -1;
		open_file(c, o);
		give(s, i, 0);
	}
}

void
sensors_stats(const struct sensors *s, struct sensors_stats *st)
{
	*st = s->stats;
}
