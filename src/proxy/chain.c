/*
 * The row of a session that goes through inline devices. The way is asked for
 * when the verdict is known, so that it is made while the handshakes run.
 *
 * While bytes are in a device, a timer looks whether any come out: what the
 * kernel of ours has sent to it, and nobody has acknowledged, is inside. A
 * closed window is no such silence, because then all that was sent is
 * acknowledged.
 */
#include "proxy/chain.h"

#include <errno.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <stdlib.h>

#include "net/sock.h"
#include "proxy/inner.h"
#include "proxy/session.h"
#include "proxy/taps.h"
#include "stream/node.h"
#include "util/clock.h"
#include "util/mem.h"

#define LOOKS		4	/* in a verdict-timeout */
/* What a device says to the client after it has reset the server. */
#define LAST_WORDS_MS	2000

struct chain_end {		/* of a hop: P or Q */
	struct conn	 conn;
	uint64_t	 acked;		/* bytes, at the last look */
	uint64_t	 since;		/* ms: that it is so; 0: all is */
};

struct chain_hop {
	struct chain_end end[2];	/* near, far, from the client */
	int		 left;		/* what became of it is known */
};

struct chain {
	struct session	*session;
	const struct chain_ops *ops;
	struct chain_way *way;
	struct wire	*more;		/* the row's, behind the client's */
	struct chain_hop *hops;
	unsigned	 n;
	unsigned	 ready:1;	/* the row is its way */
	unsigned	 cut:1;		/* what is behind a hop is gone */
	struct event	 look;
};

/* Whether the verdict wants devices for what this session is. */
static int
chain_wanted(const struct session *s)
{
	const struct conf_rule *rule = s->verdict.rule;

	if (rule == NULL || rule->chain == NULL || s->verdict.later ||
	    s->worker->env->chain == NULL || session_conf(s)->monitor)
		return 0;
	if (!facts_tls(&s->facts))
		return (rule->chain->also & CHAIN_ALSO_PLAIN) != 0;
	if (s->verdict.action == ACTION_BYPASS)
		return (rule->chain->also & CHAIN_ALSO_BYPASSED) != 0;
	return s->verdict.action == ACTION_DECRYPT;
}

int
chain_http11(const struct session *s)
{
	return chain_wanted(s) && s->verdict.rule->chain->http11;
}

int
chain_due(const struct session *s)
{
	return s->chain != NULL && !s->chain->ready;
}

static void
chain_changed(void *owner)
{
	struct session *s = owner;
	struct chain *c = s->chain;
	const char *why;

	if (s->phase == PHASE_CHAIN)
		session_soon(s);
	else if (c->n > 0 && c->ops->state(c->way, &why) == CHAIN_REFUSED)
		session_due(s, step_broke(s, DIR_UP, "%s", why));
}

void
chain_begin(struct session *s)
{
	struct worker *w = s->worker;
	struct chain_want want = {
		.chain = NULL,
		.client = &s->facts.client,
		.server = &s->facts.server,
		.decrypted = facts_tls(&s->facts) &&
		    s->verdict.action == ACTION_DECRYPT,
		.from_outside = conf_from_outside(session_conf(s),
		    &s->facts.client, &s->facts.server),
		.changed = chain_changed,
		.owner = s,
	};

	if (s->chain != NULL || !chain_wanted(s) ||
	    s->facts.server.sa.sa_family == AF_UNSPEC)
		return;
	want.chain = s->verdict.rule->chain;
	s->chain = xcalloc(1, sizeof(*s->chain));
	s->chain->session = s;
	s->chain->ops = w->env->chain;
	s->chain->way = w->env->chain->begin(w->chain, &want);
}

static void
chain_record(struct session *s)
{
	struct chain *c = s->chain;

	s->rec.hops = c->ops->record(c->way, &s->rec.nhops);
}

/* The wire on the client's side of a hop, also where the row was cut. */
static struct wire *
chain_wire(struct session *s, unsigned hop)
{
	return hop == 0 ? &s->wire : s->chain->more + hop - 1;
}

/* The bytes that a device was sent: not those that the kernel still has. */
static uint64_t
chain_entered(const struct wire *w, enum flow_dir dir,
    const struct chain_end *e)
{
	uint64_t unsent = sock_unsent(e->conn.sock.fd);

	if (unsent > 0 && w->flow[dir].end_out == END_FIN)
		unsent--;
	return w->flow[dir].out - unsent;
}

/* What became of the session in a hop; the first call counts. Returns the
 * clause for the log. */
static const char *
chain_left(struct session *s, unsigned hop, enum chain_event event)
{
	struct chain *c = s->chain;
	struct chain_hop *h = &c->hops[hop];
	uint64_t bytes[2] = {
		chain_entered(chain_wire(s, hop), DIR_UP, &h->end[0]),
		chain_entered(chain_wire(s, hop + 1), DIR_DOWN, &h->end[1])
	};

	if (h->left)
		return "device: closed";
	h->left = 1;
	return c->ops->event(c->way, hop, event, bytes);
}

static void
hop_close(struct chain_hop *h, int reset)
{
	conn_close(&h->end[0].conn, reset);
	conn_close(&h->end[1].conn, reset);
}

/* The session ends before its row was made: its hops were not used. */
static void
chain_unused(const struct chain *c)
{
	static const uint64_t none[2];
	const char *why;
	unsigned i;

	if (c->hops != NULL || c->ops->state(c->way, &why) != CHAIN_READY)
		return;
	for (i = 0; i < c->ops->hops(c->way); i++)
		c->ops->event(c->way, i, CHAIN_PASSED, none);
}

void
chain_shorten(struct session *s, int reset)
{
	struct chain *c = s->chain;
	unsigned i;

	if (c == NULL)
		return;
	chain_unused(c);
	for (i = 0; i < c->n; i++) {
		chain_left(s, i, CHAIN_PASSED);
		hop_close(&c->hops[i], reset);
		wire_drop(&c->more[i]);
	}
	if (c->n > 0) {
		event_del(&c->look);
		s->wire.end[DIR_DOWN] = &s->server;
		c->n = 0;
		s->row.n = 1;
	}
	chain_record(s);
}

void
chain_end(struct session *s)
{
	struct chain *c = s->chain;

	if (c == NULL)
		return;
	s->rec.hops = NULL;
	s->rec.nhops = 0;
	c->ops->end(c->way);
	c->way = NULL;
	if (c->hops != NULL)	/* there until nothing refers to them */
		return;
	chain_free(c);
	s->chain = NULL;
}

void
chain_free(struct chain *c)
{
	if (c == NULL)
		return;
	free(c->more);
	free(c->hops);
	free(c);
}

/*
 * Also what the kernel cannot send though the window is open: the port to the
 * device is gone.
 */
static int
chain_in_flight(struct chain_end *e, uint64_t now)
{
	struct tcp_info i = { 0 };
	socklen_t len = sizeof(i);

	if (e->conn.sock.fd == -1 || getsockopt(e->conn.sock.fd, IPPROTO_TCP,
	    TCP_INFO, &i, &len) != 0 || (i.tcpi_unacked == 0 &&
	    (i.tcpi_notsent_bytes == 0 || i.tcpi_snd_wnd < i.tcpi_snd_mss))) {
		e->since = 0;
		return 0;
	}
	if (e->since == 0 || e->acked != i.tcpi_bytes_acked)
		e->since = now;
	e->acked = i.tcpi_bytes_acked;
	return 1;
}

static void
chain_look_after(struct chain *c, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	evtimer_add(&c->look, &tv);
}

uint64_t
chain_patience(const struct session *s)
{
	return s->row.n > 1 ? s->verdict.rule->chain->verdict_timeout : 0;
}

void
chain_moved(struct session *s)
{
	struct chain *c = s->chain;

	if (c != NULL && c->n > 0 && !c->cut &&
	    !evtimer_pending(&c->look, NULL))
		chain_look_after(c, chain_patience(s) / LOOKS);
}

/* The device has reset the server's side: has the client heard the rest? */
static void
chain_last_words(struct session *s)
{
	if (s->wire.flow[DIR_DOWN].end_out == END_FIN)
		session_due(s, step_end(s, "closed"));
	else if (session_last(s)->flow[DIR_DOWN].end_in == END_NONE)
		session_due(s, step_broke(s, DIR_DOWN, "device: reset"));
	else
		chain_look_after(s->chain, LAST_WORDS_MS);
}

static void
chain_look(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	struct chain *c = s->chain;
	uint64_t now = clock_coarse_ms();
	unsigned i, any = 0;
	struct chain_end *e;

	if (c->cut) {
		chain_last_words(s);
		return;
	}
	for (i = 0; i < 2 * c->n; i++) {
		e = &c->hops[i / 2].end[i % 2];
		if (!chain_in_flight(e, now))
			continue;
		any = 1;
		if (now - e->since >= chain_patience(s) / 2)
			c->ops->doubt(c->way, i / 2);
		if (now - e->since < chain_patience(s))
			continue;
		session_due(s, step_broke(s, i % 2 == 0 ? DIR_UP : DIR_DOWN,
		    "%s", chain_left(s, i / 2, CHAIN_DROPPED)));
		return;
	}
	if (any)
		chain_look_after(c, chain_patience(s) / LOOKS);
}

/* Open the two connections of a hop. */
static void
hop_open(struct session *s, unsigned i)
{
	struct chain *c = s->chain;
	struct conn *conn[2];
	int k, fd;

	for (k = 0; k < 2; k++) {
		conn[k] = &c->hops[i].end[k].conn;
		fd = c->ops->take(c->way, i, k);
		if (k == 0)	/* both ends are ours: one asks the other */
			sock_session(fd, session_conf(s)->timeouts.keepalive);
		conn_clear(conn[k], &s->worker->revisits, s->client.event, s);
		conn_open(conn[k], fd);
	}
	node_hop(conn[0], conn[1]);
}

/* Make the row of the session as long as its way is. */
static void
chain_lengthen(struct session *s, unsigned n)
{
	struct chain *c = s->chain;
	unsigned i;

	c->n = n;
	c->hops = xcalloc(n, sizeof(*c->hops));
	c->more = xcalloc(n, sizeof(*c->more));
	for (i = 0; i < n; i++)
		hop_open(s, i);
	for (i = 0; i < n; i++)
		wire_init(&c->more[i], &c->hops[i].end[1].conn, i + 1 < n ?
		    &c->hops[i + 1].end[0].conn : &s->server,
		    &s->worker->pool, &session_taps, s);
	s->wire.end[DIR_DOWN] = &c->hops[0].end[0].conn;
	c->more[n - 1].flow[DIR_UP].wire.passed =
	    s->wire.flow[DIR_UP].wire.passed;
	s->wire.flow[DIR_UP].wire.passed = NULL;
	s->row.more = c->more;
	s->row.n = n + 1;
	evtimer_assign(&c->look, s->worker->base, chain_look, s);
}

/*
 * A device has reset a hop's far end. The server is told at once. The device
 * may have more to say to the client: its page, then FIN; or RST here, too.
 */
static void
chain_cut(struct session *s, unsigned hop)
{
	struct chain *c = s->chain;
	unsigned i;

	for (i = hop; i < c->n; i++)
		taps_cut(s, &c->more[i], DIR_DOWN);
	for (i = hop + 1; i < c->n; i++) {
		chain_left(s, i, CHAIN_PASSED);
		hop_close(&c->hops[i], 1);
	}
	for (i = hop; i < c->n; i++)
		wire_drop(&c->more[i]);
	conn_close(&c->hops[hop].end[1].conn, 1);
	conn_close(&s->server, 1);
	s->row.n = hop + 1;
	c->cut = 1;
	chain_look_after(c, LAST_WORDS_MS);
	session_again(s);
}

int
chain_broke(struct session *s, const struct conn *broke, struct step *next)
{
	struct chain *c = s->chain;
	unsigned i = 0;

	while (c != NULL && i < 2 * c->n && broke !=
	    &c->hops[i / 2].end[i % 2].conn)
		i++;
	if (c == NULL || i == 2 * c->n)
		return 0;
	/* It ended in silence, and not by a word of the device. */
	*next = step_broke(s, i % 2 == 0 ? DIR_UP : DIR_DOWN, "%s",
	    chain_left(s, i / 2, broke->sock.err == ECONNRESET ||
	    broke->sock.err == EPIPE ? CHAIN_RESET : CHAIN_DROPPED));
	if (i % 2 == 1 && !c->cut) {
		chain_cut(s, i / 2);
		*next = step_wait();
	}
	return 1;
}

enum chain_state
chain_ready(struct session *s, const char **why)
{
	struct chain *c = s->chain;
	enum chain_state state = c->ops->state(c->way, why);
	unsigned n;

	if (state == CHAIN_READY && (n = c->ops->hops(c->way)) > 0)
		chain_lengthen(s, n);
	c->ready = state == CHAIN_READY;
	if (state != CHAIN_WAIT)
		chain_record(s);
	return state;
}
