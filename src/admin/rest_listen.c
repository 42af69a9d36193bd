/*
 * The listeners of REST, as a reload adds, changes and removes them. One that
 * keeps its address keeps its socket, and takes over what else is new.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/rest_conn.h"
#include "tls/serve.h"
#include "util/err.h"
#include "util/mem.h"

#define PAUSE		1	/* s without accepting after an error */

struct rest_fresh {		/* of each sensor with `listen` */
	struct conf	*conf;
	size_t		 n;
	struct {
		const struct conf_sensor *sensor;
		SSL_CTX	*ctx;		/* or NULL */
		int	 fd;		/* -1: it is taken over */
	} v[];
};

static int
from_has(const struct rest_listener *l, const struct addr *a)
{
	size_t i;

	for (i = 0; i < l->sensor->from.n; i++)
		if (prefix_has(&l->sensor->from.v[i], a))
			return 1;
	return l->sensor->from.n == 0;
}

/* Room for another: of those that wait for their peers, the one that has
 * waited longest gives way. */
static int
make_room(struct rest_listener *l)
{
	struct rest_conn *c;

	if (l->nconns < REST_CONNECTIONS)
		return 1;
	if ((c = rest_conn_next(l)) == NULL)
		return 0;
	rest_conn_free(c);
	return 1;
}

static void
accepted(struct evconnlistener *e, evutil_socket_t fd, struct sockaddr *sa,
    int salen, void *arg)
{
	struct rest_listener *l = arg;
	struct addr peer;

	addr_set(&peer, sa);
	if (!from_has(l, &peer) || !make_room(l)) {
		l->rest->refused++;
		close(fd);
		return;
	}
	rest_conn_new(l, fd, &peer);
}

/* Descriptors are probably short. Pause, or the listener would spin. */
static void
accept_failed(struct evconnlistener *e, void *arg)
{
	static const struct timeval pause = { PAUSE, 0 };
	struct rest_listener *l = arg;

	evconnlistener_disable(e);
	evtimer_add(l->pause, &pause);
}

static void
accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct rest_listener *l = arg;

	evconnlistener_enable(l->listener);
}

static int
open_socket(const struct conf_sensor *s, struct text *why)
{
	int fd, on = 1;
	char name[ADDR_STRLEN];

	fd = socket(s->address.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && bind(fd, &s->address.sa, addr_len(&s->address)) == 0 &&
	    listen(fd, REST_CONNECTIONS) == 0)
		return fd;
	text_printf(why, "sensor %s: cannot listen on %s: %s", s->name,
	    addr_str(&s->address, name), strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct rest_listener *
listener_at(const struct rest *r, const struct addr *a)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (addr_eq(&r->listeners[i]->sensor->address, a))
			return r->listeners[i];
	return NULL;
}

static int
fresh_add(struct rest *r, struct rest_fresh *f, const struct conf_sensor *s,
    struct text *why)
{
	size_t i = f->n++;
	int rv = 0;

	f->v[i].sensor = s;
	f->v[i].fd = -1;
	if (s->certificate != NULL && (rv = serve_new(s->certificate, s->key,
	    s->client_ca, &f->v[i].ctx, why)) != 0)
		return rv;
	if (listener_at(r, &s->address) == NULL &&
	    (f->v[i].fd = open_socket(s, why)) < 0)
		return ERR_SYS;
	return 0;
}

int
rest_open(struct rest *r, struct conf *conf, struct rest_fresh **out,
    struct text *why)
{
	struct rest_fresh *f = xcalloc(1, sizeof(*f) + conf->nsensors *
	    sizeof(f->v[0]));
	size_t i;
	int rv = 0;

	f->conf = conf_ref(conf);
	for (i = 0; i < conf->nsensors && rv == 0; i++)
		if (conf->sensors[i].kind == SENSOR_REST)
			rv = fresh_add(r, f, &conf->sensors[i], why);
	*out = f;
	if (rv == 0)
		return 0;
	rest_drop(f);
	*out = NULL;
	return rv;
}

void
rest_drop(struct rest_fresh *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->n; i++) {
		SSL_CTX_free(f->v[i].ctx);
		if (f->v[i].fd >= 0)
			close(f->v[i].fd);
	}
	conf_unref(f->conf);
	free(f);
}

static void
listener_free(struct rest_listener *l)
{
	while (!TAILQ_EMPTY(&l->conns))
		rest_conn_free(TAILQ_FIRST(&l->conns));
	evconnlistener_free(l->listener);
	event_free(l->pause);
	SSL_CTX_free(l->ctx);
	conf_unref(l->conf);
	free(l);
}

static struct rest_listener *
listener_new(struct rest *r, int fd)
{
	struct rest_listener *l = xcalloc(1, sizeof(*l));

	l->rest = r;
	TAILQ_INIT(&l->conns);
	l->pause = evtimer_new(r->env->base, accept_again, l);
	l->listener = evconnlistener_new(r->env->base, accepted, l,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, fd);
	evconnlistener_set_error_cb(l->listener, accept_failed);
	return l;
}

/* What may have been let in by what no longer is ends, after its answer. */
static void
listener_renew(struct rest_listener *l, struct rest_fresh *f, size_t i)
{
	rest_conn_end_all(l);
	SSL_CTX_free(l->ctx);
	l->ctx = f->v[i].ctx;
	f->v[i].ctx = NULL;
	conf_ref(f->conf);
	conf_unref(l->conf);
	l->conf = f->conf;
	l->sensor = f->v[i].sensor;
}

void
rest_begin(struct rest *r, struct rest_fresh *f)
{
	struct rest_listener **v = xcalloc(f->n + 1, sizeof(*v)), *l;
	size_t i, k;

	for (i = 0; i < f->n; i++) {
		v[i] = listener_at(r, &f->v[i].sensor->address);
		for (k = 0; k < r->n && v[i] != NULL; k++)
			if (r->listeners[k] == v[i])
				r->listeners[k--] = r->listeners[--r->n];
	}
	while (r->n > 0)
		listener_free(r->listeners[--r->n]);
	for (i = 0; i < f->n; i++) {
		if ((l = v[i]) == NULL)
			l = v[i] = listener_new(r, f->v[i].fd);
		f->v[i].fd = -1;
		listener_renew(l, f, i);
	}
	free(r->listeners);
	r->listeners = v;
	r->n = f->n;
	rest_drop(f);
}

void
rest_stop(struct rest *r)
{
	while (r != NULL && r->n > 0)
		listener_free(r->listeners[--r->n]);
}
