/*
 * Accepting connections: a bounded number per event, none for a while when
 * descriptors or another limit are used up, and none that lead back to us
 * (reach.c).
 */
#include "proxy/accept.h"

#include <event2/event.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/sock.h"
#include "proxy/clients.h"
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

int
accept_bind(struct worker *w, struct text *why)
{
	const struct conf *conf = policy_conf(w->boot);
	const struct conf_listen *l;
	char addr[ADDR_STRLEN];
	int no_tproxy = 0, fd;
	size_t i;

	w->listeners = xcalloc(conf->nlistens, sizeof(*w->listeners));
	for (i = 0; i < conf->nlistens; i++) {
		l = &conf->listens[i];
		fd = sock_listen(&l->address, l->v6only,
		    l->mode == CONF_TRANSPARENT, &no_tproxy);
		if (fd < 0) {
			text_printf(why, "cannot listen on %s (listener %s): "
			    "%s", addr_str(&l->address, addr), l->name,
			    err_str(fd));
			return ERR_SYS;
		}
		if (no_tproxy && w->index == 0)
			log_warn("listener %s: TPROXY needs CAP_NET_ADMIN; "
			    "only REDIRECT will work", l->name);
		w->listeners[i].worker = w;
		w->listeners[i].conf = l;
		w->listeners[i].fd = fd;
		w->nlisteners = i + 1;
	}
	return 0;
}

void
accept_start(struct worker *w)
{
	struct rlimit n = { 0 };
	struct listener *l;
	size_t i;

	/* A session needs two; more sessions could not be served. */
	getrlimit(RLIMIT_NOFILE, &n);
	w->room = (n.rlim_cur < 2 * ACCEPT_SPARE ? n.rlim_cur / 2 :
	    n.rlim_cur - ACCEPT_SPARE) / 2;
	evtimer_assign(&w->resume, w->base, accept_resume, w);
	for (i = 0; i < w->nlisteners; i++) {
		l = &w->listeners[i];
		event_assign(&l->ev, w->base, l->fd, EV_READ | EV_PERSIST,
		    accept_event, l);
		event_add(&l->ev, NULL);
	}
}

static void
accept_watch(struct worker *w, int on)
{
	size_t i;

	for (i = 0; i < w->nlisteners; i++)
		if (on)
			event_add(&w->listeners[i].ev, NULL);
		else
			event_del(&w->listeners[i].ev);
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
	size_t i;

	event_del(&w->resume);
	for (i = 0; i < w->nlisteners; i++) {
		event_del(&w->listeners[i].ev);
		close(w->listeners[i].fd);
	}
	w->nlisteners = 0;
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
