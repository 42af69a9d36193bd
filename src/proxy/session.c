/*
 * The life of a session: begin, phases, taps, end. What each phase does is
 * in the files that the table names.
 */
#include "proxy/session.h"

#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>

#include "net/neighbours.h"
#include "proxy/answer.h"
#include "proxy/chain.h"
#include "proxy/clients.h"
#include "proxy/endpoint.h"
#include "proxy/explicit.h"
#include "proxy/forward.h"
#include "proxy/inner.h"
#include "proxy/ours.h"
#include "proxy/phases.h"
#include "proxy/taps.h"
#include "proxy/turn.h"
#include "proxy/unread.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/leases.h"

/* A client that was told by an alert has nothing more to hear. */
#define ALERTED_MS	1000
#define PEAK_SESSIONS	128	/* with less memory is not given back */

static const struct phase_ops phase_over = { .name = "over" };

static const struct phase_ops *const phases[] = {
	[PHASE_HEAD] = &phase_head,
	[PHASE_HELLO] = &phase_hello,
	[PHASE_CONFIRM] = &phase_confirm,
	[PHASE_CONNECT] = &phase_connect,
	[PHASE_TURN] = &phase_turn,
	[PHASE_SERVER_TLS] = &phase_server_tls,
	[PHASE_CHAIN] = &phase_chain,
	[PHASE_FORGE] = &phase_forge,
	[PHASE_CLIENT_TLS] = &phase_client_tls,
	[PHASE_RELAY] = &phase_relay,
	[PHASE_UPGRADE] = &phase_upgrade,
	[PHASE_SPLICE] = &phase_splice,
	[PHASE_PAGE] = &phase_page,
	[PHASE_OVER] = &phase_over
};

static _Atomic unsigned	sessions_open;

static void	session_event(void *, struct conn *);
static void	session_timed(evutil_socket_t, short, void *);
static void	session_woken(evutil_socket_t, short, void *);

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
	s->place = place_ref(w->place);
	s->policy = w->policy;
	s->rec.id = session_id();
	s->rec.start = clock_wall();
	s->facts.now = s->rec.start.tv_sec;
	s->facts.listener = l->name;
	s->facts.mode = l->mode;
	s->facts.client = *client;
	s->facts.mac_known = neighbours_mac(w->env->neighbours, client,
	    s->facts.mac) == 0 || leases_mac(w->env->leases, client,
	    s->facts.mac) == 0;
	s->rec.facts = &s->facts;
	s->rec.verdict = &s->verdict;
	s->rec.policy = s->policy;
	s->rec.state = "new";
	s->active = clock_coarse_ms();
	conn_clear(&s->client, &w->revisits, session_event, s);
	conn_clear(&s->server, &w->revisits, session_event, s);
	wire_init(&s->wire, &s->client, &s->server, &w->pool, &session_taps, s);
	s->wire.flow[DIR_UP].wire.passed = &s->rec.bytes[DIR_UP];
	s->wire.flow[DIR_DOWN].wire.passed = &s->rec.bytes[DIR_DOWN];
	s->row.wire = &s->wire;
	s->row.n = 1;
	evtimer_assign(&s->timer, w->base, session_timed, s);
	evtimer_assign(&s->again, w->base, session_woken, s);
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
	if (l->mode != CONF_EXPLICIT) {
		policy_server(s->policy, &s->facts, server);
		s->facts.port = addr_port(server);
	}
	endpoint_look(s);
	session_apply(s, step_go(l->mode == CONF_EXPLICIT ? PHASE_HEAD :
	    PHASE_HELLO));
}

/* Where the worker is, should it not come back. */
static void
session_is_at(const struct session *s)
{
	worker_is_at(s->worker, s->rec.id, phases[s->phase]->name);
}

static struct step
session_take_due(struct session *s)
{
	struct step due = s->due;

	s->due = step_wait();
	return due;
}

/* Something happened to a connection, or (NULL) an answer came. */
static void
session_event(void *owner, struct conn *c)
{
	struct session *s = owner;
	const struct phase_ops *phase = phases[s->phase];

	session_is_at(s);
	if (s->due.kind != STEP_WAIT)
		session_apply(s, session_take_due(s));
	else if (phase->event != NULL)
		session_apply(s, phase->event(s, c));
}

static void
session_timed(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	session_is_at(s);
	if (s->due.kind != STEP_WAIT)
		session_apply(s, session_take_due(s));
	else if (phases[s->phase]->timeout != NULL)
		session_apply(s, phases[s->phase]->timeout(s));
}

static void
session_woken(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	session_event(s, NULL);
}

/* The phase is over, and whatever it was waiting for. */
static void
session_leave(struct session *s)
{
	event_del(&s->timer);
	if (phases[s->phase]->leave != NULL)
		phases[s->phase]->leave(s);
}

static void
session_over(struct session *s, struct step t)
{
	struct worker *w = s->worker;
	int reset = t.kind != STEP_END;

	if (t.kind == STEP_RESET && s->rec.answer == NULL)
		s->rec.answer = "reset";
	if (reset)
		taps_reset(s, t.dir);
	unread_over(s);
	session_leave(s);
	turn_end(s);
	event_del(&s->again);
	taps_close(s);
	server_tls_over(s);
	chain_shorten(s, reset);
	conn_close(&s->client, reset);
	conn_close(&s->server, reset);
	wire_drop(&s->wire);
	s->rec.end = clock_wall();
	s->rec.state = s->established ? "closed" : "new";
	count(w->counts.bytes[DIR_UP], s->rec.bytes[DIR_UP]);
	count(w->counts.bytes[DIR_DOWN], s->rec.bytes[DIR_DOWN]);
	count(w->counts.ended, 1);
	mem_rose(&w->peak, w->counts.open);
	atomic_fetch_sub(&w->counts.open, 1);
	mem_fell(&w->peak, w->counts.open, PEAK_SESSIONS);
	atomic_fetch_sub(&sessions_open, 1);
	clients_remove(&s->facts.client);
	if (w->env->ended != NULL)
		w->env->ended(w->env->arg, &s->rec);
	chain_end(s);
	log_debug("session %llu: over", (unsigned long long)s->rec.id);
	s->phase = PHASE_OVER;
	TAILQ_REMOVE(&w->sessions, s, link);
	TAILQ_INSERT_TAIL(&w->dead, s, link);
	event_active(&w->reap, EV_TIMEOUT, 0);
	if (w->paused)
		event_active(&w->resume, EV_TIMEOUT, 0);
}

/* Whether it is a browser, or any client that reads HTTP answers. */
static int
session_reads_http(const struct session *s)
{
	if (!facts_tls(&s->facts))
		return s->facts.protocol == PROTO_HTTP && !s->facts.http_unsure;
	return session_offers(s, "http/1.1") ||
	    (s->portal && s->facts.alpn_len == 0);
}

/* There will be no server: what follows is for the client alone. */
static void
session_drop_server(struct session *s)
{
	taps_drop(s);
	chain_shorten(s, 1);
	conn_close(&s->server, 1);
}

static struct step
session_refuse(struct session *s, int status)
{
	int tls = facts_tls(&s->facts);
	int http = session_reads_http(s) &&
	    (!tls || ours_of(s) != NULL || tls_authority(
	    s->place->parts->tls, session_ca(s)) != NULL);

	if (s->reply_due || s->socks)
		return explicit_refused(s, status);
	if (session_answers(s) || s->client.ops != &transport_plain ||
	    (!http && (!tls || status == 403)))
		return step_reset(s, DIR_DOWN, "refused");
	session_drop_server(s);
	if (http && s->rec.bytes[DIR_UP] > 0)	/* the request has gone */
		answer_page(s, status, s->rec.reason);
	else if (http)
		answer_request(s, status);
	else
		answer_alert(s, ALERT_HANDSHAKE_FAILURE);
	return step_go(tls && http ? PHASE_FORGE : PHASE_PAGE);
}

static struct step
session_enter(struct session *s, enum phase phase)
{
	log_debug("session %llu: %s -> %s", (unsigned long long)s->rec.id,
	    phases[s->phase]->name, phases[phase]->name);
	session_leave(s);
	s->phase = phase;
	if (!phases[phase]->handshake)
		turn_end(s);
	return phases[phase]->enter(s);
}

static struct step
session_alert(struct session *s, uint8_t alert)
{
	struct step next;

	session_drop_server(s);
	answer_alert(s, alert);
	next = session_enter(s, PHASE_PAGE);
	session_timer(s, ALERTED_MS);
	return next;
}

/* The client's connection, with what was read from it, goes to a new session;
 * this one ends. */
static void
session_hand_over(struct session *s)
{
	struct session *n = session_alloc(s->worker, s->listen,
	    &s->facts.client);

	wire_hand_over(&n->wire, &s->wire, DIR_UP);
	conn_move(&n->client, &s->client);
	endpoint_look(n);
	clients_add(&n->facts.client, UINT_MAX);	/* until this is over */
	session_over(s, step_end(s, "client asked for another server"));
	session_apply(n, step_go(PHASE_HEAD));
}

void
session_apply(struct session *s, struct step t)
{
	while (s->phase != PHASE_OVER)
		switch (t.kind) {
		case STEP_WAIT:
			return;
		case STEP_GO:
			t = session_enter(s, t.phase);
			break;
		case STEP_REFUSE:
			t = session_refuse(s, t.status);
			break;
		case STEP_ALERT:
			t = session_alert(s, (uint8_t)t.status);
			break;
		case STEP_HAND_OVER:
			session_hand_over(s);
			return;
		case STEP_END:
		case STEP_RESET:
		case STEP_BROKE:
			session_over(s, t);
			return;
		}
}

/* In the worker's reap event: nothing refers to it any more. */
void
session_free(struct session *s)
{
	event_del(&s->again);	/* a tap may have asked for it in its close */
	leaf_unref(s->leaf);
	certinfo_unref(s->facts.cert);
	forward_free(s->forward);
	chain_free(s->chain);
	free(s->alpn);
	free(s->hello);
	free(s->dialogue);
	answer_free(s);
	endpoint_forget(s);
	free(s->request_name);
	free(s->name_allowed);
	shown_free(s->rec.shown);
	place_unref(s->place);
	free(s);
}
