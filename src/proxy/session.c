/*
 * The life of a session: begin, phases, taps, end. What each phase does is
 * in the files that the table names.
 */
#include "proxy/session.h"

#include <event2/event.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/packet.h"
#include "net/sock.h"
#include "proxy/clients.h"
#include "proxy/inner.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/* A client that was told by an alert has nothing more to hear. */
#define ALERTED_MS	1000
#define PEAK_SESSIONS	128	/* with less memory is not given back */

struct phase_ops {
	const char	*name;
	void		(*enter)(struct session *);
	void		(*event)(struct session *, struct conn *);
	void		(*timeout)(struct session *);
};

static const struct phase_ops phases[] = {
	[PHASE_HEAD] = { "request", head_enter, head_event, head_timeout },
	[PHASE_HELLO] = { "hello", hello_enter, hello_event, hello_timeout },
	[PHASE_CONFIRM] = { "confirmation", confirm_enter, connect_event,
	    NULL },
	[PHASE_CONNECT] = { "connect", connect_enter, connect_event, NULL },
	[PHASE_TURN] = { "waiting for a handshake's turn", turn_enter,
	    turn_event, turn_timeout },
	[PHASE_SERVER_TLS] = { "handshake with server", server_tls_enter,
	    server_tls_event, server_tls_timeout },
	[PHASE_FORGE] = { "forging", forge_enter, NULL, client_tls_timeout },
	[PHASE_CLIENT_TLS] = { "handshake with client", client_tls_enter,
	    client_tls_event, client_tls_timeout },
	[PHASE_RELAY] = { "relay", relay_enter, relay_event, relay_timeout },
	[PHASE_SPLICE] = { "bypass", splice_enter, splice_event,
	    relay_timeout },
	[PHASE_PAGE] = { "page", page_enter, relay_event, page_timeout },
	[PHASE_OVER] = { "over", NULL, NULL, NULL },
};

static _Atomic unsigned	sessions_open;

static void	session_tap_again(void *);
static void	session_tap_abort(void *, const char *);
static void	session_conn_event(void *, struct conn *);
static void	session_timed(evutil_socket_t, short, void *);
static void	session_again_cb(evutil_socket_t, short, void *);

static const struct tap_host session_host = {
	.again = session_tap_again,
	.abort = session_tap_abort,
};

struct event_base *
session_base(const struct session *s)
{
	return s->worker->base;
}

const struct conf *
session_conf(const struct session *s)
{
	return policy_conf(s->policy);
}

/*
 * The first session's number is the time in microseconds, and each has the
 * next one: while there are fewer than a million in a second, a daemon that
 * starts later begins behind all that this one has used.
 */
static uint64_t
session_id(void)
{
	static _Atomic uint64_t last;
	struct timespec ts;
	uint64_t none = 0;

	if (atomic_load(&last) == 0) {
		ts = clock_wall();
		atomic_compare_exchange_strong(&last, &none,
		    (uint64_t)ts.tv_sec * 1000000 +
		    (uint64_t)ts.tv_nsec / 1000);
	}
	return atomic_fetch_add(&last, 1) + 1;
}

/* The part that every session has, however it began. */
static struct session *
session_alloc(struct worker *w, const struct conf_listen *l,
    const struct addr *client)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->worker = w;
	s->listen = l;
	s->policy = policy_ref(w->policy);
	s->rec.id = session_id();
	s->rec.start = clock_wall();
	s->rec.listener = l->name;
	s->rec.mode = l->mode;
	s->rec.client = *client;
	s->rec.state = "new";
	s->active = clock_coarse_ms();
	conn_clear(&s->client, &w->revisits, session_conn_event, s);
	conn_clear(&s->server, &w->revisits, session_conn_event, s);
	wire_init(&s->wire, &s->client, &s->server, &w->pool, &session_host, s);
	s->wire.flow[DIR_UP].passed = &s->rec.bytes[DIR_UP];
	s->wire.flow[DIR_DOWN].passed = &s->rec.bytes[DIR_DOWN];
	s->row.wire = &s->wire;
	s->row.n = 1;
	evtimer_assign(&s->timer, w->base, session_timed, s);
	evtimer_assign(&s->again, w->base, session_again_cb, s);
	TAILQ_INSERT_TAIL(&w->sessions, s, link);
	count(w->counts.open, 1);
	atomic_fetch_add(&sessions_open, 1);
	return s;
}

unsigned
session_count(void)
{
	return atomic_load(&sessions_open);
}

void
session_new(struct worker *w, const struct conf_listen *l, int fd,
    const struct addr *client, const struct addr *server, int redirected)
{
	struct session *s = session_alloc(w, l, client);

	s->redirected = redirected != 0;
	conn_open(&s->client, fd);
	if (l->mode == CONF_EXPLICIT) {
		session_go(s, PHASE_HEAD);
		return;
	}
	s->rec.server = *server;
	session_go(s, PHASE_HELLO);
}

void
session_succeed(struct session *s)
{
	struct session *n = session_alloc(s->worker, s->listen,
	    &s->rec.client);

	wire_hand_over(&n->wire, &s->wire, DIR_UP);
	conn_move(&n->client, &s->client);
	clients_add(&n->rec.client, UINT_MAX);	/* until the other is over */
	session_end(s, "client asked for another server");
	session_go(n, PHASE_HEAD);
}

void
session_go(struct session *s, enum phase phase)
{
	log_debug("session %llu: %s -> %s", (unsigned long long)s->rec.id,
	    phases[s->phase].name, phases[phase].name);
	s->phase = phase;
	event_del(&s->timer);
	if ((phase < PHASE_SERVER_TLS || phase > PHASE_CLIENT_TLS) &&
	    phase != PHASE_CONFIRM)
		session_shaken(s);
	if (phases[phase].enter != NULL)
		phases[phase].enter(s);
}

/* Where the worker is, should it not come back. */
static void
session_is_at(const struct session *s)
{
	worker_is_at(s->worker, s->rec.id, phases[s->phase].name);
}

void
session_event(struct session *s, struct conn *c)
{
	session_is_at(s);
	if (phases[s->phase].event != NULL)
		phases[s->phase].event(s, c);
}

static void
session_conn_event(void *owner, struct conn *c)
{
	session_event(owner, c);
}

static void
session_timed(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	session_is_at(s);
	if (phases[s->phase].timeout != NULL)
		phases[s->phase].timeout(s);
}

static void
session_again_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	if (s->aborted != NULL)
		session_reset(s, DIR_DOWN, "%s", s->aborted);
	else
		session_event(s, NULL);
}

/* By a timer that is due at once: event_active() would run it before the
 * loop looks at any socket again, and it has had its turn. */
void
session_again(struct session *s)
{
	static const struct timeval now = { 0, 0 };

	evtimer_add(&s->again, &now);
}

/* In this turn of the loop still, behind what is ready already. */
void
session_soon(struct session *s)
{
	event_active(&s->again, EV_TIMEOUT, 0);
}

void
session_timer(struct session *s, uint64_t ms)
{
	struct timeval tv = { (time_t)(ms / 1000),
	    (suseconds_t)(ms % 1000 * 1000) };

	if (ms == 0)
		event_del(&s->timer);
	else
		evtimer_add(&s->timer, &tv);
}

static void
session_open_tap(struct session *s, const struct seat *seat, const char *name)
{
	struct tap *t;

	if (seat->ops == NULL || (t = wire_tap(&s->wire, seat->ops->tap,
	    TAP_BEHIND)) == NULL)
		return;
	t->name = name;
	t->state = seat->ops->begin(seat->seat, t, &s->rec);
}

/* Where the verdict wants the bytes seen: as they came first. */
void
session_open_taps(struct session *s)
{
	const struct conf_rule *rule = s->rec.verdict.rule;
	const struct conf *conf = session_conf(s);
	struct worker *w = s->worker;
	struct tap *t;
	size_t i;

	if (rule->nmirrors > 0)
		s->rec.shown_port = packet_shown_port(
		    addr_port(&s->rec.server),
		    conf->mirrors[rule->mirrors[0]].ports_map);
	for (i = 0; i < rule->nmirrors && i < RECORD_MIRRORS; i++)
		session_open_tap(s, &w->seats[rule->mirrors[i]],
		    conf->mirrors[rule->mirrors[i]].name);
	/* What a scanner is to see may be HTTP only later on. */
	if (!s->bypassed && (rule->nicaps > 0 ||
	    policy_by_request(s->policy) ||
	    (w->env->http_events && s->rec.protocol != PROTO_OTHER)))
		session_open_tap(s, &w->exchange, NULL);
	/* Without any it is spliced, and looked at there. */
	if (s->wire.taps.n > 0 && unread_looks(s) &&
	    (t = wire_tap(&s->wire, &unread_tap, TAP_BEHIND)) != NULL)
		t->state = s;
}

void
session_close_taps(struct session *s)
{
	struct record_mirror none, *m;
	struct tap *t;
	size_t i;

	for (i = 0; i < s->wire.taps.n; i++) {
		t = &s->wire.taps.tap[i];
		if (t->state == NULL || t->ops->close == NULL)
			continue;
		m = t->name == NULL ? &none :
		    &s->rec.mirrors[s->rec.nmirrors++];
		m->name = t->name;
		t->ops->close(t->state, &m->counts);
		t->state = NULL;
	}
	s->wire.taps.n = 0;
}

static void
session_reset_taps(struct session *s, enum flow_dir dir)
{
	struct tap *t = s->wire.taps.tap;
	size_t i;

	for (i = 0; i < s->wire.taps.n; i++)
		if (t[i].state != NULL && t[i].ops->reset != NULL)
			t[i].ops->reset(t[i].state, dir);
}

void
session_drop_taps(struct session *s)
{
	session_reset_taps(s, DIR_UP);
	session_close_taps(s);
}

/* Whatever it was waiting for, it waits no more. */
static void
session_stop(struct session *s)
{
	confirm_leave(s);
	dial_cancel(s->dial);
	s->dial = NULL;
	leaf_cancel(s->leaf_wait);
	s->leaf_wait = NULL;
	splice_leave(s);
	session_shaken(s);
	event_del(&s->timer);
	event_del(&s->again);
}

static void
session_over(struct session *s, int reset)
{
	struct worker *w = s->worker;

	unread_over(s);
	session_stop(s);
	session_close_taps(s);
	server_tls_over(s);
	conn_close(&s->client, reset);
	conn_close(&s->server, reset);
	wire_drop(&s->wire);
	s->rec.end = clock_wall();
	s->rec.state = s->open ? "closed" : "new";
	count(w->counts.bytes[DIR_UP], s->rec.bytes[DIR_UP]);
	count(w->counts.bytes[DIR_DOWN], s->rec.bytes[DIR_DOWN]);
	count(w->counts.ended, 1);
	mem_rose(&w->peak, w->counts.open);
	atomic_fetch_sub(&w->counts.open, 1);
	mem_fell(&w->peak, w->counts.open, PEAK_SESSIONS);
	atomic_fetch_sub(&sessions_open, 1);
	clients_remove(&s->rec.client);
	if (w->env->ended != NULL)
		w->env->ended(w->env->arg, &s->rec);
	session_go(s, PHASE_OVER);
	TAILQ_REMOVE(&w->sessions, s, link);
	TAILQ_INSERT_TAIL(&w->dead, s, link);
	event_active(&w->reap, EV_TIMEOUT, 0);
	accept_check(w);
}

/* The first reason is the one that the log gets. */
static void
session_reason(struct session *s, const char *reason, va_list ap)
{
	if (s->rec.reason[0] == '\0')
		vsnprintf(s->rec.reason, sizeof(s->rec.reason), reason, ap);
}

void
session_end(struct session *s, const char *reason, ...)
{
	va_list ap;

	if (s->phase == PHASE_OVER)
		return;
	va_start(ap, reason);
	session_reason(s, reason, ap);
	va_end(ap);
	session_over(s, 0);
}

void
session_reset(struct session *s, enum flow_dir dir, const char *reason, ...)
{
	va_list ap;

	if (s->phase == PHASE_OVER)
		return;
	va_start(ap, reason);
	session_reason(s, reason, ap);
	va_end(ap);
	if (s->rec.answer == NULL)
		s->rec.answer = "reset";
	session_reset_taps(s, dir);
	session_over(s, 1);
}

void
session_broke(struct session *s, enum flow_dir dir, const char *reason, ...)
{
	va_list ap;

	if (s->phase == PHASE_OVER)
		return;
	va_start(ap, reason);
	session_reason(s, reason, ap);
	va_end(ap);
	session_reset_taps(s, dir);
	session_over(s, 1);
}

/* Whether it is a browser, or any client that reads HTTP answers. */
static int
session_reads_http(const struct session *s)
{
	if (s->rec.protocol != PROTO_TLS)
		return s->rec.protocol == PROTO_HTTP && !s->rec.perhaps;
	return alpn_has(s->alpn, s->alpn_len, "http/1.1");
}

/* A fatal alert (RFC 8446, 6): plainer than a reset. */
static char *
alert_record(uint8_t alert, size_t *len)
{
	uint8_t record[] = { 21, 3, 3, 0, 2, 2, alert };

	*len = sizeof(record);
	return xmemdup(record, sizeof(record));
}

static void
session_say_alert(struct session *s, uint8_t alert)
{
	s->page = alert_record(alert, &s->page_len);
	s->rec.answer = "alert";
}

void
session_alert(struct session *s, uint8_t alert, const char *reason, ...)
{
	va_list ap;

	va_start(ap, reason);
	session_reason(s, reason, ap);
	va_end(ap);
	session_drop_taps(s);
	conn_close(&s->server, 1);
	session_say_alert(s, alert);
	session_go(s, PHASE_PAGE);
	if (s->phase == PHASE_PAGE)
		session_timer(s, ALERTED_MS);
}

void
session_refuse(struct session *s, int status, const char *reason, ...)
{
	char why[sizeof(s->rec.reason)];
	va_list ap;

	va_start(ap, reason);
	vsnprintf(why, sizeof(why), reason, ap);
	va_end(ap);
	if (s->rec.reason[0] == '\0')
		memcpy(s->rec.reason, why, sizeof(why));
	if (s->asked || s->socks) {
		explicit_failed(s, status, why);
		return;
	}
	if (s->page != NULL || s->client.ops != &transport_plain ||
	    (!session_reads_http(s) &&
	    (s->rec.protocol != PROTO_TLS || status == 403))) {
		session_reset(s, DIR_DOWN, "%s", why);
		return;
	}
	session_drop_taps(s);
	conn_close(&s->server, 1);
	if (session_reads_http(s))
		page_set(s, status, why);
	else
		session_say_alert(s, ALERT_HANDSHAKE_FAILURE);
	session_go(s, s->rec.protocol == PROTO_TLS && session_reads_http(s) ?
	    PHASE_FORGE : PHASE_PAGE);
}

/* In the worker's reap event: nothing refers to it any more. */
void
session_free(struct session *s)
{
	event_del(&s->again);	/* a tap may have asked for it in its close */
	leaf_unref(s->leaf);
	certinfo_unref(s->rec.cert);
	forward_free(s->forward);
	free(s->alpn);
	free(s->page);
	free(s->request_name);
	free(s->judged);
	free(s->judged_name);
	policy_unref(s->policy);
	free(s);
}

static void
session_tap_abort(void *owner, const char *why)
{
	struct session *s = owner;

	s->aborted = why;
	session_soon(s);
}

static void
session_tap_again(void *owner)
{
	session_soon(owner);
}
