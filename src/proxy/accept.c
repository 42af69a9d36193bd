/*
 * Accepting connections: a bounded number per event, none for a while when
 * descriptors or another limit are used up, and none that lead back to us
 * (reach.c).
 */
#include "proxy/accept.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/sock.h"
#include "proxy/clients.h"
#include "proxy/dnsudp.h"
#include "proxy/inner.h"
#include "proxy/reach.h"
#include "proxy/session.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define ACCEPT_TURN	32	/* per event: then sessions have a turn */
#define ACCEPT_RETRY	100	/* ms until the next try after a pause */
#define ACCEPT_SPARE	64	/* descriptors that are no session's */

static void	accept_event(evutil_socket_t, short, void *);
static void	accept_resume(evutil_socket_t, short, void *);

/* Whether they can have the same socket. */
static int
listen_same(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->mode == b->mode && a->v6only == b->v6only &&
	    addr_eq(&a->address, &b->address);
}

int
accept_has(const struct conf *c, const struct conf_listen *l)
{
	size_t i;

	for (i = 0; c != NULL && i < c->nlistens; i++)
		if (listen_same(&c->listens[i], l))
			return 1;
	return 0;
}

/* The listener that can have the same socket for DNS. */
static int
accept_has_dns(const struct conf *c, const struct conf_listen *l)
{
	size_t i;

	for (i = 0; c != NULL && i < c->nlistens; i++)
		if (listen_same(&c->listens[i], l))
			return c->listens[i].dns;
	return 0;
}

static void
sockets_close(const int *fd, size_t nlistens)
{
	size_t n = 2 * nlistens;

	while (n-- > 0)
		if (fd[n] >= 0)
			close(fd[n]);
}

/* Of the first worker: what goes for it goes for all, and is told once. */
static int
listen_open(const struct conf_listen *l, int first, struct text *why)
{
	int no_tproxy = 0, fd;
	char addr[ADDR_STRLEN];

	fd = sock_listen(&l->address, l->v6only, l->mode == CONF_TRANSPARENT,
	    &no_tproxy);
	if (fd < 0)
		text_printf(why, "cannot listen on %s (listener %s): %s",
		    addr_str(&l->address, addr), l->name, err_str(fd));
	else if (no_tproxy && first)
		log_warn("listener %s: TPROXY needs CAP_NET_ADMIN; only "
		    "REDIRECT will work", l->name);
	return fd;
}

void
accept_drop(int **sockets, size_t n, size_t nlistens)
{
	size_t i;

	for (i = 0; sockets != NULL && i < n; i++) {
		if (sockets[i] != NULL)
			sockets_close(sockets[i], nlistens);
		free(sockets[i]);
	}
	free(sockets);
}

/* Those of one worker. */
static int
sockets_open(const struct conf *c, const struct conf *before, int first,
    int *fd, struct text *why)
{
	const struct conf_listen *l;
	size_t k, n = c->nlistens;

	for (k = 0; k < 2 * n; k++)
		fd[k] = -1;
	for (k = 0; k < n; k++) {
		l = &c->listens[k];
		if (!accept_has(before, l) &&
		    (fd[k] = listen_open(l, first, why)) < 0)
			return ERR_SYS;
		if (l->dns && !accept_has_dns(before, l) &&
		    (fd[n + k] = dnsudp_listen(l, why)) < 0)
			return ERR_SYS;
	}
	return 0;
}

int
accept_open(const struct conf *c, const struct conf *before, size_t n,
    int ***out, struct text *why)
{
	int **all = xcalloc(n + 1, sizeof(*all));
	size_t i;

	for (i = 0; i < n; i++) {
		all[i] = xcalloc(2 * c->nlistens + 1, sizeof(*all[i]));
		if (sockets_open(c, before, i == 0, all[i], why) == 0)
			continue;
		accept_drop(all, n, c->nlistens);
		return ERR_SYS;
	}
	*out = all;
	return 0;
}

static void
listener_watch(struct listener *l)
{
	event_assign(&l->ev, l->worker->base, l->fd, EV_READ | EV_PERSIST,
	    accept_event, l);
	if (!l->worker->paused)
		event_add(&l->ev, NULL);
}

static void
listener_watch_dns(struct listener *l)
{
	event_assign(&l->dns_ev, l->worker->base, l->dns_fd,
	    EV_READ | EV_PERSIST, dnsudp_event, l);
	event_add(&l->dns_ev, NULL);
}

/* What is in its queue is still answered. */
static void
listener_close_dns(struct listener *l)
{
	if (l->dns_fd == -1)
		return;
	if (event_initialized(&l->dns_ev)) {
		dnsudp_event(l->dns_fd, EV_READ, l);
		event_del(&l->dns_ev);
	}
	close(l->dns_fd);
	l->dns_fd = -1;
}

/* With that socket for DNS, if it is new. */
static void
listener_take_dns(struct listener *l, int fd)
{
	if (!l->conf->dns)
		listener_close_dns(l);
	if (fd == -1)
		return;
	l->dns_fd = fd;
	if (l->worker->place != NULL)
		listener_watch_dns(l);
}

static struct listener *
listener_new(struct worker *w, int fd)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->worker = w;
	l->fd = fd;
	l->dns_fd = -1;
	if (w->place != NULL)
		listener_watch(l);
	return l;
}

static void
listener_free(struct listener *l)
{
	if (event_initialized(&l->ev))
		event_del(&l->ev);
	listener_close_dns(l);
	close(l->fd);
	free(l);
}

/* The one that can be kept, out of the worker's list. */
static struct listener *
listener_kept(struct worker *w, const struct conf_listen *conf)
{
	struct listener *l;
	size_t i;

	for (i = 0; i < w->nlisteners; i++) {
		l = w->listeners[i];
		if (l == NULL || !listen_same(l->conf, conf))
			continue;
		w->listeners[i] = NULL;
		return l;
	}
	return NULL;
}

void
accept_take(struct worker *w, const struct conf *c, const int *sockets)
{
	struct listener **all = xcalloc(c->nlistens + 1, sizeof(*all));
	size_t i;

	if (w->draining) {
		sockets_close(sockets, c->nlistens);
		free(all);
		return;
	}
	for (i = 0; i < c->nlistens; i++) {
		all[i] = sockets[i] != -1 ? listener_new(w, sockets[i]) :
		    listener_kept(w, &c->listens[i]);
		all[i]->conf = &c->listens[i];
		listener_take_dns(all[i], sockets[c->nlistens + i]);
	}
	for (i = 0; i < w->nlisteners; i++)	/* who is in its queue */
		if (w->listeners[i] != NULL)
			accept_event(w->listeners[i]->fd, EV_READ,
			    w->listeners[i]);
	accept_close(w);
	free(w->listeners);
	w->listeners = all;
	w->nlisteners = c->nlistens;
}

void
accept_close(struct worker *w)
{
	while (w->nlisteners > 0)
		if (w->listeners[--w->nlisteners] != NULL)
			listener_free(w->listeners[w->nlisteners]);
}

void
accept_start(struct worker *w)
{
	struct rlimit n = { 0 };
	size_t i;

	/* A session needs two; more sessions could not be served. */
	getrlimit(RLIMIT_NOFILE, &n);
	w->room = (n.rlim_cur < 2 * ACCEPT_SPARE ? n.rlim_cur / 2 :
	    n.rlim_cur - ACCEPT_SPARE) / 2;
	evtimer_assign(&w->resume, w->base, accept_resume, w);
	for (i = 0; i < w->nlisteners; i++) {
		listener_watch(w->listeners[i]);
		if (w->listeners[i]->dns_fd != -1)
			listener_watch_dns(w->listeners[i]);
	}
}

static void
accept_watch(struct worker *w, int on)
{
	size_t i;

	for (i = 0; i < w->nlisteners; i++)
		if (on)
			event_add(&w->listeners[i]->ev, NULL);
		else
			event_del(&w->listeners[i]->ev);
}

static void
accept_pause(struct worker *w, const char *why)
{
	static struct log_gate gate;
	struct timeval tv = { 0, ACCEPT_RETRY * 1000 };
	int held;

	if (w->paused || w->draining)
		return;
	w->paused = 1;
	count(w->counts.accept_paused, 1);
	if (log_gate(&gate, &held))
		log_warn("accepting paused: %s (new connections wait)", why);
	accept_watch(w, 0);
	evtimer_add(&w->resume, &tv);
}

/* What forbids accepting now, or NULL. */
static const char *
accept_limit(const struct worker *w)
{
	const struct conf *conf = policy_conf(w->policy);


	if (session_count() >= conf->limits.connections)
		return "limits.connections are open";
	if (session_count() >= w->room)
		return "no descriptors are left";
	return NULL;
}

/* The pause is over, a session has ended, or a dial met a limit. */
static void
accept_resume(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct timeval tv = { 0, ACCEPT_RETRY * 1000 };

	if (w->full)
		accept_pause(w, "connections to servers meet a limit of "
		    "descriptors, memory or names to look up");
	if (!w->paused || w->draining)
		return;
	if (w->full || accept_limit(w) != NULL) {
		w->full = 0;
		evtimer_add(&w->resume, &tv);
		return;
	}
	w->paused = 0;
	accept_watch(w, 1);
}

void
accept_stop(struct worker *w)
{
	event_del(&w->resume);
	accept_close(w);
}

/* Why this client is refused, or NULL. */
static const char *
accept_refusal(struct worker *w, const struct conf_listen *l, int fd,
    const struct addr *peer, struct addr *dst, int *redirected)
{
	if (l->mode == CONF_EXPLICIT)
		return conf_prefixes_have(&l->allow, peer) ? NULL :
		    "the client is not in the listener's allow list";
	if (sock_original(fd, dst, redirected) != 0)
		return "its original destination is not known";
	if (reach_is_own(w, dst))
		return "it was meant for this listener itself: a loop, or a "
		    "client that takes it for an explicit proxy";
	return reach_unroutable(w, peer, dst);
}

static void
accept_one(struct listener *l, int fd, const struct addr *peer)
{
	static struct log_gate gate;
	struct worker *w = l->worker;
	char from[ADDR_STRLEN];
	struct addr dst;
	const char *why;
	int held, redirected = 0;

	count(w->counts.accepted, 1);
	why = accept_refusal(w, l->conf, fd, peer, &dst, &redirected);
	if (why == NULL && clients_add(peer,
	    policy_conf(w->policy)->limits.per_client) != 0)
		why = "it has limits.per-client sessions open";
	if (why != NULL) {
		count(w->counts.refused, 1);
		if (log_gate(&gate, &held))
			log_warn("listener %s: connection from %s refused: "
			    "%s (%d more like it not shown)", l->conf->name,
			    addr_str(peer, from), why, held);
		sock_reset(fd);
		return;
	}
	sock_session(fd, policy_conf(w->policy)->timeouts.keepalive);
	session_new(w, l->conf, fd, peer, &dst, redirected);
}

static void
accept_event(evutil_socket_t lfd, short what, void *arg)
{
	struct listener *l = arg;
	const char *why;
	struct addr peer;
	int i, fd;

	worker_is_at(l->worker, 0, "accepting");
	for (i = 0; i < ACCEPT_TURN; i++) {
		if ((why = accept_limit(l->worker)) != NULL) {
			accept_pause(l->worker, why);
			return;
		}
		fd = sock_accept(lfd, &peer);
		if (fd == ERR_LIMIT) {
			accept_pause(l->worker, "no descriptors are left");
			return;
		}
		if (fd < 0)
			return;
		accept_one(l, fd, &peer);
	}
}
